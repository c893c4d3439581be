"""The rows behind every picture: small JSON lists for ``dvc plots`` and for ``siked.pictures``.

A row of ``plots/accuracy.json``:

    {"iteration": "it1", "benchmark": "demo-seen", "accuracy": 0.61, "low": 0.52, "high": 0.69}

Rows stand in the order of the iterations, and pictures keep that order on their axis, so that
``it10`` comes after ``it9``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from siked.records import Failure
from siked.statistics import rounded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from siked.analysis import Evaluation

Row = dict[str, Any]

NO_TAG = "no valid tag"
"""Stands among the strategies for answers that chose none."""


def accuracy_rows(evaluations: Mapping[str, Evaluation], names: Sequence[str]) -> list[Row]:
    """Accuracy of each named student: ``{iteration, benchmark, accuracy, low, high}``."""
    return [
        {"iteration": name, "benchmark": benchmark}
        | {key: figures[key] for key in ("accuracy", "low", "high")}
        for name in names
        for benchmark, figures in evaluations[name].items()
    ]


def share_rows(evaluations: Mapping[str, Evaluation], names: Sequence[str]) -> list[Row]:
    """Strategies that each named student chose: ``{iteration, benchmark, strategy, share}``.

    The shares of an iteration and benchmark sum to 1; answers without a valid strategy tag stand
    last, as ``no valid tag``.
    """
    return [
        {"iteration": name, "benchmark": benchmark, "strategy": strategy, "share": share}
        for name in names
        for benchmark, figures in evaluations[name].items()
        for strategy, share in [
            *((strategy, row["share"]) for strategy, row in figures["strategies"].items()),
            (NO_TAG, figures["invalid_tags"]),
        ]
    ]


def failure_rows(evaluations: Mapping[str, Evaluation], names: Sequence[str]) -> list[Row]:
    """How each named student fails: ``{iteration, benchmark, failure, share}``.

    A share is of all answers. Every kind that any of the students shows has a row everywhere, and
    so has ``wrong``.
    """
    seen = {Failure.WRONG.value} | {
        kind
        for name in names
        for figures in evaluations[name].values()
        for kind in figures["failures"]
    }
    return [
        {
            "iteration": name,
            "benchmark": benchmark,
            "failure": kind.value,
            "share": rounded(figures["failures"].get(kind.value, 0) / max(1, figures["n"])),
        }
        for name in names
        for benchmark, figures in evaluations[name].items()
        for kind in Failure
        if kind.value in seen
    ]
