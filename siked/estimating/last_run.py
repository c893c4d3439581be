"""What the last run of this machine measured: rates, lengths and shares of right rationales.

Seconds are those of ``siked.run.progress``; what a stage did in that time is in
``metrics/students/it1/generate.json``:

    {"carried": false, "rows": 2880, "tokens": 118602, "truncated": 0.0045}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

from siked.analysis.statistics import wilson
from siked.estimating.acceptance import Acceptance, fitted
from siked.estimating.ranges import Range
from siked.estimating.sizes import counted
from siked.run import layout
from siked.run.progress import timings
from siked.run.run import Run

OTHER_SIZE = 2.0
"""How much farther off a rate may be that comes from a model of another size."""


@dataclass(frozen=True)
class LastRun:
    """What is known from the run whose figures lie in the workspace."""

    parameters: int | None = None
    """Of its student; None where ``models/base`` is not there."""
    generation: Range | None = None
    """Tokens written a second by the student, whole stages with their model's loading."""
    answering: Range | None = None
    """The same of evaluations, which write one answer a question, and fewer of them."""
    training: Range | None = None
    """Tokens learned from a second."""
    verified: Range | None = None
    """Rationales checked a second."""
    written: Range | None = None
    """Tokens of a rationale that the student wrote."""
    example: Range | None = None
    """Tokens of a training example over those of its completion."""
    teacher: Acceptance | None = None
    """How often its teacher was right."""
    students: dict[str, Acceptance] = field(default_factory=dict)
    """How often the student was right that wrote for an iteration, by the iteration's name."""
    settings: dict[str, Any] = field(default_factory=dict)
    """The sections ``student``, ``teacher`` and ``questions`` that it was run with."""

    def generation_seconds(self, read: Range, written: Range, parameters: float) -> Range:
        """Seconds of this machine that write so many tokens; reading prompts is in its rate.

        Raises:
            LookupError: no generation was measured.
        """
        del read
        return written / self._for(self.generation, parameters)

    def answering_seconds(self, read: Range, written: Range, parameters: float) -> Range:
        """The same of greedy answers.

        Raises:
            LookupError: no generation was measured.
        """
        if self.answering is None:
            return self.generation_seconds(read, written, parameters)
        return written / self._for(self.answering, parameters)

    def training_seconds(self, tokens: Range, parameters: float) -> Range:
        """Seconds of this machine that learn from so many tokens.

        Raises:
            LookupError: no training was measured.
        """
        return tokens / self._for(self.training, parameters)

    def _for(self, rate: Range | None, parameters: float) -> Range:
        if rate is None:
            raise LookupError
        if self.parameters is None or 0.9 < parameters / self.parameters < 1.1:
            return rate
        return (rate * (self.parameters / parameters)).wider(OTHER_SIZE)


def last_run(run: Run) -> LastRun:
    """Read what there is; what is missing is None or empty.

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
    return LastRun(
        parameters=counted(run.file(layout.BASE)),
        generation=_rates(ran, seconds, "generate", itemgetter("tokens")),
        answering=_rates(ran, seconds, "eval", _answered),
        training=_rates(ran, seconds, "train", itemgetter("tokens")),
        verified=_rates(steps, seconds, "filter", itemgetter("rows_in")),
        written=_quotients(ran, "generate", "tokens", "rows"),
        example=_quotients(ran, "train", "tokens", "completion_tokens"),
        teacher=_acceptance(taught) if (taught := run.figures(layout.TAUGHT)) else None,
        students={
            name: found
            for (name, step), figures in steps.items()
            if step == "filter" and (found := _acceptance(figures))
        },
        settings=_settings(run),
    )


def _seconds(path: Path) -> dict[str, float]:
    """Seconds of each stage's latest run, of those that did all of their work themselves."""
    latest = {one.stage: one for one in timings(path)}
    return {stage: one.seconds for stage, one in latest.items() if not one.recalled}


def _rates(
    steps: Mapping[tuple[str, str], dict[str, Any]],
    seconds: Mapping[str, float],
    step: str,
    amount: Callable[[dict[str, Any]], float],
) -> Range | None:
    """What all students' runs of one step did in a second."""
    rates = [
        done / took
        for (name, one), figures in steps.items()
        if one == step
        and (took := seconds.get(f"{step}@{name}", 0)) >= 1
        and (done := amount(figures))
    ]
    return Range.of(rates) if rates else None


def _answered(figures: dict[str, Any]) -> float:
    """Tokens of an evaluation, about: answers that were not chosen are as long as those that were.

    0 where it drew samples too: it does not say how long those are.
    """
    benchmarks = [one for one in figures.values() if isinstance(one, dict)]
    if any("samples" in one for one in benchmarks):
        return 0
    tokens: float = sum(
        one["n"] * one["completion_tokens"] * max(1, len(one.get("forced", ())))
        for one in benchmarks
    )
    return tokens


def _quotients(
    steps: Mapping[tuple[str, str], dict[str, Any]], step: str, part: str, whole: str
) -> Range | None:
    found = [
        figures[part] / figures[whole]
        for (_, one), figures in steps.items()
        if one == step and figures.get(whole)
    ]
    return Range.of(found) if found else None


def _acceptance(figures: dict[str, Any]) -> Acceptance | None:
    """What a filter stage's figures say; None where it had nothing to check."""
    questions, strategies = figures["questions"], figures["strategies"]
    if not questions or not figures["rows_in"]:
        return None
    rates: dict[str, Range] = {}
    concentrations: dict[str, float] = {}
    for name, one in strategies.items():
        share = one["rows_out"] / one["rows_in"] if one["rows_in"] else 0.0
        samples = round(one["rows_in"] / questions)
        rates[name] = _uncertain(share, questions)
        solved = figures["solved"][name] / questions
        concentrations[name] = fitted(share, solved, samples).concentration
    share = figures["rows_out"] / figures["rows_in"]
    samples = round(figures["rows_in"] / questions)
    together = fitted(share, figures["solved"]["any"] / questions, samples)
    return Acceptance(
        rates, concentrations, _uncertain(share, questions), together.concentration, "the last run"
    )


def _uncertain(share: float, questions: int) -> Range:
    low, high = wilson(round(share * questions), questions)
    return Range(min(low, share), share, max(high, share))


def _settings(run: Run) -> dict[str, Any]:
    """The sections that decide who is right how often, of the stages that have them."""
    return {
        section: value
        for stage in run.lock.values()
        for section in ("student", "teacher", "questions")
        if (value := stage.params.get(f"{layout.PARAMS}: {section}")) is not None
    }
