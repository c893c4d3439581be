"""siked verify: which outputs of any model reach their gold answers.

siked verify outputs.jsonl
siked verify outputs.jsonl --out verdicts.jsonl
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siked.console import console, say
from siked.errors import INTERRUPTED, UserError
from siked.files import replacing
from siked.settings import VerifySettings

if TYPE_CHECKING:
    from rich.table import Table

    from siked.analysis.verdicts import Outcomes


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
    from siked.analysis.verdicts import Outcomes
    from siked.progress import track
    from siked.records import count_records, read_records
    from siked.verification.outputs import Output, checked
    from siked.verification.sandbox import Sandbox

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
    outcomes = Outcomes()
    started = time.monotonic()
    try:
        with ExitStack() as stack:
            target = stack.enter_context(replacing(out)) if out is not None else None
            sandbox = stack.enter_context(Sandbox(limits))
            progress = stack.enter_context(track(total, "verify"))
            outputs = read_records(file, Output)
            for one in checked(outputs, sandbox, ignore_rules=limits.ignore_rules):
                outcomes.add(one.strategy, one.failure, one.rule)
                if target is not None:
                    target.write(one.model_dump_json(exclude_defaults=True) + "\n")
                progress.advance()
    except KeyboardInterrupt:
        written = f"; {out} was not written" if out is not None else ""
        say(f"interrupted: {outcomes.total()} of {total} looked at{written}", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    took = time.monotonic() - started
    _show(outcomes)
    rows = outcomes.total()
    say(f"{rows} outputs in {took:.1f} s: {rows / max(took, 1e-9):.0f} a second")
    say(f"programs ran behind {sandbox.isolation}")
    if out is not None:
        say(f"{out}: a verdict a row")


def _settings(**options: object) -> VerifySettings:
    """The options as settings.

    Raises:
        UserError: one has a value that cannot be.
    """
    from pydantic import ValidationError

    from siked.settings import VerifySettings

    try:
        return VerifySettings.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-").replace("rules", "rule")
        raise UserError(f"--{option}: {first['input']!r}: {first['msg']}") from None


def _show(outcomes: Outcomes) -> None:
    """Print a table by strategy and failure kind, and one by rule."""
    shown = console()
    shown.print(_by_strategy(outcomes))
    shown.print(_by_rule(outcomes))


def _by_strategy(outcomes: Outcomes) -> Table:
    from rich.table import Table

    from siked.analysis.statistics import wilson
    from siked.records import Failure

    by_strategy = outcomes.by("strategy")
    names = sorted(by_strategy)
    by_failure, by_verdict = outcomes.by("strategy", "failure"), outcomes.by("strategy", "correct")
    table = Table(box=None, header_style="bold")
    table.add_column("")
    for name in [*names, "all"]:
        table.add_column(name, justify="right")

    def with_sum(counts: list[int]) -> list[int]:
        return [*counts, sum(counts)]

    rows = with_sum([by_strategy[name] for name in names])
    right = with_sum([by_verdict[name, True] for name in names])
    table.add_row("outputs", *map(str, rows))
    table.add_row("correct", *map(str, right))
    table.add_row("correct, %", *map(_percent, right, rows))
    intervals = map(wilson, right, rows)
    table.add_row("95 % interval", *(f"{100 * a:.1f} to {100 * b:.1f}" for a, b in intervals))
    for kind in Failure:
        counts = with_sum([by_failure[name, kind] for name in names])
        if any(counts):
            table.add_row(kind.value, *(str(n or "") for n in counts))
    return table


def _by_rule(outcomes: Outcomes) -> Table:
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    table.add_column("answer found by")
    for name in ("outputs", "correct", "correct, %"):
        table.add_column(name, justify="right")
    right = outcomes.by("rule", "correct")
    for rule, count in outcomes.by("rule").most_common():
        if rule is not None:
            found = right[rule, True]
            table.add_row(rule, str(count), str(found), _percent(found, count))
    return table


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else ""
