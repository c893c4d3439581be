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

import csv
import io
import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from siked.errors import UserError
from siked.questions.readers import jsonl
from siked.questions.reading import LeftOut, open_text
from siked.records import Question
from siked.settings import Source


def read_csv(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Read the questions of a CSV file.

    Raises:
        UserError: it is missing or is none, a row is malformed, or an id is used twice.
    """
    yield from jsonl.questions(name, source, _csv(path))


def read_parquet(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Read the questions of a Parquet file.

    Raises:
        UserError: it is missing or is none, a row is malformed, or an id is used twice.
    """
    yield from jsonl.questions(name, source, _parquet(path))


def read_saved(name: str, path: Path, source: Source) -> Iterator[Question | LeftOut]:
    """Read the questions of a Hugging Face data set that was saved to a folder.

    Raises:
        UserError: it is missing or is none, a row is malformed, or an id is used twice.
    """
    yield from jsonl.questions(name, source, _saved(path, source))


def plain_numbers(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of typed columns, its decimal numbers as text without an exponent.

    That is ``12``, ``0.5``. Floats are written as the shortest decimal that is the same float.
    """
    return {key: _plain(value) for key, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and math.isfinite(value):
        value = Decimal(int(value)) if value.is_integer() else Decimal(repr(value))
    return f"{value:f}" if isinstance(value, Decimal) else value


def _csv(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    # Spreadsheets open a UTF-8 file with a byte order mark.
    text = io.StringIO(open_text(path).removeprefix("\ufeff"), newline="")
    reader = csv.reader(text, strict=True)
    header: list[str] = []
    while True:
        where = f"{path}:{reader.line_num + 1}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise UserError(f"{where}: not CSV: {error}") from None
        if cells is None:
            break
        if not header:
            header = [cell.strip() for cell in cells]
            if len(set(header)) < len(header):
                raise UserError(f"{where}: two columns have the same name: {', '.join(header)}")
        elif cells:
            if len(cells) != len(header):
                raise UserError(
                    f"{where}: {len(cells)} cells, but there are {len(header)} columns: put cells "
                    "that hold a comma in double quotes"
                )
            yield where, dict(zip(header, cells, strict=True))
    if not header:
        raise UserError(f"{path}: is empty: the first line must name the columns")


def _parquet(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow as pa  # a second to import, needed by few
    from pyarrow import parquet

    if not path.is_file():
        open_text(path)  # says what is wrong
    try:
        table = parquet.ParquetFile(path)
        number = 0
        for batch in table.iter_batches():
            for at in range(batch.num_rows):
                number += 1
                (row,) = batch.slice(at, 1).to_pylist()
                yield f"{path}: row {number}", plain_numbers(row)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: row {number}: not UTF-8: {error}") from None
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: not Parquet: {' '.join(str(error).split())}") from None


def _saved(path: Path, source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
    import datasets  # seconds to import, needed by few

    if not path.is_dir():
        raise UserError(f"{path}: no such folder: it should be one that `save_to_disk` wrote")
    try:
        table = datasets.load_from_disk(str(path))
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
