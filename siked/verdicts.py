"""How many rationales stood the verification, and why the others did not.

Verdicts are counted as they come, so that their number does not matter: an iteration of the paper
has 224,000 of them.

    counts = VerdictCounts(["cot", "pot"])
    for rationale in verify(rationales, questions, sandbox):
        counts.add(rationale)
    counts.figures(questions=7473)["acceptance"]      # 0.61
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from siked.records import Failure
from siked.statistics import rounded, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from siked.records import VerifiedRationale


class VerdictCounts:
    """Counts of verdicts by strategy, failure kind and extraction rule."""

    def __init__(self, strategies: Sequence[str]) -> None:
        self._strategies = strategies
        self._rows_in: Counter[str | None] = Counter()
        self._rows_out: Counter[str | None] = Counter()
        self._failures: Counter[Failure] = Counter()
        self._rules: Counter[str] = Counter()
        self._solved: dict[str | None, set[str]] = {}

    @property
    def rows(self) -> int:
        """How many verdicts were counted."""
        return self._rows_in.total()

    @property
    def correct(self) -> int:
        """How many of them were right."""
        return self._rows_out.total()

    def add(self, rationale: VerifiedRationale) -> None:
        """Count one more."""
        self._rows_in[rationale.strategy] += 1
        if rationale.correct:
            self._rows_out[rationale.strategy] += 1
            self._solved.setdefault(rationale.strategy, set()).add(rationale.question_id)
        if rationale.failure is not None:
            self._failures[rationale.failure] += 1
        if rationale.rule:
            self._rules[rationale.rule] += 1

    def figures(self, *, questions: int) -> dict[str, Any]:
        """A filter stage's figures.

        Args:
            questions: how many questions were asked.

        Returns:
            ``{"rows_in", "rows_out", "acceptance", "questions", "solved": {"any", "cot", ...},
            "strategies": {"cot": {"rows_in", "rows_out", "acceptance"}, ...}, "failures",
            "rules"}``. ``solved`` counts questions with a right rationale; ``rules`` counts the
            extraction rules that found an answer, right or wrong.
        """
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
                        "rows_in": self._rows_in[name],
                        "rows_out": self._rows_out[name],
                        "acceptance": share(self._rows_out[name], self._rows_in[name]),
                    }
                    for name in self._strategies
                },
                "failures": in_order(self._failures),
                "rules": dict(sorted(self._rules.items())),
            }
        )
        return result


def failures(rationales: Iterable[VerifiedRationale]) -> dict[str, int]:
    """The failure kinds that occur, in the order in which ``Failure`` defines them."""
    return in_order(Counter(one.failure for one in rationales if one.failure))


def in_order(counts: Mapping[Failure, int]) -> dict[str, int]:
    """Counts of failure kinds in the order in which ``Failure`` defines them, without zeros."""
    return {kind.value: counts[kind] for kind in Failure if counts.get(kind)}
