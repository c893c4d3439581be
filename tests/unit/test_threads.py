"""OpenMP's idle threads sleep soon, wherever PyTorch is loaded; what a user sets stays.

GNU's OpenMP shows its settings when it is loaded: ``GOMP_SPINCOUNT = '300000'`` is its own.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def spins(first, **variables):
    """How often threads spin in a process that imports ``first`` and then PyTorch."""
    env = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    env |= {"OMP_DISPLAY_ENV": "VERBOSE", "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(
        [sys.executable, "-c", f"import {first}, torch"],
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    if (shown := re.search(r"GOMP_SPINCOUNT = '(\d+)'", done.stderr)) is None:
        pytest.skip("PyTorch does not use GNU's OpenMP here")
    return int(shown[1])


@pytest.mark.parametrize(
    "first",
    [
        "siked.__main__",
        "siked.training.loop",
        "stages.eval",
        "stages.train",
        "benchmarks.generation",
        "benchmarks.training",
    ],
)
def test_idle_threads_sleep_soon_wherever_pytorch_is_loaded(first):
    assert spins(first) < 300_000


@pytest.mark.parametrize(
    ("variables", "count"), [({"GOMP_SPINCOUNT": "7"}, 7), ({"OMP_WAIT_POLICY": "PASSIVE"}, 0)]
)
def test_what_a_user_sets_stays(variables, count):
    assert spins("siked.training.loop", **variables) == count
