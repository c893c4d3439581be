r"""A teacher whose rationales were written elsewhere: bought once, shared as a file.

    {"question": "Ann has 3 bags of 4 figs. How many figs has she?", "strategy": "cot",
     "text": "She has 3 * 4 = 12 figs.\nFinal Answer: 12", "teacher": "Llama-3-70B",
     "source": "a data set, its version and file"}

A row names its question by the text or by ``question_id``; where it has both, the text decides,
since another run may have called another question so. ``teacher`` and ``source`` may be missing;
they are kept, and the filter's figures are split by them. Fields that are not named in ``Recorded``
are left alone: the pipeline's own rationales, verified or not, can be taken as they are.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    StringConstraints,
    model_validator,
)

from siked.errors import UserError, advise_pull
from siked.generation.engine import Completion, Sampling
from siked.prompts import Prompt, join_thinking
from siked.records import Question, Record, read_records
from siked.settings import StrategyName

Named = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    BeforeValidator(lambda told: "" if told is None else told),
]
"""A name; empty where a row has null."""


class Recorded(Record):
    """One rationale of a recording."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    question: str | None = Field(default=None, min_length=1)
    question_id: str | None = Field(default=None, min_length=1)
    strategy: StrategyName
    text: str
    thinking: str = ""
    teacher: Named = ""
    source: Named = ""
    prompt_tokens: NonNegativeInt = 0
    completion_tokens: NonNegativeInt = 0
    truncated: bool = False

    @model_validator(mode="after")
    def _names_its_question(self) -> Self:
        if self.question is None and self.question_id is None:
            raise ValueError("has neither `question` nor `question_id`")
        return self


class RecordedEngine:
    """Completes a prompt with the rationales that a file has for its question and strategy."""

    def __init__(self, path: Path, questions: Iterable[Question]) -> None:
        """Read a recording for all questions that prompts will ask.

        Raises:
            UserError: the file is missing, or a row does not fit (``file:line: what is wrong``).
        """
        if not path.is_file():
            raise UserError(f"{path}: no such file: put the recording there{advise_pull()}")
        known = list(questions)
        ids = {one.id for one in known}
        by_text: dict[str, list[str]] = defaultdict(list)
        for one in known:
            by_text[_evened(one.question)].append(one.id)
        self._rows: dict[tuple[str, str], list[Recorded]] = defaultdict(list)
        self.unknown = 0
        """Rows whose question is none of the given ones."""
        for row in read_records(path, Recorded):
            if row.question is not None:
                asked = by_text.get(_evened(row.question), [])
            else:
                asked = [one for one in (row.question_id,) if one in ids]
            self.unknown += not asked
            for identity in asked:
                self._rows[identity, row.strategy].append(row)

    def has(self, question_id: str, strategy: str) -> bool:
        """Return whether the recording has a rationale of a question with a strategy."""
        return (question_id, strategy) in self._rows

    def samples(self, strategy: str) -> int:
        """Return the most rationales that a question has with a strategy, at least 1."""
        counts = (len(rows) for (_, one), rows in self._rows.items() if one == strategy)
        return max(counts, default=1)

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield for every prompt the first ``sampling.samples`` rationales, in the file's order.

        There are fewer, or none, where the recording has no more.

        Raises:
            UserError: a prompt forces no strategy.
        """
        for index, prompt in enumerate(prompts):
            if prompt.strategy is None:
                raise UserError("the recorded engine needs a strategy in every prompt")
            rows = self._rows.get((prompt.question_id, prompt.strategy), [])
            for sample, row in enumerate(rows[: sampling.samples]):
                yield Completion(
                    prompt=index,
                    sample=sample,
                    text=join_thinking(row.thinking, row.text),
                    prompt_tokens=row.prompt_tokens,
                    completion_tokens=row.completion_tokens,
                    finish_reason="length" if row.truncated else "stop",
                    teacher=row.teacher,
                    source=row.source,
                )


def _evened(text: str) -> str:
    """A question's text with its white space evened out, as the questions' readers do."""
    return " ".join(text.split())
