"""Prompts through an engine: rationales out, in the prompts' order, however the engine went."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from typing import Any

from siked.console import say
from siked.generation.engine import Completion, Engine, Sampling
from siked.progress import track
from siked.prompts import Prompt, split_tag
from siked.records import Question, Rationale
from siked.settings import OpenAISettings, TeacherModel

MILLION = 1_000_000


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


def count(
    written: Sequence[Rationale], asked: Sequence[Question], model: TeacherModel | None
) -> dict[str, Any]:
    """Return what a teacher's rationales took, whichever run generated them.

    Questions that read the same share their samples: tokens count once. ``cost`` is null where the
    settings have no prices or the server tells no tokens.
    """
    texts = {question.id: question.question for question in asked}
    once = {(texts[one.question_id], one.sample): one for one in written}.values()
    prompt_tokens = sum(one.prompt_tokens for one in once)
    tokens = sum(one.completion_tokens for one in once)
    engine = model and model.engine
    prices = engine.prices if isinstance(engine, OpenAISettings) else None
    cost = None
    if prices is not None and tokens:
        paid = prompt_tokens * prices.prompt + tokens * prices.completion
        cost = round(paid / MILLION, 6)
    return {
        "rows": len(written),
        "prompt_tokens": prompt_tokens,
        "tokens": tokens,
        "truncated": sum(one.truncated for one in written),
        "cost": cost,
    }


def describe(counts: dict[str, Any]) -> str:
    """Return ``1,200 rationales, 812,000 prompt + 96,000 completion tokens, cost 0.55``."""
    text = (
        f"{counts['rows']:,} rationales, {counts['prompt_tokens']:,} prompt + "
        f"{counts['tokens']:,} completion tokens"
    )
    return text if counts["cost"] is None else f"{text}, cost {counts['cost']:,.2f}"


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
