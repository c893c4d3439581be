"""What all pictures share: colours, sizes, axes, the grid of panels, and how they are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import altair as alt
import vl_convert

if TYPE_CHECKING:
    from siked.report.plots import Row

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
"""The first comes with the renderer: text takes the same room on every machine."""
INK, MUTED, FAINT = "#1f2328", "#57606a", "#d8dee4"
HUES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#8c6d31", "#000000")
"""Okabe and Ito's colours, which most colour-blind people can tell apart."""
NO_TAG_HUE = "#8c959f"
FAILURE_HUES = (
    *("#bbbbbb", "#882255", "#ddcc77", "#332288", "#88ccee", "#cc6677", "#44aa99"),
    *("#aa4499", "#999933", "#117733", "#661100", "#6699cc", "#444444"),
)
"""One a failure kind, none of them a strategy's (after Paul Tol's muted scheme)."""
WIDTH, HEIGHT, COLUMNS = 230, 200, 3


def svg(chart: alt.TopLevelMixin) -> str:
    """The chart as an SVG document that needs nothing else."""
    text: str = vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[])
    return text


def png(chart: alt.TopLevelMixin, *, scale: float = 2) -> bytes:
    """The chart as a PNG, ``scale`` times as large as its SVG."""
    data: bytes = vl_convert.vegalite_to_png(chart.to_dict(), scale=scale, allowed_base_urls=[])
    return data


def grid(
    panels: Sequence[alt.TopLevelMixin],
    title: str,
    subtitle: str = "",
    choice: alt.Parameter | None = None,
    columns: int = COLUMNS,
) -> alt.TopLevelMixin:
    """Panels side by side on shared scales, in the look that all pictures share.

    Args:
        panels: The panels.
        title: Of the whole picture.
        subtitle: How to read it.
        choice: ``picked``, where the panels use it.
        columns: At most so many panels a row.
    """
    if choice is not None:  # one panel owns it, all see it
        panels = [panels[0].add_params(choice), *panels[1:]]
    return (
        alt.concat(*panels, columns=columns)
        .resolve_scale(color="shared", strokeDash="shared", y="shared")
        .properties(
            title=alt.TitleParams(title, subtitle=subtitle or alt.Undefined, fontSize=15, offset=12)
        )
        .configure(font=FONT, background="#ffffff", padding=16)
        .configure_view(stroke=None)
        .configure_title(
            anchor="start", color=INK, subtitleColor=MUTED, fontSize=13, subtitleFontSize=12
        )
        .configure_axis(
            labelColor=MUTED,
            titleColor=MUTED,
            domainColor=FAINT,
            tickColor=FAINT,
            gridColor=FAINT,
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
            titlePadding=8,
        )
        .configure_axisX(grid=False)
        .configure_legend(
            labelColor=INK,
            titleColor=MUTED,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
        )
    )


def drawn(rows: Iterable[Row]) -> alt.Chart:
    """A chart of these rows, not yet drawn as anything."""
    return alt.Chart(alt.Data(values=list(rows)))


def iterations() -> alt.X:
    """The iterations along the x axis, in the order of the rows."""
    return alt.X("iteration:N", title="iteration", sort=None, axis=alt.Axis(labelAngle=0))


def picked(field: str) -> alt.Parameter:
    """A choice of series by a click on their legend; all are chosen at first."""
    return alt.selection_point(name="series", fields=[field], bind="legend")


def unless_picked(choice: alt.Parameter, opacity: float = 1) -> alt.Opacity:
    """Full for the series that are chosen, faint for the others."""
    return alt.condition(choice, alt.value(opacity), alt.value(0.12))


def hues_of(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name, by its place."""
    return dict(zip(names, cycle(HUES), strict=False))


def distinct(values: Iterable[str]) -> list[str]:
    """Each value once, in the order of its first mention."""
    return list(dict.fromkeys(values))
