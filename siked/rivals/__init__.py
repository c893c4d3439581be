"""Students that other methods train, to compare SIKeD with."""

import os

# GKD is among TRL's experimental trainers, which each warn of that when they are imported.
os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
