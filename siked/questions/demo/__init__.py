"""Problems written for this project: families in varied language, drawn from a seed.

A family of the train set, one of its questions, and the solution that comes with it:

    Lena buys 3 mugs at $4 each and pays with $20. How many dollars does she get back?
    cost = 3 * 4        The mugs cost 3 * 4 = 12 dollars.
    change = 20 - cost  Lena has 20 - 12 = 8 dollars left.

Splits: ``train``; ``seen``, the same families with numbers that train never has; ``unseen``,
families that train lacks, which recombine its skills. The families are the YAML files in
``families/``, whose README says how to write one.
"""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from siked.errors import UserError
from siked.files import read_yaml
from siked.questions.demo.family import Family, FamilyFile, Problem
from siked.records import Question

FOLDER: Final = Path(__file__).with_name("families")
SEEN_OF_TEN: Final = 2
"""Tenths of the numbers of a train family that are kept for the ``seen`` split."""
ATTEMPTS: Final = 2000
"""Draws until a family counts as used up."""


@functools.cache
def load(
    themes: tuple[str, ...] | None = None, folder: Path = FOLDER
) -> Mapping[str, Mapping[str, Family]]:
    """Return the families of each split by name: of these files alone, or of all where None.

    They are sorted by a hash of the name. That order mixes themes, and two families keep their
    order whatever other files there are.

    Raises:
        UserError: there is no such theme, or a file does not fit (``file: key: what is wrong``).
    """
    paths = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    for theme in themes or ():
        if theme not in paths:
            raise UserError(
                f"themes: {folder} has no {theme}.yaml: take some of {', '.join(paths)}"
            )
    found: dict[str, dict[str, Family]] = {"train": {}, "unseen": {}}
    owners: dict[str, Path] = {}
    for theme, path in paths.items():
        if themes is not None and theme not in themes:
            continue
        file = _read(path)
        for name, family in file.families.items():
            if name in owners:
                raise UserError(f"{path}: families.{name}: {owners[name]} has this name already")
            try:
                family.check()
            except ValueError as error:
                raise UserError(f"{path}: families.{name}.{error}") from None
            owners[name] = path
            found[file.split][name] = family
    train, unseen = (
        dict(sorted(families.items(), key=lambda item: hashlib.sha256(item[0].encode()).digest()))
        for families in found.values()
    )
    return {"train": train, "seen": train, "unseen": unseen}


def _read(path: Path) -> FamilyFile:
    try:
        return FamilyFile.model_validate(read_yaml(path, as_texts=True))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: {key}: {first['msg'].removeprefix('Value error, ')}") from None


def write(
    split: str,
    rows: int,
    seed: int,
    name: str,
    themes: tuple[str, ...] | None = None,
    *,
    folder: Path = FOLDER,
) -> Iterator[Question]:
    """Write ``rows`` different questions of a split, spread evenly over its families.

    The first rows stay the same when ``rows`` grows. Each family draws its questions from a stream
    of its own, so they stay the same when a family is added. No question of ``seen`` can come up
    in ``train``, whatever the seeds.

    Args:
        split: ``train``, ``seen`` or ``unseen``.
        rows: how many questions.
        seed: other seeds give other questions.
        name: the questions' source, with which their ids begin.
        themes: take the families of these files alone, named without ``.yaml``; all where None.
        folder: where the families' files are.

    Raises:
        UserError: there is no such split or theme, it has no families or a file of them does not
            fit, or a family has no more different questions.
    """
    splits = load(themes, folder)
    families = splits.get(split)
    if families is None:
        raise UserError(f"split: the demo has no {split!r}: take one of {', '.join(splits)}")
    if not families:
        where = f"themes: {', '.join(themes)}" if themes else str(folder)
        raise UserError(f"{where}: no file has families of the demo's {split} split: add one")
    order = list(families)
    shuffler = random.Random(f"{seed}/{split}")
    streams = {family: random.Random(f"{seed}/{split}/{family}") for family in order}
    written: set[str] = set()
    for row in range(rows):
        if row % len(order) == 0:
            shuffler.shuffle(order)
        family = order[row % len(order)]
        problem = _new_problem(family, families[family], split, streams[family], written)
        yield Question(
            id=f"{name}-{row:05d}",
            source=name,
            question=problem.question,
            answer=problem.answer,
            family=family,
            solution=problem.steps,
        )


def _new_problem(
    name: str, family: Family, split: str, rng: random.Random, written: set[str]
) -> Problem:
    for _ in range(ATTEMPTS):
        try:
            problem = family.draw(rng)
        except ValueError as error:
            raise UserError(f"the demo's families.{name}.{error}") from None
        if _belongs(name, problem, split) and problem.question not in written:
            written.add(problem.question)
            return problem
    raise UserError(
        f"rows: the demo's {split} split has no more new questions of its family {name}: "
        f"ask for fewer than {len(written)}"
    )


def _belongs(name: str, problem: Problem, split: str) -> bool:
    """Return whether these numbers are this split's: a hash parts ``train`` from ``seen``."""
    if split == "unseen":
        return True
    digest = hashlib.sha256(f"{name} {problem.numbers}".encode()).digest()
    return (digest[0] % 10 < SEEN_OF_TEN) == (split == "seen")
