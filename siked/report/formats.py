"""Numbers as the page writes them; a dash stands for what was not measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from siked.analysis.wording import DASH, p_value, point

__all__ = ["interval", "number", "p_value", "percent", "points", "seconds"]


def percent(value: float | None) -> str:
    """``18.3%``."""
    return DASH if value is None else f"{value:.1%}"


def interval(figures: Mapping[str, Any] | None) -> str:
    """``12.4 to 26.2``, in percent."""
    if figures is None or figures["low"] is None:
        return DASH
    return f"{100 * figures['low']:.1f} to {100 * figures['high']:.1f}"


def points(value: float | None) -> str:
    """``+58.3``, in percentage points."""
    return DASH if value is None else point(value)


def number(value: float | None) -> str:
    """``17,000``, ``45.2`` or ``0.0097``."""
    if value is None:
        return DASH
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"


def seconds(value: float | None) -> str:
    """``86.7 s``, ``12 min``, ``3.4 h``."""
    if value is None:
        return DASH
    if value < 100:
        return f"{value:.1f} s"
    return f"{value / 60:.1f} min" if value < 6000 else f"{value / 3600:.1f} h"
