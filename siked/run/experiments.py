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

Seconds are this machine's (``siked.run.progress``). A stage that an experiment took over from
another one took what it took there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from siked.errors import UserError
from siked.run import layout
from siked.run.dvc import NO_REPOSITORY, Stage
from siked.run.progress import read_timings
from siked.run.run import Revision, Run, evaluation
from siked.settings import flatten

STEPS = ("generate", "train")
"""The steps that cost tokens, written and trained on; evaluations cost every run the same."""
DONE = {None, "Success"}
"""How DVC calls experiments that have a result."""
WORKSPACE = "workspace"
"""The name of a run in the workspace that no commit has."""
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
        """Return the tokens of one step over all iterations."""
        return sum(count for stage, count in self.tokens.items() if stage.startswith(f"{step}@"))


def experiments(root: Path) -> list[Experiment]:
    """Return the current commit, its experiments from the oldest to the newest, then queued ones.

    A run of the workspace that is none of them (``dvc repro``, not committed) follows the commit.

    Raises:
        UserError: ``root`` is not the root of a repository of git and DVC, or a file is damaged.
    """
    head, *rest = [row for row in _shown(root) if row["rev"] != WORKSPACE]
    rest.reverse()
    done = {None: "HEAD"} | {
        row["Experiment"] or row["rev"]: row["rev"] for row in rest if row["State"] in DONE
    }
    with contextlib.ExitStack() as stack:
        runs: dict[str | None, Run] = {
            name: stack.enter_context(Revision(root, rev)) for name, rev in done.items()
        }
        workspace = Run(root)
        if all(workspace.lock != run.lock for run in runs.values()):
            runs = {None: runs.pop(None), WORKSPACE: workspace} | runs
        base = dict(flatten(runs[None].settings))
        times = _times(root, {name: run.lock for name, run in runs.items()})
        found = [_read(run, name or head["rev"], base, times[name]) for name, run in runs.items()]
    return [
        *found,
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
    from dvc.scm import SCMError

    try:
        rows: list[dict[str, Any]] = exp_show(repo=str(root))
    except SCMError:
        raise UserError(f"{root.resolve()}: {NO_REPOSITORY}") from None
    except DvcException as error:
        first = str(error).partition("\n")[0]
        raise UserError(f"{root.resolve()}: DVC shows no experiments: {first}") from None
    return rows


def _read(
    run: Run, name: str, base: Mapping[str, str], times: Mapping[str, Time | None]
) -> Experiment:
    """One commit's settings and figures."""
    settings = dict(flatten(run.settings))
    changed = {
        key: settings.get(key, "left out")
        for key in sorted(settings.keys() | base.keys())
        if settings.get(key) != base.get(key)
    }
    if not run.summary or not run.is_whole("report"):
        return Experiment(name, NO_REPORT, settings, changed)
    steps = {one: run.figures(layout.gathered(one)) for one in run.chain}
    return Experiment(
        name=name,
        settings=settings,
        changed=changed,
        selected=run.selected,
        scores=evaluation(steps.get(run.selected, {}).get("eval", {})),
        tokens={
            f"{step}@{student}": int(counted[step]["tokens"])
            for student, counted in steps.items()
            for step in STEPS
            if step in counted
        },
        seconds={stage: time.seconds for stage, time in times.items() if time},
        partial=frozenset(stage for stage, time in times.items() if not (time and time.whole)),
    )


class Time(NamedTuple):
    """How long a stage took."""

    seconds: float
    whole: bool
    """Whether the journal had none of its work."""


def _times(
    root: Path, locks: Mapping[str | None, Mapping[str, Stage]]
) -> dict[str | None, dict[str, Time | None]]:
    """By experiment (None: the commit) and stage, the time; None where none is known.

    What ``dvc repro`` took is the workspace's, which is the commit's where that has the same run.
    What dvc.lock says of a stage is the same for two experiments only where both have the one's
    work: then one time is both's.
    """
    repro = WORKSPACE if WORKSPACE in locks else None
    recorded = {
        (one.experiment or repro, one.stage): Time(one.seconds, not one.recalled)
        for one in read_timings(root / layout.TIMINGS)
    }
    known: dict[str, Time] = {}
    for name, lock in locks.items():
        for stage in lock.values():
            if time := recorded.get((name, stage.called)):
                known.setdefault(repr(stage), time)
    return {
        name: {stage.called: known.get(repr(stage)) for stage in lock.values()}
        for name, lock in locks.items()
    }
