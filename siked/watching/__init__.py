"""A pipeline seen from outside: which stages are done, run or wait, and what came of them.

Everything is read from files that the run leaves anyway, and nothing is written, so that it works
over ssh and for a run that somebody else started.
"""
