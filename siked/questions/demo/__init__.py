"""Problems written for this project: families in varied language, drawn from a seed.

A family of the train set, one of its questions, and the solution that comes with it:

    Lena buys 3 mugs at $4 each and pays with $20. How many dollars does she get back?
    cost = 3 * 4        The mugs cost 3 * 4 = 12 dollars.
    change = 20 - cost  Lena has 20 - 12 = 8 dollars left.

Splits: ``train``; ``seen``, the same families with numbers that train never has; ``unseen``,
families that train lacks, which recombine its skills. A new family is one entry in the
``FAMILIES`` of a module in this package.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from siked.errors import UserError
from siked.questions.demo import (
    amounts,
    clock,
    comparing,
    geometry,
    percent,
    rates,
    riddles,
    sharing,
    shopping,
    stories,
    unseen_counts,
    unseen_money,
)
from siked.records import Question

if TYPE_CHECKING:
    from siked.questions.demo.family import Family, Problem

_TRAIN: Final = (
    *shopping.FAMILIES,
    *rates.FAMILIES,
    *clock.FAMILIES,
    *sharing.FAMILIES,
    *percent.FAMILIES,
    *comparing.FAMILIES,
    *stories.FAMILIES,
    *geometry.FAMILIES,
    *riddles.FAMILIES,
    *amounts.FAMILIES,
)
_UNSEEN: Final = (*unseen_money.FAMILIES, *unseen_counts.FAMILIES)
SPLITS: Final = MappingProxyType({"train": _TRAIN, "seen": _TRAIN, "unseen": _UNSEEN})
"""The families of each split."""
SEEN_OF_TEN: Final = 2
"""Tenths of the numbers of a train family that are kept for the ``seen`` split."""
ATTEMPTS: Final = 2000
"""Draws until a family counts as used up."""


def families() -> Mapping[str, Family]:
    """All families by name, those of the train split first."""
    return MappingProxyType({family.name: family for family in (*_TRAIN, *_UNSEEN)})


def write(
    split: str, rows: int, seed: int, name: str, most: int | None = None
) -> Iterator[Question]:
    """Write ``rows`` different questions of a split, spread evenly over its families.

    The first rows stay the same when ``rows`` grows. No question of ``seen`` can come up in
    ``train``, whatever the seeds.

    Args:
        split: ``train``, ``seen`` or ``unseen``.
        rows: how many questions.
        seed: other seeds give other questions.
        name: the questions' source, with which their ids begin.
        most: take only so many of the split's families, the same ones in ``train`` and ``seen``;
            all where None.

    Raises:
        UserError: there is no such split, or a family has no more different questions.
    """
    if split not in SPLITS:
        raise UserError(f"split: the demo has no {split!r}: take one of {', '.join(SPLITS)}")
    order = sorted(SPLITS[split], key=_place)[:most]
    shuffler = random.Random(f"{seed}/{split}")
    streams = {family.name: random.Random(f"{seed}/{split}/{family.name}") for family in order}
    written: set[str] = set()
    for row in range(rows):
        if row % len(order) == 0:
            shuffler.shuffle(order)
        family = order[row % len(order)]
        problem = _new_problem(family, split, streams[family.name], written)
        yield Question(
            id=f"{name}-{row:05d}",
            source=name,
            question=problem.question,
            answer=problem.answer,
            family=family.name,
            solution=problem.steps,
        )


def _place(family: Family) -> bytes:
    """An order of families that mixes themes and does not change when one is added."""
    return hashlib.sha256(family.name.encode()).digest()


def _new_problem(family: Family, split: str, rng: random.Random, written: set[str]) -> Problem:
    for _ in range(ATTEMPTS):
        problem = family.draw(rng)
        if _belongs(family, problem, split) and problem.question not in written:
            written.add(problem.question)
            return problem
    raise UserError(
        f"rows: the demo's {split} split has no more new questions of its family {family.name}: "
        f"ask for fewer than {len(written)}"
    )


def _belongs(family: Family, problem: Problem, split: str) -> bool:
    """Whether these numbers are this split's: a stable hash parts ``train`` from ``seen``."""
    if split == "unseen":
        return True
    digest = hashlib.sha256(f"{family.name} {problem.numbers}".encode()).digest()
    return (digest[0] % 10 < SEEN_OF_TEN) == (split == "seen")
