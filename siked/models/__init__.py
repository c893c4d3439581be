"""Language models on disk: fetched, checked, loaded."""
