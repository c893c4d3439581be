"""Tables of questions: CSV, Parquet, and a Hugging Face data set that was saved to a folder.

    id,question,answer
    q1,"Ann has 3 bags of 4 figs. How many figs has she?",12

Each is read as ``jsonl`` is: the columns' names are the source's ``question_field`` and
``answer_field``, ``id`` is taken where there is one, other columns are left alone.

- ``csv``: UTF-8, commas, the first line names the columns. Numbers stay as they are written.
- ``parquet``: one file. Of a number only its value is there: a column of floats says ``12`` for
  12.0.
- ``dataset``: a folder of ``datasets.save_to_disk``; of one with splits, the source's ``split``.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from siked.errors import UserError
from siked.questions.readers import jsonl
from siked.questions.reading import LeftOut, open_text
from siked.questions.rows import csv_rows, every, parquet_rows, plain_numbers
from siked.records import Question
from siked.settings import Source


def read_csv(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Read the questions of a CSV file.

    Raises:
        UserError: it is missing or is none, a row is malformed, or an id is used twice.
    """
    text = io.StringIO(open_text(path), newline="")
    yield from jsonl.questions(name, source, every(csv_rows(path, text)))


def read_parquet(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Read the questions of a Parquet file.

    Raises:
        UserError: it is missing or is none, a row is malformed, or an id is used twice.
    """
    if not path.is_file():
        open_text(path)  # says what is wrong
    with path.open("rb") as file:
        yield from jsonl.questions(name, source, every(parquet_rows(path, file)))


def read_saved(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Read the questions of a Hugging Face data set that was saved to a folder.

    Raises:
        UserError: it is missing or is none, a row is malformed, or an id is used twice.
    """
    yield from jsonl.questions(name, source, _saved(path, source))


def _saved(path: Path, source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
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
    label = f"{path}"
    if isinstance(table, datasets.DatasetDict):
        if source.split not in table:
            known = ", ".join(sorted(table))
            raise UserError(f"{path}: has no split {source.split!r}: there are {known}")
        table = table[source.split]
        label = f"{path}/{source.split}"
    for number, row in enumerate(table, start=1):
        yield f"{label}: row {number}", plain_numbers(dict(row))
