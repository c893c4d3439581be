"""Pictures of distributions over the strategies, side by side: whose, before and after what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import altair as alt

from siked.report.pictures.look import (
    HEIGHT,
    HUES,
    INK,
    NO_TAG_HUE,
    WIDTH,
    distinct,
    drawn,
    grid,
    picked,
    unless_picked,
)
from siked.report.plots import AFTER, BEFORE, P_LLM, P_STUDENT, P_TRAIN, TEACHER

if TYPE_CHECKING:
    from siked.report.plots import Row

ALPHA = "\N{GREEK SMALL LETTER ALPHA}"
WHOSE = {P_LLM: NO_TAG_HUE, P_STUDENT: HUES[5], P_TRAIN: INK}


def distributions_over_iterations(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """A panel for each iteration: P_LLM, P_student and P_train over the strategies.

    Args:
        rows: ``distribution_rows`` of the chain.
    """
    panels = {}
    for name in distinct(row["iteration"] for row in rows):
        mine = [row for row in rows if row["iteration"] == name]
        alpha, kl = (mine[0][key] for key in ("alpha", "kl"))
        said = [
            f"{key} {value:.3g}" for key, value in ((ALPHA, alpha), ("KL", kl)) if value is not None
        ]
        panels[": ".join([name, ", ".join(said)])] = mine
    return _beside(
        panels,
        series="distribution",
        hues=WHOSE,
        title="What the teacher shows, the student solves and the training takes",
        y="share of rationales",
    )


def teacher_and_student(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """A panel for each benchmark: the strategies that the teacher shows and the student chooses.

    Args:
        rows: ``teacher_rows``.
    """
    whose = distinct(row["whose"] for row in rows)
    hues = {TEACHER: NO_TAG_HUE} | dict(
        zip((name for name in whose if name != TEACHER), (HUES[5], INK), strict=False)
    )
    return _beside(
        _panels(rows, "benchmark"),
        series="whose",
        hues=hues,
        title="Strategies of the teacher and of the student",
        y="share",
    )


def bias_of_teacher(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """The strategies of D_LLM as the teacher wrote it, and of what the bias leaves of it.

    Args:
        rows: ``bias_rows``.
    """
    return _beside(
        {"D_LLM": list(rows)},
        series="which",
        hues={BEFORE: NO_TAG_HUE, AFTER: INK},
        title="The biased start",
        y="share of rationales",
    )


def _panels(rows: Sequence[Row], key: str) -> dict[str, list[Row]]:
    return {
        name: [row for row in rows if row[key] == name]
        for name in distinct(row[key] for row in rows)
    }


def _beside(
    panels: Mapping[str, Sequence[Row]],
    *,
    series: str,
    hues: Mapping[str, str],
    title: str,
    y: str,
) -> alt.TopLevelMixin:
    """Bars for each strategy, those of different series side by side."""
    names = list(hues)
    choice = picked(series)
    charts = [
        drawn(row for row in rows if row["share"] is not None)
        .mark_bar()
        .encode(
            alt.X("strategy:N", title="strategy", sort=None, axis=alt.Axis(labelAngle=0)),
            alt.Y(
                "share:Q",
                title=y,
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%", tickCount=5),
            ),
            alt.Color(
                f"{series}:N",
                title=None,
                scale=alt.Scale(domain=names, range=list(hues.values())),
            ),
            alt.XOffset(f"{series}:N", sort=names, scale=alt.Scale(domain=names)),
            opacity=unless_picked(choice),
            tooltip=[
                "strategy:N",
                f"{series}:N",
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
        .properties(width=WIDTH, height=HEIGHT, title=name)
        for name, rows in panels.items()
    ]
    return grid(charts, title, choice=choice)
