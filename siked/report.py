"""The report: one HTML file that needs no network and can be sent to anyone.

``render`` fills ``siked/templates/report.html`` with what a run measured; ``choose_samples`` picks
the rationales that it shows. The same input gives the same bytes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from siked.analysis import DEV, Evaluation
from siked.settings import flat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from siked.records import Question, VerifiedRationale

TEMPLATES = Path(__file__).parent / "templates"
DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Picture:
    """One picture with what it shows."""

    caption: str
    """A sentence that says what to see; read out instead of the picture."""
    svg: str
    """A whole SVG document, as ``siked.pictures.svg`` gives it."""


@dataclass(frozen=True)
class Cost:
    """What a stage handled; None where it was not measured."""

    stage: str
    rows: int | None = None
    """Rows of its output."""
    tokens: int | None = None
    """Tokens trained on or generated."""
    seconds: float | None = None
    """Wall time."""


@dataclass(frozen=True)
class Sample:
    """A rationale with its question."""

    benchmark: str
    question: Question
    rationale: VerifiedRationale


@dataclass(frozen=True)
class Report:
    """All that the report shows. Parts left empty are left out of the page."""

    title: str
    params: Mapping[str, Any]
    """The settings, nested as in ``params.yaml``."""
    strategies: Sequence[str]
    chain: Sequence[str]
    """The iterations, from plain distillation to the last."""
    baselines: Sequence[str]
    evaluations: Mapping[str, Evaluation]
    """``siked.analysis.evaluate`` of every student and benchmark."""
    summary: Mapping[str, Any]
    """``siked.analysis.summary``."""
    filters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """``siked.verdicts`` of ``teacher`` and of each iteration."""
    mixes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """``siked.analysis.mixed`` of each iteration."""
    sampled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By student, what its samples of train questions say: ``k``, ``siked.sampling_statistics``'
    ``forced``, and ``pass`` and ``majority`` at k."""
    pictures: Sequence[Picture] = ()
    samples: Sequence[Sample] = ()
    costs: Sequence[Cost] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    """Anything else about the run: the student's hash, versions."""

    @property
    def benchmarks(self) -> list[str]:
        """The benchmarks, dev first."""
        return list(self.evaluations[self.chain[0]])

    @property
    def tests(self) -> list[str]:
        """The benchmarks that select nothing."""
        return [name for name in self.benchmarks if name != DEV]


def render(report: Report) -> str:
    """The report as a whole HTML document."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": _percent,
        "interval": _interval,
        "points": _points,
        "number": _number,
        "p_value": _p_value,
        "svg": Markup,
    }
    failures = {
        benchmark: _kinds(report.evaluations, benchmark, [*report.chain, *report.baselines])
        for benchmark in report.benchmarks
    }
    by_strategy: dict[str, list[Sample]] = defaultdict(list)
    for sample in report.samples:
        by_strategy[sample.rationale.strategy or "no valid tag"].append(sample)
    return environment.get_template("report.html").render(
        report=report,
        settings=list(flat(report.params)),
        failures=failures,
        samples=by_strategy,
    )


def choose_samples(
    answers: Mapping[str, Iterable[VerifiedRationale]],
    questions: Mapping[str, Question],
    strategies: Sequence[str],
    *,
    each: int = 2,
) -> list[Sample]:
    """Rationales worth reading: ``each`` of every strategy and verdict or kind of failure.

    Args:
        answers: A student's answers by benchmark.
        questions: The questions by id.
        strategies: Their order in the result; answers without a valid tag come last.
        each: How many right ones, and how many of each kind of failure, a strategy.

    Returns:
        Samples by strategy, the right ones first. Which ones depends on the questions' ids alone,
        in no particular order of theirs, so that they do not all come from the file's head.
    """
    groups: dict[tuple[int, str], list[tuple[str, Sample]]] = defaultdict(list)
    for benchmark, rationales in answers.items():
        for one in rationales:
            place = strategies.index(one.strategy) if one.strategy in strategies else 99
            digest = hashlib.sha256(one.question_id.encode()).hexdigest()
            sample = Sample(benchmark, questions[one.question_id], one)
            # The empty text of a right one sorts before every kind of failure.
            groups[place, one.failure or ""].append((digest, sample))
    return [
        sample
        for group in sorted(groups)
        for _, sample in sorted(groups[group], key=lambda pair: pair[0])[:each]
    ]


def _kinds(
    evaluations: Mapping[str, Evaluation], benchmark: str, names: Sequence[str]
) -> list[str]:
    """The kinds of failure on a benchmark, the most frequent in all first."""
    counts: dict[str, int] = defaultdict(int)
    for name in names:
        for kind, count in evaluations[name][benchmark]["failures"].items():
            counts[kind] += count
    return sorted(counts, key=lambda kind: -counts[kind])


def _percent(value: float | None) -> str:
    return DASH if value is None else f"{value:.1%}"


def _interval(figures: Mapping[str, Any]) -> str:
    if figures["low"] is None:
        return DASH
    return f"{100 * figures['low']:.1f} to {100 * figures['high']:.1f}"


def _points(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:+.1f}".replace("-", "\N{MINUS SIGN}")


def _number(value: float | None) -> str:
    if value is None:
        return DASH
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _p_value(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
