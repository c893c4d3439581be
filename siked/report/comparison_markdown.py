"""A comparison as Markdown, for a pull request or an article's appendix."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from siked.analysis.paired import Comparison, Pair
from siked.analysis.wording import accuracy_table, notes, printable, share_table, verdict

if TYPE_CHECKING:
    from siked.analysis.seeds import Averages


def rendered(comparison: Comparison, show: int | None = None) -> str:
    """The text; ``show`` won and lost questions a benchmark, all where None."""
    return "\n".join(_lines(comparison, show)) + "\n"


def averages(found: Averages) -> str:
    """The text of a comparison over several seeds."""
    notes = " ".join(_plain(note) for note in found.notes())
    return "\n".join([*_table(found.table()), notes]) + "\n"


def _lines(comparison: Comparison, show: int | None) -> Iterator[str]:
    yield from (f"# {_plain(comparison.second)} against {_plain(comparison.first)}", "")
    yield from _table(accuracy_table(comparison))
    if len(comparison.strategies) > 1:
        yield from _table(share_table(comparison))
    yield from (" ".join(_plain(note) for note in notes(comparison)), "")
    for one in comparison.benchmarks:
        for what, pairs in (("won", one.won), ("lost", one.lost)):
            shown = pairs[:show]
            if shown:
                yield from (f"## {_plain(one.name)}: {what}, {len(shown)} of {len(pairs)}", "")
            for pair in shown:
                yield from _pair(pair, comparison)


def _pair(pair: Pair, comparison: Comparison) -> Iterator[str]:
    """Both rationales side by side: a table of HTML, since Markdown's cells hold no lines."""
    asked = pair.question
    yield from ("<table>", f'<tr><td colspan="2">{_cell(asked.question)}<br>')
    yield f"{_cell(asked.id)}, answer: {_cell(asked.answer)}</td></tr>"
    yield "<tr>"
    for name, one in ((comparison.first, pair.first), (comparison.second, pair.second)):
        yield f"<th>{_cell(f'{name}: {verdict(one)}')}</th>"
    yield from ("</tr>", "<tr>")
    for one in (pair.first, pair.second):
        yield f"<td><pre>{_cell(one.text)}</pre></td>"
    yield from ("</tr>", "</table>", "")


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    header, *body = ("| " + " | ".join(map(_plain, row)) + " |" for row in rows)
    yield from (header, "|" + "---|" * len(rows[0]), *body, "")


def _plain(text: str) -> str:
    """Text in a line or a table's cell that Markdown takes for nothing else."""
    for special in "\\`*_[]<>|#~":
        text = text.replace(special, f"\\{special}")
    return text


def _cell(text: str) -> str:
    # A line end of its own would let an empty line end the block of HTML.
    return html.escape(printable(text)).replace("\n", "&#10;")
