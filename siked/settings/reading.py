"""Params files read and checked; every key with its documentation."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from siked.errors import UserError
from siked.files import read_yaml
from siked.settings.base import OneOf
from siked.settings.engines import EngineSettings, OfEngine
from siked.settings.params import Params

_KIND = re.compile(r"(literal|tuple)\[")
"""How pydantic's locations name one of the kinds that a value may be of."""
_KEY = "[key]"
"""How they end where it is the name before them that is wrong."""
_SECTION = "must be a section: keys with values below it"
_PLAIN = {
    "dict_type": _SECTION,
    "model_type": _SECTION,
    "model_attributes_type": _SECTION,
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "string_type": "must be a text",
    "tuple_type": "must be a list",
    "too_short": "is empty: name one at least",
}
"""What to say in place of pydantic's words, by its kinds of errors."""
_SHOWN = 100
"""Characters of a wrong value that an error repeats."""
NAME = "name"
"""The key that says of which kind settings are, where there are several kinds."""


def load_params(path: Path) -> Params:
    """Read and check a params file.

    Raises:
        UserError: one line that names the file and the first key that is wrong.
    """
    missing = "run in the repository's root; `siked preset demo` writes one there"
    return check_params(read_yaml(path, missing), str(path))


def check_params(raw: Any, name: str) -> Params:
    """Check what was read from the params file ``name``.

    Raises:
        UserError: one line that names the file and the first key that is wrong.
    """
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{name}: {_in_one_line(error)}") from None


def change_student(raw: MutableMapping[str, Any], preset: Mapping[str, Any]) -> None:
    """Put another student into settings: its section whole, its hyperparameters over theirs.

    Args:
        raw: the settings as ``params.yaml`` has them.
        preset: ``student``, and what else goes with it.
    """
    _lay_over(raw, {**preset, "student": {}})
    raw["student"] = dict(preset["student"])


def _lay_over(below: MutableMapping[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(below.get(key), MutableMapping):
            _lay_over(below[key], value)
        else:
            below[key] = value


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested settings as ``("mix.keep", "1")``: texts as they are, all else as JSON."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield prefix + key, text


def document_keys() -> Iterator[tuple[str, str]]:
    """Yield every key with its documentation, in the order of definition.

    ``*`` stands for a name that the user chooses: ``questions.train.*.rows``. Where a section comes
    in several kinds, a key of one begins with the kind's name: ``vllm: GPUs that ...``.
    """
    yield from _documented(Params, "")


def _documented(model: type[BaseModel], prefix: str, kind: str = "") -> Iterator[tuple[str, str]]:
    for key, field in model.model_fields.items():
        names = _names(field.annotation, *field.metadata)
        what = f"{field.description or ''} {_which(names)}" if names else field.description or ""
        yield prefix + key, kind + " ".join(what.split())
        section = _section(field)
        if section.model is not None and issubclass(model, section.model):
            continue  # the same keys once more
        inside = f"{prefix}{key}.*." if section.named else f"{prefix}{key}."
        if section.by_name:
            yield f"{inside}{NAME}", f"{kind}{_which(section.by_name)}"
        for name, one in section.by_name.items():
            for inner, what in _documented(one, inside, f"{kind}`{name}`: "):
                if inner != f"{inside}{NAME}":
                    yield inner, what
        if section.model is not None:
            yield from _documented(section.model, inside, kind)


def _names(*annotations: Any) -> Iterable[str]:
    """Return the names that a text may have, wherever in a field's annotation that is said."""
    for one in annotations:
        if isinstance(one, OneOf):
            return one.names
        if inner := _names(*get_args(one)):
            return inner
    return ()


def _which(names: Iterable[str]) -> str:
    *others, last = names
    return f"Which: {', '.join(others)} or {last}."


class _Section(NamedTuple):
    """What sits in a field: settings of one kind, of one of several, or by names."""

    model: type[BaseModel] | None
    """The settings where there is one kind; None too where the field holds no settings."""
    by_name: dict[str, type[EngineSettings]]
    """The kinds by the name that says which it is, where there are several."""
    named: bool
    """It is a mapping by names that the user chooses."""


def _section(field: FieldInfo) -> _Section:
    for mark in field.metadata:
        if isinstance(mark, OfEngine):
            return _Section(None, mark.kinds(), named=False)
    kinds = [
        kind
        for kind in (field.annotation, *get_args(field.annotation))
        if isinstance(kind, type) and issubclass(kind, BaseModel)
    ]
    return _Section(kinds[0] if kinds else None, {}, named=get_origin(field.annotation) is dict)


class _Place(NamedTuple):
    """Where in the settings something is wrong."""

    parts: list[str]
    """The keys on the way, as the user writes them."""
    model: type[BaseModel] | None
    """The settings that the last but one leads to."""
    section: _Section | None
    """The field that holds them."""


def _place(location: tuple[int | str, ...]) -> _Place:
    """Follow pydantic's location, which names a section's kind as if it were a key."""
    parts: list[str] = []
    model: type[BaseModel] | None = Params
    section: _Section | None = None
    left = [str(part) for part in location]
    while left:
        key = left.pop(0)
        parts.append(key)
        field = model.model_fields.get(key) if model is not None else None
        if field is None or not left:
            break
        section = _section(field)
        if section.named:
            parts.append(left.pop(0))
        model = section.model
        if section.by_name:
            model = section.by_name.get(left.pop(0)) if left else None
    return _Place(parts + left, model, section)


def _telling(errors: Sequence[ErrorDetails]) -> ErrorDetails:
    """The first error, but of a key that is missing an unknown one beside it: it may be misspelt.

    Of a value of several possible kinds, that of the kind it fits furthest.
    """
    location = errors[0]["loc"]
    if errors[0]["type"] == "missing":
        for one in errors:
            if one["type"] == "extra_forbidden" and one["loc"][:-1] == location[:-1]:
                return one
    for at, part in enumerate(location):
        if _KIND.match(str(part)):
            same = [one for one in reversed(errors) if one["loc"][:at] == location[:at]]
            furthest: ErrorDetails = max(same, key=lambda one: len(one["loc"]))
            return furthest
    return errors[0]


def _in_one_line(error: ValidationError) -> str:
    first = _telling(error.errors())
    place = _place(tuple(part for part in first["loc"] if not _KIND.match(str(part))))
    key = ".".join(place.parts)
    kind, given = first["type"], first["input"]
    if kind == "extra_forbidden":
        return f"{key}: {_unknown(place)}"
    if kind == "missing":
        return f"{key}: is missing"
    if kind == "union_tag_not_found":
        return f"{key}.{_unquoted(first['ctx']['discriminator'])}: is missing"
    if kind == "union_tag_invalid":
        context = first["ctx"]
        tag, expected = _unquoted(context["discriminator"]), context["expected_tags"]
        return f"{key}.{tag}: {context['tag']!r}: there are {expected}"
    if not key and kind in _PLAIN:
        return "holds no settings: `siked preset demo` writes all of them"
    message = _PLAIN.get(kind, first["msg"].removeprefix("Value error, "))
    if kind == "string_pattern_mismatch":
        key, message = key.removesuffix(f".{_KEY}"), _form(place, first["ctx"]["pattern"])
    message = message.replace("Input should be", "must be")
    if isinstance(given, str | int | float) and kind != "value_error":
        shown = repr(given)
        shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]} ..."
        message = f"{shown}: {message}"
    return f"{key}: {message}" if key else message


def _form(place: _Place, pattern: str) -> str:
    """What to say of a text that does not match its pattern."""
    key = place.parts[-1]
    if key == _KEY:
        return "a name has lower-case letters, digits and dashes alone, and a letter first"
    field = place.model.model_fields.get(key) if place.model is not None else None
    what = "" if field is None else " ".join((field.description or "").split())
    return f"must match {pattern}" + (f" ({what.rstrip('.')})" if what else "")


def _unknown(place: _Place) -> str:
    """What to say of a key that is not there: whose it is, or which one is near."""
    key, section = place.parts[-1], place.section
    if place.model is None:
        return "unknown key"
    if section is not None and section.by_name:
        owners = [name for name, one in section.by_name.items() if key in one.model_fields]
        if owners:
            (ours,) = (name for name, one in section.by_name.items() if one is place.model)
            return f"is for `{NAME}: {' or '.join(owners)}`, not for {ours}: drop it"
    near = difflib.get_close_matches(key, list(place.model.model_fields), n=1, cutoff=0)
    hint = ".".join([*place.parts[:-1], near[0]]) if near else ""
    return "unknown key" + (f"; did you mean `{hint}`?" if hint else "")


def _unquoted(name: str) -> str:
    return name.strip("'")
