"""What every reader of a question format shares: its result, and how files are opened."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from siked.errors import UserError, advise_pull
from siked.files import read_text, say_mended, whole_characters
from siked.records import Question

_MOST_DIGITS = 1000
"""Of an integer: Python reads no more than 4300."""


class LeftOut(NamedTuple):
    """A row that cannot be a question."""

    where: str
    """The row as ``file:line`` or ``file: problem ID``, below the source's root."""
    reason: str
    """Why, as ``kind: the case``: ``not one number: 'John'``."""


@dataclass(frozen=True)
class SourceContent:
    """What a source gave."""

    questions: list[Question]
    """The questions taken, in the source's order, with worked solutions where it has them."""
    left_out: list[LeftOut]
    """The rows that cannot be used."""
    rows: int
    """How many rows the source has; those in neither list were not drawn (``rows``,
    ``max_steps``)."""


def open_text(path: Path) -> str:
    """Return the text of a source file.

    Raises:
        UserError: the file is missing, a folder, or not UTF-8.
    """
    return read_text(
        path,
        f"`siked data add` brings a published one{advise_pull('one that your remote has')}; or "
        "name the folder that has it, `-S questions.root=FOLDER`",
    )


def json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a JSON Lines file's rows, each with its ``file:line``; numbers as they are written.

    Raises:
        UserError: the file cannot be read, or a line is not a JSON object.
    """
    for number, line in enumerate(_json_text(path).split("\n"), start=1):
        if line.strip():
            where = f"{path}:{number}"
            yield where, json_object(where, line)


def json_object(where: str, text: str, *, exact: bool = True) -> dict[str, Any]:
    """Return a JSON object.

    Args:
        where: where it stands, for messages.
        text: the JSON.
        exact: its numbers stay text, so that no digit changes and none is too many; otherwise
            only integers of very many digits do.

    Raises:
        UserError: it is not a JSON object.
    """
    row = _json(where, text, exact=exact)
    if not isinstance(row, dict):
        raise UserError(f"{where}: not a JSON object")
    return row


def _json_text(path: Path) -> str:
    text = open_text(path)
    whole = whole_characters(text)
    if whole != text:
        pairs = zip(text.split("\n"), whole.split("\n"), strict=False)
        say_mended(path, sum(before != after for before, after in pairs))
    return whole


def _json(where: str, text: str, *, exact: bool = True) -> Any:
    try:
        return json.loads(
            text, parse_float=str if exact else None, parse_int=str if exact else _integer
        )
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not JSON: {error}") from None


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def json_list(path: Path, text: str, *, exact: bool = True) -> list[Any]:
    """Return the JSON list that a file is; see ``json_object``.

    Raises:
        UserError: it is none.
    """
    rows = _json(str(path), text, exact=exact)
    if not isinstance(rows, list):
        raise UserError(f"{path}: not a list of rows")
    return rows


def json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of a JSON file that is one list of objects, each with ``file: row 17``.

    Raises:
        UserError: the file cannot be read or is not such a list.
    """
    rows = json_list(path, _json_text(path))
    for number, row in enumerate(rows, start=1):
        where = f"{path}: row {number}"
        if not isinstance(row, dict):
            raise UserError(f"{where}: not a JSON object")
        yield where, row


def text_field(where: str, row: dict[str, Any], key: str, setting: str = "") -> str:
    """Return a field that must be text or a number, with its white space evened out.

    Args:
        where: where the row stands, for messages.
        row: its fields.
        key: the field's name.
        setting: the setting that names it, where there is one.

    Raises:
        UserError: the field is missing, empty, or something else.
    """
    if key not in row:
        has = ", ".join(str(name) for name in row) or "no fields"
        advice = f": set {setting} to the one that holds it" if setting else ""
        raise UserError(f"{where}: no field `{key}` (has {has}){advice}")
    value = row[key]
    text = _as_text(value)
    if text is None:
        raise UserError(f"{where}: `{key}` is not text or a number")
    if not text:
        raise UserError(f"{where}: `{key}` is empty")
    return text


def answer_field(where: str, row: dict[str, Any], key: str, setting: str = "") -> str:
    """Return a field that should hold an answer, as ``text_field`` gives it.

    Raises:
        UserError: the row has no such field.
        ValueError: it holds no text and no number, as where nobody knows the answer.
    """
    if key not in row or _as_text(row[key]):
        return text_field(where, row, key, setting)
    raise ValueError(f"no answer: {row[key]!r}"[:80])


def _as_text(value: object) -> str | None:
    """Text or a number as text with its white space evened out; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return " ".join(str(value).split())


def make_whole(text: str) -> str:
    """Return a number, written as a float, as an integer where it is one: ``51.0``, ``51``."""
    head, point, tail = text.partition(".")
    return head if point and not tail.strip("0") else text


def join_question(body: str, question: str) -> str:
    """Return a story and its question as one text, with a comma where the story just stops."""
    body, question = " ".join(body.split()), " ".join(question.split())
    if not body:
        return question
    return f"{body} {question}" if body[-1] in ".,!?;:" else f"{body}, {question}"
