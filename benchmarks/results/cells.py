"""What a cell of a table can show: accuracies, differences, choices, costs.

Every statistic is `siked.analysis`'s, of unrounded values, and is rounded here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.results.runs import SPECIFIED, WHO, Runs, Spec, describe, only
from siked.analysis.figures import find_changes
from siked.analysis.paired import Answered, require_same_questions
from siked.analysis.samples import average
from siked.analysis.seeds import compare_seeds
from siked.analysis.statistics import gain, share
from siked.errors import UserError
from siked.report.formats import interval, number, p_value, points
from siked.run.results import Results

TINY = 1e-12
"""Stands for a share of 0 in a logarithm."""
KEYS = {*WHO, "label", "benchmark", "family", "against", "show"}
"""What a row, a column or both together say of a cell."""


@dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    text: str
    n: int | None = None
    """Questions behind it; None where it counts none."""
    tests: int = 0
    """p-values in it."""


def fill(spec: Spec, runs: Runs) -> Cell:
    """Return the cell that a row and a column say together.

    Raises:
        UserError: they say what there is not.
    """
    against = spec.get("against") or {}
    if odd := sorted((spec.keys() - KEYS) | (against.keys() - WHO)):
        raise UserError(f"{SPECIFIED}: {odd[0]}: a cell has {', '.join(sorted(KEYS))}")
    show = spec.get("show", "difference" if against else "accuracy")
    if show not in SHOWS:
        raise UserError(f"{SPECIFIED}: show: {show}: there are {', '.join(SHOWS)}")
    return SHOWS[show](spec, runs)


def _show_accuracy(spec: Spec, runs: Runs) -> Cell:
    """Return ``76.7 (68.3 to 83.3)``: of one seed with Wilson's interval, else the seeds' mean."""
    found = runs.measure(spec)
    return Cell(_with_interval(found), found["n"])


def _show_difference(spec: Spec, runs: Runs) -> Cell:
    """Return ``+13.3 (+2.5 to +24.2), p = 0.0226``; means over seeds have no p."""
    firsts, seconds = _pair(spec, runs)
    if len(firsts) > 1:
        (line,) = compare_seeds(list(zip(firsts, seconds, strict=True)), [spec["benchmark"]]).lines
        return Cell(_points(line.over_questions), line.n)
    found = _gain(firsts[0], seconds[0], spec)
    p = p_value(found["p"])
    return Cell(f"{_points(found)}, p {p if p[0] == '<' else f'= {p}'}", found["n"], 1)


def _show_won(spec: Spec, runs: Runs) -> Cell:
    """Return ``33/17``: questions that the student alone or its rival alone answers right."""
    found = [_gain(*pair, spec) for pair in zip(*_pair(spec, runs), strict=True)]
    return Cell(", ".join(f"{one['won']}/{one['lost']}" for one in found), found[0]["n"])


def _show_seeds(spec: Spec, runs: Runs) -> Cell:
    """Return ``+3.1, +1.6, +2.9 (+0.5 to +4.5)``: each seed's difference, interval over seeds."""
    firsts, seconds = _pair(spec, runs)
    if len(firsts) < 2:
        raise UserError(
            f"{SPECIFIED}: {describe(spec)}: has one seed, and `show: seeds` means more"
        )
    (line,) = compare_seeds(list(zip(firsts, seconds, strict=True)), [spec["benchmark"]]).lines
    low, high = (points(line.over_seeds[key]) for key in ("low", "high"))
    return Cell(f"{', '.join(map(points, line.each))} ({low} to {high})", line.n)


def _show_chosen(spec: Spec, runs: Runs) -> Cell:
    """Return ``42 / 6 / 52%``: how often each strategy was chosen, in the run's order of them."""
    found = runs.answered(spec)
    chosen = [row.strategy for one in found for row in only(one)]
    shares = [share(chosen.count(name), len(chosen)) or 0 for name in found[0].strategies]
    return Cell(f"{' / '.join(f'{100 * one:.0f}' for one in shares)}%", len(only(found[0])))


def _show_forced(spec: Spec, runs: Runs) -> Cell:
    """Return ``35.0 / 33.3 / 90.8``: accuracy with each strategy forced."""
    found = [runs.measure({**spec, "forced": one}) for one in runs.find(spec)[0].strategies]
    return Cell(" / ".join(_percent(one["accuracy"]) for one in found), found[0]["n"])


def _show_tags(spec: Spec, runs: Runs) -> Cell:
    """Return ``12 / 71 / 17%``: how likely each strategy's tag is, the mean over the questions."""
    weighed = [question for seed in runs.weigh_tags(spec) for question in seed]
    mean = " / ".join(f"{100 * one:.0f}" for one in np.mean(weighed, axis=0))
    return Cell(f"{mean}%", len(only(runs.answered(spec)[0])))


def _show_information(spec: Spec, runs: Runs) -> Cell:
    """Return ``0.42``: the bits that a question says about the tag, H(mean) - mean(H)."""
    weighed = [np.array(seed) for seed in runs.weigh_tags(spec)]
    bits = [_entropy(seed.mean(axis=0)) - _entropy(seed).mean() for seed in weighed]
    return Cell(f"{np.mean(bits):.2f}", len(weighed[0]))


def _show_oracle(spec: Spec, runs: Runs) -> Cell:
    """Return ``91.7``: the accuracy of whoever is right where any forced strategy is."""
    right, _ = _oracle(spec, runs)
    return Cell(_percent(average(right)["accuracy"]), len(right))


def _show_regret(spec: Spec, runs: Runs) -> Cell:
    """Return ``28.3 (20.0 to 36.7)``: what the free choice loses against the oracle."""
    found = average([best - own for best, own in zip(*_oracle(spec, runs), strict=True)])
    return Cell(_with_interval(found), found["n"])


def _show_rows(spec: Spec, runs: Runs) -> Cell:
    """Return ``279 / 201``: the rows of the student's own that it was trained on, the teacher's."""
    found = [one.find(spec["student"]) for one in runs.find(spec)]
    own = [one.get("student_rows", 0) for one in found]
    taught = [one.get("teacher_rows", one.get("rows", 0)) for one in found]
    return Cell(f"{_mean(own)} / {_mean(taught)}")


def _show_tokens(spec: Spec, runs: Runs) -> Cell:
    """Return the tokens that a student was trained on, its predecessors' included."""
    return Cell(_mean([_sum(one, spec, "tokens") for one in runs.find(spec)]))


def _show_written(spec: Spec, runs: Runs) -> Cell:
    """Return the tokens that a student's predecessors wrote for it to learn from."""
    return Cell(_mean([_sum(one, spec, "written") for one in runs.find(spec)]))


SHOWS: Mapping[str, Callable[[Spec, Runs], Cell]] = {
    "accuracy": _show_accuracy,
    "difference": _show_difference,
    "won": _show_won,
    "seeds": _show_seeds,
    "chosen": _show_chosen,
    "forced": _show_forced,
    "tags": _show_tags,
    "information": _show_information,
    "oracle": _show_oracle,
    "regret": _show_regret,
    "rows": _show_rows,
    "tokens": _show_tokens,
    "written": _show_written,
}
"""What a cell can show, by its ``show``."""


def _pair(spec: Spec, runs: Runs) -> tuple[list[Answered], list[Answered]]:
    """Return the rivals and the students, seed by seed."""
    if not (against := spec.get("against")):
        raise UserError(f"{SPECIFIED}: {describe(spec)}: `against` names no rival")
    # How a student answers is not taken over: a rival of a vote answers once unless it says so.
    rival = {key: spec[key] for key in spec.keys() - {"forced", "vote", "k"}} | against
    there, here = ([one.seed for one in runs.find(each)] for each in (rival, spec))
    if there != here:
        raise UserError(
            f"{SPECIFIED}: {describe(spec)} has the seeds {here} and its rival {there}: name one"
        )
    return runs.answered(rival), runs.answered(spec)


def _gain(first: Answered, second: Answered, spec: Spec) -> dict[str, Any]:
    require_same_questions(first, second, spec["benchmark"])
    won, lost = find_changes(only(first), only(second))
    return gain(len(won), len(lost), len(only(first)))


def _oracle(spec: Spec, runs: Runs) -> tuple[list[float], list[float]]:
    """Return for each question whether any strategy is right and whether the choice is.

    Both are means over the seeds.
    """
    each = [runs.answered({**spec, "forced": one}) for one in runs.find(spec)[0].strategies]
    right = [
        [any(one.correct for one in answers) for answers in zip(*map(only, forced), strict=True)]
        for forced in zip(*each, strict=True)
    ]
    free = [[one.correct for one in only(found)] for found in runs.answered(spec)]
    return _average(right), _average(free)


def _average(seeds: Sequence[Sequence[bool]]) -> list[float]:
    return [sum(flags) / len(flags) for flags in zip(*seeds, strict=True)]


def _entropy(likely: np.ndarray) -> np.ndarray:
    """Return the entropy in bits of distributions, [..., strategies]."""
    return -(likely * np.log2(np.maximum(likely, TINY))).sum(axis=-1)


def _sum(results: Results, spec: Spec, key: str) -> int:
    return sum(one.get(key, 0) for one in results.line(spec["student"]))


def _mean(values: Sequence[int]) -> str:
    return number(round(sum(values) / len(values)))


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _with_interval(figures: Mapping[str, Any]) -> str:
    return f"{_percent(figures['accuracy'])} ({interval(figures)})"


def _points(figures: Mapping[str, Any]) -> str:
    return f"{points(figures['gain'])} ({points(figures['low'])} to {points(figures['high'])})"
