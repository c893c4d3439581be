"""siked experiments: the experiments of this commit in one table that fits a terminal.

siked experiments                 all of them, the commit first
siked experiments k-1 k-10        these, in this order
siked experiments --stages        also tokens and time of every stage
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from siked.errors import UserError
from siked.run.experiments import NO_REPORT, WORKSPACE, Experiment
from siked.run.experiments import experiments as read
from siked.terminal.console import console

MINUTE = 60
SHOWN = 3
"""Changed settings that the table names before it only counts them."""


def experiments(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of experiments; none means all.")
    ] = None,
    *,
    stages: Annotated[
        bool, typer.Option("--stages", help="Also tokens and time of every stage.")
    ] = False,
) -> None:
    """Compare the experiments of this commit: accuracies with intervals, and what each cost.

    `dvc exp show` has every setting and figure instead.
    """
    found = {one.name: one for one in read(Path())}
    if unknown := [name for name in names or () if name not in found]:
        raise UserError(f"there is no experiment {unknown[0]!r}: known are {', '.join(found)}")
    show([found[name] for name in names or found], stages=stages)


def show(found: Sequence[Experiment], *, stages: bool = False) -> None:
    """Print the table, and that of the stages where wanted."""
    out = console()
    out.print(_outcomes(found))
    if stages:
        out.print(_stages(found))
    notes = (
        "Accuracy in percent of the iteration that dev selected, with 95% Wilson interval. Tokens "
        "written in self-generation and trained on. Time of all stages on this machine, more (>) "
        "where a stage ran elsewhere or the journal had part of its work."
    )
    if any(one.name == WORKSPACE for one in found):
        notes += f" {WORKSPACE}: the run here, not the commit's; `git commit -a` keeps it."
    if unreported := [
        one.name for one in found if one.state == NO_REPORT and one.name != WORKSPACE
    ]:
        notes += (
            " Without a report: an experiment that was run up to a stage; `siked compare "
            f"{unreported[0]}:it0 {unreported[0]}:it1` reads its students."
        )
    out.print(notes, style="dim")


def _outcomes(found: Sequence[Experiment]) -> Table:
    """A row an experiment; what it changed stands below its name."""
    sizes = {name: score["n"] for one in found for name, score in one.scores.items()}
    table = _table()
    table.add_column("experiment", overflow="fold", min_width=16)
    table.add_column("best")
    for name, size in sizes.items():
        table.add_column(f"{name}\nn={size}", justify="right")
    for name in ("written", "trained", "time"):
        table.add_column(name, justify="right")
    for one in found:
        outcome = one.selected or (one.state or "").lower()
        cells = [_name(one), outcome, *(_score(one.scores.get(name)) for name in sizes)]
        if one.selected:
            cells += [f"{one.summed('generate'):,}", f"{one.summed('train'):,}"]
        else:
            cells += ["", ""]
        time = _time(sum(one.seconds.values()), whole=not one.partial)
        table.add_row(*_plain([*cells, time]))
    return table


def _stages(found: Sequence[Experiment]) -> Table:
    """A row a stage: tokens and time in each experiment."""
    names = list(dict.fromkeys(stage for one in found for stage in (*one.tokens, *one.seconds)))
    table = _table()
    table.add_column("stage")
    for one in found:
        table.add_column(f"{one.name}\ntokens, time", justify="right")
    for stage in sorted(names, key=lambda name: (name.partition("@")[2], name)):
        cells = []
        for one in found:
            tokens = f"{one.tokens[stage]:,}" if stage in one.tokens else ""
            time = _time(one.seconds.get(stage, 0), whole=stage not in one.partial)
            cells.append(f"{tokens} {time:>8}")
        table.add_row(*_plain([stage, *cells]))
    return table


def _table() -> Table:
    return Table(box=box.SIMPLE, collapse_padding=True, pad_edge=False, show_edge=False)


def _plain(cells: Sequence[str]) -> list[Any]:
    """Cells whose brackets are no markup: ``mix.bias=["pot"]``."""
    return [Text(cell) for cell in cells]


def _name(one: Experiment) -> str:
    changes = [f"{key}={value}" for key, value in one.changed.items()]
    if len(changes) > SHOWN:
        changes[SHOWN:] = [f"and {len(changes) - SHOWN} more"]
    return "\n".join([one.name, *changes])


def _score(score: Mapping[str, Any] | None) -> str:
    if score is None:
        return ""
    low, high = (100 * score[name] for name in ("low", "high"))
    return f"{100 * score['accuracy']:.1f}\n{low:.1f} to {high:.1f}"


def _time(seconds: float, *, whole: bool) -> str:
    if not seconds:
        return ""
    text = f"{seconds:.0f} s" if seconds < 10 * MINUTE else f"{seconds / MINUTE:.0f} min"
    return text if whole else f"> {text}"
