"""What dvc.lock says of a run: which files went into each stage, and which came out.

lock = stages(Path("dvc.lock").read_text())
lock["train@it1"]["outs"]             # [{"path": "models/students/it1", "md5": "3d...", ...}]
of_this_run("report", lock, params)   # False after `dvc exp run train@it1`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from siked.settings import FIRST_ITERATION

FIGURES = "metrics/students/"
"""Where the figures of every student are, a folder each."""


def stages(text: str) -> dict[str, Any]:
    """The stages of a dvc.lock, by DVC's names of them; none where the text is empty."""
    # The C loader, where there is one, takes a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = (yaml.load(text, Loader=loader) or {}).get("stages", {})
    return found


def of_this_run(stage: str, lock: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """Whether ``select`` or ``report`` read the figures that the run's students have.

    `dvc exp run TARGET` runs what leads to the target and leaves the rest as the commit has it:
    what an earlier run came to then stands beside new students.

    Args:
        stage: ``select`` or ``report``.
        lock: all stages.
        params: params.yaml as it is read, of any version.
    """
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    # A lock also keeps stages that earlier settings had.
    students = {FIRST_ITERATION, *(params.get("iterations") or ())}
    students |= {f"baseline-{strategy}" for strategy in params.get("strategies") or ()}
    folder = Tree()  # type: ignore[no-untyped-call]
    for one in lock.values():
        for out in one.get("outs", ()):
            path = out["path"].removeprefix(FIGURES)
            if path != out["path"] and path.split("/")[0] in students:
                folder.add(tuple(path.split("/")), None, HashInfo("md5", out["md5"]))
    folder.digest()
    deps = lock.get(stage, {}).get("deps", ())
    return folder.hash_info.value in {one["md5"] for one in deps}
