"""siked prompt: what a model is given to read, to the letter.

siked prompt --question "Tom has 3 apples ..."                   the student, free to choose
siked prompt --strategy pot --question "Tom has 3 apples ..."    the student, its turn begun
siked prompt --strategy pot --teacher --question "Tom has ..."   the teacher of params.yaml
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from siked.errors import UserError, advise_pull
from siked.models.loading import locate
from siked.prompts import Prompt, encode, messages, plain, render, student_prompt, teacher_prompt
from siked.run import layout
from siked.settings import OpenAISettings, load_params
from siked.strategies import STRATEGIES
from siked.terminal.console import say

TOKENIZER = ("*token*", "*vocab*", "merges.txt", "config.json", "*.jinja", "*.model")
"""What a tokenizer needs of a hub model: its weights stay there."""


def prompt(
    question: Annotated[str, typer.Option(help="A math word problem.")],
    strategy: Annotated[
        str | None, typer.Option(help=f"{', '.join(STRATEGIES)}; without it the student chooses.")
    ] = None,
    teacher: Annotated[
        bool, typer.Option("--teacher", help="The teacher's prompt, not the student's.")
    ] = False,
) -> None:
    """Print exactly what a model reads for a question, special tokens and all.

    The student's as training and generation render it. The teacher's as its engine does: through
    the chat template of a local model, as messages for a chat server, as plain text for a
    completions server. Notes go to standard error.
    """
    settings = load_params(layout.PARAMS)
    if strategy not in (None, *settings.strategies):
        known = ", ".join(settings.strategies)
        raise UserError(f"--strategy {strategy}: params.yaml has {known}")
    if not teacher:
        if not layout.BASE.is_dir():
            advice = f"`dvc repro base` makes it{advise_pull()}"
            raise UserError(f"{layout.BASE}: is not there: {advice}")
        _show_rendered(student_prompt(question, strategy=strategy), layout.BASE)
        return
    if strategy is None:
        known = ", ".join(settings.strategies)
        raise UserError(f"--strategy: is missing; the teacher is asked for one of {known}")
    asked, who = teacher_prompt(question, strategy), settings.teachers()[strategy]
    model = who.model
    if model is None:
        _note(f"teacher.engine is {who.engine}, which reads no prompt; a model would:")
        _show_messages(asked)
    elif isinstance(model.engine, OpenAISettings):
        _show_sent(asked, model.engine)
    else:
        _show_rendered(asked, locate(model.source, model.revision, files=TOKENIZER))


def _show_rendered(asked: Prompt, folder: Path) -> None:
    """Through the tokenizer of a model folder."""
    tokenizer = _load_tokenizer(folder)
    text = render(tokenizer, asked) + asked.prefix
    say(text, end="")
    _note(
        ("" if text.endswith("\n") else "\n")
        + f"{len(encode(tokenizer, asked))} tokens, by the tokenizer of {folder}"
    )


def _show_sent(asked: Prompt, engine: OpenAISettings) -> None:
    """As the server gets it."""
    _note(f"sent to {engine.url} ({engine.api}):")
    if engine.api == "chat":
        _show_messages(asked)
    else:
        say(plain(asked), end="")


def _show_messages(asked: Prompt) -> None:
    for message in messages(asked):
        _note(f"--- {message['role']}")
        say(message["content"])


def _note(text: str) -> None:
    say(text, file=sys.stderr)


def _load_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer  # seconds to import

    if not folder.is_dir():
        raise UserError(f"{folder}: no such model folder (teacher.model.source)")
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError) as error:
        why = str(error).strip().splitlines()[0]
        raise UserError(f"{folder}: has no tokenizer that can be read: {why}") from None
