"""A comparison of two students for people: arranged once, printed for a terminal or as Markdown.

benchmark | n   | it0                 | it2                 | difference             | p        | won/lost
demo-seen | 120 | 18.3 (12.4 to 26.2) | 76.7 (68.3 to 83.3) | +58.3 (+48.3 to +67.5) | < 0.0001 | 73/3

Behind the tables and the notes on how to read them come the questions won and lost, with both
rationales side by side. Means over seeds have the first table alone.
"""  # noqa: E501 - a table

import html
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from siked.analysis.figures import DEV
from siked.analysis.paired import Comparison, Pair
from siked.analysis.seeds import Averages
from siked.errors import UserError
from siked.records import VerifiedRationale
from siked.report.formats import DASH, p_value, points
from siked.report.plots import NO_TAG
from siked.terminal.console import make_printable

FIRST, SECOND = "A", "B"
"""What two kinds of student are called, of which each has a name of its own."""
FAVOURS = "dev selects the iteration, so it favours the selected one."


@dataclass(frozen=True)
class Heading:
    """A line above what follows."""

    text: str
    level: int
    """1 for that of the whole, which a terminal has no room for."""


@dataclass(frozen=True)
class Cells:
    """A table, the header first."""

    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Notes:
    """How to read the figures, a sentence each."""

    sentences: Sequence[str]


@dataclass(frozen=True)
class BothAnswers:
    """A question with both students' rationales."""

    names: tuple[str, str]
    pair: Pair


Part = Heading | Cells | Notes | BothAnswers


def arrange(
    comparison: Comparison, show: int | None = None, *, families: bool = False
) -> Iterator[Part]:
    """Yield the parts.

    Args:
        comparison: what there is.
        show: so many won and lost questions a benchmark, all where None.
        families: whether problem families are told one by one, too.

    Raises:
        UserError: families are asked for, and no question names one.
    """
    names = (comparison.first, comparison.second)
    yield Heading(f"{comparison.second} against {comparison.first}", 1)
    yield Cells(tabulate_accuracies(comparison))
    if len(comparison.strategies) > 1:
        yield Cells(_tabulate_choices(comparison))
    if families:
        yield Cells(_tabulate_families(comparison))
    yield Notes(list(_explain(comparison, families=families)))
    for one in comparison.benchmarks:
        for what, pairs in (("won", one.won), ("lost", one.lost)):
            shown = pairs[:show]
            if shown:
                yield Heading(f"{one.name}: {what}, {len(shown)} of {len(pairs)}", 2)
            for pair in shown:
                yield BothAnswers(names, pair)


def arrange_means(means: Averages) -> Iterator[Part]:
    """Yield the parts of a comparison over several seeds."""
    header = ["benchmark", "n", FIRST, SECOND, "difference", "with each seed"]
    rows = [
        [
            one.name,
            str(one.n),
            _format_accuracy(one.first),
            _format_accuracy(one.second),
            _format_gain(one.over_questions),
            _span(", ".join(map(points, one.each)), one.over_seeds, points),
        ]
        for one in means.lines
    ]
    yield Cells([header, *rows])
    notes = [
        f"{FIRST} is {', '.join(means.first)}; {SECOND} is {', '.join(means.second)}.",
        f"Means over {len(means.first)} seeds in percent; differences are {SECOND} - {FIRST}.",
        "Intervals: 95%, by bootstrap over questions; the last one by Student's t over seeds.",
    ]
    yield Notes([*notes, *([FAVOURS] if any(one.name == DEV for one in means.lines) else [])])


def tabulate_accuracies(comparison: Comparison) -> list[list[str]]:
    """Return accuracies and differences, the header first."""
    header = ["benchmark", "n", comparison.first, comparison.second]
    rows = [
        [
            one.name,
            str(one.difference["n"]),
            _format_accuracy(one.first),
            _format_accuracy(one.second),
            _format_gain(one.difference),
            p_value(one.difference["p"]),
            f"{one.difference['won']}/{one.difference['lost']}",
        ]
        for one in comparison.lines
    ]
    return [[*header, "difference", "p", "won/lost"], *rows]


def _tabulate_families(comparison: Comparison) -> list[list[str]]:
    """Return accuracies and differences by problem family, the header first."""
    rows = [
        [
            f"{one.name}: {each.name}",
            str(each.difference["n"]),
            _format_accuracy(each.first),
            _format_accuracy(each.second),
            _format_gain(each.difference),
            f"{each.difference['won']}/{each.difference['lost']}",
        ]
        for one in comparison.benchmarks
        for each in one.families
    ]
    if not rows:
        raise UserError("--families: no question names a family")
    return [["family", "n", comparison.first, comparison.second, "difference", "won/lost"], *rows]


def to_markdown(parts: Iterable[Part]) -> str:
    """Return the text for a pull request or an article's appendix."""
    lines: list[str] = []
    for part in parts:
        match part:
            case Heading():
                lines += [f"{'#' * part.level} {_escape(part.text)}", ""]
            case Cells():
                header, *body = ("| " + " | ".join(map(_escape, row)) + " |" for row in part.rows)
                lines += [header, "|" + "---|" * len(part.rows[0]), *body, ""]
            case Notes():
                lines += [" ".join(map(_escape, part.sentences)), ""]
            case BothAnswers():
                lines += _to_html(part)
    return "\n".join(lines).rstrip("\n") + "\n"


def to_terminal(parts: Iterable[Part]) -> Iterator[RenderableType]:
    """Yield what to print, in order, on a console that shows no character that steers it."""
    tables = 0
    for part in parts:
        match part:
            case Heading(level=2):
                yield Text(f"\n{part.text}", style="bold")
            case Cells():
                if tables:
                    yield Text()
                tables += 1
                grid = Grid(box=box.SIMPLE, collapse_padding=True, pad_edge=False, show_edge=False)
                for name in part.rows[0]:
                    grid.add_column(Text(name), overflow="fold")
                for row in part.rows[1:]:
                    # Intervals below their figures, so that the table fits 80 columns.
                    grid.add_row(*(Text(one.replace(" (", "\n").removesuffix(")")) for one in row))
                yield grid
            case Notes():
                yield Text("\n".join(("", *part.sentences)), style="dim")
            case BothAnswers():
                asked, both = part.pair.question, (part.pair.first, part.pair.second)
                yield Text(f"{asked.id}: {asked.question}\nanswer: {asked.answer}")
                grid = Grid(box=box.ROUNDED, show_lines=True, expand=True)
                for name, one in zip(part.names, both, strict=True):
                    style = "green" if one.correct else "red"
                    grid.add_column(Text(f"{name}: {_describe(one)}", style=style), ratio=1)
                # As text, since what a model writes in brackets is no markup.
                grid.add_row(*(Text(one.text) for one in both))
                yield grid


def _to_html(part: BothAnswers) -> Iterator[str]:
    """Yield both rationales side by side: Markdown's own cells hold no lines."""
    asked, both = part.pair.question, (part.pair.first, part.pair.second)
    yield from ("<table>", f'<tr><td colspan="2">{_escape_html(asked.question)}<br>')
    yield f"{_escape_html(asked.id)}, answer: {_escape_html(asked.answer)}</td></tr>"
    yield "<tr>"
    for name, one in zip(part.names, both, strict=True):
        yield f"<th>{_escape_html(f'{name}: {_describe(one)}')}</th>"
    yield from ("</tr>", "<tr>")
    for one in both:
        yield f"<td><pre>{_escape_html(one.text)}</pre></td>"
    yield from ("</tr>", "</table>", "")


def _tabulate_choices(comparison: Comparison) -> list[list[str]]:
    """Return what both chose, in percent of their answers, the header first."""
    rows = [
        [
            one.name if name == comparison.first else "",
            name,
            *(_format_share(each["share"]) for each in figures["strategies"].values()),
            _format_share(figures["invalid_tags"]),
        ]
        for one in comparison.benchmarks
        for name, figures in ((comparison.first, one.first), (comparison.second, one.second))
    ]
    return [["chosen", "by", *comparison.strategies, NO_TAG], *rows]


def _explain(comparison: Comparison, *, families: bool) -> Iterator[str]:
    yield "Accuracies in percent with 95% Wilson intervals."
    yield f"Differences in points: {comparison.second} minus {comparison.first}, same questions."
    yield "They have 95% bootstrap intervals; p is that of McNemar's exact test, two-sided."
    if (tests := len(comparison.lines)) > 1:
        yield f"{tests} tests at once: no p is corrected for that."
    if families:
        yield "Families have no p: they are many, and each has few questions."
    if any(one.name == DEV for one in comparison.benchmarks):
        yield FAVOURS
    if comparison.left_out:
        yield f"Answered by one of them alone: {', '.join(comparison.left_out)}."


def _describe(rationale: VerifiedRationale) -> str:
    """Return a rationale in a few words: ``pot, 36.4, right``."""
    verdict = "right" if rationale.correct else str(rationale.failure or "wrong")
    return ", ".join([rationale.strategy or NO_TAG, rationale.predicted or "no answer", verdict])


def _format_accuracy(figures: Mapping[str, Any]) -> str:
    """Return ``18.3 (12.4 to 26.2)`` of an accuracy and its interval."""
    return _span(_format_share(figures["accuracy"]), figures, _format_share)


def _format_gain(figures: Mapping[str, Any]) -> str:
    """Return ``+58.3 (+48.3 to +67.5)`` of a gain and its interval."""
    return _span(points(figures["gain"]), figures, points)


def _span(value: str, figures: Mapping[str, Any], written: Callable[[float], str]) -> str:
    if value == DASH:
        return DASH
    return f"{value} ({written(figures['low'])} to {written(figures['high'])})"


def _format_share(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.1f}"


def _escape(text: str) -> str:
    """Return text for a line or a table's cell that Markdown takes for nothing else."""
    for special in "\\`*_[]<>|#~":
        text = text.replace(special, f"\\{special}")
    return text


def _escape_html(text: str) -> str:
    # A line end of its own would let an empty line end the block of HTML.
    return html.escape(make_printable(text)).replace("\n", "&#10;")
