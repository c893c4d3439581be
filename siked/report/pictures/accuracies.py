"""Pictures of accuracies with their intervals, over iterations and numbers of samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import altair as alt

from siked.report.pictures.look import (
    HEIGHT,
    INK,
    MUTED,
    NO_TAG_HUE,
    WIDTH,
    distinct,
    drawn,
    grid,
    hues_of,
    iterations,
    picked,
    unless_picked,
)
from siked.report.plots import FREE, ORACLE, TOGETHER

if TYPE_CHECKING:
    from siked.report.plots import Row

STUDENT = "SIKeD student"


def accuracy_over_iterations(
    rows: Sequence[Row],
    *,
    strategies: Sequence[str],
    baselines: Sequence[Row] = (),
    selected: str | None = None,
    stopped: str | None = None,
) -> alt.TopLevelMixin:
    """A panel for each benchmark: accuracy after each iteration with its 95% interval.

    Args:
        rows: ``accuracy_rows`` of the chain.
        strategies: All strategies of the run; each keeps its colour across pictures.
        baselines: ``accuracy_rows`` of the single-strategy students (``baseline-cot``), drawn as
            dashed lines.
        selected: The iteration to be ringed.
        stopped: The iteration after which the loop stopped, to be marked.
    """
    dashed = [{**row, "series": f"{_strategy(row['iteration'])} only"} for row in baselines]
    hues = {STUDENT: INK} | {f"{name} only": hue for name, hue in hues_of(strategies).items()}
    series = distinct([STUDENT, *(row["series"] for row in dashed)])
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
    x = iterations()
    y = _accuracy([*rows, *dashed])
    panels = []
    for benchmark in distinct(row["benchmark"] for row in rows):
        mine = [{**row, "series": STUDENT} for row in rows if row["benchmark"] == benchmark]
        lines = drawn(row for row in dashed if row["benchmark"] == benchmark)
        student = drawn(mine)
        chosen = drawn(row for row in mine if row["iteration"] == selected)
        last = drawn(row for row in mine if row["iteration"] == stopped)
        panels.append(
            alt.layer(
                student.mark_rule(size=1.5, opacity=0.45, color=INK).encode(
                    x, alt.Y("low:Q", title="accuracy"), alt.Y2("high:Q")
                ),
                student.mark_line(size=2).encode(x, y, color, dash),
                student.mark_point(filled=True, size=45, opacity=1, color=INK).encode(
                    x, y, tooltip=_numbers("iteration:N")
                ),
                chosen.mark_point(size=190, strokeWidth=2, opacity=1, color=INK).encode(x, y),
                lines.mark_rule(size=1.5).encode(y, color, dash, tooltip=_numbers("series:N")),
                last.mark_rule(size=1, strokeDash=[2, 2], color=MUTED).encode(x),
            ).properties(width=WIDTH, height=HEIGHT, title=benchmark)
        )
    ring = "; ring: selected on dev" if selected else ""
    stop = "; dotted: the loop stopped" if stopped else ""
    return grid(panels, "Accuracy over the iterations", f"bars: 95% intervals{ring}{stop}")


def choices_over_iterations(rows: Sequence[Row], *, strategies: Sequence[str]) -> alt.TopLevelMixin:
    """A panel for each benchmark: accuracy of the free choice, of each strategy, of the oracle.

    Args:
        rows: ``forced_rows`` of the chain.
        strategies: All strategies of the run; each keeps its colour across pictures.
    """
    hues = {FREE: INK} | hues_of(strategies) | {ORACLE: NO_TAG_HUE}
    panels = []
    choice = picked("series")
    for benchmark in distinct(row["benchmark"] for row in rows):
        chart = _series(rows, "choice", benchmark=benchmark)
        panels.append(
            _lines(chart, hues, iterations(), _accuracy(rows), choice).properties(
                width=WIDTH, height=HEIGHT, title=benchmark
            )
        )
    return grid(
        panels,
        "Free choice, forced strategies and the oracle",
        "greedy answers; oracle: any forced strategy is right",
        choice,
    )


def samples_over_k(rows: Sequence[Row], *, strategies: Sequence[str]) -> alt.TopLevelMixin:
    """A panel for each student and figure: pass@k and majority@k over the number of samples k.

    Args:
        rows: ``sample_rows``.
        strategies: All strategies of the run; each keeps its colour across pictures.
    """
    hues = hues_of(strategies) | {TOGETHER: INK}
    choice = picked("series")
    x = alt.X("k:O", title="samples k", axis=alt.Axis(labelAngle=0, labelOverlap=True))
    panels = []
    for name in distinct(row["iteration"] for row in rows):
        for figure in ("pass@k", "majority@k"):
            chart = _series(rows, "samples of", iteration=name, figure=figure)
            panels.append(
                _lines(chart, hues, x, _accuracy(rows), choice).properties(
                    width=WIDTH, height=HEIGHT, title=f"{name}: {figure}"
                )
            )
    return grid(panels, "Several samples of a question", "bars: 95% intervals", choice, columns=2)


def _lines(
    chart: alt.Chart,
    hues: dict[str, str],
    x: alt.X,
    y: alt.Y,
    choice: alt.Parameter,
) -> alt.LayerChart:
    """A line with points and intervals for each series, which are the values of ``series``."""
    color = alt.Color(
        "series:N",
        title=None,
        scale=alt.Scale(domain=list(hues), range=list(hues.values())),
        legend=alt.Legend(
            symbolType="stroke", symbolSize=500, symbolStrokeWidth=2, symbolOpacity=1
        ),
    )
    full, half = unless_picked(choice), unless_picked(choice, 0.45)
    return alt.layer(
        chart.mark_rule(size=1.5).encode(
            x, alt.Y("low:Q", title="accuracy"), alt.Y2("high:Q"), color, opacity=half
        ),
        chart.mark_line(size=2).encode(x, y, color, opacity=full),
        chart.mark_point(filled=True, size=40).encode(
            x, y, color, opacity=full, tooltip=_numbers(x.shorthand, "series:N")
        ),
    )


def _series(rows: Sequence[Row], key: str, **where: str) -> alt.Chart:
    """The rows with these values, the value of ``key`` as their series."""
    return drawn({**row, "series": row[key]} for row in rows if where.items() <= row.items())


def _accuracy(rows: Sequence[Row]) -> alt.Y:
    """An axis from 0 to the end of the highest interval."""
    highest = max([0.0, *(row["high"] or 0 for row in rows)])
    return alt.Y(
        "accuracy:Q",
        title="accuracy",
        scale=alt.Scale(domain=[0, highest], nice=5),
        axis=alt.Axis(format="%", tickCount=5),
    )


def _numbers(*names: str) -> list[alt.Tooltip]:
    """What a point shows: the names, then the accuracy with its interval."""
    figures = [alt.Tooltip(f"{key}:Q", format=".1%") for key in ("accuracy", "low", "high")]
    return [*(alt.Tooltip(name) for name in names), *figures]


def _strategy(baseline: str) -> str:
    return baseline.removeprefix("baseline-")
