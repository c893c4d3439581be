"""Mixing: D_self and D_LLM become the next training set (paper, section 3.3).

Both are verified rationales; only correct ones count. ``select`` keeps the first distinct correct
rationales of each question and strategy, ``mix`` puts the student's and the teacher's together:

- ``all``: all of both.
- ``adaptive``: the student's, and the teacher's for what the student does not solve: a question
  by any strategy (scope ``question``), or each question and strategy by itself (``strategy``).

Where the student solved nothing, both variants give D_LLM alone. Two more are controls, without
which no gain can be put down to mixing: ``self`` is the student's rows alone, ``teacher`` the
teacher's.

A bias then leaves of each question of the mix one strategy's rows: ``order_strategies`` makes of
``mix.bias`` the order in which it is sought.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeAlias

from siked.records import VerifiedRationale

Origin = Literal["teacher", "student"]
Variant = Literal["all", "adaptive", "self", "teacher"]
Bias: TypeAlias = Sequence[str] | Literal["student"]
Preference: TypeAlias = "Callable[[str], Sequence[str]]"
"""By question id, the strategies of which one may train, the first that can."""


def order_strategies(
    bias: Bias | None, samples: Iterable[VerifiedRationale], strategies: Sequence[str]
) -> Preference | None:
    """Return ``mix.bias`` as each question's order of strategies; None where all may train.

    Args:
        bias: a fixed order; ``student`` for the student's own: by how many of a question's samples
            are correct with each strategy, then by how many of all samples are; None for none.
        samples: the student's verified samples, read for ``student`` alone. Without any, as in
            iteration 0, nothing is preferred.
        strategies: the strategies that are taught; where all else is equal the earlier is first.
    """
    if bias != "student":
        return None if bias is None else lambda _question_id: bias
    by_question: Counter[tuple[str, str | None]] = Counter()
    in_all: Counter[str | None] = Counter()
    sampled = False
    for sample in samples:
        sampled = True
        if sample.correct:
            by_question[sample.question_id, sample.strategy] += 1
            in_all[sample.strategy] += 1

    def order(question_id: str) -> list[str]:
        return sorted(
            strategies,
            key=lambda strategy: (by_question[question_id, strategy], in_all[strategy]),
            reverse=True,
        )

    return order if sampled else None


def select(rationales: Iterable[VerifiedRationale], *, keep: int | None) -> list[VerifiedRationale]:
    """Return the correct rationales that may train, in the order given.

    Args:
        rationales: verified rationales of one origin.
        keep: how many distinct texts a question and strategy, the earliest samples first; None
            for all. Texts that differ in white space alone are one.
    """
    kept: list[VerifiedRationale] = []
    texts: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for rationale in rationales:
        if not rationale.correct or rationale.strategy is None:
            continue
        seen = texts[rationale.question_id, rationale.strategy]
        text = " ".join(rationale.text.split())
        if text in seen or (keep is not None and len(seen) >= keep):
            continue
        seen.add(text)
        kept.append(rationale)
    return kept


def mix(
    teacher: Sequence[VerifiedRationale],
    student: Sequence[VerifiedRationale],
    *,
    variant: Variant,
    scope: Literal["question", "strategy"],
    order: Preference | None,
) -> list[tuple[Origin, VerifiedRationale]]:
    """Return the next training set, rows with their origin: the student's, then the teacher's.

    Args:
        teacher: D_LLM, as ``select`` gives it.
        student: D_self, as ``select`` gives it.
        variant: which rows of the two join.
        scope: what counts as solved by the student in ``adaptive``.
        order: of each question in the mix, only the rows of the first of its strategies that has
            any stay, as in the authors' code; None for every strategy.
    """
    rows = _join(teacher, student, variant, scope)
    if order is None:
        return rows
    there = {(one.question_id, one.strategy) for _, one in rows}
    favourite = {
        question_id: next((one for one in order(question_id) if (question_id, one) in there), None)
        for question_id in {question_id for question_id, _ in there}
    }
    return [(origin, one) for origin, one in rows if favourite[one.question_id] == one.strategy]


def _join(
    teacher: Sequence[VerifiedRationale],
    student: Sequence[VerifiedRationale],
    variant: Variant,
    scope: Literal["question", "strategy"],
) -> list[tuple[Origin, VerifiedRationale]]:
    own: list[tuple[Origin, VerifiedRationale]] = [("student", one) for one in student]
    taught: list[tuple[Origin, VerifiedRationale]] = [("teacher", one) for one in teacher]
    if variant == "self":
        return own
    if variant == "teacher":
        return taught
    if variant == "all":
        return own + taught
    by_question = scope == "question"
    solved = {(one.question_id, None if by_question else one.strategy) for one in student}
    return own + [
        (origin, one)
        for origin, one in taught
        if (one.question_id, None if by_question else one.strategy) not in solved
    ]
