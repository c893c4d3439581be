"""Questions from a Hugging Face hub data set: ``path: hf:OWNER/NAME``.

Two formats: ``gsm8k`` (the configurations ``main`` and, where there is one, ``socratic``, as
``openai/gsm8k`` has them) and ``jsonl`` (any data set with a question and an answer column). A
local folder ``OWNER/NAME`` below the working folder is taken before the hub, as ``datasets`` does.

Tested with such folders; loading from the hub itself, and ``revision`` with it, is the same call
but has not been tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from siked.errors import UserError
from siked.questions.readers import gsm8k, jsonl
from siked.questions.rows import plain_numbers
from siked.records import Question
from siked.settings import Source

if TYPE_CHECKING:
    from siked.questions.reading import LeftOut

PREFIX = "hf:"


def read(name: str, source: Source) -> Iterator[Question | LeftOut]:
    """The questions of one split of a hub data set.

    Raises:
        UserError: the data set cannot be loaded, the format is not one of the two, or a row is
            malformed.
    """
    if source.format == "gsm8k":
        names = _configurations(source)
        main = "main" if "main" in names else None
        twins = _rows(source, "socratic") if "socratic" in names else None
        yield from gsm8k.questions(name, source.split, _rows(source, main), twins)
    elif source.format == "jsonl":
        yield from jsonl.questions(name, source, _rows(source, None))
    else:
        raise UserError(
            f"{source.path}: hub data sets are read as `gsm8k` or `jsonl`, not `{source.format}`"
        )


def _configurations(source: Source) -> list[str]:
    import datasets  # seconds to import, needed by few

    try:
        names: list[str] = datasets.get_dataset_config_names(
            _identity(source), revision=source.revision
        )
    except Exception as error:  # datasets raises many kinds, none of them documented
        raise _failed(source, error) from error
    return names


def _rows(source: Source, configuration: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a split, each with where it stands."""
    import datasets

    try:
        table = datasets.load_dataset(
            _identity(source), configuration, split=source.split, revision=source.revision
        )
    except Exception as error:
        raise _failed(source, error) from error
    label = "/".join(part for part in (source.path, configuration, source.split) if part)
    for number, row in enumerate(table, start=1):
        yield f"{label}: row {number}", plain_numbers(dict(row))


def _identity(source: Source) -> str:
    return (source.path or "").removeprefix(PREFIX)


def _failed(source: Source, error: Exception) -> UserError:
    reason = " ".join(str(error).split())
    return UserError(f"{source.path}: cannot be loaded: {type(error).__name__}: {reason}")
