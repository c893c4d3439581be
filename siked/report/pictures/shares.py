"""Pictures of parts of a whole over the iterations, and of losses over the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import altair as alt

from siked.report.pictures.look import (
    FAILURE_HUES,
    HEIGHT,
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
from siked.report.plots import NO_TAG

if TYPE_CHECKING:
    from siked.report.plots import Row


def shares_over_iterations(rows: Sequence[Row], *, strategies: Sequence[str]) -> alt.TopLevelMixin:
    """A panel for each benchmark: the share of answers that chose each strategy, stacked.

    Args:
        rows: ``share_rows`` of the chain.
        strategies: All strategies of the run; each keeps its colour across pictures.
    """
    hues = hues_of(strategies) | {NO_TAG: NO_TAG_HUE}
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
        hues=dict(zip(distinct(row["failure"] for row in rows), FAILURE_HUES, strict=False)),
        top=None,
        title="How the student's answers fail",
    )


def losses(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """A panel for each student: the loss over the steps of its training.

    Args:
        rows: ``{"student": "it1", "step": 3, "loss": 0.42}``.
    """
    y = alt.Y("loss:Q", title="loss")
    panels = [
        drawn(row for row in rows if row["student"] == name)
        .mark_line(size=2, point={"size": 25}, color=hues_of(["loss"])["loss"])
        .encode(
            alt.X("step:Q", title="step", axis=alt.Axis(tickMinStep=1, tickCount=5)),
            y,
            tooltip=["step:Q", alt.Tooltip("loss:Q", format=".3f")],
        )
        .properties(width=WIDTH, height=HEIGHT * 0.6, title=name)
        for name in distinct(row["student"] for row in rows)
    ]
    return grid(panels, "Loss of each training", "nats a completion token")


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
    choice = picked(part)
    panels = [
        drawn({**row, "order": order[row[part]]} for row in rows if row["benchmark"] == benchmark)
        .mark_bar(width={"band": 0.7})
        .encode(
            iterations(),
            y,
            color,
            alt.Order("order:Q"),
            opacity=unless_picked(choice),
            tooltip=["iteration:N", f"{part}:N", alt.Tooltip("share:Q", format=".1%")],
        )
        .properties(width=WIDTH, height=HEIGHT, title=benchmark)
        for benchmark in distinct(row["benchmark"] for row in rows)
    ]
    return grid(panels, title, choice=choice)
