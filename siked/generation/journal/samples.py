"""Finished samples on disk, a folder for each model.

    .siked/journal/3f2a91c07d5be844/model.json     what decides its samples
                                    samples.db     SQLite: prompt's hash, number, text, tokens
                                    lock           held by all who read or write

A sample is on disk as soon as it is added, and the first one with a key stays. SQLite's write-ahead
log makes an addition whole or nothing whenever a process dies, and lets several processes write.
Prompts are kept as hashes alone. A damaged store gives back what is still right, by a checksum a
row, and nothing that is not. ``contents`` says what all models have, ``prune`` removes what nobody
has used for long.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self, TypeVar, cast

from siked.errors import UserError
from siked.files import lock_file, read_json, write_json
from siked.generation.engine import Completion, FinishReason
from siked.terminal.console import say

MODEL, SAMPLES, LOCK = "model.json", "samples.db", "lock"
DAY = 24 * 60 * 60
WAIT = 60.0
"""Seconds that one process waits for another's write."""
TABLES = """
CREATE TABLE IF NOT EXISTS samples (
    prompt BLOB, sample INTEGER, text BLOB, prompt_tokens INTEGER, completion_tokens INTEGER,
    finish_reason BLOB, checksum INTEGER, PRIMARY KEY (prompt, sample)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS plans (request BLOB PRIMARY KEY, firsts BLOB);
"""
INSERT = "INSERT OR IGNORE INTO samples VALUES (?, ?, ?, ?, ?, ?, ?)"
FROM_BOTH_ENDS = (
    "SELECT * FROM samples ORDER BY prompt ASC, sample ASC",
    "SELECT * FROM samples ORDER BY prompt DESC, sample DESC",
)
# The statements are fixed and right: SQL errors, too, come from a damaged schema.
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
T = TypeVar("T")
Row = tuple[Any, ...]


class SampleStore:
    """The samples of one model; a context manager.

    Args:
        journal: the folder of all models.
        model: what decides a sample apart from its prompt and sampling, as JSON values.
        label: what people call the model.
    """

    def __init__(self, journal: Path, model: dict[str, Any], label: str) -> None:
        text = json.dumps(model, sort_keys=True)
        self.folder = journal / hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        self._model = {"label": label, **model}
        self._path = self.folder / SAMPLES
        self._lock: IO[bytes]
        self._opened: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        self._lock = lock_file(self.folder / LOCK, shared=True)
        write_json(self.folder / MODEL, self._model)  # its time says when it was last used
        try:
            self._try(lambda db: db)
        except BaseException:
            self._lock.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self._lock.close()

    def found(self, prompt: bytes, count: int) -> dict[int, Completion]:
        """Return the samples of a prompt below number ``count``; their ``prompt`` is 0.

        Raises:
            UserError: the store cannot be used; the text says why.
            OSError: the disk is full.
        """
        rows = self._try(
            lambda db: db.execute(
                "SELECT * FROM samples WHERE prompt = ? AND sample < ?", (prompt, count)
            ).fetchall()
        )
        if damaged := [row for row in rows if not _whole(row)]:
            self._try(
                lambda db: db.executemany(
                    "DELETE FROM samples WHERE prompt = ? AND sample = ?",
                    [row[:2] for row in damaged],
                )
            )
        return {row[1]: _completion(row) for row in rows if _whole(row)}

    def add(self, prompt: bytes, completion: Completion) -> Completion:
        """Keep a sample, unless there is one; return what is kept, with the same ``prompt``.

        Raises:
            UserError: the store cannot be used; the text says why.
            OSError: the disk is full.
        """
        row = _row(prompt, completion)
        if self._try(lambda db: db.execute(INSERT, row).rowcount) == 0:
            kept = self.found(prompt, completion.sample + 1).get(completion.sample)
            if kept is None:  # it was damaged and is gone now
                self._try(lambda db: db.execute(INSERT, row))
            else:
                return _completion(_row(prompt, kept), completion.prompt)
        return completion

    def plan(self, request: bytes, firsts: Sequence[int]) -> list[int]:
        """Return what a request began with: as noted when it was interrupted, else noted now.

        Args:
            request: its key.
            firsts: each prompt's first sample that is missing.
        """
        wanted = json.dumps(list(firsts)).encode()

        def noted(db: sqlite3.Connection) -> Any:
            db.execute("INSERT OR IGNORE INTO plans VALUES (?, ?)", (request, wanted))
            select = "SELECT firsts FROM plans WHERE request = ?"
            return db.execute(select, (request,)).fetchone()

        try:
            found = json.loads(self._try(noted)[0])
        except (ValueError, TypeError):
            found = None
        if _plausible(found, firsts):
            return cast("list[int]", found)
        # Samples were damaged since, or the note was.
        self._try(lambda db: db.execute("REPLACE INTO plans VALUES (?, ?)", (request, wanted)))
        return list(firsts)

    def forget(self, request: bytes) -> None:
        """Drop the note of a request that is complete."""
        self._try(lambda db: db.execute("DELETE FROM plans WHERE request = ?", (request,)))

    def _try(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the database; repair it and do it again where it is damaged."""
        try:
            if self._opened is None:
                self._opened = _connect(self._path)
            return work(self._opened)
        except sqlite3.DatabaseError as error:
            if _code(error) not in DAMAGED:
                raise self._told(error) from None
        try:
            return work(self._repaired())
        except sqlite3.DatabaseError as error:
            raise self._told(error) from None

    def _repaired(self) -> sqlite3.Connection:
        """A new store with what is readable of this one."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{self._path}: is damaged, and another run uses it: when that has ended, run the "
                "same command again"
            ) from None
        rows = _readable(self._path)
        self._close()
        for suffix in ("", "-wal", "-shm", "-journal"):
            self._path.with_name(SAMPLES + suffix).unlink(missing_ok=True)
        self._opened = db = _connect(self._path)
        db.execute("BEGIN")
        db.executemany(INSERT, rows)
        db.execute("COMMIT")
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        say(f"{self._path}: was damaged; {len(rows)} samples of it are kept", file=sys.stderr)
        return db

    def _close(self) -> None:
        if self._opened is not None:
            with contextlib.suppress(sqlite3.Error):  # all that was added is on disk already
                self._opened.close()
        self._opened = None

    def _told(self, error: sqlite3.Error) -> Exception:
        if _code(error) == sqlite3.SQLITE_FULL:
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        return UserError(f"{self._path}: cannot be used ({error}): see to it or remove its folder")


def _connect(path: Path) -> sqlite3.Connection:
    until = time.monotonic() + WAIT
    while True:
        db = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
        db.text_factory = bytes  # damaged text may be no text
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.executescript(TABLES)
        except sqlite3.DatabaseError as error:
            db.close()
            # Two that open a new store at once may meet, and SQLite does not wait for that.
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return db


def _readable(path: Path) -> list[Row]:
    """The rows of a damaged store that are right, read from both ends up to the damage."""
    rows: dict[tuple[Any, Any], Row] = {}
    for statement in FROM_BOTH_ENDS:
        with (
            contextlib.suppress(sqlite3.Error, OverflowError),
            contextlib.closing(sqlite3.connect(path, timeout=WAIT)) as db,
        ):
            db.text_factory = bytes
            for row in db.execute(statement):
                if _whole(row):
                    rows[row[:2]] = row
    return list(rows.values())


def _row(prompt: bytes, one: Completion) -> Row:
    values = (
        prompt,
        one.sample,
        one.text.encode(),
        one.prompt_tokens,
        one.completion_tokens,
        one.finish_reason.encode(),
    )
    return (*values, _checksum(values))


def _completion(row: Row, prompt: int = 0) -> Completion:
    return Completion(
        prompt=prompt,
        sample=row[1],
        text=row[2].decode(),
        prompt_tokens=row[3],
        completion_tokens=row[4],
        finish_reason=cast("FinishReason", row[5].decode()),
        recalled=True,
    )


def _whole(row: Row) -> bool:
    return bool(row[-1] == _checksum(row[:-1]))


def _checksum(values: Iterable[Any]) -> int:
    return zlib.crc32(repr(tuple(values)).encode())


def _plausible(found: object, firsts: Sequence[int]) -> bool:
    """Whether a note fits what is there: nothing can be missing that was there at the start."""
    return (
        isinstance(found, list)
        and len(found) == len(firsts)
        and all(isinstance(one, int) for one in found)
        and all(0 <= one <= first for one, first in zip(found, firsts, strict=True))
    )


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 where the error is not SQLite's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@dataclass(frozen=True)
class Held:
    """One model's part of the journal."""

    folder: Path
    label: str
    """What the model was called when it was last used."""
    samples: int | None
    """None where the store is damaged; the next run repairs it."""
    size: int
    """Bytes on disk."""
    days: float
    """Since a run last used it."""


def contents(journal: Path) -> list[Held]:
    """Return what the journal holds, the last used first; empty where there is none."""
    found = [_held(file.parent) for file in journal.glob(f"*/{MODEL}")]
    return sorted(found, key=lambda held: (held.days, held.folder))


def prune(journal: Path, days: float) -> tuple[list[Held], list[Held]]:
    """Remove the models that no run has used for so many days.

    Returns:
        What was removed; what would have been if no run were using it now.
    """
    removed, in_use = [], []
    for held in contents(journal):
        if held.days < days:
            continue
        with (held.folder / LOCK).open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                in_use.append(held)
                continue
            shutil.rmtree(held.folder)
            removed.append(held)
    return removed, in_use


def _held(folder: Path) -> Held:
    try:
        label = str(read_json(folder / MODEL)["label"])
    except (UserError, KeyError, TypeError):
        label = "?"
    return Held(
        folder=folder,
        label=label,
        samples=_count(folder / SAMPLES),
        size=sum(map(_size, folder.iterdir())),
        days=max(0.0, time.time() - (folder / MODEL).stat().st_mtime) / DAY,
    )


def _size(file: Path) -> int:
    with contextlib.suppress(FileNotFoundError):  # a run has just ended
        return file.stat().st_size
    return 0


def _count(path: Path) -> int | None:
    try:
        with contextlib.closing(sqlite3.connect(path)) as db:
            (count,) = db.execute("SELECT count(*) FROM samples").fetchone()
            return int(count)
    except sqlite3.Error:
        return None
