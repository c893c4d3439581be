"""What to learn from and what to test on: sources, formats, worked solutions, splits, the demo."""
