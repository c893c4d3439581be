"""siked verify: which outputs of any model reach their gold answers.

siked verify outputs.jsonl
siked verify answers.csv.gz --fields output=completion,gold=answer --strategy cot
siked verify outputs.parquet --out verdicts.jsonl
"""

import contextlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table

from siked import strategies
from siked.analysis.statistics import wilson
from siked.analysis.verdicts import Outcome, Outcomes, UnreadableGolds, in_order
from siked.errors import INTERRUPTED, UserError
from siked.files import check_target
from siked.questions.rows import read_rows
from siked.records import Failure
from siked.settings import VerifySettings
from siked.terminal.console import console, say
from siked.terminal.progress import track
from siked.verification.outputs import FIELDS, Output, check_outputs, read_output
from siked.verification.sandbox import Sandbox

_SHOWN = 5
"""Rows left out that are shown."""


def verify(
    file: Annotated[
        Path,
        typer.Argument(
            help="JSON Lines, a JSON list, CSV or Parquet, or any of them compressed by gzip, with "
            "`output`, `gold` and `strategy`."
        ),
    ],
    *,
    out: Annotated[Path | None, typer.Option(help="Where to write a verdict for each row.")] = None,
    fields: Annotated[
        str, typer.Option(help="What the file calls the fields: `output=completion,gold=answer`.")
    ] = "",
    strategy: Annotated[
        str | None, typer.Option(help="The strategy of rows that name none.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at a row that cannot be judged; else skip it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    seconds: Annotated[float, typer.Option(help="Processor time of a program.")] = 3,
    memory_mb: Annotated[int, typer.Option(help="Address space of a program, in MiB.")] = 512,
    workers: Annotated[
        int | None, typer.Option(help="Programs run at once; one for each processor if not given.")
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
    OUT grows as OUT.partial, which stays where the command is stopped.
    """
    if file.exists() and not file.is_file():
        raise UserError(f"{file}: not a file; it is read twice, so it cannot be a pipe either")
    if strategy is not None:
        strategies.find(strategy)
    names = _names(fields)
    limits = _settings(
        seconds=seconds,
        memory_mb=memory_mb,
        output_kb=64,
        workers=os.cpu_count() if workers is None else workers,
        isolation=isolation,
        ignore_rules=ignore_rule or (),
    )
    if out is not None:
        _check_target(out, file)
    total, left_out = _count(file, names, strategy, strict=strict)
    outcomes, unreadable = Outcomes(), UnreadableGolds()
    started = time.monotonic()
    try:
        with ExitStack() as stack:
            target = stack.enter_context(_growing(out)) if out is not None else None
            sandbox = stack.enter_context(Sandbox(limits))
            progress = stack.enter_context(track(total, "verify"))
            outputs = (
                (row, one)
                for row, one in _read(file, names, strategy, quiet=True)
                if not isinstance(one, UserError)
            )
            for one in check_outputs(outputs, sandbox, ignore_rules=limits.ignore_rules):
                outcomes.add(Outcome(one.strategy, one.failure, one.rule))
                unreadable.look(one.failure, f"row {one.row}")
                if target is not None:
                    target.write(one.model_dump_json(exclude_defaults=True) + "\n")
                progress.advance()
    except KeyboardInterrupt:
        seen, where = _left_behind(out, outcomes.total())
        say(f"interrupted: {seen} of {total} looked at{where}", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None
    took = time.monotonic() - started
    unreadable.say(file)
    figures = _figures(outcomes)
    if as_json:
        figures |= {"left_out": left_out, "isolation": sandbox.isolation}
        say(json.dumps(figures, indent=2))
        return
    _show(figures)
    say(f"{total} outputs in {took:.1f} s: {total / max(took, 1e-9):.0f} a second")
    say(f"programs ran behind {sandbox.isolation}")
    if left_out:
        say(f"{left_out} of {total + left_out} rows left out")
    if out is not None:
        say(f"{out}: a verdict a row")


def _names(fields: str) -> dict[str, str]:
    """What ``--fields`` says: our name of a field, the file's.

    Raises:
        UserError: it is no list of ``ours=theirs``.
    """
    names = {}
    for pair in filter(None, fields.split(",")):
        ours, _, theirs = (part.strip() for part in pair.partition("="))
        if ours not in FIELDS or not theirs:
            raise UserError(
                f"--fields: {pair!r}: write NAME=COLUMN; the names are {', '.join(FIELDS)}"
            )
        names[ours] = theirs
    return names


def _read(
    file: Path, names: dict[str, str], strategy: str | None, *, quiet: bool
) -> Iterator[tuple[int, Output | UserError]]:
    """Yield a file's rows, numbered from 1: the output, or why it is none."""
    for number, (where, row) in enumerate(read_rows(file, quiet=quiet), start=1):
        try:
            yield (
                number,
                row if isinstance(row, UserError) else read_output(where, row, names, strategy),
            )
        except UserError as error:
            yield number, error


def _count(
    file: Path, names: dict[str, str], strategy: str | None, *, strict: bool
) -> tuple[int, int]:
    """Return how many rows can be judged and how many cannot; show the first that cannot.

    Raises:
        UserError: none can, or one cannot and ``strict``.
    """
    total = left_out = 0
    for _, one in _read(file, names, strategy, quiet=False):
        if not isinstance(one, UserError):
            total += 1
            continue
        if strict:
            raise one
        left_out += 1
        if left_out <= _SHOWN:
            say(f"left out: {one}", file=sys.stderr)
    if left_out > _SHOWN:
        say(f"left out: {left_out - _SHOWN} more", file=sys.stderr)
    if not total:
        raise UserError(
            f"{file}: no row can be judged: --fields names the columns, --strategy the strategy"
            if left_out
            else f"{file}: no rows"
        )
    return total, left_out


def _partial(out: Path) -> Path:
    """Return where verdicts stand until the last is there."""
    return out.with_name(f"{out.name}.partial")


def _check_target(out: Path, file: Path) -> None:
    """Refuse to write where something else must stay."""
    check_target(out)
    for path in (out, _partial(out)):
        if path.exists() and file.exists() and path.samefile(file):
            raise UserError(f"{path}: is the file that is read: give --out another name")


@contextlib.contextmanager
def _growing(out: Path) -> Iterator[IO[str]]:
    """Open a text file that grows line by line beside ``out`` and takes its place at the end."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with _partial(out).open("w", encoding="utf-8", newline="\n", buffering=1) as target:
        yield target
    _partial(out).replace(out)


def _left_behind(out: Path | None, counted: int) -> tuple[int, str]:
    """How many verdicts there are after Ctrl-C, which may come between a count and its line."""
    if out is None or not _partial(out).exists():
        return counted, ""
    lines = _partial(out).read_bytes().count(b"\n")
    return lines, f"; their verdicts are in {_partial(out)}"


def _settings(**options: object) -> VerifySettings:
    """The options as settings.

    Raises:
        UserError: one has a value that cannot be.
    """
    try:
        return VerifySettings.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-").replace("rules", "rule")
        raise UserError(f"--{option}: {first['input']!r}: {first['msg']}") from None


def _figures(outcomes: Outcomes) -> dict[str, Any]:
    """Return what the tables show."""
    rows, right = outcomes.by("strategy"), outcomes.by("strategy", "correct")
    kinds = outcomes.by("strategy", "failure")
    found, found_right = outcomes.by("rule"), outcomes.by("rule", "correct")
    return {
        "outputs": outcomes.total(),
        "correct": outcomes.by("correct")[True],
        "strategies": {
            name: {
                "outputs": rows[name],
                "correct": right[name, True],
                "failures": in_order({kind: kinds[name, kind] for _, kind in kinds}),
            }
            for name in sorted(rows)
        },
        "rules": {
            rule: {"outputs": found[rule], "correct": found_right[rule, True]}
            for rule in sorted(filter(None, found))
        },
    }


def _show(figures: dict[str, Any]) -> None:
    """Print a table by strategy and failure kind, and one by rule."""
    by_strategy, failures = figures["strategies"], Counter[str]()
    for one in by_strategy.values():
        failures.update(one["failures"])
    columns = [*by_strategy.values(), {**figures, "failures": failures}]
    table = _table("", *by_strategy, "all")
    table.add_row("outputs", *(str(one["outputs"]) for one in columns))
    table.add_row("correct", *(str(one["correct"]) for one in columns))
    table.add_row("correct, %", *map(_percent, columns))
    intervals = (wilson(one["correct"], one["outputs"]) for one in columns)
    table.add_row("95 % interval", *(f"{100 * a:.1f} to {100 * b:.1f}" for a, b in intervals))
    for kind in Failure:
        if failures[kind.value]:
            counts = (one["failures"].get(kind.value) for one in columns)
            table.add_row(kind.value, *(str(count or "") for count in counts))
    rules = _table("answer found by", "outputs", "correct", "correct, %")
    for rule, one in sorted(figures["rules"].items(), key=lambda item: -item[1]["outputs"]):
        rules.add_row(rule, str(one["outputs"]), str(one["correct"]), _percent(one))
    console().print(table, rules, sep="\n")


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _percent(figures: dict[str, Any]) -> str:
    whole = figures["outputs"]
    return f"{100 * figures['correct'] / whole:.1f}" if whole else ""
