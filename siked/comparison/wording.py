"""The words and figures of a comparison, which the terminal and Markdown show alike.

benchmark | n   | it0                 | it2                 | difference             | p        | won/lost
demo-seen | 120 | 18.3 (12.4 to 26.2) | 76.7 (68.3 to 83.3) | +58.3 (+48.3 to +67.5) | < 0.0001 | 73/3
"""  # noqa: E501 - a table

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from siked.analysis import DEV

if TYPE_CHECKING:
    from collections.abc import Mapping

    from siked.comparison.paired import Comparison
    from siked.records import VerifiedRationale

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
NONE = "no valid tag"
SMALLEST_P = 0.0001


def accuracy_table(comparison: Comparison) -> list[list[str]]:
    """Accuracies and differences, the header first."""
    header = ["benchmark", "n", comparison.first, comparison.second]
    return [
        [*header, "difference", "p", "won/lost"],
        *(
            [
                one.name,
                str(one.difference["n"]),
                _percent(one.first),
                _percent(one.second),
                _points(one.difference),
                p_value(one.difference["p"]),
                f"{one.difference['won']}/{one.difference['lost']}",
            ]
            for one in comparison.lines
        ),
    ]


def share_table(comparison: Comparison) -> list[list[str]]:
    """What both chose, in percent of their answers, the header first."""
    return [
        ["chosen", "by", *comparison.strategies, NONE],
        *(
            [
                one.name if name == comparison.first else "",
                name,
                *(_share(each["share"]) for each in figures["strategies"].values()),
                _share(figures["invalid_tags"]),
            ]
            for one in comparison.benchmarks
            for name, figures in ((comparison.first, one.first), (comparison.second, one.second))
        ),
    ]


def notes(comparison: Comparison) -> list[str]:
    """How to read the figures, a sentence each."""
    tests = len(comparison.lines)
    found = [
        "Accuracies in percent with 95% Wilson intervals.",
        f"Differences in points: {comparison.second} minus {comparison.first}, same questions.",
        "They have 95% bootstrap intervals; p is that of McNemar's exact test, two-sided.",
    ]
    if tests > 1:
        found.append(f"{tests} tests at once: no p is corrected for that.")
    if any(one.name == DEV for one in comparison.benchmarks):
        found.append("dev selects the iteration, so it favours the selected one.")
    if comparison.left_out:
        found.append(f"Answered by one of them alone: {', '.join(comparison.left_out)}.")
    return found


def verdict(rationale: VerifiedRationale) -> str:
    """A rationale in a few words: ``pot, 36.4, right``."""
    return ", ".join(
        [
            rationale.strategy or NONE,
            printable(rationale.predicted or "no answer"),
            "right" if rationale.correct else str(rationale.failure or "wrong"),
        ]
    )


def printable(text: str) -> str:
    """A model's text without what moves a terminal's cursor or turns its writing."""
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character)[0] != "C"
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def p_value(p: float) -> str:
    """A p-value to four decimals, as far as they say something."""
    return f"< {SMALLEST_P}" if p < SMALLEST_P else f"{p:.4f}"


def _share(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.1f}"


def _percent(figures: Mapping[str, Any]) -> str:
    if figures["accuracy"] is None:
        return DASH
    low, high = (100 * figures[key] for key in ("low", "high"))
    return f"{100 * figures['accuracy']:.1f} ({low:.1f} to {high:.1f})"


def _points(figures: Mapping[str, Any]) -> str:
    if figures["gain"] is None:
        return DASH
    gain, low, high = (
        f"{100 * figures[key]:+.1f}".replace("-", MINUS) for key in ("gain", "low", "high")
    )
    return f"{gain} ({low} to {high})"
