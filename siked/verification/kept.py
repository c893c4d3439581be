"""Records of a long run that a crash does not take: added as they come, found again by a rerun.

    with Kept(scratch / "filter" / f"{key}.jsonl", VerifiedRationale) as kept:
        for record in kept.found():         # what an earlier run left, none at first
            ...
        for record in the_rest():
            kept.add(record)
        kept.finish(target)

The file's name is a key of everything that decides the records, so that what is found may stand.
A second process that does the same work waits for the first.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Generic, Self

from pydantic import ValidationError

from siked.files import lock_file, replace_file
from siked.records import R

_FLUSH_SECONDS = 1.0
"""The longest that an added record stays in this process alone."""


class Kept(Generic[R]):
    """A file of records that grows; a context manager.

    Leaving it by an exception keeps what was added; ``finish`` hands the records over.
    """

    def __init__(self, path: Path, kind: type[R]) -> None:
        self._path = path
        self._kind = kind
        self._file: IO[bytes]
        self._flushed = time.monotonic()

    def __enter__(self) -> Self:
        self._file = lock_file(self._path)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def found(self) -> Iterator[R]:
        """Yield what an earlier run left, up to the first line that is torn; that one is cut off.

        Must be exhausted before anything is added.
        """
        self._file.seek(0)
        whole = 0
        for line in self._file:
            try:
                record = self._kind.model_validate_json(line)
            except ValidationError:
                break
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            yield record
        self._file.truncate(whole)

    def add(self, record: R) -> None:
        """Add one record."""
        self._file.write(record.model_dump_json(exclude_defaults=True).encode() + b"\n")
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self._file.flush()
            self._flushed = time.monotonic()

    def finish(self, target: Path) -> None:
        """Write everything to ``target``, whole or not at all, and forget it here."""
        self._file.flush()
        self._file.seek(0)
        with replace_file(target) as file:
            for line in self._file:
                file.write(line.decode())
        self._path.unlink()
