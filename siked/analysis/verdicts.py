"""How many rationales stood the verification, and why the others did not.

Verdicts are counted as they come, so that their number does not matter: an iteration of the paper
has 224,000 of them.

    counts = VerdictCounts(["cot", "pot"])
    for rationale in verify(rationales, questions, sandbox):
        counts.add(rationale)
    counts.figures(questions=7473)["acceptance"]      # 0.61
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from siked.analysis.statistics import rounded, share
from siked.console import say
from siked.records import Failure, VerifiedRationale
from siked.strategies import lacks_sub_questions

_SHOWN = 5
"""Golds that are named where some cannot be read."""


class Outcome(NamedTuple):
    """What a verdict says, without which rationale it is about."""

    strategy: str | None
    failure: Failure | None
    """None where the answer is right."""
    rule: str | None
    """The extraction rule that found the answer."""

    @property
    def correct(self) -> bool:
        """Whether the answer is right."""
        return self.failure is None


class Outcomes:
    """How many verdicts there are of each kind."""

    def __init__(self) -> None:
        self._counts: Counter[Outcome] = Counter()

    def add(self, strategy: str | None, failure: Failure | None, rule: str | None) -> None:
        """Count one more."""
        self._counts[Outcome(strategy, failure, rule)] += 1

    def by(self, *names: str) -> Counter[Any]:
        """Counts by some of an outcome's attributes: ``by("strategy", "correct")["cot", True]``."""
        found: Counter[Any] = Counter()
        for outcome, count in self._counts.items():
            found[attrgetter(*names)(outcome)] += count
        return found

    def total(self) -> int:
        """How many verdicts were counted."""
        return self._counts.total()


class VerdictCounts:
    """A filter stage's verdicts, counted as they come."""

    def __init__(self, strategies: Sequence[str]) -> None:
        self._strategies = strategies
        self._outcomes = Outcomes()
        self._solved: dict[str | None, set[str]] = {}
        self._without_sub_questions = 0

    @property
    def rows(self) -> int:
        """How many verdicts were counted."""
        return self._outcomes.total()

    @property
    def correct(self) -> int:
        """How many of them were right."""
        return self._outcomes.by("correct")[True]

    def add(self, rationale: VerifiedRationale) -> None:
        """Count one more."""
        self._outcomes.add(rationale.strategy, rationale.failure, rationale.rule)
        if rationale.correct:
            self._solved.setdefault(rationale.strategy, set()).add(rationale.question_id)
            lacking = lacks_sub_questions(rationale.strategy, rationale.text)
            self._without_sub_questions += lacking

    def figures(self, *, questions: int) -> dict[str, Any]:
        """A filter stage's figures.

        Args:
            questions: how many questions were asked.

        Returns:
            ``{"rows_in", "rows_out", "acceptance", "questions", "solved": {"any", "cot", ...},
            "strategies": {"cot": {"rows_in", "rows_out", "acceptance"}, ...}, "failures",
            "no-sub-questions", "rules"}``. ``solved`` counts questions with a right rationale;
            ``no-sub-questions`` right rationales that ask none though their strategy does;
            ``rules`` the extraction rules that found an answer, right or wrong.
        """
        rows_in = self._outcomes.by("strategy")
        rows_out = self._outcomes.by("strategy", "correct")
        rules = self._outcomes.by("rule")
        result: dict[str, Any] = rounded(
            {
                "rows_in": self.rows,
                "rows_out": self.correct,
                "acceptance": share(self.correct, self.rows),
                "questions": questions,
                "solved": {
                    "any": len(set().union(*self._solved.values())),
                    **{name: len(self._solved.get(name, ())) for name in self._strategies},
                },
                "strategies": {
                    name: {
                        "rows_in": rows_in[name],
                        "rows_out": rows_out[name, True],
                        "acceptance": share(rows_out[name, True], rows_in[name]),
                    }
                    for name in self._strategies
                },
                "failures": in_order(self._outcomes.by("failure")),
                "no-sub-questions": self._without_sub_questions,
                "rules": {rule: rules[rule] for rule in sorted(filter(None, rules))},
            }
        )
        return result


class UnreadableGolds:
    """The golds that no verdict could be given on, so that a user hears of them once."""

    def __init__(self) -> None:
        self._golds: dict[str, None] = {}
        self._rows = 0

    def look(self, failure: Failure | None, gold: str) -> None:
        """Take a verdict in, and what to call its gold."""
        if failure is Failure.UNREADABLE_GOLD:
            self._rows += 1
            self._golds[gold] = None

    def say(self, path: Path) -> None:
        """Say on standard error which golds of a file cannot be read, if any."""
        if not self._rows:
            return
        shown = ", ".join(list(self._golds)[:_SHOWN])
        more = ", …" if len(self._golds) > _SHOWN else ""
        say(
            f"{path}: unreadable golds: {len(self._golds)} ({shown}{more}): neither one number nor "
            f"an expression, so their outputs ({self._rows}) are `unreadable-gold`: mend these "
            "golds or leave their rows out",
            file=sys.stderr,
        )


def failures(rationales: Iterable[VerifiedRationale]) -> dict[str, int]:
    """The failure kinds that occur, in the order in which ``Failure`` defines them."""
    return in_order(Counter(one.failure for one in rationales if one.failure))


def in_order(counts: Mapping[Failure, int]) -> dict[str, int]:
    """Counts of failure kinds in the order in which ``Failure`` defines them, without zeros."""
    return {kind.value: counts[kind] for kind in Failure if counts.get(kind)}
