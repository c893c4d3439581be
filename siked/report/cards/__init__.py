"""Cards: what is in a data set or model, where it comes from, and what it is good for.

Written from the files and settings alone: the same run gives the same bytes.
"""
