"""Whether a sandbox leaks: many trivial programs through one, its processes looked at on the way.

    python benchmarks/sandbox_endurance.py --programs 100000

Prints one line a sample: programs run, memory and open files of this process and of its servers,
processes below this one and how many of them are dead, entries in the temporary folder. Ends with
status 1 where the last sample has more of anything than the first after warm-up, and memory beyond
the slack.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from siked.settings import VerifySettings
from siked.verification.sandbox import Sandbox

SLACK_KB = 2048
"""Memory that may come and go without being a leak."""
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass(frozen=True)
class Sample:
    """What a sandbox holds at some moment, between programs."""

    own_kb: int
    """Memory of this process."""
    servers_kb: int
    """Memory of the processes below it."""
    own_files: int
    server_files: int
    processes: int
    zombies: int
    temporary: int
    """Entries in the temporary folder."""

    def grown(self, before: Sample) -> list[str]:
        """What there is more of than before."""
        names = [field.name for field in fields(self)]
        return [
            name
            for name, old, new in zip(names, astuple(before), astuple(self), strict=True)
            if new > old + (SLACK_KB if name.endswith("_kb") else 0)
        ]


def sample() -> Sample:
    """Look at this process and all below it."""
    below = _below(os.getpid())
    states = [_state(one) for one in below]
    return Sample(
        own_kb=_memory_kb(os.getpid()),
        servers_kb=sum(map(_memory_kb, below)),
        own_files=_files(os.getpid()),
        server_files=sum(map(_files, below)),
        processes=len(below),
        zombies=states.count("Z"),
        temporary=len(list(Path(tempfile.gettempdir()).iterdir())),
    )


def endure(sandbox: Sandbox, programs: int, samples: int) -> Iterator[Sample]:
    """Run programs, every twentieth with sympy; yield samples, the first one after warm-up."""
    each = programs // samples
    for part in range(samples + 1):
        # Warm is a sandbox whose workers have each met both kinds of programs.
        texts = [_text(number if part else 0) for number in range(each if part else 50)]
        for number, result in enumerate(sandbox.run(texts)):
            if result.value != str(number if part else 0):
                raise SystemExit(f"program {number} gave {result}")
        yield sample()


def main() -> None:
    """Run, print, and judge."""
    parser = argparse.ArgumentParser(description="Look for leaks of the sandbox.")
    parser.add_argument("--programs", type=int, default=100_000)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    limits = VerifySettings(seconds=3, memory_mb=512, output_kb=64, workers=given.workers)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        with Sandbox(limits) as sandbox:
            print(f"{given.programs} programs behind {sandbox.isolation}")
            taken = []
            for one in endure(sandbox, given.programs, given.samples):
                taken.append(one)
                print(one, flush=True)
        after = sample()
    print(f"closed: {after}")
    print(f"{given.programs / (time.perf_counter() - start):.0f} programs a second")
    if grown := taken[-1].grown(taken[0]):
        sys.exit(f"leaks: {', '.join(grown)}")


def _text(number: int) -> str:
    """A program; every twentieth uses sympy."""
    head = "import sympy\n" if number % 20 == 0 else ""
    return f"{head}answer = {number}"


def _below(parent: int) -> list[int]:
    """The processes below one."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        fields_of = _stat(int(folder.name))
        if fields_of and int(fields_of[1]) == parent:
            found += [int(folder.name), *_below(int(folder.name))]
    return found


def _stat(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _state(process: int) -> str:
    return next(iter(_stat(process)), "")


def _memory_kb(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE_KB
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _files(process: int) -> int:
    try:
        return len(list(Path(f"/proc/{process}/fd").iterdir()))
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return 0


if __name__ == "__main__":
    main()
