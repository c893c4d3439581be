"""siked data: published data sets brought here, and users' own question files looked at.

siked data list                      what is known, what is here
siked data add gsm8k ~/downloads     take the publisher's files from a folder
siked data check own/questions.csv   what a run would read from it
"""

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from siked.errors import UserError
from siked.questions import sources
from siked.questions.published import PUBLISHED, Published
from siked.questions.reading import SourceContent
from siked.questions.splits import normalise
from siked.records import Question
from siked.run import raw_files
from siked.settings import Source
from siked.terminal.console import say

_HEAD = 4096
SHOWN = 10
"""Rows of a kind that ``check`` lists."""
LONGEST = 2000
"""Characters of the example that ``check`` shows."""

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def data() -> None:
    """Manage published data sets and your own questions."""


@app.command("list")
def list_() -> None:
    """Show the published data sets: licence, citation, and which files are here."""
    for one in PUBLISHED:
        say(f"{one.name}: {one.title}, licence: {one.licence}")
        say(f"  {one.citation}")
        say(f"  {one.homepage}")
        for file in one.files:
            rows = raw_files.describe(file)["meta"]["rows"]
            size = f"{file.size / 1e6:.1f} MB"
            place = str(raw_files.place(file))
            say(f"  {place:36} {rows:>5} rows {size:>7}  {raw_files.state(file)}")
        if not raw_files.is_tracked(one):
            say(f"  not tracked by DVC yet: `siked data add {one.name}`")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Which: see `siked data list`.")],
    folder: Annotated[
        Path | None, typer.Argument(help="Where its files are; downloaded if not given.")
    ] = None,
) -> None:
    """Put a published data set into data/raw and DVC's cache, from a folder or its publisher.

    A file that is not byte for byte the published one is refused.
    """
    one = _published(name)
    with tempfile.TemporaryDirectory() as scratch:
        if folder is None:
            raw_files.download(one, Path(scratch))
        raw_files.put(one, raw_files.search(one, folder or Path(scratch)))
    for file in one.files:
        say(f"{raw_files.place(file)}: as published")
    say(f"{one.title}: licence: {one.licence}")
    say("`git add .dvcignore` and commit it, `dvc push` shares the files through your remote")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A file of questions, or a folder.")],
    kind: Annotated[
        str | None, typer.Option("--format", help="Its format, where the name does not say it.")
    ] = None,
    split: Annotated[
        str, typer.Option(help="Split of a saved data set or a GSM8K folder.")
    ] = "train",
    question_field: Annotated[
        str, typer.Option(help="Field or column of the question.")
    ] = "question",
    answer_field: Annotated[str, typer.Option(help="Field or column of the answer.")] = "answer",
) -> None:
    """Say what a run would read from a question file, and what it would leave out and why.

    The exit status is 1 where a run would stop: a malformed row, or no question at all.
    """
    if not file.exists():
        raise UserError(f"{file}: no such file or folder")
    settings = {
        "format": kind or _format(file),
        "path": file.name,
        "split": split,
        "question_field": question_field,
        "answer_field": answer_field,
    }
    if kind == "demo":
        raise UserError("--format demo: that one draws its questions and reads no file")
    try:
        source = Source.model_validate(settings)
    except ValidationError as error:
        raise UserError(f"--format {kind}: {error.errors()[0]['msg']}") from None
    reading = sources.read("own", source, file.resolve().parent, seed=0)
    _report(file, source.format, reading)
    if source.format == "jsonl" and b"####" in file.read_bytes()[:_HEAD]:
        say(
            "its answers are worked solutions as GSM8K's: to have them read too, name the folder "
            "(train.jsonl, test.jsonl) and `--format gsm8k`"
        )


def _report(file: Path, kind: str, reading: SourceContent) -> None:
    found = reading.questions
    say(f"{file}: {kind}, rows: {reading.rows}")
    solved = sum(bool(one.solution) for one in found)
    say(f"questions: {len(found)}, with a worked solution: {solved}")
    if found and not solved:
        say("  the `annotations` teacher needs those; docs/questions.md names the others")
    say(f"rows left out: {len(reading.left_out)}")
    for one in reading.left_out[:SHOWN]:
        say(f"  {one.where}: {one.reason}")
    _print_more(len(reading.left_out))
    same = _same(found)
    say(f"questions that stand more than once: {sum(len(group) - 1 for group in same)}")
    for group in same[:SHOWN]:
        answers = {one.answer for one in group}
        differ = f": answers differ: {', '.join(sorted(answers))}" if len(answers) > 1 else ""
        say(f"  {', '.join(one.id for one in group)}{differ}")
    _print_more(len(same))
    if not found:
        raise UserError(f"{file}: no question can be read from it")
    example = found[0].model_dump_json(exclude_defaults=True)
    say(f"example: {example if len(example) <= LONGEST else f'{example[:LONGEST]} ...'}")


def _print_more(count: int) -> None:
    if count > SHOWN:
        say(f"  and {count - SHOWN} more")


def _same(found: list[Question]) -> list[list[Question]]:
    """Questions whose text is the same but for case and punctuation, by the first of each."""
    groups: dict[str, list[Question]] = defaultdict(list)
    for one in found:
        groups[normalise(one.question)].append(one)
    return [group for group in groups.values() if len(group) > 1]


def _published(name: str) -> Published:
    known = {one.name: one for one in PUBLISHED}
    if name not in known:
        raise UserError(f"there is no published data set {name!r}: known are {', '.join(known)}")
    return known[name]


def _format(file: Path) -> str:
    """The format that a file's name says."""
    if file.is_dir():
        return "gsm8k" if any(file.glob("*.jsonl")) else "dataset"
    formats = {".jsonl": "jsonl", ".csv": "csv", ".parquet": "parquet", ".xml": "asdiv"}
    kind = formats.get(file.suffix)
    if kind is None:
        raise UserError(
            f"{file}: its name does not say its format: add --format jsonl, csv, parquet, "
            "svamp, asdiv or multiarith"
        )
    return kind
