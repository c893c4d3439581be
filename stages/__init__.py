"""One thin script a stage: typed params in, a library call, files and metrics out.

Each runs by itself too, from the repository's root: ``python -m stages.filter --iteration it1``.
"""
