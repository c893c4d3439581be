"""What the last run of this machine measured, of that which counts for these settings.

Seconds are those of ``siked.run.progress``; what a stage did in that time is in
``metrics/students/it1/generate.json``:

    {"carried": false, "engine": "vllm", "rows": 2880, "tokens": 118602, "truncated": 0.0045}
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from statistics import mean, median
from typing import Any

from siked.estimating.counts import WriterRates, count_parameters
from siked.estimating.rates import Kind, Machine
from siked.files import format_json
from siked.run import layout
from siked.run.progress import read_timings
from siked.run.run import Run
from siked.settings import Params

SOURCE = "the last run"


@dataclass(frozen=True)
class LastRun:
    """What the run whose figures lie in the workspace tells; None where it does not."""

    machine: Machine
    """How fast its student was."""
    length: float | None = None
    """Tokens of a rationale that the student wrote; of the same questions."""
    teacher: WriterRates | None = None
    """Of the same questions and teachers."""
    student: WriterRates | None = None
    """Of the same questions and student, over all iterations."""


def last_run(run: Run, params: Params) -> LastRun:
    """Return what was measured that counts for these settings.

    Args:
        run: the workspace's, finished or not.
        params: the settings of the run that is estimated.

    Raises:
        UserError: a file of figures is no JSON.
    """
    latest = {one.stage: one for one in read_timings(run.root / layout.TIMINGS)}
    steps: dict[str, dict[str, Any]] = {
        f"{step}@{folder.name}": figures
        for folder in run.inside(layout.COUNTED)
        if folder.name not in run.rivals  # their trainings write too
        for step, figures in run.counted(folder.name).items()
        if not figures.get("carried")
    }

    def rate(step: str, count: Callable[[dict[str, Any]], float]) -> float | None:
        rates = [
            done / took.seconds
            for stage, figures in steps.items()
            if stage.startswith(f"{step}@")
            # What an earlier run had done took no time.
            and (took := latest.get(stage))
            and not took.recalled
            and took.seconds >= 1
            and (done := count(figures))
        ]
        return median(rates) if rates else None

    kinds: dict[Kind, float | None] = {
        "generation": rate("generate", itemgetter("tokens")),
        "answering": rate("eval", _count_answered),
        "training": rate("train", itemgetter("tokens")),
    }
    lengths = [
        figures["tokens"] / figures["rows"]
        for stage, figures in steps.items()
        if stage.startswith("generate@") and figures.get("rows")
    ]
    student = [figures for stage, figures in steps.items() if stage.startswith("filter@")]
    questions, same = _is_same(run, params, "questions"), _is_same(run, params, "student")
    taught = questions and _has_same_teachers(run, params)
    return LastRun(
        Machine(
            {kind: speed for kind, speed in kinds.items() if speed},
            count_parameters(run.file(layout.BASE)),
        ),
        length=mean(lengths) if questions and lengths else None,
        teacher=_read_writer([run.figures(layout.TAUGHT)], params) if taught else None,
        student=_read_writer(student, params) if questions and same else None,
    )


def _read_writer(filters: list[dict[str, Any]], params: Params) -> WriterRates | None:
    """Return what figures of filter stages say; None where a strategy is in none of them."""
    shares: dict[str, float] = {}
    for strategy in params.strategies:
        found = [one.get("strategies", {}).get(strategy, {}) for one in filters]
        if not (rows := sum(one.get("rows_in", 0) for one in found)):
            return None
        shares[strategy] = sum(one.get("rows_out", 0) for one in found) / rows
    return WriterRates(shares, SOURCE)


def _is_same(run: Run, params: Params, section: str) -> bool:
    """Return whether a stage of the run had the same section of settings."""
    now = params.model_dump(mode="json", exclude_unset=True)[section]
    key = f"{layout.PARAMS}: {section}"
    return any(stage.params.get(key) == now for stage in run.lock.values())


def _has_same_teachers(run: Run, params: Params) -> bool:
    """Return whether the run's rationales are by the teachers of these settings."""
    ran = {
        Path(dep.path).stem: dep.md5
        for stage in run.lock.values()
        for dep in stage.deps
        if Path(dep.path).parent == layout.TEACHERS
    }
    return all(
        ran.get(name) == hashlib.md5(format_json(one).encode(), usedforsecurity=False).hexdigest()
        for name, one in params.describe_teachers().items()
    )


def _count_answered(figures: dict[str, Any]) -> float:
    """Return about how many tokens an evaluation wrote.

    Answers that were not chosen count as long as those that were. It is 0 where samples were drawn
    too, because the figures do not say how long those are.
    """
    benchmarks = figures.get("benchmarks", {}).values()  # not in those of an older version
    if any("samples" in one for one in benchmarks):
        return 0
    return float(
        sum(
            one["n"] * one["completion_tokens"] * max(1, len(one.get("forced", ())))
            for one in benchmarks
        )
    )
