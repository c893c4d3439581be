"""siked verify: which outputs of any model reach their gold answers.

siked verify outputs.jsonl
siked verify outputs.jsonl --out verdicts.jsonl
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siked.errors import INTERRUPTED, UserError
from siked.files import replacing

if TYPE_CHECKING:
    from rich.table import Table

    from siked.outputs import Checked
    from siked.settings import VerifySettings


def verify(
    file: Annotated[Path, typer.Argument(help="JSON Lines of `strategy`, `output` and `gold`.")],
    *,
    out: Annotated[Path | None, typer.Option(help="Where to write a verdict a row.")] = None,
    seconds: Annotated[float, typer.Option(help="Processor time of a program.")] = 3,
    memory_mb: Annotated[int, typer.Option(help="Address space of a program, in MiB.")] = 512,
    workers: Annotated[
        int | None, typer.Option(help="Programs run at once; one a processor if not given.")
    ] = None,
    isolation: Annotated[
        str, typer.Option(help="See `verify.isolation` in `siked params`.")
    ] = "auto",
    ignore_rule: Annotated[
        list[str] | None, typer.Option(help="An extraction rule that does not count; repeatable.")
    ] = None,
) -> None:
    """Check any model's outputs against gold answers; programs run in the sandbox.

    `output` is the model's text; for l2m it may be an object with `sub_questions` and
    `sub_answers`. `answer_var` names the variable of a program's answer; `id` is repeated in OUT.
    """
    from siked.outputs import Output, checked  # noqa: PLC0415 - other commands start faster
    from siked.progress import track  # noqa: PLC0415
    from siked.records import count_records, read_records  # noqa: PLC0415
    from siked.sandbox import Sandbox  # noqa: PLC0415

    if not file.is_file():
        raise UserError(f"{file}: no such file")
    if out is not None and out.exists() and out.samefile(file):
        raise UserError(f"{out}: is the file that is read: give --out another name")
    limits = _settings(
        seconds=seconds,
        memory_mb=memory_mb,
        output_kb=64,
        workers=os.cpu_count() if workers is None else workers,
        isolation=isolation,
        ignore_rules=ignore_rule or (),
    )
    total = count_records(file)
    counts = Counts()
    started = time.monotonic()
    try:
        with ExitStack() as stack:
            target = stack.enter_context(replacing(out)) if out is not None else None
            sandbox = stack.enter_context(Sandbox(limits))
            progress = stack.enter_context(track(total, "verify"))
            outputs = read_records(file, Output)
            for one in checked(outputs, sandbox, ignore_rules=limits.ignore_rules):
                counts.add(one)
                if target is not None:
                    target.write(one.model_dump_json(exclude_defaults=True) + "\n")
                progress.advance()
    except KeyboardInterrupt:
        written = f"; {out} was not written" if out is not None else ""
        print(f"interrupted: {counts.rows} of {total} looked at{written}", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    took = time.monotonic() - started
    counts.show()
    print(f"{counts.rows} outputs in {took:.1f} s: {counts.rows / max(took, 1e-9):.0f} a second")
    print(f"programs ran behind {sandbox.isolation}")
    if out is not None:
        print(f"{out}: a verdict a row")


def _settings(**options: object) -> VerifySettings:
    """The options as settings.

    Raises:
        UserError: one has a value that cannot be.
    """
    from pydantic import ValidationError  # noqa: PLC0415

    from siked.settings import VerifySettings  # noqa: PLC0415

    try:
        return VerifySettings.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-").replace("rules", "rule")
        raise UserError(f"--{option}: {first['input']!r}: {first['msg']}") from None


class Counts:
    """Verdicts by strategy, failure kind and rule."""

    def __init__(self) -> None:
        self.rows = 0
        self._by_strategy: Counter[str] = Counter()
        self._failures: Counter[tuple[str, str]] = Counter()
        self._rules: Counter[tuple[str, bool]] = Counter()

    def add(self, one: Checked) -> None:
        """Count one more."""
        self.rows += 1
        self._by_strategy[one.strategy] += 1
        if one.failure is not None:
            self._failures[one.strategy, one.failure.value] += 1
        if one.rule is not None:
            self._rules[one.rule, one.correct] += 1

    def show(self) -> None:
        """Print a table by strategy and failure kind, and one by rule."""
        from rich.console import Console  # noqa: PLC0415 - slow to load, for this alone

        console = Console()
        console.print(self._strategies())
        console.print(self._by_rule())

    def _strategies(self) -> Table:
        from rich.table import Table  # noqa: PLC0415

        from siked.records import Failure  # noqa: PLC0415
        from siked.statistics import wilson  # noqa: PLC0415

        names = sorted(self._by_strategy)
        table = Table(box=None, header_style="bold")
        table.add_column("")
        for name in [*names, "all"]:
            table.add_column(name, justify="right")

        def row(label: str, values: list[str]) -> None:
            table.add_row(label, *values)

        rows = [*(self._by_strategy[name] for name in names), self.rows]
        failed = [sum(self._failures[name, kind] for kind in Failure) for name in names]
        right = [n - bad for n, bad in zip(rows, [*failed, sum(failed)], strict=True)]
        row("outputs", [str(n) for n in rows])
        row("correct", [str(n) for n in right])
        row("correct, %", [_percent(k, n) for k, n in zip(right, rows, strict=True)])
        intervals = [wilson(k, n) for k, n in zip(right, rows, strict=True)]
        row("95 % interval", [f"{100 * low:.1f} to {100 * high:.1f}" for low, high in intervals])
        for kind in Failure:
            counts = [self._failures[name, kind.value] for name in names]
            if any(counts):
                row(kind.value, [str(n or "") for n in [*counts, sum(counts)]])
        return table

    def _by_rule(self) -> Table:
        from rich.table import Table  # noqa: PLC0415

        table = Table(box=None, header_style="bold")
        table.add_column("answer found by")
        for name in ("outputs", "correct", "correct, %"):
            table.add_column(name, justify="right")
        totals = Counter[str]()
        for (rule, _), count in self._rules.items():
            totals[rule] += count
        for rule, count in totals.most_common():
            right = self._rules[rule, True]
            table.add_row(rule, str(count), str(right), _percent(right, count))
        return table


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else ""
