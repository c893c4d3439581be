"""A run as one small file for git: which questions each of its students answered right.

    siked results --out docs/results/demo.json

{"format": 1, "revision": "6ae92c7a...", "lock": "0c1f...", "seed": 1,
 "settings": {"mix": {"variant": "adaptive", ...}, ...}, "strategies": ["cot", "l2m", "pot"],
 "benchmarks": [{"name": "dev", "ids": "demo-00003 demo-00010 ...", "families": "coats pens ...",
                 "questions": "5b0e..."}, ...],
 "students": [{"name": "it0", "rows": 720, "tokens": 67607, ...,
               "answers": {"dev": {"right": "0110...", "chosen": "02-1...",
                                   "forced": {"cot": "0100...", ...},
                                   "voted": {"cot": ["0110...", ...], "together": [...]}}}}, ...]}

``right``, ``chosen`` and so on have a character for each question, in the order of ``ids``. 1 is
right, 0 wrong. ``chosen`` is the strategy's place in ``strategies``, - where there was no valid
tag. ``voted`` has the votes of the first k samples, k from 1 to K. All statistics follow from that:

    demo = Results(Path("docs/results/demo.json"))
    compare_students(demo.answered("it0"), demo.answered("it2"))

The same run gives the same bytes. No text of a question or a model is in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote, unquote

from siked.analysis.figures import DEV, choose_best
from siked.analysis.paired import Answered
from siked.analysis.samples import TOGETHER, elect
from siked.analysis.statistics import share
from siked.errors import UserError
from siked.files import read_json
from siked.records import Failure, Question, VerifiedRationale, read_records
from siked.run import layout
from siked.run.dvc import find_outdated
from siked.run.run import Run
from siked.settings import FIRST_ITERATION

FORMAT = 1
"""Raised with every change that an older version would misread."""
SELECTED = "selected"
"""The name of the iteration that dev selects, whichever that is."""
NO_TAG = "-"
"""Stands for a strategy where an answer has none."""
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
"""What ``chosen`` counts strategies with."""
LEFT_OUT = {"ray", "tracking", "workers", "root", "url", "address", "key_from"}
"""Settings that change no result, and those that name places and machines."""


def gather(run: Run) -> dict[str, Any]:
    """Return the file's content.

    Students that the run has not evaluated, or whose stages ran with other settings, are left out.

    Raises:
        UserError: no student is left, or answers do not fit their questions.
    """
    behind = find_outdated(run.lock, run.settings)
    stages = {stage.called: name in behind for name, stage in run.lock.items()}
    names = [
        name
        for name in [*run.chain, *run.beside]
        if run.answers(name) and not stages.get(f"eval@{name}", False)
    ]
    if not names:
        raise UserError(
            f"{run.root / layout.WRITTEN}: no answers of a student with these settings: "
            "`dvc repro` makes them"
        )
    benchmarks = list(run.answers(names[0]))
    asked = {name: run.questions(name) for name in benchmarks}
    lock = run.text(layout.LOCK)
    return {
        "format": FORMAT,
        "revision": run.revision,
        "lock": None if lock is None else _md5(lock),
        "seed": run.settings.get("seed"),
        "settings": _keep_what_decides(run.settings),
        "strategies": list(run.strategies),
        "benchmarks": [_describe(name, own) for name, own in asked.items()],
        "students": [_gather_student(run, name, asked) for name in names],
    }


def to_text(content: Mapping[str, Any]) -> str:
    """Return the file's text: the same content gives the same bytes."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


class Results:
    """A file of results, read.

    Args:
        path: the file.

    Raises:
        UserError: it is missing, damaged, or of another format.
    """

    def __init__(self, path: Path) -> None:
        found = read_json(path)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise UserError(f"{path}: no results of format {FORMAT}: `siked results` writes them")
        self.name = path.stem
        try:
            self.seed: int = found["seed"]
            self.settings: Mapping[str, Any] = found["settings"]
            self.strategies: tuple[str, ...] = tuple(found["strategies"])
            self.questions: Mapping[str, Mapping[str, Question]] = {
                one["name"]: _read_questions(one) for one in found["benchmarks"]
            }
            """By benchmark and id; what stands for their texts is the benchmark's hash."""
            self.students: Mapping[str, Mapping[str, Any]] = {
                one["name"]: one for one in found["students"]
            }
            """As the file has them, by name."""
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{path}: damaged ({error!r}): `siked results` writes it") from None

    def find(self, name: str) -> Mapping[str, Any]:
        """Return a student as the file has it.

        Args:
            name: its name, or ``selected`` for the iteration with the best dev accuracy.

        Raises:
            UserError: there is no such student.
        """
        if name == SELECTED:
            dev = {
                one: share(own["answers"][DEV]["right"].count("1"), len(self.questions[DEV])) or 0
                for one, own in self.students.items()
                if one == FIRST_ITERATION or one in self.settings["iterations"]
            }
            name = choose_best(dev) if dev else name
        if name not in self.students:
            raise UserError(f"{self.name}: no student {name!r}: it has {', '.join(self.students)}")
        return self.students[name]

    def line(self, student: str) -> list[Mapping[str, Any]]:
        """Return a student's predecessors and itself, as the file has them; a rival's is it0."""
        previous = {name: one["previous"] for name, one in self.settings["iterations"].items()}
        previous |= dict.fromkeys(self.settings.get("rivals", ()), FIRST_ITERATION)
        found = [self.find(student)]
        while (before := previous.get(found[0]["name"])) in self.students:
            found.insert(0, self.students[str(before)])
        return found

    def answered(
        self,
        student: str,
        *,
        forced: str | None = None,
        voted: str | None = None,
        k: int | None = None,
    ) -> Answered:
        """Return what a student answered; rationales have no text.

        Args:
            student: see ``find``.
            forced: with this strategy forced.
            voted: by the vote of its samples with this strategy, or of all (``together``).
            k: of so many samples of each strategy; of all where None.

        Raises:
            UserError: there is no such student, or it has no such answers.
        """
        own = self.find(student)
        name = f"{self.name}:{own['name']}"
        if forced:
            name = f"{name} by {forced}"
        if voted:
            name = f"{name}, majority of {k or 'all'} ({voted})"
        answers = {}
        for benchmark, found in own["answers"].items():
            try:
                right = found["right"]
                chosen = found["chosen"]
                if forced:
                    right = found["forced"][forced]
                    chosen = DIGITS[self.strategies.index(forced)] * len(right)
                if voted:
                    votes = found["voted"][voted]
                    right, chosen = votes[(k or len(votes)) - 1], NO_TAG * len(right)
            except (KeyError, IndexError):
                raise UserError(f"{name}: the file has no such answers to {benchmark}") from None
            asked = self.questions[benchmark]
            answers[benchmark] = tuple(
                self._answer(*one) for one in zip(asked, right, chosen, strict=True)
            )
        return Answered(
            name=name,
            strategies=(forced,) if forced else self.strategies,
            answers=answers,
            questions=self.questions,
        )

    def _answer(self, question: str, right: str, chosen: str) -> VerifiedRationale:
        correct = right == "1"
        return VerifiedRationale(
            question_id=question,
            strategy=None if chosen == NO_TAG else self.strategies[DIGITS.index(chosen)],
            sample=0,
            text="",
            predicted="" if correct else None,
            correct=correct,
            failure=None if correct else Failure.WRONG,
        )


def _gather_student(
    run: Run, name: str, asked: Mapping[str, Mapping[str, Question]]
) -> dict[str, Any]:
    steps = run.counted(name)
    figures = {
        "rows": steps.get("train", {}).get("rows"),
        "tokens": steps.get("train", {}).get("tokens"),
        "written": steps.get("generate", {}).get("tokens"),
        "teacher_rows": steps.get("mix", {}).get("teacher_rows"),
        "student_rows": steps.get("mix", {}).get("student_rows"),
        "carried": steps.get("train", {}).get("carried"),
    }
    kinds = (layout.FREE, layout.FORCED, layout.SAMPLED)
    free, forced, sampled = (run.answers(name, kind) for kind in kinds)
    answers: dict[str, dict[str, Any]] = {}
    for benchmark in free:
        questions = asked[benchmark]
        own = _by_question(free[benchmark], questions)
        answers[benchmark] = {
            "right": _flags(one.correct for one in own),
            "chosen": "".join(_digit(one.strategy, run.strategies) for one in own),
        }
        if benchmark in forced:
            answers[benchmark]["forced"] = {
                strategy: _flags(
                    one.correct for one in _by_question(forced[benchmark], questions, strategy)
                )
                for strategy in run.strategies
            }
        if benchmark in sampled:
            answers[benchmark]["voted"] = _votes(sampled[benchmark], questions, run.strategies)
    return {
        "name": name,
        **{key: value for key, value in figures.items() if value is not None},
        "answers": answers,
    }


def _votes(
    path: Path, questions: Mapping[str, Question], strategies: tuple[str, ...]
) -> dict[str, list[str]]:
    found = elect(read_records(path, VerifiedRationale), strategies)
    if odd := sorted(found[TOGETHER].keys() ^ questions.keys()):
        raise UserError(f"{path}: not the samples of its questions, {odd[0]} for one")
    return {
        pool: [_flags(each) for each in zip(*map(votes.__getitem__, questions), strict=True)]
        for pool, votes in found.items()
    }


def _by_question(
    path: Path, questions: Mapping[str, Question], strategy: str | None = None
) -> list[VerifiedRationale]:
    """Return a file's answers in the order of the questions, one each."""
    rows = [
        one
        for one in read_records(path, VerifiedRationale)
        if strategy is None or one.strategy == strategy
    ]
    found = {one.question_id: one for one in rows}
    if len(found) < len(rows) or found.keys() != questions.keys():
        raise UserError(
            f"{path}: not one answer to each of its questions: `dvc repro` or `dvc checkout` "
            "brings them together"
        )
    return [found[question] for question in questions]


def _describe(name: str, questions: Mapping[str, Question]) -> dict[str, Any]:
    """Return a benchmark: ids and families in the order of its questions, and a hash of them."""
    texts = [[one.id, one.question, one.answer] for one in questions.values()]
    found = {
        "name": name,
        "ids": _words(questions),
        "questions": _md5(json.dumps(texts)),
    }
    if any(one.family is not None for one in questions.values()):
        found["families"] = _words(one.family or "" for one in questions.values())
    return found


def _read_questions(benchmark: Mapping[str, Any]) -> dict[str, Question]:
    ids = benchmark["ids"].split(" ")
    families = benchmark.get("families", " " * (len(ids) - 1)).split(" ")
    return {
        unquote(one): Question(
            id=unquote(one),
            source=benchmark["name"],
            question=benchmark["questions"],
            answer="",
            family=unquote(family) or None,
        )
        for one, family in zip(ids, families, strict=True)
    }


def _keep_what_decides(settings: Any) -> Any:
    """Return settings without places on a machine; of a path of one the last name stays."""
    if isinstance(settings, Mapping):
        return {
            key: _keep_what_decides(value) for key, value in settings.items() if key not in LEFT_OUT
        }
    if isinstance(settings, list):
        return [_keep_what_decides(value) for value in settings]
    if isinstance(settings, str):
        kind, colon, place = settings.partition("path:")
        if colon and not kind:
            return f"path:{PurePath(place).name}"
        return PurePath(settings).name if PurePath(settings).is_absolute() else settings
    return settings


def _flags(values: Iterable[bool]) -> str:
    return "".join("01"[value] for value in values)


def _digit(strategy: str | None, strategies: tuple[str, ...]) -> str:
    return DIGITS[strategies.index(strategy)] if strategy in strategies else NO_TAG


def _words(names: Iterable[str]) -> str:
    """Return names with spaces between them; those inside a name are quoted."""
    return " ".join(quote(name, safe=":;,/+=@()[]'") for name in names)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
