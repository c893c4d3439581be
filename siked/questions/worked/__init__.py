"""Worked solutions: calculations and names from the notes of data sets."""
