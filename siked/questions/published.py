"""The published data sets that this project knows, of ``published.yaml``.

A file is known by its sha256, so that what carries a data set's name and licence in a card really
is that data set. Paths are those below ``questions.root``; the files are the publishers' own.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import TypeAdapter


@dataclass(frozen=True)
class PublishedFile:
    """One file, byte for byte as published."""

    path: str
    """Below ``questions.root``."""
    source: str
    """Path in the publisher's repository."""
    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True)
class Published:
    """One data set."""

    name: str
    title: str
    repository: str
    """``OWNER/NAME`` on GitHub."""
    commit: str
    licence: str
    """SPDX name of its licence, or what is known where there is none."""
    licence_url: str | None
    """Where its text is; None where no licence is stated."""
    citation: str
    files: tuple[PublishedFile, ...]

    @property
    def homepage(self) -> str:
        """The repository's page."""
        return f"https://github.com/{self.repository}"

    def url(self, file: PublishedFile) -> str:
        """Return where one of its files can be downloaded, at the fixed commit."""
        place = f"{self.repository}/{self.commit}/{file.source}"
        return f"https://raw.githubusercontent.com/{place}"


PUBLISHED = TypeAdapter(tuple[Published, ...]).validate_python(
    yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
)


def recognise(sha256: str) -> tuple[Published, PublishedFile] | None:
    """Return the published file with these bytes, and its data set; None where there is none."""
    for one in PUBLISHED:
        for file in one.files:
            if file.sha256 == sha256:
                return one, file
    return None
