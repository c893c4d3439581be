"""The engine that runs a local model with transformers, on a CPU or one GPU.

Made for many samples a prompt: a prompt is read once for all of them, prompts of like length share
a batch, and rows that have ended leave it. How a sample comes out depends on the seed, its prompt's
text and its number alone, not on what else is asked for; in bfloat16 the last bits of a product do
depend on the shape of its batch, so that there a sample may differ once what it shares a batch with
differs.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siked.errors import UserError
from siked.generation.engine import Completion, Sampling
from siked.models.loading import device_and_dtype, end_tokens, load
from siked.prompts import Prompt, encode, render
from siked.settings import RaySettings, TransformersSettings
from siked.terminal.console import say
from siked.terminal.progress import count_written

if TYPE_CHECKING:
    from siked.generation.decoding.loop import Row


class TransformersEngine:
    """Completes prompts with a model folder, and an adapter merged into it in memory.

    Raises:
        UserError: the folder is not a model, the adapter does not fit it, the device is not there.
    """

    def __init__(
        self, model_folder: Path, adapter: Path | None, settings: TransformersSettings
    ) -> None:
        from siked.generation.decoding.plain import choose

        loaded = load(model_folder, adapter, settings)
        self._tokenizer = loaded.tokenizer
        self._decoder = choose(loaded.model, loaded.tokenizer, end_tokens(loaded))
        self._budget = _budget(settings, loaded.model)
        self._most = getattr(loaded.model.config, "max_position_embeddings", None)

    @staticmethod
    def decides(
        settings: TransformersSettings, folder: Path, ray: RaySettings | None
    ) -> dict[str, str]:
        """Return the device and the number type."""
        del folder
        if ray is not None:  # what this machine has says nothing of the cluster's
            return {"device": "cuda" if ray.gpus else "cpu", "dtype": settings.dtype}
        device, dtype = device_and_dtype(settings)
        return {"device": device.type, "dtype": str(dtype).removeprefix("torch.")}

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield ``sampling.samples`` completions for every prompt, as they finish.

        A completion's tokens include the one that ends it.

        Raises:
            UserError: a prompt and its completion are longer than the model can read.
        """
        yield from self.complete(prompts, sampling, self.batches(prompts, sampling))

    def batches(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[list[int]]:
        """Return which prompts (their indices) run together, in the order of their runs.

        Raises:
            UserError: a prompt and its completion are longer than the model can read.
        """
        lengths = [len(self._encoded(prompt, sampling)) for prompt in prompts]
        stems = [(prompt.system, prompt.user) for prompt in prompts]
        return _batches(lengths, stems, sampling, self._budget)

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, batches: Iterable[Sequence[int]]
    ) -> Iterator[Completion]:
        """Yield the completions of some batches, as they finish.

        Raises:
            UserError: a prompt and its completion are longer than the model can read, or one
                prompt's samples are more than the card holds.
        """
        for batch in batches:
            yield from self._complete(prompts, sampling, batch, set())

    def _complete(
        self,
        prompts: Sequence[Prompt],
        sampling: Sampling,
        batch: Sequence[int],
        finished: set[tuple[int, int]],
    ) -> Iterator[Completion]:
        """Yield a batch's completions but for the finished ones (prompt and sample).

        Where the card has no room for all rows, each half of the batch begins again: a sample does
        not depend on its batch.
        """
        import torch

        asked = [prompts[index] for index in batch]
        ids = [self._encoded(prompt, sampling) for prompt in asked]
        try:
            for written in self._run(asked, ids, sampling):
                count_written(len(written), longest=sampling.max_new_tokens)
                for row in written:
                    key = batch[row.prompt], row.sample
                    if row.finish_reason is not None and key not in finished:
                        finished.add(key)
                        yield _completion(row, batch[row.prompt], len(ids[row.prompt]))
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise UserError(
                    f"the card has no room for {sampling.samples} samples of one prompt: lower "
                    "samples or max_new_tokens"
                ) from None
        else:
            return
        # Here the error is gone, and with it what its frames held.
        torch.cuda.empty_cache()
        samples = range(sampling.first_sample, sampling.first_sample + sampling.samples)
        left = [one for one in batch if any((one, sample) not in finished for sample in samples)]
        say(f"generate: no room on the card for {len(left)} prompts at once", file=sys.stderr)
        middle = -(-len(left) // 2)
        for half in (left[:middle], left[middle:]):
            if half:
                yield from self._complete(prompts, sampling, half, finished)

    def stream(
        self, prompt: Prompt, sampling: Sampling, write: Callable[[str], object]
    ) -> Completion:
        """Complete one prompt once; hand each piece of text to ``write`` as it comes.

        Raises:
            UserError: the prompt and its completion are longer than the model can read.
        """
        ids = self._encoded(prompt, sampling)
        shown = ""
        for (row,) in self._run([prompt], [ids], sampling):
            text = self._decoder.decode(row.tokens) if row.text is None else row.text
            # A character whose bytes are not all there yet shows as a replacement character.
            if row.text is not None or not text.endswith("\ufffd"):
                write(text[len(shown) :])
                shown = text
        return _completion(row, 0, len(ids))

    def _run(
        self, prompts: Sequence[Prompt], ids: Sequence[Sequence[int]], sampling: Sampling
    ) -> Iterator[list[Row]]:
        texts = [render(self._tokenizer, prompt) + prompt.prefix for prompt in prompts]
        return self._decoder.run(ids, texts, sampling)

    def _encoded(self, prompt: Prompt, sampling: Sampling) -> list[int]:
        ids = encode(self._tokenizer, prompt)
        if self._most is not None and len(ids) + sampling.max_new_tokens > self._most:
            name = prompt.question_id or "the question"
            raise UserError(
                f"{name}: its prompt of {len(ids)} tokens and {sampling.max_new_tokens} new ones "
                f"are more than the {self._most} that the model reads: lower max_new_tokens or "
                "leave the question out"
            )
        return ids


def _completion(row: Row, prompt: int, prompt_tokens: int) -> Completion:
    if row.text is None or row.finish_reason is None:
        raise RuntimeError("a sample is asked for before it has ended")
    return Completion(
        prompt=prompt,
        sample=row.sample,
        text=row.text,
        prompt_tokens=prompt_tokens,
        completion_tokens=len(row.tokens),
        finish_reason=row.finish_reason,
    )


CPU_TOKENS = 32768
"""Budget of a batch on a CPU, where more rows save little."""
HELD = 0.8
"""Share of a card's memory, less the model's, that a batch may take if all of its rows grow as long
as they may; a step needs room beside them."""
SHORTEST = 64
"""Tokens that a row takes at least of the budget, prompt and completion."""


def _budget(settings: TransformersSettings, model: Any) -> int:
    """Return a batch's tokens; ``auto`` is what the card holds whatever else it holds just now.

    A token takes its keys and values, and a share of its row's logits: float32, their float64
    twin and a sort's indices.
    """
    if settings.batch_tokens != "auto":
        return settings.batch_tokens
    if model.device.type != "cuda":
        return CPU_TOKENS
    import torch

    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    stored = 2 * config.num_hidden_layers * heads * width * model.dtype.itemsize
    logits = config.vocab_size * (4 + 8 + 8) / SHORTEST
    whole = torch.cuda.get_device_properties(model.device).total_memory
    held = sum(one.numel() * one.element_size() for one in model.parameters())
    return max(CPU_TOKENS, int(HELD * (whole - held) / (stored + logits)))


def _batches(
    lengths: Sequence[int], stems: Sequence[Hashable], sampling: Sampling, budget: int
) -> list[list[int]]:
    """Return the indices of prompts that run together, as many in one batch as in another.

    The longest come first, so that too large a budget shows soon; prompts of one stem are
    neighbours. A batch holds its prompts once and all of their samples, within ``budget`` tokens;
    one prompt is never split.
    """
    longest: dict[Hashable, tuple[int, int]] = {}
    for index, (stem, length) in enumerate(zip(stems, lengths, strict=True)):
        most, first = longest.get(stem, (0, index))
        longest[stem] = max(most, length), first

    def place(index: int) -> tuple[int, int]:
        most, first = longest[stems[index]]
        return -most, first

    order = sorted(range(len(lengths)), key=place)
    costs = [lengths[index] + sampling.samples * sampling.max_new_tokens for index in order]

    def cuts(most: int) -> list[int]:
        """Return where batches of at most so many tokens begin."""
        begins: list[int] = []
        used = 0
        for place, cost in enumerate(costs):
            if not begins or used + cost > most:
                begins.append(place)
                used = 0
            used += cost
        return begins

    wanted = len(cuts(budget))
    least = bisect_left(range(budget), -wanted, key=lambda most: -len(cuts(most)))
    return [order[start:end] for start, end in pairwise([*cuts(least), len(order)])]
