"""Numbers as the page writes them; a dash stands for what was not measured."""

from collections.abc import Mapping
from typing import Any

__all__ = ["beside", "interval", "number", "p_value", "percent", "points", "seconds"]
"""What the page's templates may use."""

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
SMALLEST_P = 0.0001


def beside(student: str) -> str:
    """Return how a student beside the loop is called: ``pot only`` for a baseline, or its name."""
    strategy = student.removeprefix("baseline-")
    return student if strategy == student else f"{strategy} only"


def percent(value: float | None) -> str:
    """Return ``18.3%``."""
    return DASH if value is None else f"{value:.1%}"


def interval(figures: Mapping[str, Any] | None) -> str:
    """Return ``12.4 to 26.2``, in percent."""
    if figures is None or figures["low"] is None:
        return DASH
    return f"{100 * figures['low']:.1f} to {100 * figures['high']:.1f}"


def points(value: float | None) -> str:
    """Return ``+58.3``, in percentage points."""
    if value is None:
        return DASH
    # Rounded first, so that a little less than nothing is no -0.0.
    return f"{round(100 * value, 1) + 0.0:+.1f}".replace("-", MINUS)


def p_value(p: float) -> str:
    """Return a p-value to four decimals, as far as they say something."""
    return f"< {SMALLEST_P}" if p < SMALLEST_P else f"{p:.4f}"


def number(value: float | None) -> str:
    """Return ``17,000``, ``45.2`` or ``0.0097``."""
    if value is None:
        return DASH
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"


def seconds(value: float | None) -> str:
    """Return ``86.7 s``, ``12 min``, ``3.4 h``."""
    if value is None:
        return DASH
    if value < 100:
        return f"{value:.1f} s"
    return f"{value / 60:.1f} min" if value < 6000 else f"{value / 3600:.1f} h"
