"""The rows behind every picture: small JSON lists for ``dvc plots`` and for the pictures.

A row of ``plots/accuracy.json``:

    {"iteration": "it1", "benchmark": "demo-seen", "accuracy": 0.61, "low": 0.52, "high": 0.69}

Rows stand in the order of the iterations, and pictures keep that order on their axis, so that
``it10`` comes after ``it9``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from siked.analysis.figures import Evaluation
from siked.analysis.statistics import round_floats
from siked.records import Failure

Row = dict[str, Any]

NO_TAG = "no valid tag"
"""Stands among the strategies for answers that chose none."""
TEACHER = "teacher"
P_LLM, P_STUDENT, P_TRAIN = "P_LLM", "P_student", "P_train"
BEFORE, AFTER = "all of D_LLM", "what the bias leaves"
FREE, ORACLE = "free choice", "oracle"
TOGETHER = "together"
"""The samples of all strategies in one pool, as ``siked.analysis.samples`` names it."""


def accuracy_rows(evaluations: Mapping[str, Evaluation], names: Sequence[str]) -> list[Row]:
    """Return accuracy of each named student: ``{iteration, benchmark, accuracy, low, high}``."""
    return [
        {"iteration": name, "benchmark": benchmark}
        | {key: figures[key] for key in ("accuracy", "low", "high")}
        for name in names
        for benchmark, figures in evaluations[name].items()
    ]


def share_rows(evaluations: Mapping[str, Evaluation], names: Sequence[str]) -> list[Row]:
    """Return strategies that each named student chose: ``{iteration, benchmark, strategy, share}``.

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
    """Return how each named student fails: ``{iteration, benchmark, failure, share}``.

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
            "share": round_floats(figures["failures"].get(kind.value, 0) / max(1, figures["n"])),
        }
        for name in names
        for benchmark, figures in evaluations[name].items()
        for kind in Failure
        if kind.value in seen
    ]


def teacher_rows(
    mixes: Mapping[str, Mapping[str, Any]],
    evaluations: Mapping[str, Evaluation],
    names: Sequence[str],
) -> list[Row]:
    """Return the strategies of all of them: ``{benchmark, whose, strategy, share}``.

    The teacher's shares are those of its right rationales that may train (``p_llm`` of iteration
    0's mix), the same on every benchmark; a student's are those that it freely chooses.
    """
    taught = next(iter(mixes.values()))["p_llm"]
    rows: list[Row] = []
    for benchmark in evaluations[names[0]]:
        whose = {TEACHER: taught} | {
            f"student {name}": {
                strategy: row["share"]
                for strategy, row in evaluations[name][benchmark]["strategies"].items()
            }
            for name in names
        }
        rows += [
            {"benchmark": benchmark, "whose": who, "strategy": strategy, "share": share}
            for who, shares in whose.items()
            for strategy, share in shares.items()
        ]
    return rows


def distribution_rows(mixes: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Return what each mix is made of: ``{iteration, distribution, strategy, share, alpha, kl}``.

    The distributions are P_LLM, P_student and P_train; a share is None where nothing was right,
    as P_student's are in iteration 0. An iteration after the plateau mixes nothing and has no row.
    """
    return [
        {
            "iteration": name,
            "distribution": distribution,
            "strategy": strategy,
            "share": share,
            "alpha": figures["alpha"],
            "kl": figures["kl"] if figures["student_rows"] else None,
        }
        for name, figures in mixes.items()
        if figures["rows"]
        for distribution in (P_LLM, P_STUDENT, P_TRAIN)
        for strategy, share in figures[distribution.lower()].items()
    ]


def bias_rows(before: Mapping[str, int], after: Mapping[str, int]) -> list[Row]:
    """Return D_LLM's strategies and what a bias leaves: ``{which, strategy, rows, share}``."""
    return [
        {
            "which": which,
            "strategy": strategy,
            "rows": count,
            "share": round_floats(count / max(1, sum(counts.values()))),
        }
        for which, counts in ((BEFORE, before), (AFTER, after))
        for strategy, count in counts.items()
    ]


def forced_rows(evaluations: Mapping[str, Evaluation], names: Sequence[str]) -> list[Row]:
    """Return free choice, each strategy forced, and the oracle.

    ``{iteration, benchmark, choice, accuracy, low, high}``; evaluations without forced answers
    have no rows.
    """
    return [
        {"iteration": name, "benchmark": benchmark, "choice": choice}
        | {key: row[key] for key in ("accuracy", "low", "high")}
        for name in names
        for benchmark, figures in evaluations[name].items()
        if "forced" in figures
        for choice, row in {FREE: figures, **figures["forced"], ORACLE: figures["oracle"]}.items()
    ]


def sample_rows(sampled: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Return pass@k and majority@k: ``{iteration, figure, samples of, k, accuracy, low, high}``."""
    return [
        {"iteration": name, "figure": f"{figure}@k", "samples of": pool, "k": int(k)}
        | {key: row[key] for key in ("accuracy", "low", "high")}
        for name, figures in sampled.items()
        for figure in ("pass", "majority")
        for pool, curve in figures[figure].items()
        for k, row in curve.items()
    ]
