"""siked estimate: what a run of these settings will cost, before anything is spent.

siked estimate                                    this machine, by the rates of its last run
siked estimate --card h100 --price 2.5            cards by the hour
siked estimate --samples 10 --file presets/demo.yaml
"""

import hashlib
import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from siked.console import console, say
from siked.estimating.acceptance import expect_students, expect_teacher
from siked.estimating.estimate import Plan, StageCost, total
from siked.estimating.last_run import LastRun, last_run
from siked.estimating.rates import Card, Range, assume_verified, between, find_card, widen
from siked.estimating.sizes import count_questions, find_student_size, find_teacher_size
from siked.files import json_text
from siked.mixing import Variant
from siked.run import layout
from siked.run.run import Run
from siked.settings import OpenAISettings, Params, load_params

PAPERS: tuple[Variant, ...] = ("adaptive", "all")
"""The variants that are always compared."""
LENGTH = between(60, 110, 180)
"""Tokens of a rationale of a grade school problem, where nothing was measured."""

Estimates = dict[tuple[Variant, int], list[StageCost]]
"""By variant and K."""


def estimate(
    *,
    file: Annotated[Path, typer.Option(help="The params file.")] = layout.PARAMS,
    card: Annotated[
        str | None, typer.Option(help="A card of the table; none: this machine's last run.")
    ] = None,
    price: Annotated[
        float | None,
        typer.Option(
            min=0, help="Of an hour of the card or machine, in the currency of teacher prices."
        ),
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
    params = load_params(file)
    last = last_run(Run())
    same = _compare(params, last)
    models = {name: teacher.model for name, teacher in params.teachers().items()}
    measured = same["questions"] and last.written is not None
    plan = Plan(
        params=params,
        asked=count_questions(params.questions, questions),
        rates=last.machine if card is None else find_card(card),
        student=find_student_size(params.student, student_size),
        teachers={
            name: find_teacher_size(model.source, teacher_size)
            for name, model in models.items()
            if model and not model.source.startswith("served:")
        },
        verified=last.verified
        if card is None and last.verified is not None
        else assume_verified() * params.verify.workers,
        length=widen(last.written, 1.2) if measured and last.written is not None else LENGTH,
        taught=expect_teacher(
            params, last.teacher if same["questions"] and same["teacher"] else None
        ),
        written=expect_students(
            params, last.students if same["questions"] and same["student"] else {}, acceptance
        ),
        price=price,
    )
    counts = dict.fromkeys([params.generate.samples, samples or params.generate.samples])
    found: Estimates = {
        (variant, count): list(plan.vary(variant, count).estimate())
        for count in counts
        for variant in dict.fromkeys([params.mix.variant, *PAPERS])
    }
    facts = _facts(plan, "the last run" if measured else "an assumption")
    if as_json:
        say(json.dumps(_as_json(plan, found, facts), indent=2, ensure_ascii=False))
    else:
        _print(plan, found, facts)


def _compare(params: Params, last: LastRun) -> dict[str, bool]:
    """Return which sections the last run had the same: what it measured counts for those alone."""
    now = params.model_dump(mode="json", exclude_unset=True)
    teachers = {
        name: hashlib.md5(json_text(one).encode(), usedforsecurity=False).hexdigest()
        for name, one in params.describe_teachers().items()
    }
    return {
        **{key: last.settings.get(key) == now[key] for key in ("questions", "student")},
        "teacher": all(last.teachers.get(name) == teachers[name] for name in teachers),
    }


def _facts(plan: Plan, length: str) -> list[str]:
    """Return what the numbers rest on, a line each; ``length`` says where that is from."""
    asked, rates = plan.asked, plan.rates
    several = f"{asked.train} train, {asked.dev} dev and {sum(asked.tests.values())} test questions"
    lines = [f"{several}; a student of {_format_size(plan.student)} parameters"]
    if isinstance(rates, Card):
        lines.append(
            f"hours are those of one {rates.title}: {rates.tflops:g} TFLOP/s in bfloat16 "
            f"({rates.source}), of which an assumed share is reached; not measured on the card"
        )
        held = {"the student": plan.student, "the teacher": max(plan.teachers.values(), default=0)}
        lines += [
            f"{who} needs at least {rates.count_needed(size)} such cards at once"
            for who, size in held.items()
            if size and rates.count_needed(size) > 1
        ]
    else:
        words = {"generation": "sampled", "answering": "answered", "training": "learned from"}
        measured = [
            f" {_format_range(rates.tokens[kind])} tokens {word} a second"
            for kind, word in words.items()
            if kind in rates.tokens
        ]
        lines.append(f"hours are those of this machine, by its last run:{','.join(measured)}")
        if rates.parameters and rates.is_other_size(plan.student):
            lines.append(
                f"that run's student has {_format_size(rates.parameters)} parameters: rates are "
                "scaled to this one's, and may be twice as far off"
            )
    lines.append(
        f"checks are hours of a machine that checks {_format_range(plan.verified)} a second"
    )
    if any(
        isinstance(one.model and one.model.engine, OpenAISettings)
        for one in plan.params.teachers().values()
    ):
        lines.append("the teacher's server does its work elsewhere: its hours are not counted")
    live, batched = plan.bill(batch=False), plan.bill(batch=True)
    if live is not None and batched is not None:
        (currency,) = plan.params.currencies()
        lines.append(
            f"the teacher's server costs {_format_range(live)} {currency or ''}".rstrip()
            + f", by the Batch API {_format_range(batched)} (engine.batch)"
        )
    low, likely, high = plan.length
    return [
        *lines,
        f"a rationale has {likely:.0f} ({low:.0f} to {high:.0f}) tokens: {length}",
        f"right of the teacher's rationales: {plan.taught.describe()}",
        *(
            f"right of the student's rationales for {name}: {one.describe()}"
            for name, one in plan.written.items()
        ),
        "the loop never stops early; no sample is in the journal",
    ]


def _print(plan: Plan, found: Estimates, facts: list[str]) -> None:
    hours = "card" if isinstance(plan.rates, Card) else "machine"
    out = console()
    (variant, count), rows = next(iter(found.items()))
    out.print(f"mix.variant {variant}, generate.samples {count}")
    (currency,) = plan.params.currencies() or {None}
    money = f"money ({currency})" if currency else "money"
    out.print(_table("stage", hours, money, {row.stage: row for row in [*rows, total(rows)]}))
    sums = {f"{variant}, K = {count}": total(rows) for (variant, count), rows in found.items()}
    out.print(_table("in all", hours, money, sums))
    for line in facts:
        out.print(f"- {line}", soft_wrap=True)


def _table(first: str, hours: str, money: str, rows: dict[str, StageCost]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in ("calls", "tokens", hours, "checks", "disk", money):
        table.add_column(name, justify="right", no_wrap=True)
    for name, row in rows.items():
        disk = row.disk[1]
        table.add_row(
            name,
            _format(row.calls[1]),
            _format(row.written[1]),
            _format_hours(row.hours),
            _format_hours(between(*[row.processor[1]] * 3)),
            f"{_format(disk)}B" if disk else "",
            "" if row.money is None else _format_range(row.money),
        )
    return table


def _format_hours(hours: Range) -> str:
    """Return ``12 min (5.1 to 40)``, in one unit; nothing where there are none."""
    unit, each = next(
        (unit, each)
        for unit, each, least in (("h", 1, 1.5), ("min", 60, 1.5), ("s", 3600, 0))
        if hours[1] * each >= least
    )
    likely, _, span = _format_range(hours * each).partition(" ")
    return f"{likely} {unit} {span}".strip() if likely else ""


def _format_range(value: Range) -> str:
    """Return ``12 (5.1 to 40)``; nothing for 0."""
    if not value[2]:
        return ""
    low, likely, high = (_format(one) or "0" for one in value)
    return likely if low == high else f"{likely} ({low} to {high})"


def _format_size(parameters: float) -> str:
    return _format(parameters).replace("G", "B")


def _format(value: float) -> str:
    """Return two or three digits, with k, M, G, T; nothing for 0."""
    if value < 0.005:
        return "0" if value else ""
    size, unit = next(
        (
            (size, unit)
            for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
            if value >= size
        ),
        (1, ""),
    )
    value /= size
    text = f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}{unit}"


def _as_json(plan: Plan, found: Estimates, facts: list[str]) -> dict[str, Any]:
    ends = ("low", "likely", "high")
    (currency,) = plan.params.currencies() or {None}
    return {
        "currency": currency,
        "questions": {"train": plan.asked.train, "dev": plan.asked.dev, **plan.asked.tests},
        "facts": facts,
        "estimates": [
            {
                "variant": variant,
                "samples": count,
                "stages": [
                    {
                        name: dict(zip(ends, value.tolist(), strict=True))
                        if hasattr(value, "tolist")
                        else value
                        for name, value in row._asdict().items()
                    }
                    for row in rows
                ],
            }
            for (variant, count), rows in found.items()
        ],
    }
