"""Two students beside each other, benchmark by benchmark, on the same questions.

    comparison = compare_students(find("it0"), find("it2"))
    comparison.benchmarks[0].difference    # {"gain": 0.4667, "low": ..., "p": ..., "won": 31, ...}

The difference is the second student's accuracy minus the first's: more than 0 where the second is
the better one. A question is won where only the second is right, lost where only the first is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from siked.analysis.figures import DEV, compare, evaluate, find_changes
from siked.analysis.statistics import accuracy, gain, round_floats
from siked.errors import UserError
from siked.records import Question, VerifiedRationale

TOGETHER = "all tests"
"""The questions of all test sets as one, where there are several."""


@dataclass(frozen=True)
class Answered:
    """What a student answered, and what it was asked."""

    name: str
    """As people say it: ``it2``, ``fuzzy-hare:it2``; ``it2 by pot`` where that was forced."""
    strategies: tuple[str, ...]
    """Those that it chose from; the one that was forced alone."""
    answers: Mapping[str, tuple[VerifiedRationale, ...]]
    """By benchmark, one a question."""
    questions: Mapping[str, Mapping[str, Question]]
    """By benchmark and id."""


@dataclass(frozen=True)
class Pair:
    """Both students' answers to one question."""

    question: Question
    first: VerifiedRationale
    second: VerifiedRationale


@dataclass(frozen=True)
class Line:
    """Both students' accuracies on some questions."""

    name: str
    first: Mapping[str, Any]
    """The first student's, with ``accuracy``, ``n``, ``low`` and ``high``."""
    second: Mapping[str, Any]
    difference: Mapping[str, Any]
    """As ``siked.analysis.figures.compare`` gives it."""


@dataclass(frozen=True)
class Benchmark(Line):
    """One benchmark's comparison; both students' figures are all that ``evaluate`` gives."""

    won: tuple[Pair, ...]
    lost: tuple[Pair, ...]
    families: tuple[Line, ...]
    """The same of each problem family that its questions name."""


@dataclass(frozen=True)
class Comparison:
    """All benchmarks of two students."""

    first: str
    second: str
    strategies: tuple[str, ...]
    """Of both, in their order."""
    benchmarks: tuple[Benchmark, ...]
    """One test each; p-values are not corrected for their number."""
    together: Line | None
    """The questions of all test sets as one; None where there are not several."""
    left_out: tuple[str, ...]
    """Benchmarks that only one of the two answered."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """The benchmarks and all test sets together: what there is a p-value of."""
        return (*self.benchmarks, *([self.together] if self.together else []))

    def as_json(self, show: int | None = None, *, families: bool = False) -> dict[str, Any]:
        """Return the comparison as plain values.

        Args:
            show: at most so many won and lost questions a benchmark; all where None.
            families: whether problem families are told one by one, too.
        """
        return {
            "first": self.first,
            "second": self.second,
            "tests": len(self.lines),
            "left_out": list(self.left_out),
            "benchmarks": {
                one.name: {
                    **_figures(one),
                    "won": [_plain(pair) for pair in one.won[:show]],
                    "lost": [_plain(pair) for pair in one.lost[:show]],
                    **(
                        {"families": {each.name: _figures(each) for each in one.families}}
                        if families
                        else {}
                    ),
                }
                for one in self.benchmarks
            },
            "together": self.together and _figures(self.together),
        }


def compare_students(
    first: Answered, second: Answered, only: Sequence[str] = (), *, seed: int = 0
) -> Comparison:
    """Compare two students on the benchmarks that both answered.

    Args:
        first: The one to start from.
        second: The one that is better where differences are more than 0.
        only: These benchmarks alone; all where empty.
        seed: Of the bootstrap.

    Raises:
        UserError: no benchmark is common, or a common one has other questions: ids, texts and
            gold answers must be equal.
    """
    strategies = tuple(dict.fromkeys((*first.strategies, *second.strategies)))
    benchmarks = tuple(
        _benchmark(first, second, name, strategies, seed)
        for name in find_common([first, second], only)
    )
    return Comparison(
        first=first.name,
        second=second.name,
        strategies=strategies,
        benchmarks=benchmarks,
        together=_together(first, second, [one for one in benchmarks if one.name != DEV], seed),
        left_out=tuple(sorted(first.answers.keys() ^ second.answers.keys())),
    )


def find_common(students: Sequence[Answered], only: Sequence[str]) -> list[str]:
    """Return the benchmarks that every student answered, or ``only`` those of them that are named.

    Raises:
        UserError: there is none, or a named one is not among them.
    """
    names = [name for name in students[0].answers if all(name in one.answers for one in students)]
    if odd := [name for name in only if name not in names]:
        raise UserError(
            f"benchmark {odd[0]!r}: all answered {', '.join(names) or 'none'} and no other"
        )
    if not names:
        each = ", ".join(f"{one.name} answered {', '.join(one.answers)}" for one in students)
        raise UserError(f"{each}: there is no common benchmark")
    return [name for name in names if not only or name in only]


def require_same_questions(first: Answered, second: Answered, benchmark: str) -> None:
    """Refuse to compare answers to different questions, which may have the same ids.

    Raises:
        UserError: ids, texts or gold answers differ, an answer's question is not known or has
            another answer too.
    """
    asked, other = (_asked(one, benchmark) for one in (first, second))
    odd = sorted(key for key in asked.keys() | other.keys() if asked.get(key) != other.get(key))
    if odd:
        raise UserError(
            f"{benchmark}: {first.name} and {second.name} answered different questions "
            f"({len(odd)} of them, {odd[0]} for one): only the same ones can be compared; choose "
            "other benchmarks with --benchmark"
        )


def _benchmark(
    first: Answered, second: Answered, name: str, strategies: Sequence[str], seed: int
) -> Benchmark:
    before, after = first.answers[name], second.answers[name]
    require_same_questions(first, second, name)
    won, lost = find_changes(before, after)
    pairs = {
        one.question_id: (one, other)
        for one, other in zip(sorted(before, key=_id), sorted(after, key=_id), strict=True)
    }
    asked = first.questions[name]
    return Benchmark(
        name=name,
        first=evaluate(before, strategies),
        second=evaluate(after, strategies),
        difference=compare(before, after, seed=seed),
        won=tuple(Pair(asked[key], *pairs[key]) for key in won),
        lost=tuple(Pair(asked[key], *pairs[key]) for key in lost),
        families=tuple(_families([Pair(asked[key], *both) for key, both in pairs.items()], seed)),
    )


def _families(pairs: Iterable[Pair], seed: int) -> Iterator[Line]:
    """Yield a line for each family that questions name, in the order of the names."""
    found: dict[str, list[Pair]] = {}
    for pair in pairs:
        if pair.question.family is not None:
            found.setdefault(pair.question.family, []).append(pair)
    for name, group in sorted(found.items()):
        before, after = [one.first for one in group], [one.second for one in group]
        yield Line(
            name=name,
            first=round_floats(accuracy(sum(one.correct for one in before), len(before))),
            second=round_floats(accuracy(sum(one.correct for one in after), len(after))),
            difference=compare(before, after, seed=seed),
        )


def _together(
    first: Answered, second: Answered, tests: Sequence[Benchmark], seed: int
) -> Line | None:
    """All questions of the test sets as one set, each with the same weight."""
    if len(tests) < 2:
        return None
    right, other = (
        [answer.correct for one in tests for answer in student.answers[one.name]]
        for student in (first, second)
    )
    won, lost = sum(len(one.won) for one in tests), sum(len(one.lost) for one in tests)
    return Line(
        name=TOGETHER,
        first=round_floats(accuracy(sum(right), len(right))),
        second=round_floats(accuracy(sum(other), len(other))),
        difference=round_floats(gain(won, lost, len(right), seed=seed)),
    )


def _asked(one: Answered, benchmark: str) -> dict[str, tuple[str, str]]:
    """The text and the gold of each question that was answered."""
    known = one.questions[benchmark]
    if unknown := sorted({_id(answer) for answer in one.answers[benchmark]} - known.keys()):
        raise UserError(
            f"{one.name}: {benchmark} answers the question {unknown[0]}, which its questions lack: "
            "`dvc repro` or `dvc checkout` brings them together"
        )
    asked = {
        key: (known[key].question, known[key].answer) for key in map(_id, one.answers[benchmark])
    }
    if len(asked) < len(one.answers[benchmark]):
        raise UserError(
            f"{one.name}: a question of {benchmark} is answered twice, where each has one answer: "
            "`dvc checkout` restores the file"
        )
    return asked


def _id(answer: VerifiedRationale) -> str:
    return answer.question_id


def _figures(line: Line) -> dict[str, Any]:
    return {"first": line.first, "second": line.second, "difference": line.difference}


def _plain(pair: Pair) -> dict[str, Any]:
    first, second = (
        one.model_dump(mode="json", exclude={"question_id", "sample"})
        for one in (pair.first, pair.second)
    )
    return {
        "id": pair.question.id,
        "question": pair.question.question,
        "answer": pair.question.answer,
        "first": first,
        "second": second,
    }
