"""Params files read and checked; every key with its documentation."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from siked.errors import UserError
from siked.files import read_yaml
from siked.settings.params import Params

_KIND = re.compile(r"(literal|tuple)\[")
"""How pydantic's locations name one of the kinds that a value may be of."""


def load_params(path: Path) -> Params:
    """Read and check a params file.

    Raises:
        UserError: one line that names the file and the first key that is wrong.
    """
    return check_params(read_yaml(path, "`siked preset demo` writes one"), str(path))


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

    ``*`` stands for a name that the user chooses: ``questions.train.*.rows``. Where a section comes
    in several kinds, a key of one begins with the kind's name: ``vllm: GPUs that ...``.
    """
    yield from _documented(Params, "")


def _documented(model: type[BaseModel], prefix: str, kind: str = "") -> Iterator[tuple[str, str]]:
    for key, field in model.model_fields.items():
        yield prefix + key, kind + " ".join((field.description or "").split())
        section = _section(field)
        inside = f"{prefix}{key}.*." if section.named else f"{prefix}{key}."
        if section.tag is not None:
            *names, last = section.by_tag()
            yield inside + section.tag, f"{kind}Which: {', '.join(names)} or {last}."
        for one in section.kinds:
            of_kind = kind if section.tag is None else f"{kind}`{_tag(one, section.tag)}`: "
            for inner, what in _documented(one, inside, of_kind):
                if section.tag is None or inner != inside + section.tag:
                    yield inner, what


class _Section(NamedTuple):
    """What sits in a field: settings of one kind, of one of several, or by names."""

    kinds: list[type[BaseModel]]
    tag: str | None
    """The key that says which kind it is, where there are several."""
    named: bool
    """It is a mapping by names that the user chooses."""

    def by_tag(self) -> dict[str, type[BaseModel]]:
        return {_tag(kind, self.tag): kind for kind in self.kinds if self.tag is not None}


def _section(field: FieldInfo) -> _Section:
    kinds = [
        kind
        for kind in (field.annotation, *get_args(field.annotation))
        if isinstance(kind, type) and issubclass(kind, BaseModel)
    ]
    tag = field.discriminator if isinstance(field.discriminator, str) else None
    return _Section(kinds, tag, named=get_origin(field.annotation) is dict)


def _tag(kind: type[BaseModel], tag: str | None) -> str:
    """The one value that a kind's tag has."""
    return str(get_args(kind.model_fields[str(tag)].annotation)[0])


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
        by_tag = section.by_tag()
        if section.tag is not None:
            model = by_tag.get(left.pop(0)) if left else None
        else:
            model = section.kinds[0] if section.kinds else None
    return _Place(parts + left, model, section)


def _telling(errors: Sequence[ErrorDetails]) -> ErrorDetails:
    """The first error; of a value of several possible kinds, that of the kind it fits furthest."""
    location = errors[0]["loc"]
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
    message = first["msg"].removeprefix("Value error, ")
    if isinstance(given, str | int | float) and kind != "value_error":
        message = f"{given!r}: {message}"
    return f"{key}: {message}" if key else message


def _unknown(place: _Place) -> str:
    """What to say of a key that is not there: whose it is, or which one is near."""
    key, section = place.parts[-1], place.section
    if place.model is None:
        return "unknown key"
    if section is not None and section.tag is not None:
        owners = [name for name, one in section.by_tag().items() if key in one.model_fields]
        if owners:
            ours = _tag(place.model, section.tag)
            return f"is for `{section.tag}: {' or '.join(owners)}`, not for {ours}: drop it"
    near = difflib.get_close_matches(key, list(place.model.model_fields), n=1, cutoff=0)
    hint = ".".join([*place.parts[:-1], near[0]]) if near else ""
    return "unknown key" + (f"; did you mean `{hint}`?" if hint else "")


def _unquoted(name: str) -> str:
    return name.strip("'")
