"""How many rationales stood the verification, and why the others did not.

Verdicts are counted as they come, so that their number does not matter: an iteration of the paper
has 224,000 of them.

    counts = VerdictCounts(["cot", "pot"])
    for rationale in verify(rationales, questions, sandbox):
        counts.add(rationale)
    counts.figures(questions=7473)["acceptance"]      # 0.61
"""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from siked.analysis.statistics import round_floats, share
from siked.records import Failure, VerifiedRationale
from siked.strategies import is_hollow, lacks_sub_questions
from siked.terminal.console import say

_SHOWN = 5
"""Golds that are named where some cannot be read."""
_MOST = 50
"""Teachers or sources that figures are split by: those with the most rows."""
UNNAMED, OTHERS = "not named", "others"
"""What rows without a teacher or source are counted under, and those of all others."""


class Outcome(NamedTuple):
    """What a verdict says, without which rationale it is about."""

    strategy: str | None
    failure: Failure | None
    """None where the answer is right."""
    rule: str | None
    """The extraction rule that found the answer."""
    teacher: str = ""
    """Who wrote the rationale, where a recording says."""
    source: str = ""
    """Where the recording has it from."""

    @property
    def correct(self) -> bool:
        """Whether the answer is right."""
        return self.failure is None


class Outcomes:
    """How many verdicts there are of each kind."""

    def __init__(self) -> None:
        self._counts: Counter[Outcome] = Counter()

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        self._counts[outcome] += 1

    def by(self, *names: str) -> Counter[Any]:
        """Return counts by attributes of an outcome: ``by("strategy", "correct")["cot", True]``."""
        found: Counter[Any] = Counter()
        for outcome, count in self._counts.items():
            found[attrgetter(*names)(outcome)] += count
        return found

    def total(self) -> int:
        """Return how many verdicts were counted."""
        return self._counts.total()


class VerdictCounts:
    """A filter stage's verdicts, counted as they come."""

    def __init__(self, strategies: Sequence[str]) -> None:
        self._strategies = strategies
        self._outcomes = Outcomes()
        self._solved: dict[str | None, set[str]] = {}
        self._without_sub_questions = 0
        self._hollow: Counter[str | None] = Counter()

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
        self._outcomes.add(Outcome(*(getattr(rationale, name) for name in Outcome._fields)))
        if rationale.correct:
            self._solved.setdefault(rationale.strategy, set()).add(rationale.question_id)
            lacking = lacks_sub_questions(rationale.strategy, rationale.text)
            self._without_sub_questions += lacking
            hollow = is_hollow(rationale.strategy, rationale.text, rationale.predicted or "")
            self._hollow[rationale.strategy] += hollow

    def figures(self, *, questions: int) -> dict[str, Any]:
        """Return a filter stage's figures.

        Args:
            questions: how many questions were asked.

        Returns:
            ``{"rows_in", "rows_out", "acceptance", "questions", "solved": {"any", "cot", ...},
            "strategies": {"cot": {"rows_in", "rows_out", "acceptance"}, ...}, "failures",
            "no-sub-questions", "hollow", "rules", "teachers", "sources"}``. ``solved`` counts
            questions with a right rationale; ``no-sub-questions`` right rationales that ask none
            though their strategy does; ``hollow``, by strategy, right ones that state their answer
            without having come to it; ``rules`` the extraction rules that found an answer, right or
            wrong. ``teachers`` and ``sources`` split ``strategies`` by what a recording says
            (``{"Llama-3-70B": {"cot": {...}}}``): the first where it names any, the second where
            it names several.
        """
        rules = self._outcomes.by("rule")
        result: dict[str, Any] = round_floats(
            {
                "rows_in": self.rows,
                "rows_out": self.correct,
                "acceptance": share(self.correct, self.rows),
                "questions": questions,
                "solved": {
                    "any": len(set().union(*self._solved.values())),
                    **{name: len(self._solved.get(name, ())) for name in self._strategies},
                },
                "strategies": _count_accepted(
                    self._outcomes.by("strategy", "correct"), self._strategies
                ),
                "failures": in_order(self._outcomes.by("failure")),
                "no-sub-questions": self._without_sub_questions,
                "hollow": {name: self._hollow[name] for name in self._strategies},
                "rules": {rule: rules[rule] for rule in sorted(filter(None, rules))},
                **self._split("teachers", "teacher", least=1),
                **self._split("sources", "source", least=2),
            }
        )
        return result

    def _split(self, key: str, attribute: str, *, least: int) -> dict[str, Any]:
        """Return the strategies' figures under ``key`` by what a recording says of its rows."""
        rows = self._outcomes.by(attribute)
        named = sorted(filter(None, rows), key=lambda name: (-rows[name], name))
        if len(named) < least:
            return {}
        shown = {name: name for name in named[:_MOST]} | {"": UNNAMED}
        counts: dict[str, Counter[tuple[str, bool]]] = {
            name: Counter() for name in [*named[:_MOST], UNNAMED, OTHERS]
        }
        outcomes = self._outcomes.by(attribute, "strategy", "correct")
        for (name, strategy, correct), count in outcomes.items():
            counts[shown.get(name, OTHERS)][strategy, correct] += count
        return {
            key: {
                name: _count_accepted(
                    own,
                    [one for one in self._strategies if one in {strategy for strategy, _ in own}],
                )
                for name, own in counts.items()
                if own
            }
        }


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


def _count_accepted(
    counts: Mapping[tuple[str, bool], int], strategies: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Return how many rows of each strategy there are, and how many of them are right."""
    rows = {name: (counts[name, False], counts[name, True]) for name in strategies}
    return {
        name: {
            "rows_in": wrong + right,
            "rows_out": right,
            "acceptance": share(right, wrong + right),
        }
        for name, (wrong, right) in rows.items()
    }


def failures(rationales: Iterable[VerifiedRationale]) -> dict[str, int]:
    """Return the failure kinds that occur, in the order in which ``Failure`` defines them."""
    return in_order(Counter(one.failure for one in rationales if one.failure))


def in_order(counts: Mapping[Failure, int]) -> dict[str, int]:
    """Return counts of failure kinds in the order of ``Failure``, without zeros."""
    return {kind.value: counts[kind] for kind in Failure if counts.get(kind)}
