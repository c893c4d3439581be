"""Every text that a model is shown, and the form of what it answers.

The texts lie in ``prompts/`` of the repository that a command is run in; elsewhere they are those
that were installed with the package. The student's are ``student/system.txt`` and
``student/user.txt``, an LLM teacher's ``teacher/STRATEGY.txt``: an instruction, a blank line,
worked examples, and ``Question: {question}``. A student's completion is a strategy's tag and a
rationale:

    [pot]:
    rolls_made = 6 * 24
    answer = rolls_made - 126

Prompt, tag and rationale are tokenised apart, when training and when generating: tokens never span
two of them, so that a model sees the same ones in both.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from siked.errors import UserError

FOLDERS = (Path("prompts"), Path(__file__).parent / "settings" / "prompts")
"""Where the texts are looked for, all in one place; the second is the repository's too, by a link
that setuptools follows when it packs."""
STUDENT_SYSTEM = "student/system.txt"
TEACHER_STOP = ("\nQuestion:",)
"""Where a teacher without a chat template goes on to another example."""
DAY = datetime(2024, 7, 26)  # noqa: DTZ001 - nobody's zone
"""Today, to chat templates that name it; the day that Llama 3.1's template has by itself."""
_OPEN_THINKING = re.compile(r"<((?:[a-z]++:)?think(?:ing)?+)>\s*+\Z")
_TAG = re.compile(r"\s*\[(\w+)\]:[ \t]*\n?")
_NAMES = (
    r"(?:\w{1,16}[:_])?"
    r"(?:think|thinking|thought|thoughts|reasoning|scratchpad|reflection|analysis|draft)"
)
_THINKING_ENDS = re.compile(
    rf"</{_NAMES}>|\[/THINK\]|<\|?/?end_of_(?:thought|thinking)\|?>|◁/think▷"
    r"|<\|END_THINKING\|>|<\|inner_suffix\|>|<\|channel\|?>\s?final\s?<\|message\|>",
    re.IGNORECASE,
)
_THINKING_BEGINS = re.compile(
    rf"<{_NAMES}>|\[THINK\]|<\|?begin_of_(?:thought|thinking)\|?>|◁think▷"
    r"|<\|START_THINKING\|>|<\|inner_prefix\|>"
    r"|<\|channel\|?>\s?(?:analysis|commentary)\s?<\|message\|>",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Prompt:
    """What a model is asked, before any chat template."""

    question_id: str
    strategy: str | None
    """The strategy whose tag or instruction the prompt forces; None where the model chooses."""
    system: str
    user: str
    prefix: str = ""
    """How the model's own turn begins (a forced strategy tag); not repeated in the completion."""


def tag(strategy: str) -> str:
    """Return the tag by which a student says which strategy follows: ``[pot]:``."""
    return f"[{strategy}]:"


def tag_line(strategy: str) -> str:
    """Return the tag with its line end: how a completion of this strategy begins."""
    return f"{tag(strategy)}\n"


def completion(strategy: str, rationale: str) -> str:
    """Return what the student is to write, the token that ends its turn left out."""
    return tag_line(strategy) + rationale.strip()


def split_tag(text: str, strategies: Iterable[str]) -> tuple[str | None, str]:
    """Cut a completion into its strategy and rationale.

    Returns:
        The strategy, or None where the text begins with no tag of ``strategies``; the rationale, or
        the whole text where there is no tag. White space around it is dropped.
    """
    match = _TAG.match(text)
    if match is None or match[1] not in set(strategies):
        return None, text.strip()
    return match[1], text[match.end() :].strip()


def split_thinking(text: str) -> tuple[str, str]:
    """Cut what a model thought from what it answers, in all spellings that are in use.

    Returns:
        The thinking, without its marks; the answer: what stands behind the last thinking that
        ended, and before one that never does.
    """
    if not any(sign in text for sign in "<[◁"):
        return "", text
    ends = list(_THINKING_ENDS.finditer(text))
    thinking = [text[: ends[-1].start()]] if ends else []
    answer = text[ends[-1].end() :] if ends else text
    if (begun := _THINKING_BEGINS.search(answer)) is not None:
        thinking.append(answer[begun.end() :])
        answer = answer[: begun.start()]
    marks = _THINKING_BEGINS.sub("", "\n".join(thinking))
    return _THINKING_ENDS.sub("", marks).strip(), answer


def join_thinking(thinking: str, answer: str) -> str:
    """Return a text that ``split_thinking`` cuts again: ``<think>`` … ``</think>`` in front."""
    return f"<think>\n{thinking}\n</think>\n{answer}" if thinking else answer


def student_prompt(question: str, *, question_id: str = "", strategy: str | None = None) -> Prompt:
    """Ask the student; a ``strategy`` begins its turn with that strategy's tag.

    Raises:
        UserError: a prompt file is missing or has no ``{question}``.
    """
    return Prompt(
        question_id=question_id,
        strategy=strategy,
        system=_read(STUDENT_SYSTEM, fills=False),
        user=_filled("student/user.txt", question),
        prefix="" if strategy is None else tag_line(strategy),
    )


def teacher_prompt(question: str, strategy: str, *, question_id: str = "") -> Prompt:
    """Ask an LLM teacher for a rationale of one strategy, by instruction and examples.

    Raises:
        UserError: the strategy's prompt file is missing or has no ``{question}``.
    """
    name = f"teacher/{strategy}.txt"
    instruction, _, examples = _filled(name, question).partition("\n\n")
    return Prompt(question_id=question_id, strategy=strategy, system=instruction, user=examples)


def messages(prompt: Prompt) -> list[dict[str, str]]:
    """Return a prompt for a chat model: what stands before its turn, with a system's part if any.

    ``[{"role": "system", "content": "Solve the problem."}, {"role": "user", "content": ...}]``
    """
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return [*system, {"role": "user", "content": prompt.user}]


def plain(prompt: Prompt) -> str:
    """Return a prompt for a model without a chat template, which goes on with a text."""
    return f"{prompt.system}\n\n{prompt.user}\nAnswer:\n".lstrip()


def render(tokenizer: Any, prompt: Prompt) -> str:
    """Return what the model reads before its turn, special tokens included, ``prefix`` not.

    Made by the tokenizer's chat template. One that refuses or drops the system's text gets it at
    the head of the user's; where there is no template the two stand as plain text. Thinking is
    switched off, and closed where the template opens it. Dates are those of one day, so that a
    prompt is the same tomorrow.

    Raises:
        UserError: the template shows the question in no way.
    """
    if tokenizer.chat_template is None:
        return _beginning(tokenizer) + plain(prompt)
    import jinja2

    apart = messages(prompt)
    whole = [{"role": "user", "content": f"{prompt.system}\n\n{prompt.user}".strip()}]
    parts = [{**one, "content": [{"type": "text", "text": one["content"]}]} for one in apart]
    for way in (apart, whole, parts):
        try:
            text = _templated(tokenizer, way)
        except (jinja2.TemplateError, TypeError):  # a template may add a text to a list
            continue
        if prompt.system.strip() in text and prompt.user.strip() in text:
            return _OPEN_THINKING.sub(r"<\1>\n\n</\1>\n\n", text)
    raise UserError(
        "the model's chat template does not show the question: take a model that is made for "
        "text, or give its folder another chat_template.jinja"
    )


def encode(tokenizer: Any, prompt: Prompt) -> list[int]:
    """Return the token ids that the model reads: the rendered prompt's, then the prefix's."""
    return tokens(tokenizer, render(tokenizer, prompt)) + tokens(tokenizer, prompt.prefix)


def tokens(tokenizer: Any, text: str) -> list[int]:
    """Return the token ids of a text that already has its special tokens."""
    if not text:
        return []
    ids: list[int] = tokenizer(text, add_special_tokens=False).input_ids
    return ids


def _templated(tokenizer: Any, messages: Sequence[Mapping[str, Any]]) -> str:
    try:
        text: str = tokenizer.apply_chat_template(
            messages,
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,
            strftime_now=DAY.strftime,
        )
    except ValueError as error:  # several templates by name, none of them the default
        raise UserError(f"the model's chat template: {str(error).splitlines()[0]}") from None
    return text


def _beginning(tokenizer: Any) -> str:
    """The token that begins a text, for tokenizers that put one."""
    begins = tokenizer.bos_token_id in tokenizer("").input_ids
    return tokenizer.bos_token if begins else ""


def _filled(name: str, question: str) -> str:
    return _read(name, fills=True).replace("{question}", question.strip())


def _read(name: str, *, fills: bool) -> str:
    # Another project's folder may be called prompts too.
    here = [folder for folder in FOLDERS if (folder / STUDENT_SYSTEM).is_file()]
    path = (here or FOLDERS)[0] / name
    try:
        text = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise UserError(f"{path}: no such prompt file: `git checkout` brings it back") from None
    if fills and "{question}" not in text:
        raise UserError(f"{path}: has no {{question}}, where the question goes")
    return text
