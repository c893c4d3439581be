"""What the terminal shows: lines and tables that cannot steer it, and how far work has come."""
