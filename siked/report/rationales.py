r"""The rationales of the page: which ones, and as the JSON that its browser reads.

All are shown where they fit. Where they do not, the sample is the same for the same files:

- Answers to dev and test questions stay together, so that two students can be read side by side:
  all answers to at most N questions of each benchmark.
- Rationales for train questions: at most N of each kind, a kind being a writer, a strategy and a
  verdict, so that rare failures are not lost.

N is the largest number with which they fit; the questions with the lowest hashes of their ids come
first. A row of ``{"rows": [...]}``, whose numbers are places in the lists beside it:

    [question, set, writer, strategy, failure, rule, sample, predicted, text]
    [17, 1, 3, 2, -1, 4, 0, "36.4", "cost = 12 * 5.3\nanswer = 100 - cost"]

``failure`` is -1 where the answer is right; ``strategy`` is -1 where no valid tag was written.
"""

import hashlib
import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from siked.errors import UserError
from siked.records import Failure, Question, VerifiedRationale
from siked.run import layout

BUDGET = 1_600_000
"""Bytes for the answers to benchmarks, and as many for the rationales for train questions: with
the drawing code, under 5 MB in all."""
LONGEST = 4_000
"""Characters of a text that are shown."""
MOST = 1_000
"""Rationales of a kind that are remembered."""
TRAIN = "train questions"
FORCED = ", forced"

T = TypeVar("T")
Answers: TypeAlias = "Mapping[str, Mapping[str, Sequence[VerifiedRationale]]]"


@dataclass(frozen=True)
class Browser:
    """What the page's browser holds."""

    data: dict[str, Any]
    """``questions``, ``rows``, the lists that rows point into, and ``verdicts``: by benchmark, the
    ids of all its questions and each student's verdicts as a text of 0 and 1."""
    notes: tuple[str, ...]
    """What is shown of how much, a sentence each."""


class Kinds:
    """Rationales for train questions: of each kind, those with the lowest hashes."""

    def __init__(self) -> None:
        self._seen = 0
        self._heaps: defaultdict[
            tuple[str, str, str], list[tuple[int, int, str, VerifiedRationale]]
        ] = defaultdict(list)

    def add(self, writer: str, rationales: Iterable[VerifiedRationale]) -> None:
        """Take in what a writer wrote; of hundreds of thousands only a few are kept in memory."""
        for one in rationales:
            self._seen += 1
            heap = self._heaps[writer, one.strategy or "", one.failure or ""]
            # Negative, since the first to go from a heap is its smallest entry.
            entry = (-_rank(one.question_id), -self._seen, writer, one)
            if len(heap) < MOST:
                heapq.heappush(heap, entry)
            else:
                heapq.heappushpop(heap, entry)

    def ordered(self) -> list[list[tuple[str, VerifiedRationale]]]:
        """Return a list a kind: writers and rationales, those with the lowest hashes first."""
        return [
            [(writer, one) for *_, writer, one in sorted(heap, key=_place, reverse=True)]
            for heap in self._heaps.values()
        ]

    def __len__(self) -> int:
        """How many rationales were taken in."""
        return self._seen


def build_browser(
    answers: Answers,
    forced: Answers,
    train: Kinds,
    questions: Mapping[str, Question],
    strategies: Sequence[str],
) -> Browser:
    """Choose the rationales and lay them out.

    Raises:
        UserError: a rationale answers a question that ``questions`` lacks.
    """
    benchmarks = list(next(iter(answers.values())))
    sets = [*benchmarks, *(f"{name}{FORCED}" for name in benchmarks), TRAIN]
    table = _Table(questions, sets, strategies)
    of_question: dict[str, dict[str, list[_Placed]]] = {name: {} for name in benchmarks}
    for students, ending in ((answers, ""), (forced, FORCED)):
        for writer, by_benchmark in students.items():
            for name, several in by_benchmark.items():
                for one in several:
                    mine = of_question[name].setdefault(one.question_id, [])
                    mine.append(_Placed(f"{name}{ending}", writer, one))
    picked, note = _whole_questions(of_question, table)
    for placed in picked:
        table.add(placed)
    sampled, also = _of_each_kind(train, table)
    for placed in sorted(sampled, key=lambda placed: _rank(placed.rationale.question_id)):
        table.add(placed)
    verdicts = {
        name: {
            "ids": [one.question_id for one in next(iter(answers.values()))[name]],
            "right": {
                student: _verdicts(by_benchmark[name], next(iter(answers.values()))[name])
                for student, by_benchmark in answers.items()
            },
        }
        for name in benchmarks
    }
    cut = [f"{table.cut} texts are cut after {LONGEST:,} characters."] if table.cut else []
    return Browser({**table.data(), "verdicts": verdicts}, (note, also, *cut))


@dataclass(frozen=True)
class _Placed:
    """A rationale, who wrote it and where it belongs."""

    where: str
    writer: str
    rationale: VerifiedRationale


class _Table:
    """Rows that point into lists."""

    def __init__(
        self, questions: Mapping[str, Question], sets: Sequence[str], strategies: Sequence[str]
    ) -> None:
        self._known = questions
        self._sets = list(sets)
        self._strategies = list(strategies)
        self._failures = [kind.value for kind in Failure]
        self._writers: list[str] = []
        self._rules: list[str] = []
        self._questions: dict[str, int] = {}
        self._rows: list[list[Any]] = []
        self._sized: set[str] = set()
        self.cut = 0

    def add(self, placed: _Placed) -> None:
        """Append a rationale."""
        key = placed.rationale.question_id
        if key not in self._questions:
            self._questions[key] = len(self._questions)
        self.cut += len(placed.rationale.text) > LONGEST
        self._rows.append(self._row(placed, self._questions[key]))

    def size(self, placed: _Placed) -> int:
        """Return the bytes that it takes; its question's only the first time that it is asked."""
        key = placed.rationale.question_id
        fresh = key not in self._sized
        self._sized.add(key)
        return _bytes(self._row(placed, 0)) + (_bytes(self._question(key)) if fresh else 0)

    def data(self) -> dict[str, Any]:
        """Return everything as JSON takes it."""
        return {
            "sets": self._sets,
            "writers": self._writers,
            "strategies": self._strategies,
            "failures": self._failures,
            "rules": self._rules,
            "questions": [self._question(key) for key in self._questions],
            "rows": self._rows,
        }

    def _question(self, key: str) -> list[str]:
        if key not in self._known:
            raise UserError(
                f"{layout.QUESTIONS}: the question {key} of an answer is not there: `dvc repro` or "
                "`dvc checkout` brings them together"
            )
        question = self._known[key]
        return [key, question.question, question.answer]

    def _row(self, placed: _Placed, question: int) -> list[Any]:
        one = placed.rationale
        known = one.strategy in self._strategies
        return [
            question,
            self._sets.index(placed.where),
            _place_of(self._writers, placed.writer),
            self._strategies.index(str(one.strategy)) if known else -1,
            -1 if one.failure is None else self._failures.index(one.failure.value),
            -1 if one.rule is None else _place_of(self._rules, one.rule),
            one.sample,
            one.predicted,
            one.text[:LONGEST],
        ]


def _whole_questions(
    of_question: Mapping[str, Mapping[str, Sequence[_Placed]]], table: _Table
) -> tuple[list[_Placed], str]:
    """As many questions of each benchmark as fit, with all answers to them."""
    benchmarks = [[mine[key] for key in sorted(mine, key=_rank)] for mine in of_question.values()]
    fits = _fitting(benchmarks, lambda several: sum(map(table.size, several)))
    found = [placed for mine in benchmarks for several in mine[:fits] for placed in several]
    whole = sum(len(several) for mine in benchmarks for several in mine)
    if len(found) == whole:
        return found, f"All {whole:,} answers to dev and test questions are here."
    return found, (
        f"{len(found):,} of {whole:,} answers to dev and test questions are here: those to "
        f"{fits:,} questions of each benchmark (all, where it has fewer), the ones with the lowest "
        "hashes of their ids. Counts of won and lost questions are of all."
    )


def _of_each_kind(train: Kinds, table: _Table) -> tuple[list[_Placed], str]:
    """As many rationales for train questions of each kind as fit."""
    kinds = [[_Placed(TRAIN, *pair) for pair in kind] for kind in train.ordered()]
    fits = _fitting(kinds, table.size)
    found = [placed for kind in kinds for placed in kind[:fits]]
    if len(found) == len(train):
        return found, f"All {len(train):,} rationales for train questions are here."
    return found, (
        f"{len(found):,} of {len(train):,} rationales for train questions are here: at most "
        f"{fits:,} of each kind (writer, strategy, verdict), those of the questions with the "
        "lowest hashes of their ids."
    )


def _fitting(columns: Sequence[Sequence[T]], size: Callable[[T], int]) -> int:
    """How many of each column's first entries fit into the budget; the longest column's length."""
    total = 0
    for number in range(max(map(len, columns), default=0)):
        total += sum(size(column[number]) for column in columns if len(column) > number)
        if total > BUDGET:
            return number
    return max(map(len, columns), default=0)


def _verdicts(own: Sequence[VerifiedRationale], order: Sequence[VerifiedRationale]) -> str:
    """A student's verdicts as 0 and 1, in the order of the questions of another's answers."""
    right = Counter(one.question_id for one in own if one.correct)
    return "".join("1" if right[one.question_id] else "0" for one in order)


def _place_of(names: list[str], name: str) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)


def _place(entry: tuple[int, int, str, VerifiedRationale]) -> tuple[int, int]:
    return entry[:2]


def _rank(question: str) -> int:
    return int.from_bytes(hashlib.sha256(question.encode()).digest()[:8])


def _bytes(value: list[Any]) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode()) + 1
