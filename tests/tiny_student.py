"""A student small enough for tests: a random Llama of some thousand parameters and its tokenizer.

It writes gibberish, but everything around it is real: byte-level BPE with digits apart, a ChatML
template, end-of-turn and padding tokens, safetensors.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TEXTS = [
    "A baker sells 12 rolls for $3 each. How many dollars does she get?",
    "[cot]:\nShe gets 12 x 3 = 36 dollars.\nFinal Answer: 36",
    "[l2m]:\nHow much does she get? She gets 12 x 3 = 36 dollars.\nFinal Answer: 36",
    "[pot]:\nrolls_sold = 12\nanswer = rolls_sold * 3",
    "Solve the problem. system user assistant",
] * 4


def build(folder: Path, seed: int = 0, head_dim: int = 4) -> Path:
    """Save the model of a seed and its tokenizer to ``folder``; return it."""
    tokenizer = make_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=head_dim,
        max_position_embeddings=4096,
        initializer_range=0.3,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_tokenizer(
    template: str | None = TEMPLATE,
    *,
    bos: str = SPECIAL[1],
    eos: str = SPECIAL[2],
    special: Iterable[str] = SPECIAL,
) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer with a chat template and its special tokens."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(dict.fromkeys([SPECIAL[0], bos, eos, *special])),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token=SPECIAL[0],
        bos_token=bos,
        eos_token=eos,
        pad_token=SPECIAL[0],
        chat_template=template,
        clean_up_tokenization_spaces=False,
        model_max_length=1024,
    )
