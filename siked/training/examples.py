"""Examples as token ids.

Prompt, tag and rationale are tokenised apart, as they are when the student generates, and the
token that ends a turn follows:

    ... A baker ...<|im_end|>⏎<|im_start|>assistant⏎ | [pot]:⏎ | rolls = ... | <|im_end|>

The loss is taken on all that follows the prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from siked.errors import UserError
from siked.models.loading import end_of_turn
from siked.prompts import tag_line, tokens
from siked.records import Example

IGNORED = -100
"""The label of a token that no loss is taken on."""


@dataclass(frozen=True)
class Encoded:
    """Examples ready for a trainer."""

    rows: list[dict[str, list[int]]]
    """``input_ids`` and ``labels``, as TRL names them."""
    too_long: int
    """How many were left out."""


def encode(tokenizer: Any, examples: Sequence[Example], max_length: int) -> Encoded:
    """Turn examples into token ids; leave out those longer than ``max_length``.

    Raises:
        UserError: none is left, or the tokenizer has no token to end a turn with.
    """
    end = end_of_turn(tokenizer)
    if end is None:
        raise UserError(f"{tokenizer.name_or_path}: its tokenizer has no end-of-sequence token")
    rows = []
    shortest = None
    for example in examples:
        prompt = tokens(tokenizer, example.prompt)
        head = tag_line(example.strategy)
        if not example.completion.startswith(head):
            head = ""
        rest = tokens(tokenizer, example.completion[len(head) :])
        completion = [*tokens(tokenizer, head), *rest, end]
        length = len(prompt) + len(completion)
        shortest = length if shortest is None else min(shortest, length)
        if length <= max_length:
            labels = [IGNORED] * len(prompt) + completion
            rows.append({"input_ids": prompt + completion, "labels": labels})
    if not rows:
        raise UserError(
            f"train.max_length: all {len(examples)} examples are longer than {max_length} tokens: "
            f"the shortest has {shortest}"
        )
    return Encoded(rows, too_long=len(examples) - len(rows))
