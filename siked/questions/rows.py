r"""Rows of other people's files: JSON Lines, a JSON list, CSV or Parquet; gzipped or not.

    {"id": 7, "output": "9 * 2 = $18\nFinal Answer: 18", "gold": 18}     outputs.jsonl:1

A row that cannot be read is a ``UserError`` in its place, so that whoever reads decides whether one
broken row ends all; ``every`` does.
"""

import contextlib
import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from siked.errors import UserError
from siked.files import open_binary, refuse_utf16, say_mended, whole_characters
from siked.questions.reading import json_list, json_object

Row = tuple[str, dict[str, Any] | UserError]
"""Where a row stands (``file:line`` or ``file: row 17``), and its fields or what is wrong."""

_GZIP, _PARQUET, _BYTE_ORDER_MARK = b"\x1f\x8b", b"PAR1", b"\xef\xbb\xbf"
_LONGEST_CELL = 2**31 - 1


def every(rows: Iterable[Row]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield rows as they come.

    Raises:
        UserError: one cannot be read.
    """
    for where, row in rows:
        if isinstance(row, UserError):
            raise row
        yield where, row


def read_rows(path: Path, *, quiet: bool = False) -> Iterator[Row]:
    """Yield the rows of a file as they come.

    A name with ``.jsonl``, ``.csv`` or ``.parquet`` decides what the file is, before a ``.gz``. Of
    any other, the content does: Parquet, a list where the first character is ``[``, else JSON
    Lines. Bytes that are no UTF-8 and halves of characters become U+FFFD.

    Args:
        path: the file.
        quiet: do not say on standard error how many lines had such characters.

    Raises:
        UserError: the file is missing, a folder, or damaged so that no further row can be found.
    """
    try:
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(open_binary(path))
            if file.peek(2).startswith(_GZIP):
                file = stack.enter_context(io.BufferedReader(gzip.GzipFile(fileobj=file)))
            yield from _rows(path, file, quiet=quiet)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: damaged gzip: {reason}: compress the file again") from None


def _rows(path: Path, file: io.BufferedReader, *, quiet: bool) -> Iterator[Row]:
    head = file.peek(64)
    kind = Path(path.name.lower().removesuffix(".gz")).suffix
    if kind == ".parquet" or (kind not in (".csv", ".jsonl") and head.startswith(_PARQUET)):
        yield from parquet_rows(path, file)
        return
    refuse_utf16(path, head)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    lines = _Whole(text, escapes=kind != ".csv")
    if kind == ".csv":
        yield from csv_rows(path, lines)
    elif kind != ".jsonl" and head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"["):
        yield from _listed(path, "".join(lines))
    else:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                where = f"{path}:{number}"
                yield where, _object(where, line)
    if not quiet:
        say_mended(path, lines.mended)


class _Whole:
    """Lines of a text, U+FFFD in them for what is no character, and how many had some."""

    def __init__(self, lines: Iterable[str], *, escapes: bool) -> None:
        self._lines, self._escapes = lines, escapes
        self.mended = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            whole = whole_characters(line) if self._escapes else line
            if not whole.isascii():
                whole = whole.encode(errors="surrogateescape").decode(errors="replace")
            self.mended += whole != line
            yield whole


def _object(where: str, line: str) -> dict[str, Any] | UserError:
    try:
        return json_object(where, line, exact=False)
    except UserError as error:
        return error


def _listed(path: Path, text: str) -> Iterator[Row]:
    for number, row in enumerate(json_list(path, text, exact=False), start=1):
        where = f"{path}: row {number}"
        yield where, row if isinstance(row, dict) else UserError(f"{where}: not a JSON object")


def csv_rows(path: Path, lines: Iterable[str]) -> Iterator[Row]:
    """Yield the rows of a CSV file, all cells as text.

    Args:
        path: the file, for messages.
        lines: its lines with their ends; the first names the columns.

    Raises:
        UserError: the columns have no names, or nobody can say where the next row begins.
    """
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(lines, strict=True)
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
            header = _columns(where, cells)
        elif len(cells) == len(header):
            yield where, dict(zip(header, cells, strict=True))
        elif cells:
            yield (
                where,
                UserError(
                    f"{where}: {len(cells)} cells, but there are {len(header)} columns: put cells "
                    "that hold a comma in double quotes"
                ),
            )
    if not header:
        raise UserError(f"{path}: is empty: the first line must name the columns")


def _columns(where: str, cells: list[str]) -> list[str]:
    """The columns' names, from the cells of the first line."""
    header = [cell.strip() for cell in cells]
    for sign, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and sign in header[0]:
            raise UserError(f"{where}: {name} between its columns: save it with commas")
    if len(set(header)) < len(header):
        raise UserError(f"{where}: two columns have the same name: {', '.join(header)}")
    return header


def parquet_rows(path: Path, file: IO[bytes]) -> Iterator[Row]:
    """Yield the rows of a Parquet file, their decimal numbers as ``plain_numbers`` writes them.

    Args:
        path: the file, for messages.
        file: it, opened.

    Raises:
        UserError: it is none, or damaged.
    """
    import pyarrow as pa  # a second to import, needed by few
    from pyarrow import parquet

    number = 0
    try:
        for batch in parquet.ParquetFile(file).iter_batches():
            for at in range(batch.num_rows):
                number += 1
                where = f"{path}: row {number}"
                try:
                    (row,) = batch.slice(at, 1).to_pylist()
                except UnicodeDecodeError as error:
                    yield where, UserError(f"{where}: not UTF-8: {error}")
                else:
                    yield where, plain_numbers(row)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: not Parquet: {' '.join(str(error).split())}") from None


def plain_numbers(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of typed columns, its decimal numbers as text without an exponent.

    That is ``12``, ``0.5``. Floats are written as the shortest decimal that is the same float.
    """
    return {key: plain_number(value) for key, value in row.items()}


def plain_number(value: Any) -> Any:
    """Return a decimal number as text without an exponent, anything else as it is."""
    if isinstance(value, float) and math.isfinite(value):
        value = Decimal(int(value)) if value.is_integer() else Decimal(repr(value))
    return f"{value:f}" if isinstance(value, Decimal) else value
