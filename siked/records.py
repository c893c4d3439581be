"""The records that stages hand to one another: one JSON object a line, one schema a file kind.

A question as every stage after ``questions`` sees it:

    {"id": "gsm8k-train-00017", "source": "gsm8k", "question": "Weng earns $12 an hour ...",
     "answer": "10", "solution": [{"ask": "How much does Weng earn per minute?", "say": "...",
     "calculations": [{"name": "earnings_per_minute", "expression": "12/60", "value": "0.2"}]}]}

Records are checked when they are read; what does not fit is reported as ``file:line: what``.
Fields whose value is their default are left out of the file.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from siked.errors import UserError
from siked.files import open_binary, replace_file, say_mended, whole_characters

RARE = "rare"
"""Marks, in a record's JSON schema, a field that a data card leaves out where no row has it."""
Rare = Annotated[str, Field(json_schema_extra={RARE: True})]


class Record(BaseModel):
    """What all records share: unknown fields are refused, values never change."""

    # The docstrings of the fields are their meanings in the data cards.
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Calculation(Record):
    """One calculation of a worked solution."""

    name: str
    """What the value is, as an identifier: ``clips_in_may``."""
    expression: str
    """Arithmetic over decimal literals, ``+ - * / // % ** ( )``, and the names of earlier
    calculations or quantities: ``48/2``."""
    value: str
    """The exact value, as a decimal, integer or fraction: ``24``."""


class Step(Record):
    """One step of a worked solution."""

    ask: str
    """The sub-question that this step answers (for least-to-most)."""
    say: str
    """The step as a sentence, its arithmetic included (for chain of thought)."""
    calculations: tuple[Calculation, ...] = ()
    """What the step computes, in order (for programs)."""


class Question(Record):
    """A question with its exact answer."""

    id: str
    """Stable and readable, and unlike any other's."""
    source: str
    """The name of the source that it was read from, a key of ``questions.train`` or ``.test``."""
    question: str
    """The text."""
    answer: str
    """The gold answer: an exact integer, decimal or fraction, without unit or separators; of a
    source with ``answers: expressions`` also an expression, as LaTeX."""
    family: str | None = None
    """The problem family, where the source knows it."""
    solution: tuple[Step, ...] = ()
    """A worked solution, where the source has one. Empty in dev and test files."""


class Rationale(Record):
    """One sampled rationale, before anything is known of its answer."""

    question_id: str
    """The question that it answers."""
    strategy: str | None
    """``cot``, ``l2m`` or ``pot``; null where a model was free to choose and wrote no valid tag."""
    sample: int
    """Its number among the samples of the same question and strategy, from 0."""
    text: str
    """The rationale without its strategy tag, and without what a teacher thought before."""
    thinking: str = ""
    """What a teacher that thinks wrote before the rationale; neither judged nor trained on."""
    teacher: Rare = ""
    """Who wrote it, as a recording says; empty where it does not, and for a model of this run."""
    source: Rare = ""
    """Where the recording has it from, as it says."""
    prompt_tokens: int = 0
    """Tokens of what the model was shown; 0 where no model wrote it."""
    completion_tokens: int = 0
    """Tokens that the model wrote; 0 where none did."""
    truncated: bool = False
    """Cut off by the length limit before the model ended it."""


class Failure(StrEnum):
    """Why a rationale does not count as right."""

    WRONG = "wrong"
    NO_ANSWER = "no-answer"
    NO_STRATEGY = "no-strategy"
    TRUNCATED = "truncated"
    SYNTAX_ERROR = "syntax-error"
    NAME_ERROR = "name-error"
    RUNTIME_ERROR = "runtime-error"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT = "output"
    NOT_A_NUMBER = "not-a-number"
    NOT_FINITE = "not-finite"
    FORBIDDEN = "forbidden"
    UNREADABLE_GOLD = "unreadable-gold"


class VerifiedRationale(Rationale):
    """A rationale with the verdict on its answer."""

    predicted: str | None = None
    """The answer it gives, as text; null where none was found."""
    rule: str | None = None
    """The extraction rule that found the answer."""
    correct: bool
    """Whether that answer is the gold answer."""
    failure: Failure | None = None
    """Null exactly when ``correct``."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.correct != (self.failure is None):
            raise ValueError("`failure` is null exactly where `correct` is true")
        if self.correct and self.predicted is None:
            raise ValueError("`correct` without an answer in `predicted`")
        return self


class Example(Record):
    """One training example, as trained: loss is taken on the completion alone."""

    question_id: str
    """The question that it answers."""
    strategy: str
    """``cot``, ``l2m`` or ``pot``."""
    origin: str
    """Whose rationale it is: ``teacher`` or ``student``."""
    prompt: str
    """The student's prompt, rendered through its chat template."""
    completion: str
    """Strategy tag and rationale, without the end-of-turn token."""


R = TypeVar("R", bound=Record)


def read_records(path: Path, kind: type[R]) -> Iterator[R]:
    """Read a JSON Lines file as records of ``kind``.

    Halves of characters and bytes that are no UTF-8 become U+FFFD; how many rows had some is said
    on standard error.

    Raises:
        UserError: the file is missing, or a row does not fit (``file:line: what is wrong``).
    """
    mended = 0
    with open_binary(path, "run `dvc repro` to make it") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                try:
                    record = kind.model_validate_json(line)
                except ValidationError:
                    whole = whole_characters(line.decode("utf-8", errors="replace"))
                    if whole.encode() == line:
                        raise
                    record = kind.model_validate_json(whole)
                    mended += 1
                yield record
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"])
                what = f"{where}: {first['msg']}" if where else first["msg"]
                raise UserError(f"{path}:{number}: {what}") from None
    say_mended(path, mended)


def count_records(path: Path) -> int:
    """Return how many records a file holds.

    Raises:
        UserError: the file is missing.
    """
    with open_binary(path, "run `dvc repro` to make it") as file:
        return sum(1 for line in file if line.strip())


def write_records(path: Path, records: Iterable[Record]) -> int:
    """Write records as JSON Lines, whole or not at all; return how many."""
    count = 0
    with replace_file(path) as file:
        for record in records:
            file.write(record.model_dump_json(exclude_defaults=True) + "\n")
            count += 1
    return count
