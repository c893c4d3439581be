"""A teacher made from the data sets' own worked solutions: no model, no sampling.

It is an engine like any other, so that the pipeline need not know. For a question without a
rationale in the strategy that is asked for, the completion's text is empty; verification finds no
answer in it and drops it, as it drops any other teacher's failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from siked import strategies
from siked.engines.protocol import Completion
from siked.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from siked.engines.protocol import Prompt, Sampling
    from siked.records import Question


class AnnotationsEngine:
    """Completes a prompt with the rationale that its question's worked solution spells out."""

    def __init__(self, questions: Iterable[Question]) -> None:
        """Args: questions: every question that prompts will ask, with its worked solution."""
        self._questions = {question.id: question for question in questions}

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield one completion for every prompt, in order, of 0 tokens.

        Raises:
            UserError: more than one sample is asked for, a prompt forces no strategy, or its
                question is not known.
        """
        if sampling.samples != 1:
            raise UserError(
                f"the annotations engine has one rationale a question, not {sampling.samples}: "
                "set `teacher.samples: 1`"
            )
        for index, prompt in enumerate(prompts):
            yield Completion(
                prompt=index,
                sample=0,
                text=self._rationale(prompt),
                prompt_tokens=0,
                completion_tokens=0,
                finish_reason="stop",
            )

    def _rationale(self, prompt: Prompt) -> str:
        question = self._questions.get(prompt.question_id)
        if question is None:
            raise UserError(f"the annotations engine has no question {prompt.question_id!r}")
        if prompt.strategy is None:
            raise UserError("the annotations engine needs a strategy in every prompt")
        return strategies.load(prompt.strategy).write(question) or ""
