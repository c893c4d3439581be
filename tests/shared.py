"""What takes long to make and is only read: one process of a test run makes it, for all of them.

    folder = once(tmp_path_factory, "finished", make)     # make(folder), where nobody has done it

pytest-xdist runs session fixtures in each of its processes; this is what they have in common.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that ``make`` fills: the first that asks waits for it, the others for that.

    Args:
        factory: pytest's ``tmp_path_factory``.
        name: of the folder, the same in all processes.
        make: fills the folder that it is given. When it fails, the next that asks tries again in
            another folder.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent  # above the folders of the processes
    made = root / f"{name}.made"
    with FileLock(root / f"{name}.lock"):
        if not made.exists():
            folder = factory.mktemp(name)
            make(folder)
            made.write_text(str(folder))
    return Path(made.read_text())
