"""Params files read and checked; every key with its documentation."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from siked.errors import UserError
from siked.settings.params import Params

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic.fields import FieldInfo


def load_params(path: Path) -> Params:
    """Read and check a params file.

    Raises:
        UserError: one line that names the file and the first key that is wrong.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: `siked preset demo` writes one") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    return check_params(raw, str(path))


def check_params(raw: Any, name: str) -> Params:
    """Check what was read from the params file ``name``.

    Raises:
        UserError: one line that names the file and the first key that is wrong.
    """
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{name}: {_in_one_line(error)}") from None


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as ``("mix.keep", "1")``: texts as they are, all else as JSON."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield prefix + key, text


def documented() -> Iterator[tuple[str, str]]:
    """Every key with its documentation, in the order of definition.

    ``*`` stands for a name that the user chooses: ``questions.train.*.rows``.
    """
    yield from _documented(Params, "")


def _documented(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str]]:
    for key, field in model.model_fields.items():
        yield prefix + key, " ".join((field.description or "").split())
        inner, named = _inner_model(field)
        if inner is not None:
            yield from _documented(inner, f"{prefix}{key}.*." if named else f"{prefix}{key}.")


def _inner_model(field: FieldInfo) -> tuple[type[BaseModel] | None, bool]:
    """The settings class inside a field, and whether it sits in a mapping by name."""
    named = get_origin(field.annotation) is dict
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind, named
    return None, named


def _in_one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        parent = first["loc"][:-1]
        siblings = _keys_at(parent)
        near = difflib.get_close_matches(str(first["loc"][-1]), siblings, n=1, cutoff=0)
        hint = ".".join([*map(str, parent), near[0]]) if near else ""
        return f"{key}: unknown key" + (f"; did you mean `{hint}`?" if hint else "")
    if first["type"] == "missing":
        return f"{key}: is missing"
    message = first["msg"].removeprefix("Value error, ")
    given = first["input"]
    if isinstance(given, str | int | float) and first["type"] != "value_error":
        message = f"{given!r}: {message}"
    return f"{key}: {message}" if key else message


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Params
    parts = list(location)
    while parts:
        field = model.model_fields.get(str(parts.pop(0)))
        if field is None:
            return []
        inner, named = _inner_model(field)
        if inner is None:
            return []
        if named and parts:
            parts.pop(0)
        model = inner
    return list(model.model_fields)
