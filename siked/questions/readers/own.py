"""A user's own questions: JSON Lines, CSV, Parquet, and Hugging Face data sets, saved or hub's.

    {"id": "q1", "question": "Ann has 3 bags of 4 figs. How many figs has she?", "answer": "12"}

    id,question,answer
    q1,"Ann has 3 bags of 4 figs. How many figs has she?",12

The fields' names are the source's ``question_field`` and ``answer_field``; ``id`` is taken where
there is one, other fields are left alone. The answer is a number (``12``, ``"1,000"``, ``"3/4"``,
``"$9.50"``), or a worked solution as GSM8K writes it, with the number behind its ``####``. Rows
with another answer, or with none, are left out.

- ``csv``: UTF-8, commas, the first line names the columns. Numbers stay as they are written.
- ``parquet``: one file. Of a number only its value is there: a column of floats says ``12`` for
  12.0.
- ``dataset``: a folder of ``datasets.save_to_disk``; of one with splits, the source's ``split``.
- ``path: hf:OWNER/NAME``: a data set of the hub, as ``jsonl``, or as ``gsm8k`` with the
  configurations of ``openai/gsm8k``: ``main`` and, where there is one, ``socratic``. A local folder
  ``OWNER/NAME`` below the working folder is taken before the hub, as ``datasets`` does. Tested with
  such folders; loading from the hub itself, and ``revision`` with it, is the same call but has not
  been tried.
"""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from siked.errors import UserError
from siked.questions.gold import gold
from siked.questions.readers import gsm8k
from siked.questions.reading import LeftOut, answer_field, json_lines, open_text, text_field
from siked.questions.rows import csv_rows, every, parquet_rows, plain_numbers
from siked.records import Question
from siked.settings import Source

HUB = "hf:"


def read_jsonl(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Read the questions of a JSON Lines file.

    Raises:
        UserError: the file is missing, a line is malformed, or an id is used twice.
    """
    yield from _questions(name, source, json_lines(path))


def read_csv(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Read the questions of a CSV file.

    Raises:
        UserError: it is missing or is none, a row is malformed, or an id is used twice.
    """
    text = io.StringIO(open_text(path), newline="")
    yield from _questions(name, source, every(csv_rows(path, text)))


def read_parquet(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Read the questions of a Parquet file.

    Raises:
        UserError: it is missing or is none, a row is malformed, or an id is used twice.
    """
    if not path.is_file():
        open_text(path)  # says what is wrong
    with path.open("rb") as file:
        yield from _questions(name, source, every(parquet_rows(path, file)))


def read_saved(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Read the questions of a Hugging Face data set that was saved to a folder.

    Raises:
        UserError: it is missing or is none, a row is malformed, or an id is used twice.
    """
    yield from _questions(name, source, _saved_rows(path, source))


def read_hub(name: str, source: Source) -> Iterator[Question | LeftOut]:
    """Read the questions of one split of a hub data set.

    Raises:
        UserError: the data set cannot be loaded, the format is not one of the two, or a row is
            malformed.
    """
    if source.format == "gsm8k":
        names = _ask_hub(source, "get_dataset_config_names")
        main = "main" if "main" in names else None
        twins = _hub_rows(source, "socratic") if "socratic" in names else None
        yield from gsm8k.questions(name, source.split, _hub_rows(source, main), twins)
    elif source.format == "jsonl":
        yield from _questions(name, source, _hub_rows(source, None))
    else:
        raise UserError(
            f"{source.path}: hub data sets are read as `gsm8k` or `jsonl`, not `{source.format}`"
        )


def _questions(
    name: str, source: Source, rows: Iterable[tuple[str, dict[str, Any]]]
) -> Iterator[Question | LeftOut]:
    """Yield questions from rows, each with where it stands.

    Raises:
        UserError: a row is malformed, or an id is used twice.
    """
    seen: dict[str, str] = {}
    for index, (where, row) in enumerate(rows):
        own = text_field(where, row, "id") if row.get("id") is not None else f"{index:05}"
        if own in seen:
            raise UserError(f"{where}: the id {own!r} is already used at {seen[own]}")
        seen[own] = where
        question = text_field(where, row, source.question_field, "question_field")
        try:
            answer = gold(
                answer_field(where, row, source.answer_field, "answer_field"),
                expressions=source.answers == "expressions",
            )
        except ValueError as error:
            yield LeftOut(where, str(error))
            continue
        yield Question(id=f"{name}-{own}", source=name, question=question, answer=answer)


def _saved_rows(path: Path, source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
    import datasets  # seconds to import, needed by few

    if not path.is_dir():
        raise UserError(f"{path}: no such folder: it should be one that `save_to_disk` wrote")
    try:
        table = datasets.load_from_disk(str(path))
    except FileNotFoundError:
        files = sorted(one.name for one in path.iterdir() if one.suffix in (".parquet", ".csv"))
        hint = f": name one of its files, such as {files[0]}" if files else ""
        raise UserError(f"{path}: not a saved data set{hint}") from None
    except Exception as error:  # datasets raises many kinds, none of them documented
        raise UserError(f"{path}: not a saved data set: {' '.join(str(error).split())}") from error
    label = str(path)
    if isinstance(table, datasets.DatasetDict):
        if source.split not in table:
            known = ", ".join(sorted(table))
            raise UserError(f"{path}: has no split {source.split!r}: there are {known}")
        table = table[source.split]
        label = f"{path}/{source.split}"
    yield from _numbered(label, table)


def _hub_rows(source: Source, configuration: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    table = _ask_hub(source, "load_dataset", configuration, split=source.split)
    label = "/".join(part for part in (source.path, configuration, source.split) if part)
    yield from _numbered(label, table)


def _ask_hub(source: Source, function: str, *arguments: Any, **options: Any) -> Any:
    """Call a function of ``datasets`` for a source's data set."""
    import datasets

    try:
        return getattr(datasets, function)(
            (source.path or "").removeprefix(HUB), *arguments, revision=source.revision, **options
        )
    except Exception as error:  # datasets raises many kinds, none of them documented
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UserError(f"{source.path}: cannot be loaded: {reason}") from error


def _numbered(label: str, table: Iterable[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a table's rows, each with where it stands."""
    for number, row in enumerate(table, start=1):
        yield f"{label}: row {number}", plain_numbers(dict(row))
