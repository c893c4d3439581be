r"""Outputs of any model, from any project, with the answers that they should reach.

    {"strategy": "pot", "output": "eggs = 16 - 3 - 4\nans = eggs * 2", "gold": "18",
     "answer_var": "ans"}
    {"strategy": "cot", "output": "She sells 9 eggs for $18.\nFinal Answer: 18", "gold": 18}
    {"strategy": "l2m", "output": {"sub_questions": "Q1: ...", "sub_answers": "A1: ..."},
     "gold": "18", "id": "gsm8k-test-00000"}

Other fields are left alone. ``read_output`` makes an ``Output`` of such a row, ``check_outputs``
judges outputs as a run's own rationales are judged.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError, field_validator
from pydantic_core import to_jsonable_python

from siked.errors import UserError
from siked.records import Failure, Rationale, Record
from siked.settings import StrategyName
from siked.verification.sandbox import Sandbox
from siked.verification.verify import Verdict, judge_rationales

_BATCH = 128
"""Outputs looked at together: a command that is stopped loses at most so many verdicts."""


class SubAnswers(BaseModel):
    """A least-to-most output in two columns; its answer stands in the second."""

    model_config = ConfigDict(frozen=True)

    sub_questions: str | tuple[str, ...] = ""
    """The sub-questions, as one text or one by one."""
    sub_answers: str | tuple[str, ...]
    """Their answers, as one text or one by one."""


class Output(Record):
    """One output of a model."""

    model_config = ConfigDict(extra="ignore")

    strategy: StrategyName
    """``cot``, ``l2m`` or ``pot``."""
    output: str | SubAnswers
    """What the model wrote."""
    gold: str
    """The answer that it should reach, as text or number."""
    answer_var: str | None = None
    """The variable that holds a program's answer, where it is none of the usual ones."""
    id: JsonValue = None
    """Whatever tells the output from others."""

    @field_validator("id", mode="before")
    @classmethod
    def _as_json(cls, value: object) -> object:
        """Dates, bytes and what else a table may have for an id."""
        return to_jsonable_python(value, bytes_mode="base64", fallback=str)

    @field_validator("output", "gold", "answer_var", mode="before")
    @classmethod
    def _number_as_text(cls, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        if isinstance(value, int):
            return str(value)
        return str(int(value)) if value.is_integer() else repr(value)

    @property
    def text(self) -> str:
        """What is judged."""
        if isinstance(self.output, str):
            return self.output
        answers = self.output.sub_answers
        return answers if isinstance(answers, str) else "\n".join(answers)


class Checked(Record):
    """The verdict on one output."""

    row: int
    """Its place among the rows of the file, from 1."""
    id: JsonValue = None
    strategy: str
    predicted: str | None = None
    """The answer it gives, as text; null where none was found."""
    rule: str | None = None
    """The rule that found the answer."""
    correct: bool
    failure: Failure | None = None
    """Null exactly when ``correct``."""


FIELDS = tuple(Output.model_fields)


def read_output(
    where: str, row: Mapping[str, Any], names: Mapping[str, str], strategy: str | None
) -> Output:
    """Return the output that a row is.

    Args:
        where: where it stands, for messages.
        row: its fields.
        names: what the row calls those of ``FIELDS`` that it calls otherwise.
        strategy: the strategy of a row that names none.

    Raises:
        UserError: a field is missing or not what it should be.
    """
    # Tables have an empty cell where there is nothing; a model may have written nothing.
    found = {field: row.get(names.get(field, field)) for field in FIELDS}
    given = {
        field: value
        for field, value in found.items()
        if value is not None and (value != "" or field == "output")
    }
    if strategy is not None:
        given.setdefault("strategy", strategy)
    for field in ("output", "gold", "strategy"):
        if field not in given:
            column = names.get(field, field)
            what = "is empty" if column in row else f"is not among {', '.join(row) or 'no fields'}"
            raise UserError(f"{where}: {column}: {what}")
    try:
        return Output.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        at, *within = map(str, first["loc"])
        raise UserError(
            f"{where}: {'.'.join((names.get(at, at), *within))}: {first['msg']}"
        ) from None


def check_outputs(
    outputs: Iterable[tuple[int, Output]], sandbox: Sandbox, *, ignore_rules: Collection[str] = ()
) -> Iterator[Checked]:
    """Yield the verdict on every output, in order, as they come."""
    left = iter(outputs)
    while numbered := list(islice(left, _BATCH)):
        batch = [one for _, one in numbered]
        verdicts: dict[int, Verdict] = {}
        for name in {one.answer_var for one in batch}:
            places = [at for at, one in enumerate(batch) if one.answer_var == name]
            rationales = [_rationale(batch[at]) for at in places]
            golds = [batch[at].gold for at in places]
            found = judge_rationales(
                rationales, golds, sandbox, answer_var=name, ignore_rules=ignore_rules
            )
            verdicts.update(zip(places, found, strict=True))
        for at, (row, one) in enumerate(numbered):
            yield Checked(
                row=row,
                id=one.id,
                strategy=one.strategy,
                predicted=verdicts[at].predicted,
                rule=verdicts[at].rule,
                correct=verdicts[at].failure is None,
                failure=verdicts[at].failure,
            )


def _rationale(output: Output) -> Rationale:
    return Rationale(question_id="", strategy=output.strategy, sample=0, text=output.text)
