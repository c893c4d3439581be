"""Croissant metadata of a data set (https://docs.mlcommons.org/croissant/), for tools.

The files are found from where the metadata lies, so that it can be loaded in a checkout:

    import mlcroissant
    dataset = mlcroissant.Dataset("data/cards/teacher.croissant.json")
    for row in dataset.records("data/teacher/verified"):
        print(row["data/teacher/verified/text"])

Its reader takes texts that look like numbers for numbers (`predicted` 16 comes as 16.0).
"""

import os
from pathlib import Path
from typing import Any, get_args, get_origin

import mlcroissant as mlc

from siked.report.cards.data import DataCard
from siked.report.cards.facts import FileFacts

VERSION = "http://mlcommons.org/croissant/1.1"
PAPER = "SIKeD, arXiv 2410.18574"
_TYPES = {str: mlc.DataType.TEXT, int: mlc.DataType.INTEGER, bool: mlc.DataType.BOOL}


def croissant(card: DataCard, folder: Path) -> dict[str, Any]:
    """Return the metadata as JSON-LD; files' addresses start at the folder where it will lie.

    Raises:
        mlcroissant.ValidationError: what came out is no valid Croissant.
    """
    cited = [PAPER, *(one.citation for one in card.sources if one.citation)]
    pages = [one.licence_url or one.licence for one in card.sources]
    metadata = mlc.Metadata(
        conforms_to=[VERSION],
        name=f"siked-{card.name}",
        description=card.summary,
        license=list(dict.fromkeys(pages)),
        cite_as="; ".join(dict.fromkeys(cited)),
        in_language=["en"],
        distribution=[_file(one, folder) for one in card.files],
        # A file without rows has no columns that could be read.
        record_sets=[_record_set(one) for one in card.files if one.fields],
    )
    found: dict[str, Any] = metadata.to_json()
    return found


def _file(facts: FileFacts, folder: Path) -> mlc.FileObject:
    return mlc.FileObject(
        id=facts.path.as_posix(),
        name=facts.path.name,
        description=facts.what,
        content_url=os.path.relpath(facts.path, folder),
        content_size=f"{facts.size} B",
        encoding_formats=[mlc.EncodingFormat.JSON_LINES],
        sha256=facts.sha256,
    )


def _record_set(facts: FileFacts) -> mlc.RecordSet:
    name = facts.path.with_suffix("").as_posix()
    kind = facts.kind
    if kind is None:
        raise ValueError(f"{facts.path}: no records")
    types = {field: _type(kind.model_fields[field].annotation) for field in facts.fields}
    nested = [f"`{field}`" for field, type_ in types.items() if type_ is None]
    note = f" {', '.join(nested)} is nested: read the file itself for it." if nested else ""
    return mlc.RecordSet(
        id=name,
        name=name,
        description=facts.what + note,
        fields=[
            mlc.Field(
                id=f"{name}/{field}",
                name=field,
                description=kind.model_fields[field].description,
                data_types=[type_],
                source=mlc.Source(
                    file_object=facts.path.as_posix(), extract=mlc.Extract(column=field)
                ),
            )
            for field, type_ in types.items()
            if type_ is not None
        ],
    )


def _type(annotation: Any) -> str | None:
    """Return the type of a field; None where it is a list of records."""
    if get_origin(annotation) is tuple:
        return None
    for one in (annotation, *get_args(annotation)):
        if one in _TYPES:
            return str(_TYPES[one])
    return str(mlc.DataType.TEXT)
