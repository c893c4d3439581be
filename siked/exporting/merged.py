"""A student as one ordinary model folder, which transformers, vLLM and others load as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from siked.exporting import template
from siked.models.loading import end_tokens, load
from siked.models.student_format import Student
from siked.settings import TransformersSettings


def write_merged(
    base: Path,
    adapter: Path,
    student: Student,
    out: Path,
    *,
    settings: TransformersSettings,
    max_new_tokens: int,
) -> None:
    """Write the merged weights, the tokenizer, its chat template and the generation settings.

    The weights are those that the engine generates with, in its number type. Generation ends where
    the engine's does, and is greedy unless asked otherwise.

    Args:
        base: folder of the model that the adapter belongs on.
        adapter: what the student learnt.
        student: whose prompt goes into the chat template.
        out: an empty folder.
        settings: number type and device.
        max_new_tokens: length limit of an answer.

    Raises:
        UserError: the folders hold no model or no adapter that fits it.
    """
    loaded = load(base, adapter, settings)
    model, tokenizer = loaded
    config = model.generation_config
    config.eos_token_id = sorted(end_tokens(loaded))
    config.do_sample = False
    config.temperature = config.top_k = config.top_p = None
    config.max_new_tokens = max_new_tokens
    model.to("cpu").save_pretrained(out)
    tokenizer.chat_template = template.with_prompt(tokenizer, student)
    _say_byte_level(tokenizer)
    tokenizer.save_pretrained(out)
    for path in out.iterdir():
        path.chmod(0o644)  # safetensors leaves its file to its owner alone


def is_byte_level(tokenizer: Any) -> bool:
    """Whether a tokenizer is byte-level BPE, as GPT-2's; others are of SentencePiece's kind."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    splitter = json.dumps(state["pre_tokenizer"])
    return state["model"]["type"] == "BPE" and '"ByteLevel"' in splitter


def _say_byte_level(tokenizer: Any) -> None:
    """Let a byte-level tokenizer say so in every part of its file.

    One that transformers made from a GGUF file has SentencePiece's fallback for bytes and decoder
    as well, which do nothing there; llama.cpp's converter takes it for SentencePiece's by them.
    """
    if is_byte_level(tokenizer):
        from tokenizers import decoders

        tokenizer.backend_tokenizer.model.byte_fallback = False
        tokenizer.backend_tokenizer.decoder = decoders.ByteLevel()
