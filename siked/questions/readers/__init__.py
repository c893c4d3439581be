"""A format of question files each."""
