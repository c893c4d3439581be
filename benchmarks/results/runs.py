"""Which answers a cell of a table is about: of whom, to what, with which seeds.

A cell is said by a row and a column together:

    {run: demo, student: it2, benchmark: demo-seen}
    {run: demo, student: it0, vote: together, benchmark: all tests}
    {run: demo, student: selected, forced: pot, benchmark: demo-seen, family: coats}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from siked.analysis.figures import DEV
from siked.analysis.paired import TOGETHER, Answered
from siked.analysis.seeds import compare_seeds
from siked.analysis.statistics import accuracy
from siked.errors import UserError
from siked.files import read_json
from siked.records import VerifiedRationale
from siked.run.results import Results

FILES = Path("docs/results")
SPECIFIED = FILES / "tables.yaml"
TAGS = "tags"
"""The folder beside the runs' files with what `python -m benchmarks.tags` writes."""
SEED = re.compile(r"-seed-\d+$")
"""What a file's name has behind that of its kind of run, where there are several seeds."""
WHO = {"run", "seed", "student", "forced", "vote", "k"}

Spec = Mapping[str, Any]


@dataclass
class Runs:
    """The files of results, and which of them a table has used."""

    folder: Path
    used: dict[str, set[int]] = field(default_factory=dict)
    """Seeds by the name of a kind of run."""

    def __post_init__(self) -> None:
        self._files = {path.stem: path for path in sorted(self.folder.glob("*.json"))}
        self._read: dict[str, Results] = {}

    def find(self, spec: Spec) -> list[Results]:
        """Return the files of a kind of run by their seeds, or the one of a seed.

        Raises:
            UserError: there is none, or two have the same seed.
        """
        kind = str(spec.get("run"))
        found = [self._results(one) for one in self._files if SEED.sub("", one) == kind]
        if "seed" in spec:
            found = [one for one in found if one.seed == spec["seed"]]
        if not found:
            raise UserError(f"{self.folder}: no results of {describe(spec)}")
        seeds = {one.seed for one in found}
        if len(seeds) < len(found):
            raise UserError(f"{self.folder}: two files of {kind} have the same seed")
        self.used.setdefault(kind, set()).update(seeds)
        return sorted(found, key=lambda one: one.seed)

    def answered(self, spec: Spec) -> list[Answered]:
        """Return a student's answers, one a seed, all under the one benchmark's name.

        Raises:
            UserError: there are none.
        """
        if odd := [key for key in ("student", "benchmark") if key not in spec]:
            raise UserError(f"{SPECIFIED}: {describe(spec)}: names no {odd[0]}")
        kind = {"forced": spec.get("forced"), "voted": spec.get("vote"), "k": spec.get("k")}
        return [
            _restrict(one.answered(spec["student"], **kind), spec["benchmark"], spec.get("family"))
            for one in self.find(spec)
        ]

    def measure(self, spec: Spec) -> dict[str, Any]:
        """Return ``{"accuracy", "n", "low", "high"}``, not rounded: of a seed, or the seeds' mean.

        Raises:
            UserError: there are no such answers.
        """
        found = self.answered(spec)
        if len(found) > 1:
            (line,) = compare_seeds([(one, one) for one in found], [spec["benchmark"]]).lines
            return {**line.first, "n": line.n}
        rows = only(found[0])
        return accuracy(sum(one.correct for one in rows), len(rows))

    def weigh_tags(self, spec: Spec) -> list[list[Sequence[float]]]:
        """Return for each seed and question how likely each strategy's tag is.

        Raises:
            UserError: nobody weighed them, or for other questions.
        """
        found = []
        for run, answered in zip(self.find(spec), self.answered(spec), strict=True):
            path = self.folder / TAGS / f"{run.name}.json"
            try:
                weighed = read_json(path)["students"][spec["student"]][spec["benchmark"]]
                found.append([weighed[one.question_id] for one in only(answered)])
            except (KeyError, TypeError) as error:
                raise UserError(f"{path}: {describe(spec)}: has no {error}") from None
        return found

    def _results(self, name: str) -> Results:
        if name not in self._read:
            self._read[name] = Results(self._files[name])
        return self._read[name]


def only(one: Answered) -> Sequence[VerifiedRationale]:
    """Return the answers to the only benchmark."""
    (rows,) = one.answers.values()
    return rows


def describe(spec: Spec) -> str:
    """Return what a cell says of its student."""
    return ", ".join(f"{key}: {spec[key]}" for key in sorted(WHO & spec.keys())) or "no run"


def _restrict(one: Answered, benchmark: str, family: str | Sequence[str] | None) -> Answered:
    """Return the answers to one benchmark, or to all test sets as one; of some families alone."""
    names = [name for name in one.answers if name != DEV] if benchmark == TOGETHER else [benchmark]
    if missing := [name for name in names if name not in one.answers]:
        raise UserError(f"{one.name}: no benchmark {missing[0]!r}: {', '.join(one.answers)}")
    questions = {key: each for name in names for key, each in one.questions[name].items()}
    families = [family] if isinstance(family, str) else family or ()
    answers = tuple(
        each
        for name in names
        for each in one.answers[name]
        if family is None or questions[each.question_id].family in families
    )
    if not answers:
        raise UserError(f"{one.name}: {benchmark} has no questions of the family {family!r}")
    return replace(one, answers={benchmark: answers}, questions={benchmark: questions})
