"""What a run was made from, as tags: git's commit, a preset, and the hashes of its inputs.

{"mlflow.source.git.commit": "417d5a1...", "mlflow.source.git.dirty": "false",
 "preset": "demo", "md5.data/own": "d95458a1a6cbf9bd139f155cb9aff2a6.dir"}
"""

import subprocess
from collections.abc import Collection
from pathlib import Path

from siked.errors import UserError
from siked.run import layout
from siked.settings import Params, load_params

DECIDES = ("data", "dvc.yaml", "prompts", "siked", "stages")
"""What decides a run beside its settings, which are recorded key by key."""


def read_revision(root: Path) -> dict[str, str]:
    """Return git's commit, and whether code, prompts, pipeline or data differ from it.

    Empty outside a git repository. The tags' names are MLflow's own.
    """
    commit = _git(root, "rev-parse", "HEAD")
    # The hashes of a student's files are written by the run itself.
    changed = _git(root, "status", "--porcelain", "--", *DECIDES, f":!{layout.SOURCE}")
    if commit is None or changed is None:
        return {}
    return {
        "mlflow.source.git.commit": commit,
        "mlflow.source.git.dirty": "true" if changed else "false",
    }


def find_preset(params: Params, folder: Path) -> str:
    """Return the name of the preset that equals the settings; empty where there is none."""
    for path in sorted(folder.glob("*.yaml")):
        try:
            same = load_params(path) == params
        except UserError:  # a broken preset is not this run's
            continue
        if same:
            return path.stem
    return ""


def read_inputs(root: Path, names: Collection[str]) -> dict[str, str]:
    """Return the md5 in ``dvc.lock`` of what a run read and no stage made, code left out.

    Right once all stages have run. Empty where there is no ``dvc.lock`` that can be read. Only the
    iterations and strategies in ``names`` count: the lock keeps those that were dropped.
    """
    from siked.run.dvc import Lineage

    try:
        lineage = Lineage(root)
    except UserError:
        return {}
    found: dict[str, set[str]] = {}
    for stage in lineage.made.values():
        if stage.name.partition("@")[2] not in {"", *names}:
            continue
        for dep in stage.deps:
            makers = (made.name for made in lineage.makers(dep.path))
            given = all(name.endswith(".dvc") for name in makers)
            if given and not dep.is_code and dep.md5 is not None:
                found.setdefault(dep.path, set()).add(dep.md5)
    # Where a file of a run without DVC has two hashes, nobody knows which was read.
    return {f"md5.{path}": hashes.pop() for path, hashes in found.items() if len(hashes) == 1}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
