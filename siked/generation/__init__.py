"""Prompts in, completions out: the engines, and what is asked of them."""
