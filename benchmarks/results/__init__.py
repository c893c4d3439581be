"""The tables and pictures of the docs, from files in git: ``python -m benchmarks.results``."""
