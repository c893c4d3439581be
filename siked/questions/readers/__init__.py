"""Formats of question files."""
