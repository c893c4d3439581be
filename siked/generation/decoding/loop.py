"""Run a batch of prompts to the end of all of their samples.

Each prompt is read once, whatever its number of samples; then all rows write one token a step, and
rows that have ended leave the batch.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from siked.errors import UserError
from siked.generation.decoding.draws import Candidates, uniforms
from siked.generation.decoding.keys_values import KeysValues
from siked.generation.engine import FinishReason, Sampling

PREFILL_TOKENS = 2048
"""Prompts are read this many tokens at a time, to bound the memory of activations."""
LEAVE_AT = 1 / 8
"""Ended rows leave once they are this share of the batch: moving the others' stores costs."""


@dataclass
class Row:
    """One sample as it grows."""

    prompt: int
    """Index among the batch's prompts."""
    sample: int
    tokens: list[int] = field(default_factory=list)
    """Drawn so far, the token that ends it included."""
    text: str | None = None
    """Known once it has ended."""
    finish_reason: FinishReason | None = None


class Decoder:
    """A model, its tokenizer and the tokens that end its turn."""

    def __init__(self, model: Any, tokenizer: Any, end_tokens: frozenset[int]) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._ends = end_tokens

    def run(
        self, prompts: Sequence[Sequence[int]], texts: Sequence[str], sampling: Sampling
    ) -> Iterator[list[Row]]:
        """Yield, after every step, the rows that wrote a token; those that ended say so.

        Args:
            prompts: token ids of each prompt.
            texts: what each prompt's randomness derives from.
            sampling: how tokens are drawn.
        """
        rows = [
            Row(prompt, sample)
            for prompt in range(len(prompts))
            for sample in range(sampling.first_sample, sampling.first_sample + sampling.samples)
        ]
        device = self._model.device
        numbers = torch.zeros(len(rows), sampling.max_new_tokens, dtype=torch.float64)
        if sampling.temperature > 0:
            for row, into in zip(rows, numbers, strict=True):
                drawn = uniforms(
                    sampling.seed, texts[row.prompt], row.sample, sampling.max_new_tokens
                )
                into.copy_(torch.from_numpy(drawn))
        numbers = numbers.to(device)
        store = self._open()
        with torch.inference_mode():
            logits = self._read(store, prompts)
            store.begin_rows(torch.tensor([row.prompt for row in rows], device=device))
            tokens = Candidates(logits, sampling).pick(store.prompt_of, numbers[:, 0])
        while True:
            writing = [row for row in rows if row.finish_reason is None]
            self._append(rows, tokens.tolist(), sampling)
            yield writing
            alive = [place for place, row in enumerate(rows) if row.finish_reason is None]
            if not alive:
                return
            with torch.inference_mode():
                if len(alive) <= (1 - LEAVE_AT) * len(rows):
                    staying = torch.tensor(alive, device=device)
                    rows = [rows[place] for place in alive]
                    tokens, numbers = tokens[staying], numbers[staying]
                    store.keep(staying)
                candidates = Candidates(self._step(store, tokens), sampling)
                every = torch.arange(len(rows), device=device)
                tokens = candidates.pick(every, numbers[:, store.written])

    def read_and_step(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read all but the last token of each prompt, then that one: [prompts, vocabulary]."""
        store = self._open()
        self._read(store, [prompt[:-1] for prompt in prompts])
        store.begin_rows(torch.arange(len(prompts), device=self._model.device))
        last = torch.tensor([prompt[-1] for prompt in prompts], device=self._model.device)
        return self._step(store, last)

    def _open(self) -> KeysValues:
        return KeysValues(self._model.device)

    def _read(self, store: KeysValues, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read the prompts; return the logits after each: [prompts, vocabulary]."""
        config = self._model.config.get_text_config()
        logits: list[torch.Tensor] = []
        for parents, parts in _branches(prompts):
            sizes = [len(part) for part in parts]
            store.branch(*torch.tensor([parents, sizes], device=self._model.device))
            logits = []
            for some in _parts(sizes, PREFILL_TOKENS):
                packed = [token for part in parts[some] for token in part]
                positions, last = store.begin_prefill(some)
                logits.append(self._forward(store, packed, positions, logits_to_keep=last))
            if store.layers != config.num_hidden_layers:
                # Layers that keep their state elsewhere would see one token a step.
                raise UserError(
                    f"the transformers engine cannot run {config.model_type} models: only "
                    f"{store.layers} of {config.num_hidden_layers} layers attend as it needs"
                )
        return torch.cat(logits)

    def _step(self, store: KeysValues, tokens: torch.Tensor) -> torch.Tensor:
        """Every row reads its newest token; return the logits after each: [rows, vocabulary]."""
        logits = self._forward(store, tokens, store.begin_step())
        store.end_step()
        return logits

    def _forward(
        self,
        store: KeysValues,
        tokens: torch.Tensor | list[int],
        positions: torch.Tensor,
        **more: Any,
    ) -> torch.Tensor:
        logits: torch.Tensor = self._model(
            input_ids=torch.as_tensor(tokens, device=positions.device)[None],
            position_ids=positions[None],
            use_cache=False,
            keys_values=store,
            **more,
        ).logits
        return logits[0]

    def _append(self, rows: Sequence[Row], tokens: Sequence[int], sampling: Sampling) -> None:
        for row, token in zip(rows, tokens, strict=True):
            if row.finish_reason is not None:
                continue
            row.tokens.append(token)
            if token in self._ends:
                row.finish_reason = "stop"
            elif len(row.tokens) == sampling.max_new_tokens:
                row.finish_reason = "length"
            cut = self._cut(row.tokens, sampling.stop) if sampling.stop else None
            if cut is not None:
                row.text, row.finish_reason = cut, "stop"
            elif row.finish_reason is not None:
                row.text = self.decode(row.tokens)

    def _cut(self, tokens: Sequence[int], stop: Sequence[str]) -> str | None:
        """The text before the first stop string; None where none has come up."""
        longest = max(map(len, stop))
        recent = self.decode(tokens[-longest - 4 :])  # a character may take four tokens
        if not any(text in recent for text in stop):
            return None
        whole = self.decode(tokens)
        return whole[: min(place for text in stop if (place := whole.find(text)) >= 0)]

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of drawn tokens, without the token that ends a turn."""
        text: str = self._tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text


def _branches(
    prompts: Sequence[Sequence[int]],
) -> Iterator[tuple[list[int], list[Sequence[int]]]]:
    """Cut prompts where they part, so that what several share is read once.

    First comes what all of them begin with; then the stems, each of which neighbours go on from (a
    question, before one strategy's tag and another's); then what is each prompt's own, a token at
    least.

        [1, 2, 5, 6, 7], [1, 2, 5, 6, 8], [1, 2, 3, 4, 9]
        -> [0], [[1, 2]]    [0, 0], [[5, 6], [3, 4]]    [0, 0, 1], [[7], [8], [9]]

    Yields:
        The parts, and for each the index of the one that it goes on from.
    """
    if len(prompts) == 1:
        yield [0], [*prompts]
        return
    head = min(_shared(prompts[0][:-1], prompt[:-1]) for prompt in prompts)
    stems: list[Sequence[int]] = []
    stem_of: list[int] = []
    for prompt in prompts:
        shared = _shared(stems[-1], prompt[:-1]) if stems else 0
        if stems and 2 * (shared - head) >= len(stems[-1]) - head:
            stems[-1] = prompt[:shared]
        else:
            stems.append(prompt[:-1])
        stem_of.append(len(stems) - 1)
    if head:
        yield [0], [prompts[0][:head]]
    if len(stems) < len(prompts) and any(len(stem) > head for stem in stems):
        yield [0] * len(stems), [stem[head:] for stem in stems]
        ends = [len(stem) for stem in stems]
    else:
        ends, stem_of = [head], [0] * len(prompts)
    parts = zip(prompts, stem_of, strict=True)
    yield stem_of, [prompt[ends[stem] :] for prompt, stem in parts]


def _shared(first: Sequence[int], second: Sequence[int]) -> int:
    """Return with how many tokens both begin."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(first), len(second)))


def _parts(lengths: Sequence[int], budget: int) -> Iterator[slice]:
    """Cut a sequence into parts of at most ``budget`` tokens, and of one prompt at least."""
    start = used = 0
    for place, length in enumerate(lengths):
        if place > start and used + length > budget:
            yield slice(start, place)
            start, used = place, 0
        used += length
    yield slice(start, len(lengths))
