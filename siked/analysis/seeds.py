"""Two kinds of student, each trained with several seeds: does the difference outlast the seed?

    found = compare_seeds([compare_students(find("it0"), find("it2")),
                           compare_students(find("seed-2:it0"), find("seed-2:it2"))])
    found.lines[0].over_seeds    # {"gain": 0.558, "low": ..., "high": ...}

There are two uncertainties, and each has its interval: other questions might have been asked (the
seeds' mean of every question, bootstrapped over the questions), and other seeds might have been
drawn (Student's t over the seeds' differences: wide with three of them).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from siked.analysis.figures import DEV
from siked.analysis.paired import TOGETHER, Answered, find_common, require_same_questions
from siked.analysis.statistics import CONFIDENCE, RESAMPLES, round_floats


@dataclass(frozen=True)
class Mean:
    """Means over the seeds on some questions."""

    name: str
    n: int
    """Questions, which are the same with every seed."""
    first: Mapping[str, Any]
    """``accuracy``, ``low`` and ``high`` over questions."""
    second: Mapping[str, Any]
    over_questions: Mapping[str, Any]
    """``gain``, ``low`` and ``high``: the second's mean minus the first's."""
    over_seeds: Mapping[str, Any]
    """The same gain with the interval over seeds."""
    each: tuple[float, ...]
    """The gain with each seed."""


@dataclass(frozen=True)
class Averages:
    """All benchmarks of two kinds of student."""

    first: tuple[str, ...]
    """Students, one a seed."""
    second: tuple[str, ...]
    lines: tuple[Mean, ...]
    """The benchmarks; then all test sets as one, where there are several."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {
            "first": list(self.first),
            "second": list(self.second),
            "lines": [round_floats(asdict(one)) for one in self.lines],
        }


def compare_seeds(seeds: Sequence[tuple[Answered, Answered]], only: Sequence[str] = ()) -> Averages:
    """Compare two kinds of student over several seeds.

    Args:
        seeds: A student of each kind for every seed, at least two seeds.
        only: These benchmarks alone; all that every student answered where empty.

    Raises:
        UserError: no benchmark is common to all students, or a common one has other questions
            for some of them.
    """
    students = [student for pair in seeds for student in pair]
    names = find_common(students, only)
    for name in names:
        for other in students[1:]:
            require_same_questions(students[0], other, name)
    tests = [name for name in names if name != DEV]
    lines = {name: [name] for name in names}
    if len(tests) > 1:
        lines[TOGETHER] = tests
    return Averages(
        first=tuple(first.name for first, _ in seeds),
        second=tuple(second.name for _, second in seeds),
        lines=tuple(_mean(title, seeds, part) for title, part in lines.items()),
    )


def _mean(title: str, seeds: Sequence[tuple[Answered, Answered]], names: Sequence[str]) -> Mean:
    # A row a seed, a column a question.
    first, second = (
        np.array([_right(one, names) for one in kind]) for kind in zip(*seeds, strict=True)
    )
    gains = (second - first).mean(axis=1)
    mean = float(gains.mean())
    return Mean(
        name=title,
        n=first.shape[1],
        first={"accuracy": float(first.mean()), **_over_questions(first)},
        second={"accuracy": float(second.mean()), **_over_questions(second)},
        over_questions={"gain": mean, **_over_questions(second - first)},
        over_seeds={"gain": mean, **_over_seeds(gains)},
        each=tuple(gains.tolist()),
    )


def _right(student: Answered, benchmarks: Sequence[str]) -> list[float]:
    """1 for every question that it answers right, else 0, in the order of the questions' ids."""
    return [
        float(answer.correct)
        for name in benchmarks
        for answer in sorted(student.answers[name], key=lambda answer: answer.question_id)
    ]


def _over_questions(values: np.ndarray) -> dict[str, float]:
    from scipy import stats  # a second to import; two students are compared without it

    found = stats.bootstrap(
        (values.mean(axis=0),),
        np.mean,
        n_resamples=RESAMPLES,
        batch=500,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return {"low": float(found.low), "high": float(found.high)}


def _over_seeds(gains: np.ndarray) -> dict[str, float]:
    from scipy import stats

    mean = gains.mean()
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, len(gains) - 1) * stats.sem(gains)
    return {"low": float(mean - reach), "high": float(mean + reach)}
