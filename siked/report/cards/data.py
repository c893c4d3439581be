"""The data card of one data set of a run, as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from siked.records import RARE, Record
from siked.report.cards import cell, render
from siked.report.cards.facts import FileFacts, SourceFacts, licences
from siked.settings import flatten


@dataclass(frozen=True)
class DataCard:
    """All that a card says of a data set."""

    name: str
    """``questions``, ``teacher`` or a student's name."""
    summary: str
    """What it is, in a sentence or two."""
    files: Sequence[FileFacts]
    sources: Sequence[SourceFacts]
    """Where its questions came from."""
    settings: Mapping[str, Any]
    """Those that made it, nested as in ``params.yaml``."""
    limits: Sequence[str]
    """What it is not, a sentence each."""
    overlap: Mapping[str, Any] | None = None
    """``siked.questions.overlap``'s counts, where the card shows it."""
    pairs: Sequence[Mapping[str, Any]] = field(default=())
    """The pairs of it that the card lists."""

    @property
    def kinds(self) -> list[type[Record]]:
        """Return the record kinds of the files, in order."""
        return list(dict.fromkeys(one.kind for one in self.files if one.kind is not None))

    @property
    def licences(self) -> list[str]:
        """Return the different licences of the sources."""
        return licences(self.sources)


def markdown(card: DataCard) -> str:
    """Return the card as Markdown; the same card gives the same text."""
    return render(
        "data-card.md",
        card=card,
        settings=list(flatten(card.settings)),
        cell=cell,
        meanings=_meanings,
        shares=_shares,
    )


def _shares(counts: Mapping[str, int]) -> str:
    """Return ``cot 33.3%, pot 66.7%``."""
    whole = sum(counts.values())
    return ", ".join(f"{name} {100 * counts[name] / whole:.1f}%" for name in sorted(counts))


def _meanings(kind: type[Record], files: Sequence[FileFacts]) -> list[tuple[str, str, str]]:
    """Return the fields of a record kind in these files: name, type and meaning."""
    present = {name for file in files if file.kind is kind for name in file.fields}
    properties = kind.model_json_schema()["properties"]
    return [
        (name, _type(properties[name]), (definition.description or "").replace("``", "`"))
        for name, definition in kind.model_fields.items()
        if name in present or not properties[name].get(RARE)
    ]


def _type(schema: Mapping[str, Any]) -> str:
    """Return ``string or null``."""
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    return str(schema.get("type", "string"))
