"""A teacher made from the data sets' own worked solutions: no model, no sampling.

It is an engine like any other, so that the pipeline need not know. One worked solution is written
down in each strategy's way (``siked.strategies``):

    steps           Weng earns 12/60 = $0.2 per minute.
                    Working 50 minutes, she earned 0.2 x 50 = $10.
                    Final Answer: 10
    sub-questions   How much does she earn per minute? Weng earns 12/60 = $0.2 per minute.
                    How much did she earn? Working 50 minutes, she earned 0.2 x 50 = $10.
                    Final Answer: 10
    program         dollars_per_minute = 12 / 60
                    answer = dollars_per_minute * 50

For a question without a rationale in the strategy that is asked for, the completion's text is
empty; verification finds no answer in it and drops it, as it drops any other teacher's failure.
"""

from collections.abc import Iterable, Iterator, Sequence

from siked import strategies
from siked.errors import UserError
from siked.generation.engine import Completion, Sampling
from siked.prompts import Prompt
from siked.questions.arithmetic import tidy, tokens
from siked.questions.gold import exact
from siked.records import Calculation, Question


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
                f"a worked solution gives one rationale a question and strategy, not "
                f"{sampling.samples}: `teacher.engine: model` samples more"
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
        return write(question, prompt.strategy) or ""


def write(question: Question, strategy: str) -> str | None:
    """Return a question's worked solution as a rationale of a strategy.

    None where the question has none, or where it cannot be written down in this way.

    Raises:
        UserError: the strategy is unknown.
    """
    return WRITERS[strategies.find(strategy).writes](question)


def write_steps(question: Question) -> str | None:
    """Return the steps as sentences, then the answer; None without a worked solution."""
    if not question.solution:
        return None
    lines = [step.say for step in question.solution]
    return "\n".join([*lines, f"Final Answer: {question.answer}"])


def write_sub_questions(question: Question) -> str | None:
    """Return each step as a sub-question and its answer; None without a worked solution.

    A sub-question that several steps in a row answer stands before the first of them only.
    """
    if not question.solution:
        return None
    lines: list[str] = []
    asked = ""
    for step in question.solution:
        lines.append(step.say if step.ask == asked else f"{step.ask} {step.say}")
        asked = step.ask
    return "\n".join([*lines, f"Final Answer: {question.answer}"])


def write_program(question: Question) -> str | None:
    """Return the calculations as a program, without those that the answer does not need.

    None where there is no calculation or the last one does not give the answer.
    """
    calculations = [one for step in question.solution for one in step.calculations]
    if not calculations or exact(calculations[-1].value) != exact(question.answer):
        return None
    last = calculations[-1]
    lines = [f"answer = {tidy(last.expression)}"]
    needed = _names(last)
    for one in reversed(calculations[:-1]):
        if one.name in needed:
            lines.append(f"{one.name} = {tidy(one.expression)}")
            needed |= _names(one)
    return "\n".join(reversed(lines))


def _names(calculation: Calculation) -> set[str]:
    """Return the earlier values that a calculation uses."""
    return {token for token in tokens(calculation.expression) if token.isidentifier()}


WRITERS = {"steps": write_steps, "sub-questions": write_sub_questions, "program": write_program}
