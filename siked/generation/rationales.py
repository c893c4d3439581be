"""Prompts through an engine: rationales out, in the prompts' order, however the engine went."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence

from siked.console import say
from siked.generation.engine import Completion, Engine, Sampling
from siked.progress import track
from siked.prompts import Prompt, split_tag
from siked.records import Rationale


def collect(
    engine: Engine,
    prompts: Sequence[Prompt],
    sampling: Sampling,
    *,
    what: str,
    strategies: Collection[str],
) -> list[Rationale]:
    """Complete every prompt, with a progress bar.

    Args:
        engine: who writes.
        prompts: what is asked; one without a strategy lets the model choose by writing a tag.
        sampling: how completions are drawn.
        what: what the progress bar calls the work.
        strategies: the tags that count when the model chooses.

    Returns:
        ``len(prompts) * sampling.samples`` rationales, ordered by prompt and sample; fewer where
        the engine has nothing to say (an annotations teacher without a worked solution).
    """
    finished: dict[tuple[int, int], Completion] = {}
    total, recalled = len(prompts) * sampling.samples, 0
    with track(total, what) as progress:
        for completion in engine.generate(prompts, sampling):
            finished[completion.prompt, completion.sample] = completion
            if completion.recalled:
                recalled += 1
                progress.recall()
            else:
                progress.advance(1, tokens=completion.completion_tokens)
    if recalled:
        say(f"{what}: {recalled} of {total} samples came from the journal", file=sys.stderr)
    return [
        _rationale(prompts[completion.prompt], completion, strategies)
        for _, completion in sorted(finished.items())
    ]


def _rationale(prompt: Prompt, completion: Completion, strategies: Collection[str]) -> Rationale:
    strategy, text = prompt.strategy, completion.text
    if strategy is None:
        strategy, text = split_tag(text, strategies)
    return Rationale(
        question_id=prompt.question_id,
        strategy=strategy,
        sample=completion.sample,
        text=text.strip(),
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        truncated=completion.finish_reason == "length",
    )
