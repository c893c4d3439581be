"""A comparison in the terminal: two tables, then questions with both rationales side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from siked.analysis.paired import Comparison, Pair
from siked.analysis.wording import accuracy_table, notes, printable, share_table, verdict

if TYPE_CHECKING:
    from siked.analysis.seeds import Averages


def rendered(comparison: Comparison, show: int | None = None) -> Iterator[RenderableType]:
    """What to print, in order; ``show`` won and lost questions a benchmark, all where None."""
    yield _table(accuracy_table(comparison))
    if len(comparison.strategies) > 1:
        yield Text()
        yield _table(share_table(comparison))
    yield Text("\n".join(("", *notes(comparison))), style="dim")
    for one in comparison.benchmarks:
        for what, pairs in (("won", one.won), ("lost", one.lost)):
            shown = pairs[:show]
            if shown:
                yield Text(f"\n{one.name}: {what}, {len(shown)} of {len(pairs)}", style="bold")
            for pair in shown:
                yield from _pair(pair, comparison)


def averages(found: Averages) -> Iterator[RenderableType]:
    """What to print of a comparison over several seeds."""
    yield _table(found.table())
    yield Text("\n".join(("", *found.notes())), style="dim")


def _pair(pair: Pair, comparison: Comparison) -> Iterator[RenderableType]:
    asked = pair.question
    yield Text(printable(f"{asked.id}: {asked.question}\nanswer: {asked.answer}"))
    table = Table(box=box.ROUNDED, show_lines=True, expand=True)
    names = (comparison.first, comparison.second)
    for name, one in zip(names, (pair.first, pair.second), strict=True):
        title = Text(f"{name}: {verdict(one)}", style="green" if one.correct else "red")
        table.add_column(title, ratio=1)
    # As text, since what a model writes in brackets is no markup.
    table.add_row(Text(printable(pair.first.text)), Text(printable(pair.second.text)))
    yield table


def _table(rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE, collapse_padding=True, pad_edge=False, show_edge=False)
    for name in rows[0]:
        table.add_column(Text(name), overflow="fold")
    for row in rows[1:]:
        # Intervals below their figures, so that the table fits 80 columns.
        table.add_row(*(Text(cell.replace(" (", "\n").removesuffix(")")) for cell in row))
    return table
