"""Exact numbers: arithmetic over literals and names, and gold answers as written."""
