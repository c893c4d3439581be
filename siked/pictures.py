"""Pictures of a run, as Vega-Lite charts and from those as SVG or PNG without any network.

Charts are made from the rows of ``siked.plots``; the same rows give the same bytes. They stand on
a white ground of their own, so that they read the same on a light and on a dark page.

    chart = accuracy_over_iterations(accuracy_rows(evaluations, chain), strategies=strategies)
    Path("accuracy.svg").write_text(svg(chart), encoding="utf-8")
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import altair as alt
import vl_convert

from siked.plots import NO_TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from siked.plots import Row

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
STUDENT = "SIKeD student"
WIDTH, HEIGHT, COLUMNS = 230, 200, 3


def accuracy_over_iterations(
    rows: Sequence[Row],
    *,
    strategies: Sequence[str],
    baselines: Sequence[Row] = (),
    selected: str | None = None,
) -> alt.TopLevelMixin:
    """A panel for each benchmark: accuracy after each iteration with its 95% interval.

    Args:
        rows: ``accuracy_rows`` of the chain.
        strategies: All strategies of the run; each keeps its colour across pictures.
        baselines: ``accuracy_rows`` of the single-strategy students (``baseline-cot``), drawn as
            dashed lines.
        selected: The iteration to be ringed.
    """
    dashed = [{**row, "series": f"{_strategy(row['iteration'])} only"} for row in baselines]
    hues = {STUDENT: INK} | {f"{name} only": hue for name, hue in _hues(strategies).items()}
    series = _distinct([STUDENT, *(row["series"] for row in dashed)])
    color = alt.Color(
        "series:N",
        title=None,
        scale=alt.Scale(domain=series, range=[hues[name] for name in series]),
        legend=alt.Legend(symbolType="stroke", symbolSize=500, symbolStrokeWidth=2),
    )
    dash = alt.StrokeDash(
        "series:N",
        title=None,
        scale=alt.Scale(domain=series, range=[[1, 0], *[[5, 3]] * (len(series) - 1)]),
    )
    highest = max([0.0, *(row["high"] or 0 for row in [*rows, *dashed])])
    x = _iterations()
    y = alt.Y(
        "accuracy:Q",
        title="accuracy",
        scale=alt.Scale(domain=[0, highest], nice=5),
        axis=alt.Axis(format="%", tickCount=5),
    )
    panels = []
    for benchmark in _distinct(row["benchmark"] for row in rows):
        mine = [{**row, "series": STUDENT} for row in rows if row["benchmark"] == benchmark]
        lines = _chart(row for row in dashed if row["benchmark"] == benchmark)
        student = _chart(mine)
        chosen = _chart(row for row in mine if row["iteration"] == selected)
        panels.append(
            alt.layer(
                student.mark_rule(size=1.5, opacity=0.45, color=INK).encode(
                    x, alt.Y("low:Q", title="accuracy"), alt.Y2("high:Q")
                ),
                student.mark_line(size=2).encode(x, y, color, dash),
                student.mark_point(filled=True, size=45, opacity=1, color=INK).encode(x, y),
                chosen.mark_point(size=190, strokeWidth=2, opacity=1, color=INK).encode(x, y),
                lines.mark_rule(size=1.5).encode(y, color, dash),
            ).properties(width=WIDTH, height=HEIGHT, title=benchmark)
        )
    ring = "; ring: selected on dev" if selected else ""
    return _grid(panels, "Accuracy over the iterations", f"bars: 95% intervals{ring}")


def shares_over_iterations(rows: Sequence[Row], *, strategies: Sequence[str]) -> alt.TopLevelMixin:
    """A panel for each benchmark: the share of answers that chose each strategy, stacked.

    Args:
        rows: ``share_rows`` of the chain.
        strategies: All strategies of the run; each keeps its colour across pictures.
    """
    hues = _hues(strategies) | {NO_TAG: NO_TAG_HUE}
    return _stacked(
        rows,
        part="strategy",
        hues=hues,
        top=1.0,
        title="Strategies that the student chooses",
    )


def failures_over_iterations(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """A panel for each benchmark: the share of answers that fail in each way, stacked.

    Args:
        rows: ``failure_rows`` of the chain.
    """
    return _stacked(
        rows,
        part="failure",
        hues=dict(zip(_distinct(row["failure"] for row in rows), FAILURE_HUES, strict=False)),
        top=None,
        title="How the student's answers fail",
    )


def svg(chart: alt.TopLevelMixin) -> str:
    """The chart as an SVG document that needs nothing else."""
    text: str = vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[])
    return text


def png(chart: alt.TopLevelMixin, *, scale: float = 2) -> bytes:
    """The chart as a PNG, ``scale`` times as large as its SVG."""
    data: bytes = vl_convert.vegalite_to_png(chart.to_dict(), scale=scale, allowed_base_urls=[])
    return data


def _stacked(
    rows: Sequence[Row], *, part: str, hues: Mapping[str, str], top: float | None, title: str
) -> alt.TopLevelMixin:
    order = {name: number for number, name in enumerate(hues)}
    scale = alt.Scale(domain=[0, top]) if top else alt.Scale()
    color = alt.Color(
        f"{part}:N",
        title=None,
        scale=alt.Scale(domain=list(hues), range=list(hues.values())),
    )
    y = alt.Y("share:Q", title="share of answers", scale=scale, axis=alt.Axis(format="%"))
    panels = [
        _chart({**row, "order": order[row[part]]} for row in rows if row["benchmark"] == benchmark)
        .mark_bar(width={"band": 0.7})
        .encode(_iterations(), y, color, alt.Order("order:Q"))
        .properties(width=WIDTH, height=HEIGHT, title=benchmark)
        for benchmark in _distinct(row["benchmark"] for row in rows)
    ]
    return _grid(panels, title, "")


def _grid(panels: Sequence[alt.TopLevelMixin], title: str, subtitle: str) -> alt.TopLevelMixin:
    """Panels side by side on shared scales, in the look that all pictures share."""
    return (
        alt.concat(*panels, columns=COLUMNS)
        .resolve_scale(color="shared", strokeDash="shared", y="shared")
        .properties(
            title=alt.TitleParams(title, subtitle=subtitle or alt.Undefined, fontSize=15, offset=12)
        )
        .configure(font=FONT, background="#ffffff", padding=16)
        .configure_view(stroke=None)
        .configure_title(
            anchor="start",
            fontSize=12,
            offset=8,
            color=INK,
            subtitleColor=MUTED,
            subtitleFontSize=12,
        )
        .configure_axis(
            labelColor=MUTED,
            titleColor=MUTED,
            gridColor=FAINT,
            domainColor=MUTED,
            tickColor=MUTED,
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
        )
        .configure_axisX(grid=False)
        .configure_legend(
            orient="bottom",
            labelColor=INK,
            titleColor=MUTED,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
        )
    )


def _chart(rows: Iterable[Row]) -> alt.Chart:
    return alt.Chart(alt.Data(values=list(rows)))


def _iterations() -> alt.X:
    return alt.X("iteration:N", title="iteration", sort=None, axis=alt.Axis(labelAngle=0))


def _hues(names: Iterable[str]) -> dict[str, str]:
    return dict(zip(names, cycle(HUES), strict=False))


def _strategy(baseline: str) -> str:
    return baseline.removeprefix("baseline-")


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
