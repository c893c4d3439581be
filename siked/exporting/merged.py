"""A student as one ordinary model folder, which transformers, vLLM and others load as it is.

Whoever talks to an exported student sends a question and nothing else. So the student's own prompt
goes into its chat template, ahead of what the base model's template says: where a conversation has
no system message, the student's is put there, each question gets the text around it, and thinking
is off, as in training. With a system message, everything stays as it is sent. Dates are those of
the training in both cases.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from tokenizers import decoders

from siked.errors import UserError
from siked.models.loading import end_tokens, load
from siked.models.student_format import QUESTION, Student
from siked.prompts import DAY, Prompt, render
from siked.settings import TransformersSettings

_PROLOGUE = """\
{%- if messages[0]['role'] != 'system' %}
{%- set siked = namespace(messages=[SYSTEM]) %}
{%- for message in messages %}
{%- if message['role'] == 'user' %}
{%- set siked.messages = siked.messages + [{'role': 'user', 'content': USER}] %}
{%- else %}
{%- set siked.messages = siked.messages + [message] %}
{%- endif %}
{%- endfor %}
{%- set messages = siked.messages %}
{%- set enable_thinking = false %}
{%- endif %}"""

_EPILOGUE = """\
{% if siked is defined and add_generation_prompt %}{{ CLOSING }}{% endif %}"""
"""Closes the thinking that a template opens whatever it is told."""

_TODAY = re.compile(r"""strftime_now\((?:"([^"\\]*)"|'([^'\\]*)')\)""")

_PLAIN = """\
{{ BEFORE }}{% for message in messages %}
{%- if message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}
{%- elif message['role'] == 'user' %}{{ message['content'] + AFTER }}
{%- else %}{{ message['content'] + END }}
{%- endif %}
{%- endfor %}"""
"""What a tokenizer without a chat template gets: the plain text of ``siked.prompts.render``."""


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
    the engine's does, and is greedy unless asked otherwise. ``out`` is an empty folder.

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
    tokenizer.chat_template = make_template(tokenizer, student)
    _say_byte_level(tokenizer)
    tokenizer.save_pretrained(out)
    for path in out.iterdir():
        path.chmod(0o644)  # safetensors leaves its file to its owner alone


def is_byte_level(tokenizer: Any) -> bool:
    """Return whether a tokenizer is byte-level BPE, as GPT-2's; others are SentencePiece's."""
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    splitter = json.dumps(state["pre_tokenizer"])
    return state["model"]["type"] == "BPE" and '"ByteLevel"' in splitter


def _say_byte_level(tokenizer: Any) -> None:
    """Let a byte-level tokenizer say so in every part of its file.

    One that transformers made from a GGUF file has SentencePiece's fallback for bytes and decoder
    as well, which do nothing there; llama.cpp's converter takes it for SentencePiece's by them.
    """
    if is_byte_level(tokenizer):
        tokenizer.backend_tokenizer.model.byte_fallback = False
        tokenizer.backend_tokenizer.decoder = decoders.ByteLevel()


def make_template(tokenizer: Any, student: Student) -> str:
    """Return the base model's chat template with the student's prompt in it."""
    system, user = student.prompt.system, _around_question(student.prompt.user)
    message = f"{{'role': 'system', 'content': {_literal(system)}}}" if system else ""
    if system and not _has_system_role(tokenizer):
        message = ""
        head = _literal(system + "\n\n")
        user = f"({head} if loop.first else '') + {user}"
    # From the last to the first, so that no text put in is taken for a place.
    prologue = _PROLOGUE.replace("USER", user, 1).replace("SYSTEM", message, 1)
    if tokenizer.chat_template is None:
        return prologue + _plain(tokenizer)
    template = _TODAY.sub(
        lambda found: _literal(DAY.strftime(found[1] or found[2] or "")),
        tokenizer.get_chat_template(),
    )
    if closing := _closing(tokenizer):
        # Jinja drops a line end at a template's end, where it now is no more.
        template = template.removesuffix("\n") + _EPILOGUE.replace("CLOSING", _literal(closing), 1)
    return prologue + template


def check_prompt(asked: Any, trained: Any, student: Student, questions: Sequence[str]) -> None:
    """See that a bare question becomes the text that the student was trained to answer.

    Raises:
        UserError: it becomes another text.
    """
    for question in questions:
        sent = [{"role": "user", "content": question}]
        text = asked.apply_chat_template(sent, tokenize=False, add_generation_prompt=True)
        if text != render(trained, student.ask(question)):
            raise UserError(
                "the chat template of the base model cannot carry the student's prompt: export "
                f"the adapter instead (tried with {question!r})"
            )


def _around_question(text: str) -> str:
    """Return a prompt's user text as a Jinja expression of the message's content."""
    question = "message['content'] | trim"
    parts = [_literal(part) if part else "" for part in text.split(QUESTION)]
    pieces = [piece for part in parts for piece in (f"({question})", part)][1:]
    return " + ".join(piece for piece in pieces if piece)


def _plain(tokenizer: Any) -> str:
    mark = "0"
    text = render(tokenizer, Prompt(question_id="", strategy=None, system="", user=mark))
    before, _, after = text.partition(mark)
    return (
        _PLAIN.replace("END", _literal(tokenizer.eos_token or ""), 1)
        .replace("AFTER", _literal(after), 1)
        .replace("BEFORE", _literal(before), 1)
    )


def _has_system_role(tokenizer: Any) -> bool:
    if tokenizer.chat_template is None:
        return True
    mark = "a system's text"
    roles = [{"role": "system", "content": mark}, {"role": "user", "content": "0"}]
    try:
        return mark in tokenizer.apply_chat_template(roles, tokenize=False)
    except jinja2.TemplateError:
        return False


def _closing(tokenizer: Any) -> str:
    """Return what ``siked.prompts.render`` puts behind a template's own text."""
    sent = [{"role": "user", "content": "0"}]
    text = tokenizer.apply_chat_template(
        sent, tokenize=False, add_generation_prompt=True, enable_thinking=False
    )
    whole = render(tokenizer, Prompt(question_id="", strategy=None, system="", user="0"))
    return whole.removeprefix(text) if whole.startswith(text) else ""


def _literal(text: str) -> str:
    """Return a text as a Jinja string; JSON's escapes are among Jinja's."""
    return json.dumps(text, ensure_ascii=False)
