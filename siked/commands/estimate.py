"""siked estimate: what a run of these settings will cost, before anything is spent.

siked estimate                                    this machine, by the rates of its last run
siked estimate --card h100 --price 2.5            cards by the hour
siked estimate --samples 10 --file presets/demo.yaml
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from siked.commands.console import console
from siked.errors import UserError
from siked.estimating.cards import Card
from siked.estimating.ranges import Range
from siked.estimating.stages import Plan, Row
from siked.mixing import Variant
from siked.run import layout
from siked.settings import Params

if TYPE_CHECKING:
    from rich.table import Table

    from siked.estimating.last_run import LastRun

PAPERS: tuple[Variant, ...] = ("adaptive", "all")
"""The variants that are always compared."""


def estimate(
    *,
    file: Annotated[Path, typer.Option(help="The params file.")] = layout.PARAMS,
    card: Annotated[
        str | None, typer.Option(help="A card of the table; none: this machine's last run.")
    ] = None,
    price: Annotated[
        float | None, typer.Option(min=0, help="Of an hour of the card or machine.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Also for this K of self-generation.")
    ] = None,
    questions: Annotated[
        int | None, typer.Option(min=1, help="Train questions; none: counted in the sources.")
    ] = None,
    acceptance: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the student's own that is right.")
    ] = None,
    student_size: Annotated[
        str | None, typer.Option(help="As 1.5B, where its name does not say it.")
    ] = None,
    teacher_size: Annotated[str | None, typer.Option(help="The same of the teacher.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Estimate calls, tokens, hours, disk and money of every stage; nothing is run.

    Each number stands with the least and the most it may be. The loop may stop earlier than that.
    """
    # Here, so that other commands start faster.
    from siked.estimating import asked, assumptions, sizes
    from siked.estimating.cards import card as named_card
    from siked.estimating.cards import verified_a_second
    from siked.estimating.last_run import last_run
    from siked.estimating.stages import Plan
    from siked.run.run import Run
    from siked.settings import load_params

    params = load_params(file)
    last = last_run(Run())
    rates = last if card is None else named_card(card)
    model = params.teacher.model
    own = model is not None and not model.source.startswith("served:")
    assumed = assumptions.assume(params, last, acceptance)
    plan = Plan(
        params=params,
        asked=asked.count(params.questions, questions),
        assumed=assumed,
        rates=rates,
        student=sizes.of_student(params.student, student_size),
        teacher=sizes.of_teacher(model.source, teacher_size) if model and own else None,
        verified=(last.verified if card is None else None)
        or verified_a_second() * params.verify.workers,
        price=price,
    )
    try:
        found = _estimates(plan, samples)
    except LookupError:
        raise UserError(
            "this machine has no run to take rates from: `dvc repro` makes one, "
            "--card h100 takes those of a card"
        ) from None
    facts = _facts(plan, last, rates)
    if as_json:
        print(json.dumps(_as_json(plan, found, facts), indent=2, ensure_ascii=False))
    else:
        _print(plan, found, facts)


Estimates = dict[tuple["Variant", int], list["Row"]]


def _estimates(plan: Plan, samples: int | None) -> Estimates:
    """Rows of each variant and K: the settings' own first."""
    counts = dict.fromkeys([plan.params.generate.samples, samples or 0])
    return {
        (variant, count): plan.samples(count).rows(variant)
        for count in counts
        if count
        for variant in dict.fromkeys([plan.params.mix.variant, *PAPERS])
    }


def _facts(plan: Plan, last: LastRun, rates: Card | LastRun) -> list[str]:
    """What the numbers rest on, a line each."""
    from siked.estimating.cards import Card

    asked = plan.asked
    several = f"{asked.train} train, {asked.dev} dev and {sum(asked.tests.values())} test questions"
    lines = [f"{several}; a student of {_large(plan.student)} parameters"]
    if isinstance(rates, Card):
        lines.append(
            f"hours are those of one {rates.title}: {rates.tflops:g} TFLOP/s in bfloat16 "
            f"({rates.source}), of which an assumed share is reached; not measured on the card"
        )
        held = {"the student": plan.student, "the teacher": plan.teacher}
        lines += [
            f"{who} needs at least {rates.needed(size)} such cards at once"
            for who, size in held.items()
            if size and rates.needed(size) > 1
        ]
    else:
        lines.append(f"hours are those of this machine, by its last run:{_measured(last)}")
        if last.parameters and not 0.9 < plan.student / last.parameters < 1.1:
            lines.append(
                f"that run's student has {_large(last.parameters)} parameters: rates are scaled "
                "to this one's, and may be twice as far off"
            )
    lines.append(f"checks are hours of a machine that checks {_ranged(plan.verified)} a second")
    teacher = plan.params.teacher
    if teacher.model and plan.teacher is None:
        lines.append("the teacher's server does its work elsewhere: its hours are not counted")
    return [*lines, *plan.assumed.notes, "the loop never stops early; no sample is in the journal"]


def _measured(last: LastRun) -> str:
    rates = {
        "tokens sampled": last.generation,
        "tokens answered": last.answering,
        "tokens learned from": last.training,
    }
    return ",".join(f" {_ranged(one)} {what} a second" for what, one in rates.items() if one)


def _print(plan: Plan, found: Estimates, facts: list[str]) -> None:
    from siked.estimating.last_run import LastRun
    from siked.estimating.stages import total

    params: Params = plan.params
    own = (params.mix.variant, params.generate.samples)
    rows = found[own]
    hours = "machine" if isinstance(plan.rates, LastRun) else "card"
    out = console()
    table = _table("stage", hours)
    for row in [*rows, total(rows)]:
        table.add_row(row.stage, *_cells(row))
    out.print(f"mix.variant {own[0]}, generate.samples {own[1]}")
    out.print(table)
    sums = _table("in all", hours)
    for (variant, count), several in found.items():
        sums.add_row(f"{variant}, K = {count}", *_cells(total(several)))
    out.print(sums)
    for line in facts:
        out.print(f"- {line}", soft_wrap=True)


def _table(first: str, hours: str) -> Table:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in ("calls", "tokens", hours, "checks", "disk", "money"):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _cells(row: Row) -> list[str]:
    from siked.estimating.ranges import Range

    return [
        _short(row.calls.likely),
        _short(row.written.likely),
        _duration(row.hours),
        _duration(Range.exactly(row.processor.likely)),
        _size(row.disk.likely),
        "" if row.money is None else _ranged(row.money),
    ]


def _duration(hours: Range) -> str:
    """``12 min (5.1 to 40)``, in one unit; empty for nothing."""
    unit, each = next(
        (unit, each)
        for unit, each, least in (("h", 1, 1.5), ("min", 60, 1.5), ("s", 3600, 0))
        if hours.likely * each >= least
    )
    likely, _, span = _ranged(hours * each).partition(" ")
    return f"{likely} {unit} {span}".strip() if likely else ""


def _ranged(value: Range) -> str:
    """``12 (5.1 to 40)``; empty for nothing."""
    if not value.high:
        return ""
    likely, low, high = (_short(one) or "0" for one in (value.likely, value.low, value.high))
    return likely if low == high else f"{likely} ({low} to {high})"


def _short(value: float) -> str:
    """Two or three digits, with k, M, G, T; empty for nothing."""
    if value < 0.005:
        return "0" if value else ""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{_digits(value / size)}{unit}"
    return _digits(value)


def _large(parameters: float) -> str:
    return _short(parameters).replace("G", "B")


def _digits(value: float) -> str:
    places = max(0, 1 - math.floor(math.log10(value)))
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _size(count: float) -> str:
    return f"{_short(count)}B" if count else ""


def _as_json(plan: Plan, found: Estimates, facts: list[str]) -> dict[str, Any]:
    return {
        "questions": {"train": plan.asked.train, "dev": plan.asked.dev, **plan.asked.tests},
        "facts": facts,
        "estimates": [
            {"variant": variant, "samples": count, "stages": [asdict(row) for row in rows]}
            for (variant, count), rows in found.items()
        ],
    }
