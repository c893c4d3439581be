"""Isolation from the user's home and environment; where optional inputs lie; the order of files."""

import os
import signal
from itertools import groupby
from pathlib import Path

import dvc.logger  # noqa: F401 - now: its log keeps the streams that it finds when it is imported
import hypothesis
import pytest

ROOT = Path(__file__).parents[1]

hypothesis.settings.register_profile("no times", deadline=None)
hypothesis.settings.load_profile("no times")

# Tests start hundreds of interpreters, and each would compile this package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell that started the tests in the background has them, and all that they start, ignore
    # Ctrl-C; what the tests see of it must not depend on that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)  # after what the command line leaves out is left out
def pytest_collection_modifyitems(items):
    """Order the files: slow ones first, so that no process ends with one while the others idle.

    One file begins that wants the pipeline's first run, with the process that makes it; the others
    that want it come behind slow files which do not, so that nobody waits for it.
    """
    quick, slow, waits = [], [], []
    for _, tests in groupby(items, key=lambda item: item.path):
        file = list(tests)
        if any("first_run" in item.fixturenames for item in file):
            waits.append(file)
        elif any(item.get_closest_marker("slow") for item in file):
            slow.append(file)
        else:
            quick.append(file)
    items[:] = [item for file in (*waits[:1], *slow, *waits[1:], *quick) for item in file]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """A test that needs an engine's own environment is skipped where none is named."""
    for mark in item.iter_markers("engines"):
        for package in mark.args:
            name = f"SIKED_{package.upper()}_PYTHON"
            if not os.environ.get(name):
                pytest.skip(
                    f"{name} names no environment with {package}: `make test-engines` makes one"
                )


@pytest.fixture(autouse=True)
def own_environment(tmp_path_factory, monkeypatch):
    """No test reads or writes the user's home, caches or tracking server."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.setenv("TERM", "dumb")
    for name in ("DVC_ROOT", "DVC_EXP_NAME", "MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.org")


@pytest.fixture(scope="session")
def raw() -> Path:
    """The folder of raw benchmark files; the test is skipped where there is none."""
    folder = Path(os.environ.get("SIKED_RAW", ROOT.parent / "shared" / "data" / "raw"))
    if not folder.is_dir():
        pytest.skip(f"no raw benchmark files: set SIKED_RAW to their folder (looked in {folder})")
    return folder
