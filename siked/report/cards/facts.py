"""What a data card says of a file and of a source, measured from the bytes themselves."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from siked.files import sha256
from siked.questions.published import recognise
from siked.records import Example, Question, Rationale, Record, VerifiedRationale, read_records
from siked.settings import Source

OWN_LICENCE = "Apache-2.0"
"""Of the problems that this project writes."""
NOT_STATED = "not stated: these files are none that this project knows"


@dataclass
class Lengths:
    """How long the texts of a file are."""

    rows: int = 0
    total: int = 0
    longest: int = 0

    def add(self, length: int) -> None:
        """Count one more."""
        self.rows += 1
        self.total += length
        self.longest = max(self.longest, length)

    def __str__(self) -> str:
        """Return ``35.5 on average, at most 96``."""
        if not self.rows:
            return "none"
        return f"{self.total / self.rows:.1f} on average, at most {self.longest}"


@dataclass
class FileFacts:
    """One file of records."""

    path: Path
    kind: type[Record] | None
    """Of its rows; None where they are no records."""
    what: str
    """What it holds, in a sentence."""
    size: int
    """Bytes."""
    sha256: str
    rows: int = 0
    fields: list[str] = field(default_factory=list)
    """Those that at least one row has, in the order of the record kind."""
    strategies: Counter[str] = field(default_factory=Counter)
    """Rows by strategy; ``none`` where a model wrote no valid tag."""
    origins: Counter[str] = field(default_factory=Counter)
    """Rows by whose rationale it is."""
    correct: int | None = None
    """Rows whose answer is right, where that is known."""
    characters: Lengths = field(default_factory=Lengths)
    """Of the question, the rationale or the completion."""
    tokens: Lengths = field(default_factory=Lengths)
    """Of the completion, where a model wrote it."""


@dataclass(frozen=True)
class SourceFacts:
    """Where questions came from."""

    name: str
    role: str
    """``train`` or ``test``."""
    title: str
    licence: str
    licence_url: str | None
    files: tuple[tuple[str, str], ...] = ()
    """Paths as the settings have them, and sha256."""
    citation: str | None = None
    homepage: str | None = None


def measure(path: Path, kind: type[Record] | None, what: str) -> FileFacts:
    """Return what is in one file.

    Raises:
        UserError: it is missing, or a row is not of its kind.
    """
    facts = FileFacts(path, kind, what, path.stat().st_size, sha256(path))
    if kind is None:
        with path.open("rb") as file:
            facts.rows = sum(1 for line in file if line.strip())
        return facts
    present: set[str] = set()
    for row in read_records(path, kind):
        facts.rows += 1
        present |= {
            name
            for name, definition in kind.model_fields.items()
            if definition.is_required() or getattr(row, name) != definition.default
        }
        _count(facts, row)
    facts.fields = [name for name in kind.model_fields if name in present]
    return facts


def _count(facts: FileFacts, row: Record) -> None:
    if isinstance(row, Question):
        facts.characters.add(len(row.question))
    if isinstance(row, Rationale | Example):
        facts.strategies[row.strategy or "none"] += 1
    if isinstance(row, Example):
        facts.origins[row.origin] += 1
        facts.characters.add(len(row.completion))
    if isinstance(row, Rationale):
        facts.characters.add(len(row.text))
        if row.completion_tokens:
            facts.tokens.add(row.completion_tokens)
    if isinstance(row, VerifiedRationale):
        facts.correct = (facts.correct or 0) + row.correct


def sources(role: str, settings: dict[str, Source], root: Path) -> list[SourceFacts]:
    """Return where train or test questions (``role``) came from, with their files' hashes."""
    return [_source(name, role, one, root) for name, one in settings.items()]


def _source(name: str, role: str, source: Source, root: Path) -> SourceFacts:
    path = source.path or ""
    if source.format == "demo":
        title = f"problems written by siked ({source.split})"
        return SourceFacts(name, role, title, OWN_LICENCE, spdx(OWN_LICENCE))
    if path.startswith("hf:"):
        at = f" at {source.revision}" if source.revision else ""
        title = f"{path} ({source.split}){at}"
        place = f"https://huggingface.co/datasets/{path.removeprefix('hf:')}"
        return SourceFacts(name, role, title, "see its page", None, homepage=place)
    hashes = tuple(
        (one.relative_to(root).as_posix(), sha256(one)) for one in _files(root / path, source)
    )
    found = [recognise(digest) for _, digest in hashes]
    published = {one[0] for one in found if one is not None}
    if len(published) != 1 or None in found:
        title = f"{path} ({source.format} format)"
        return SourceFacts(name, role, title, NOT_STATED, None, hashes)
    (one,) = published
    about = (one.title, one.licence, one.licence_url)
    return SourceFacts(name, role, *about, hashes, one.citation, one.homepage)


def _files(path: Path, source: Source) -> list[Path]:
    """Return the files that a source reads."""
    if not path.is_dir():
        return [path]
    if source.format == "gsm8k":
        return sorted(path.glob(f"{source.split}*.jsonl"))
    return sorted(one for one in path.rglob("*") if one.is_file())


def spdx(licence: str) -> str:
    """Return the page of a licence with an SPDX name."""
    return f"https://spdx.org/licenses/{licence}.html"


def licences(facts: Iterable[SourceFacts]) -> list[str]:
    """Return the different licences of some sources, in order."""
    return list(dict.fromkeys(one.licence for one in facts))
