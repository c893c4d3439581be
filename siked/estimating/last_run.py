"""What the last run of this machine measured: rates, lengths and shares of right rationales.

Seconds are those of ``siked.run.progress``; what a stage did in that time is in
``metrics/students/it1/generate.json``:

    {"carried": false, "engine": "vllm", "rows": 2880, "tokens": 118602, "truncated": 0.0045}
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

from siked.estimating.acceptance import Acceptance, read_acceptance
from siked.estimating.rates import Kind, Machine, Range, span
from siked.estimating.sizes import count_parameters
from siked.run import layout
from siked.run.progress import timings
from siked.run.run import Run

Steps = Mapping[tuple[str, str], dict[str, Any]]
"""Figures by student and step."""


@dataclass(frozen=True)
class LastRun:
    """What is known from the run whose figures lie in the workspace."""

    machine: Machine
    """How fast its student was."""
    verified: Range | None = None
    """Rationales checked a second."""
    written: Range | None = None
    """Tokens of a rationale that the student wrote."""
    teacher: Acceptance | None = None
    """How often its teacher was right."""
    students: dict[str, Acceptance] = field(default_factory=dict)
    """How often the student was right that wrote for an iteration, by the iteration's name."""
    settings: dict[str, Any] = field(default_factory=dict)
    """The sections ``student`` and ``questions`` that it was run with."""
    teachers: dict[str, str | None] = field(default_factory=dict)
    """By strategy, the MD5 of the file that says who taught it."""


def last_run(run: Run) -> LastRun:
    """Return what was measured; what is missing is None or empty.

    Args:
        run: the workspace's, finished or not.

    Raises:
        UserError: a file of figures is no JSON.
    """
    seconds = _seconds(run.root / layout.TIMINGS)
    steps = {
        (folder.name, step): figures
        for folder in run.inside(layout.COUNTED)
        for step, figures in run.counted(folder.name).items()
    }
    ran = {key: figures for key, figures in steps.items() if not figures.get("carried")}
    rates: dict[Kind, Range | None] = {
        "generation": _rate(ran, seconds, "generate", itemgetter("tokens")),
        "answering": _rate(ran, seconds, "eval", _count_answered),
        "training": _rate(ran, seconds, "train", itemgetter("tokens")),
    }
    lengths = [
        figures["tokens"] / figures["rows"]
        for (_, step), figures in ran.items()
        if step == "generate" and figures.get("rows")
    ]
    return LastRun(
        Machine(
            {kind: rate for kind, rate in rates.items() if rate is not None},
            count_parameters(run.file(layout.BASE)),
        ),
        verified=_rate(steps, seconds, "filter", itemgetter("rows_in")),
        written=span(lengths) if lengths else None,
        teacher=read_acceptance(taught) if (taught := run.figures(layout.TAUGHT)) else None,
        students={
            name: found
            for (name, step), figures in steps.items()
            if step == "filter" and (found := read_acceptance(figures))
        },
        settings=_settings(run),
        teachers={
            Path(dep.path).stem: dep.md5
            for stage in run.lock.values()
            for dep in stage.deps
            if Path(dep.path).parent == layout.TEACHERS
        },
    )


def _seconds(path: Path) -> dict[str, float]:
    """Return the seconds of each stage's latest run, without those that an earlier run helped."""
    latest = {one.stage: one for one in timings(path)}
    return {stage: one.seconds for stage, one in latest.items() if not one.recalled}


def _rate(
    steps: Steps,
    seconds: Mapping[str, float],
    step: str,
    count: Callable[[dict[str, Any]], float],
) -> Range | None:
    """Return what all students' runs of one step did in a second; None where nothing tells."""
    rates = [
        done / took
        for (name, one), figures in steps.items()
        if one == step
        and (took := seconds.get(f"{step}@{name}", 0)) >= 1
        and (done := count(figures))
    ]
    return span(rates) if rates else None


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


def _settings(run: Run) -> dict[str, Any]:
    """Return the sections that decide who is right how often, of the stages that have them."""
    return {
        section: value
        for stage in run.lock.values()
        for section in ("student", "questions")
        if (value := stage.params.get(f"{layout.PARAMS}: {section}")) is not None
    }
