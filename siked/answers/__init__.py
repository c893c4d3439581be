"""Answers: finding one in a rationale, reading it as a number, comparing it with the gold.

``docs/verification.md`` has the rules in words.
"""
