"""Answer one question with a student, which chooses its strategy.

This is what ``siked solve`` does. A program is run in the sandbox, so that its answer is computed,
not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from siked import strategies as known
from siked.engines.protocol import Sampling
from siked.engines.transformers_engine import TransformersEngine
from siked.prompts import split_tag, student_prompt
from siked.records import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from siked.sandbox import Sandbox
    from siked.settings import EngineSettings


@dataclass(frozen=True)
class Answer:
    """What a student made of a question."""

    strategy: str | None
    """The strategy that it chose, or that was asked for; None where it wrote no valid tag."""
    rationale: str
    answer: str | None
    """None where the rationale gives none; ``failure`` then says why."""
    failure: Failure | None
    truncated: bool
    """Cut off by the length limit."""


def answer(
    question: str,
    model_folder: Path,
    adapter: Path | None,
    sandbox: Sandbox,
    *,
    settings: EngineSettings,
    strategies: Sequence[str],
    max_new_tokens: int,
    strategy: str | None = None,
    write: Callable[[str], object] = lambda _: None,
) -> Answer:
    """Answer a question greedily.

    Args:
        question: the question's text.
        model_folder: the student, or its base where there is an adapter.
        adapter: what the student learnt, merged in memory.
        sandbox: where programs run.
        settings: device and precision.
        strategies: those that the student was taught.
        max_new_tokens: length limit of the answer.
        strategy: to force one; the student chooses where None.
        write: gets each piece of text as it is generated, the forced tag included.

    Raises:
        UserError: the folder is not a model, or the question is longer than the model can read.
    """
    engine = TransformersEngine(model_folder, adapter, settings)
    prompt = student_prompt(question, strategy=strategy)
    write(prompt.prefix)
    completion = engine.stream(prompt, Sampling(max_new_tokens=max_new_tokens), write)
    chosen, rationale = split_tag(prompt.prefix + completion.text, strategies)
    truncated = completion.finish_reason == "length"
    if chosen is None:
        return Answer(None, rationale, None, Failure.NO_STRATEGY, truncated)
    (solved,) = known.load(chosen).solve([rationale], sandbox)
    return Answer(chosen, rationale, solved.answer, solved.failure, truncated)
