"""Experiments side by side: what each changed, what came out, and what it cost.

    found = experiments(Path())
    found[1].changed             # {"generate.samples": "10"}
    found[1].scores["svamp"]     # {"accuracy": 0.31, "n": 1000, "low": 0.2821, "high": 0.3394}

DVC says which experiments started from the current commit; their settings and figures come from
git, where each experiment is a commit:

    params.yaml                       settings
    metrics/summary.json              the selected student
    metrics/iterations/it2.json       its accuracies, and what its steps handled
    dvc.lock                          what went into each stage and came out

Seconds are this machine's (``siked.run.timings``). A stage that an experiment took over from
another one took what it took there.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from siked.errors import UserError
from siked.run import locks
from siked.run.timings import timings
from siked.settings import FIRST_ITERATION, flat

STEPS = ("generate", "train")
"""The steps that cost tokens, written and trained on; evaluations cost every run the same."""
DONE = {None, "Success"}
"""How DVC calls experiments that have a result."""
NO_REPORT = "no report"
"""The state of one that was run up to a stage: other figures there would be the commit's."""


@dataclass(frozen=True)
class Experiment:
    """One experiment, or the commit that all of them started from."""

    name: str
    state: str | None = None
    """Where there is no result: ``Queued``, ``Running`` or ``Failed``, as DVC says; NO_REPORT."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """By key: ``{"mix.keep": "1"}``."""
    changed: Mapping[str, str] = field(default_factory=dict)
    """The settings that differ from the commit's."""
    selected: str | None = None
    """The iteration that dev chose; None where there is no result."""
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The selected student's figures by benchmark, dev first: accuracy, n, low, high and more."""
    tokens: Mapping[str, int] = field(default_factory=dict)
    """Tokens by stage: what the student wrote in ``generate@it1``, trained on in ``train@it1``."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall time by stage on this machine, where it is known."""
    partial: frozenset[str] = frozenset()
    """Stages whose whole time is not known: they ran elsewhere, or the journal had part."""

    def summed(self, step: str) -> int:
        """The tokens of one step over all iterations."""
        return sum(count for stage, count in self.tokens.items() if stage.startswith(f"{step}@"))


def experiments(root: Path) -> list[Experiment]:
    """The current commit, then its experiments from the oldest to the newest, then queued ones.

    Raises:
        UserError: ``root`` is not the root of a repository of git and DVC, or a file is damaged.
    """
    head, *rest = [row for row in _shown(root) if row["rev"] != "workspace"]
    rest.reverse()
    done = {None: "HEAD"} | {
        row["Experiment"] or row["rev"]: row["rev"] for row in rest if row["State"] in DONE
    }
    commits = {name: _commit(root, revision) for name, revision in done.items()}
    base = commits[None].settings
    times = _times(root, {name: one.lock for name, one in commits.items()})
    return [
        *(
            _read(root, one, name or head["rev"], base, times[name])
            for name, one in commits.items()
        ),
        *(
            Experiment(row["Experiment"] or row["rev"], row["State"])
            for row in rest
            if row["State"] not in DONE
        ),
    ]


def _shown(root: Path) -> list[dict[str, Any]]:
    """DVC's rows: the workspace, the commit, and the experiments that started from it."""
    from dvc.api import exp_show
    from dvc.exceptions import DvcException

    try:
        rows: list[dict[str, Any]] = exp_show(repo=str(root))
    except DvcException as error:
        first = str(error).partition("\n")[0]
        raise UserError(f"{root.resolve()}: DVC shows no experiments: {first}") from None
    return rows


class _Commit(NamedTuple):
    """What a commit says of its run."""

    revision: str
    params: Mapping[str, Any]
    """An older version's need not fit today's."""
    lock: Mapping[str, Any]
    """Its stages."""

    @property
    def settings(self) -> dict[str, str]:
        return dict(flat(self.params))


def _commit(root: Path, revision: str) -> _Commit:
    params = yaml.safe_load(_at(root, revision, "params.yaml") or "")
    lock = locks.stages(_at(root, revision, "dvc.lock") or "")
    return _Commit(revision, params if isinstance(params, dict) else {}, lock)


def _read(
    root: Path,
    commit: _Commit,
    name: str,
    base: Mapping[str, str],
    times: Mapping[str, Time | None],
) -> Experiment:
    """One commit's settings and figures."""
    settings = commit.settings
    changed = {
        key: settings.get(key, "left out")
        for key in sorted(settings.keys() | base.keys())
        if settings.get(key) != base.get(key)
    }
    summary = _json(root, commit.revision, "metrics/summary.json")
    if not summary or not locks.of_this_run("report", commit.lock, commit.params):
        return Experiment(name, NO_REPORT, settings, changed)
    chain = [FIRST_ITERATION, *(commit.params.get("iterations") or ())]
    steps = {one: _json(root, commit.revision, f"metrics/iterations/{one}.json") for one in chain}
    selected = str(summary["selected"])
    evaluated = steps.get(selected, {}).get("eval", {})
    return Experiment(
        name=name,
        settings=settings,
        changed=changed,
        selected=selected,
        scores={key: one for key, one in evaluated.items() if isinstance(one, dict)},
        tokens={
            f"{step}@{student}": int(counted[step]["tokens"])
            for student, counted in steps.items()
            for step in STEPS
            if step in counted
        },
        seconds={stage: time.seconds for stage, time in times.items() if time},
        partial=frozenset(stage for stage, time in times.items() if not (time and time.whole)),
    )


def _json(root: Path, revision: str, path: str) -> dict[str, Any]:
    """A file of figures at a commit; empty where the commit has none."""
    found: dict[str, Any] = json.loads(_at(root, revision, path) or "{}")
    return found


def _at(root: Path, revision: str, path: str) -> str | None:
    """A file as a commit has it; None where it has none."""
    command = ["git", "-C", str(root), "show", f"{revision}:{path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


class Time(NamedTuple):
    """How long a stage took."""

    seconds: float
    whole: bool
    """Whether the journal had none of its work."""


def _times(
    root: Path, locked: Mapping[str | None, Mapping[str, Any]]
) -> dict[str | None, dict[str, Time | None]]:
    """By experiment (None: the commit) and stage, the time; None where none is known.

    What dvc.lock says of a stage is the same for two experiments only where both have the one's
    work: then one time is both's.
    """
    recorded = _recorded(root / ".siked" / "timings.jsonl")
    entries = {name: _entries(lock) for name, lock in locked.items()}
    known: dict[tuple[str, str], Time] = {}
    for name, lock in entries.items():
        for stage, content in lock.items():
            if time := recorded.get((name, stage)):
                known.setdefault((stage, content), time)
    return {
        name: {stage: known.get((stage, content)) for stage, content in lock.items()}
        for name, lock in entries.items()
    }


def _recorded(path: Path) -> dict[tuple[str | None, str], Time]:
    """The last time of each stage, by experiment; None stands for runs outside of any."""
    return {
        (one.experiment, one.stage): Time(one.seconds, not one.recalled) for one in timings(path)
    }


def _entries(lock: Mapping[str, Any]) -> dict[str, str]:
    """What a dvc.lock says of each stage, by the name under which times are recorded."""
    return {_timed(stage): json.dumps(content, sort_keys=True) for stage, content in lock.items()}


def _timed(stage: str) -> str:
    """``train@it0`` for ``train_it0``, ``train@baseline-pot`` for ``baseline_train@pot``."""
    if stage.startswith("baseline_"):
        step, _, strategy = stage.removeprefix("baseline_").partition("@")
        return f"{step}@baseline-{strategy}"
    return stage.replace(f"_{FIRST_ITERATION}", f"@{FIRST_ITERATION}")
