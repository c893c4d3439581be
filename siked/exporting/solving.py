"""Answer one question with a student, which chooses its strategy.

This is what ``siked solve`` does. Whoever writes the text, a model in this process or a server, a
program is run in the sandbox here, so that its answer is computed, not guessed.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from siked import strategies as strategies_known
from siked.generation.engine import Completion, Sampling
from siked.prompts import Prompt, split_tag
from siked.records import Failure
from siked.verification.sandbox import Sandbox
from siked.verification.solvers import solve


class Streamer(Protocol):
    """Anything that completes one prompt and shows the text as it comes."""

    def stream(
        self, prompt: Prompt, sampling: Sampling, write: Callable[[str], object], /
    ) -> Completion:
        """Complete a prompt once; hand each piece of text to ``write`` as it comes."""
        ...


@dataclass(frozen=True)
class Solution:
    """What a student made of a question."""

    strategy: str | None
    """The strategy that it chose, or that was asked for; None where it wrote no valid tag."""
    rationale: str
    answer: str | None
    """None where the rationale gives none; ``failure`` then says why."""
    failure: Failure | None
    truncated: bool
    """Cut off by the length limit."""
    ran: bool = False
    """The answer was computed by running the rationale, not read in it."""


def answer(
    prompt: Prompt,
    writer: Streamer,
    sandbox: Sandbox,
    *,
    strategies: Sequence[str],
    max_new_tokens: int,
    ignore_rules: Collection[str] = (),
    write: Callable[[str], object] = lambda _: None,
) -> Solution:
    """Answer a question greedily.

    ``write`` gets each piece of text as it is generated, the forced tag included.

    Raises:
        UserError: the question is longer than the model can read, or the server gives no answer.
    """
    write(prompt.prefix)
    completion = writer.stream(prompt, Sampling(max_new_tokens=max_new_tokens), write)
    chosen, rationale = split_tag(prompt.prefix + completion.text, strategies)
    truncated = completion.finish_reason == "length"
    if chosen is None:
        return Solution(None, rationale, None, Failure.NO_STRATEGY, truncated)
    (solved,) = solve(chosen, [rationale], sandbox, ignore_rules=ignore_rules)
    ran = strategies_known.find(chosen).answers == "program"
    return Solution(chosen, rationale, solved.answer, solved.failure, truncated, ran)
