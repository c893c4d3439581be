"""siked export: a trained student as an adapter, as merged weights, or as GGUF.

siked export --format merged --out exports/best
siked export --student it1 --format gguf --gguf-type q8_0 --out exports/it1
HF_TOKEN=... siked export --format adapter --out exports/adapter --push OWNER/NAME
"""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from siked.commands.students import BEST, StudentName, choose
from siked.errors import UserError, advise_pull
from siked.exporting import hub
from siked.exporting.exporter import Kind
from siked.exporting.gguf import GgufType
from siked.records import Question, read_records
from siked.run import layout
from siked.settings import load_params
from siked.terminal.console import say

COMPARED = 20
"""Questions on which an export is compared with the student."""


def export(
    format_: Annotated[
        Kind, typer.Option("--format", help="An adapter for peft, or a model of its own.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write; it must be new or empty.")],
    student: StudentName = BEST,
    gguf_type: Annotated[GgufType, typer.Option(help="Number type of a GGUF file.")] = "bf16",
    push: Annotated[
        str | None, typer.Option(help="Then upload to this hub repository, OWNER/NAME.")
    ] = None,
) -> None:
    """Write a student for use elsewhere, checked to answer dev questions as it does here."""
    settings = load_params(layout.PARAMS)
    token = hub.find_token(push) if push is not None else None
    chosen = choose(student)
    dev = layout.DEV
    if not dev.is_file():
        raise UserError(f"{dev}: no such file: `dvc repro questions` makes it{advise_pull()}")
    questions = [row.question for row in islice(read_records(dev, Question), COMPARED)]
    same = chosen.exporter(settings).export(out, format_, questions, gguf_type)
    say(f"{out}: {format_} of {chosen.adapter}: {same} of {len(questions)} answers the same")
    if push is not None and token is not None:
        say(f"{hub.push(out, push, token)}: uploaded; private if it was not there before")
