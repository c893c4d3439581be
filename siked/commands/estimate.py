"""siked estimate: what a run of these settings will cost, before anything is spent.

siked estimate                                    this machine, by the rates of its last run
siked estimate --card h100 --price 2.5            cards by the hour
siked estimate --samples 10 --file presets/demo.yaml
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from siked.estimating.counts import count_questions, expect_student, expect_teacher, find_size
from siked.estimating.estimate import Plan, StageCost, total
from siked.estimating.last_run import SOURCE, last_run
from siked.estimating.rates import MEASURED, SCALED, Card, find_card
from siked.mixing import Variant
from siked.run import layout
from siked.run.run import Run
from siked.settings import OpenAISettings, load_params
from siked.terminal.console import console, say

PAPERS: tuple[Variant, ...] = ("adaptive", "all")
"""The variants that are always compared."""
LENGTH = 110.0
"""Tokens of a rationale of a grade school problem, where nothing was measured."""

Estimates = dict[tuple[Variant, int], list[StageCost]]
"""By variant and K."""


def estimate(
    *,
    file: Annotated[Path, typer.Option(help="The params file.")] = layout.PARAMS,
    card: Annotated[
        str | None, typer.Option(help="A card, such as h100; none: this machine by its last run.")
    ] = None,
    price: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Price of an hour of the card or machine, in the currency of teacher prices.",
        ),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Also for this K of self-generation.")
    ] = None,
    questions: Annotated[
        int | None, typer.Option(min=1, help="Train questions; none: counted in the sources.")
    ] = None,
    acceptance: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of the student's rationales that is right."),
    ] = None,
    student_size: Annotated[
        str | None,
        typer.Option(help="Parameters of the student, such as 1.5B, where its name lacks them."),
    ] = None,
    teacher_size: Annotated[str | None, typer.Option(help="The same for the teacher.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Estimate calls, tokens, hours, disk and money of every stage; nothing is run.

    Hours and money stand with the least and the most they may be. The loop may stop earlier.
    """
    params = load_params(file)
    last = last_run(Run(), params)
    models = {name: teacher.model for name, teacher in params.teachers().items()}
    student = find_size(params.student.source, student_size, "--student-size", params.student.gguf)
    rates = last.machine if card is None else find_card(card)
    plan = Plan(
        params=params,
        asked=count_questions(params.questions, questions),
        rates=rates,
        student=student,
        teachers={
            name: find_size(model.source, teacher_size, "--teacher-size")
            for name, model in models.items()
            if model and not model.source.startswith("served:")
        },
        length=last.length or LENGTH,
        taught=expect_teacher(params, last.teacher),
        written=expect_student(params, last.student, acceptance),
        price=price,
        factor=max(rates.factor(student), MEASURED if last.length else SCALED),
    )
    counts = dict.fromkeys([params.generate.samples, samples or params.generate.samples])
    found: Estimates = {
        (variant, count): list(plan.vary(variant, count).estimate())
        for count in counts
        for variant in dict.fromkeys([params.mix.variant, *PAPERS])
    }
    facts = list(_facts(plan, SOURCE if last.length else "an assumption"))
    (currency,) = params.currencies() or {None}
    if as_json:
        estimates = [
            {"variant": variant, "samples": count, "stages": [row._asdict() for row in rows]}
            for (variant, count), rows in found.items()
        ]
        asked = {"train": plan.asked.train, "dev": plan.asked.dev, **plan.asked.tests}
        shown = {"currency": currency, "factor": plan.factor, "questions": asked, "facts": facts}
        say(json.dumps({**shown, "estimates": estimates}, indent=2, ensure_ascii=False))
        return
    (variant, count), rows = next(iter(found.items()))
    sums = {f"{variant}, K = {count}": total(rows) for (variant, count), rows in found.items()}
    names = ("card" if card else "machine", f"money ({currency})" if currency else "money")
    out = console()
    out.print(f"mix.variant {variant}, generate.samples {count}")
    out.print(_table("stage", names, {row.stage: row for row in [*rows, total(rows)]}, plan.factor))
    out.print(_table("in all", names, sums, plan.factor))
    for line in facts:
        out.print(f"- {line}", soft_wrap=True)


def _facts(plan: Plan, length: str) -> Iterator[str]:
    """Yield what the numbers rest on, a line each; ``length`` says where that is from."""
    asked, rates = plan.asked, plan.rates
    yield (
        f"{asked.train} train, {asked.dev} dev and {sum(asked.tests.values())} test questions; a "
        f"student of {_format_size(plan.student)} parameters"
    )
    if isinstance(rates, Card):
        yield (
            f"hours are those of one {rates.title}: {rates.tflops:g} TFLOP/s in bfloat16 "
            f"({rates.source}), of which an assumed share is reached; not measured on the card"
        )
        held = {"the student": plan.student, "the teacher": max(plan.teachers.values(), default=0)}
        for who, size in held.items():
            if rates.count_needed(size) > 1:
                yield f"{who} needs at least {rates.count_needed(size)} such cards at once"
    else:
        words = {"generation": "sampled", "answering": "answered", "training": "learned from"}
        measured = [
            f" {_format(rates.tokens[kind])} tokens {word} a second"
            for kind, word in words.items()
            if kind in rates.tokens
        ]
        yield f"hours are those of this machine, by its last run:{','.join(measured)}"
        if rates.parameters and rates.factor(plan.student) != rates.factor(rates.parameters):
            yield (
                f"that run's student has {_format_size(rates.parameters)} parameters: rates are "
                "scaled to this one's"
            )
    yield f"hours and money may be {plan.factor:g} times as much, or as little"
    yield "checks take processor time alone, seconds for 10,000: they are not counted"
    if any(
        isinstance(one.model and one.model.engine, OpenAISettings)
        for one in plan.params.teachers().values()
    ):
        yield (
            "the teacher's server does its work elsewhere: its hours are not counted; one without "
            "`n` bills a prompt again for every sample"
        )
    live, batched = plan.bill(batch=False), plan.bill(batch=True)
    if live is not None and batched is not None:
        (currency,) = plan.params.currencies()
        amount = f"{_format(live)} {currency or ''}".rstrip()
        yield (
            f"the teacher's server costs {amount}, by the Batch API {_format(batched)} "
            "(engine.batch)"
        )
    yield f"a rationale has {plan.length:.0f} tokens: {length}"
    yield f"right of the teacher's rationales: {plan.taught.describe()}"
    yield f"right of the student's rationales: {plan.written.describe()}"
    yield "the loop never stops early; no sample is in the journal"


def _table(first: str, names: tuple[str, str], rows: dict[str, StageCost], factor: float) -> Table:
    """Return a table of costs; ``names`` are those of the hours and of the money."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in ("calls", "tokens", names[0], "disk", names[1]):
        table.add_column(name, justify="right", no_wrap=True)
    for name, row in rows.items():
        unit, each = next(
            (unit, each)
            for unit, each, least in (("h", 1, 1.5), ("min", 60, 1.5), ("s", 3600, 0))
            if row.hours * each >= least
        )
        table.add_row(
            name,
            _format(row.calls),
            _format(row.written),
            _format_range(row.hours * each, factor, f" {unit}"),
            f"{_format(row.disk)}B" if row.disk else "",
            _format_range(row.money or 0, factor),
        )
    return table


def _format_range(value: float, factor: float, unit: str = "") -> str:
    """Return ``12 min (8 to 18)``; nothing for 0."""
    if not (likely := _format(value)):
        return ""
    return f"{likely}{unit} ({_format(value / factor) or '0'} to {_format(value * factor)})"


def _format_size(parameters: float) -> str:
    return _format(parameters).replace("G", "B")


def _format(value: float) -> str:
    """Return two or three digits, with k, M, G, T; nothing for 0."""
    if value < 0.005:
        return "0" if value else ""
    power = min(4, max(0, int(math.log10(value) // 3)))
    value /= 1000**power
    text = f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}{' kMGT'[power].strip()}"
