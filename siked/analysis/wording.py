"""The words and figures of a comparison, which the terminal and Markdown show alike.

benchmark | n   | it0                 | it2                 | difference             | p        | won/lost
demo-seen | 120 | 18.3 (12.4 to 26.2) | 76.7 (68.3 to 83.3) | +58.3 (+48.3 to +67.5) | < 0.0001 | 73/3
"""  # noqa: E501 - a table

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from siked.analysis.figures import DEV
from siked.analysis.paired import Comparison
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
                percent(one.first),
                percent(one.second),
                points(one.difference),
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


def percent(figures: Mapping[str, Any]) -> str:
    """``18.3 (12.4 to 26.2)`` of an accuracy and its interval."""
    value = figures["accuracy"]
    return DASH if value is None else spread(_share(value), figures, _share)


def points(figures: Mapping[str, Any]) -> str:
    """``+58.3 (+48.3 to +67.5)`` of a gain and its interval."""
    value = figures["gain"]
    return DASH if value is None else spread(point(value), figures, point)


def spread(value: str, figures: Mapping[str, Any], written: Callable[[float], str]) -> str:
    """``+58.3 (+48.3 to +67.5)``: a value with the interval of ``figures``, written alike."""
    return f"{value} ({written(figures['low'])} to {written(figures['high'])})"


def point(gain: float) -> str:
    """``+58.3``, in percentage points."""
    # Rounded first, so that a little less than nothing is no -0.0.
    return f"{round(100 * gain, 1) + 0.0:+.1f}".replace("-", MINUS)


def _share(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.1f}"
