"""Engines turn prompts into completions: one module each behind one protocol."""
