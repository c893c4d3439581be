"""The figures of the page: a picture, the rows behind it, and the same as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from siked.report import pictures, plots
from siked.report.formats import DASH, interval, number, percent
from siked.report.plots import Row
from siked.report.run import Report


@dataclass(frozen=True)
class Table:
    """Rows under a header; the first ``keys`` cells of each row name it."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    keys: int


@dataclass(frozen=True)
class Figure:
    """One figure."""

    name: str
    """Its id in the page, and the name of its files when downloaded."""
    title: str
    caption: str
    """How to read it, and the paper's figure that it stands for."""
    rows: Sequence[Row]
    """The data, as downloaded."""
    chart: alt.TopLevelMixin
    """The picture."""
    table: Table
    """The text alternative."""


def build_figures(run: Report) -> list[Figure]:
    """Return all figures that the run has data for, in the order in which they are read."""
    return [one for make in MAKERS if (one := make(run)) is not None]


def _accuracy(run: Report) -> Figure | None:
    rows = plots.accuracy_rows(run.evaluations, run.chain)
    others = plots.accuracy_rows(run.evaluations, run.beside)
    dashed = "students that learned a single strategy" + (", and rivals" if run.rivals else "")
    stop = (
        f"After {run.stopped} (dotted) the loop stopped, since dev accuracy no longer rose; later "
        "iterations carry its result on."
        if run.stopped
        else "The loop ran to its last iteration."
    )
    return Figure(
        "accuracy",
        "Accuracy over the iterations",
        "The paper's Figure 4. Greedy answers, the strategy freely chosen; bars are 95% Wilson "
        f"intervals. Ring: the iteration that dev selected. Dashed: {dashed}. {stop}",
        [*rows, *others],
        pictures.accuracy_over_iterations(
            rows,
            strategies=run.strategies,
            others=others,
            selected=run.selected,
            stopped=run.stopped,
        ),
        _pivot([*rows, *others], ["iteration"], "benchmark", _with_interval),
    )


def _shares(run: Report) -> Figure | None:
    rows = plots.share_rows(run.evaluations, run.chain)
    return Figure(
        "shares",
        "What the student chooses",
        "The paper's Figure 5. The share of each strategy among the student's own choices.",
        rows,
        pictures.shares_over_iterations(rows, strategies=run.strategies),
        _pivot(rows, ["benchmark", "iteration"], "strategy", _share),
    )


def _teacher(run: Report) -> Figure | None:
    if not run.mixes:
        return None
    names = list(dict.fromkeys([run.chain[0], run.selected]))
    rows = plots.teacher_rows(run.mixes, run.evaluations, names)
    return Figure(
        "teacher",
        "The teacher's strategies and the student's",
        "The paper's Figure 1. The teacher's: the right rationales that plain distillation trains "
        "on. The student's: what it freely chooses after plain distillation"
        + (f" and in {run.selected}, which was selected." if len(names) > 1 else "."),
        rows,
        pictures.teacher_and_student(rows),
        _pivot(rows, ["benchmark", "whose"], "strategy", _share),
    )


def _distributions(run: Report) -> Figure | None:
    if not (rows := plots.distribution_rows(run.mixes)):
        return None
    smoothing = next(iter(run.mixes.values()))["smoothing"]
    return Figure(
        "distributions",
        "What each iteration trains on",
        "The paper's Figure 2. P_LLM: the teacher's right rationales. P_student: the student's own "
        "right ones. P_train: the training set mixed from both. \N{GREEK SMALL LETTER ALPHA}: the "
        "share of the teacher's rows in it. KL(P_train \N{DOUBLE VERTICAL LINE} P_student) is in "
        f"nats, with {smoothing:g} added to the count of every strategy.",
        rows,
        pictures.distributions_over_iterations(rows),
        _pivot(rows, ["iteration", "alpha", "kl", "distribution"], "strategy", _share),
    )


def _bias(run: Report) -> Figure | None:
    if not run.bias:
        return None
    order = ", ".join(run.params["mix"]["bias"])
    return Figure(
        "bias",
        "What the bias leaves of D_LLM",
        f"mix.bias is {order}: of each question only the first of these strategies that solves it "
        "is kept, of the teacher's rationales and of the student's.",
        run.bias,
        pictures.bias_of_teacher(run.bias),
        _pivot(run.bias, ["which"], "strategy", _share),
    )


def _choices(run: Report) -> Figure | None:
    if not (rows := plots.forced_rows(run.evaluations, run.chain)):
        return None
    return Figure(
        "choices",
        "How good the choice is",
        "Greedy answers with a free choice, with each strategy forced, and of an oracle that is "
        "right wherever any forced strategy is. What the oracle is above the free choice is the "
        "regret. Bars are 95% intervals.",
        rows,
        pictures.choices_over_iterations(rows, strategies=run.strategies),
        _pivot(rows, ["benchmark", "iteration"], "choice", _with_interval),
    )


def _samples(run: Report) -> Figure | None:
    sampled = {f"{name}, train": figures for name, figures in run.sampled.items()} | {
        f"{name}, {benchmark}": figures["samples"]
        for name in run.chain
        for benchmark, figures in run.evaluations[name].items()
        if "samples" in figures
    }
    if not sampled:
        return None
    rows = plots.sample_rows(sampled)
    return Figure(
        "samples",
        "Several samples of a question",
        "pass@k: a right one is among k samples (unbiased estimator). majority@k: the most "
        "frequent answer of k is right (self-consistency). Together: the k are drawn from the "
        "samples of all strategies. Bars are 95% bootstrap intervals over the questions.",
        rows,
        pictures.samples_over_k(rows, strategies=run.strategies),
        _pivot(rows, ["iteration", "figure", "samples of"], "k", _with_interval),
    )


def _failures(run: Report) -> Figure | None:
    rows = plots.failure_rows(run.evaluations, run.chain)
    return Figure(
        "failures",
        "How answers fail",
        "The share of all answers that fail in each way.",
        rows,
        pictures.failures_over_iterations(rows),
        _pivot(rows, ["benchmark", "iteration"], "failure", _share),
    )


def _losses(run: Report) -> Figure | None:
    if not run.losses:
        return None
    return Figure(
        "losses",
        "Loss of each training",
        "In nats a completion token: the mean since the point before.",
        run.losses,
        pictures.losses(run.losses),
        _pivot(run.losses, ["step"], "student", lambda row: f"{row['loss']:.3f}"),
    )


MAKERS: tuple[Callable[[Report], Figure | None], ...] = (
    _accuracy,
    _shares,
    _teacher,
    _distributions,
    _bias,
    _choices,
    _samples,
    _failures,
    _losses,
)


def _pivot(
    rows: Sequence[Row], keys: Sequence[str], across: str, show: Callable[[Row], str]
) -> Table:
    """Return a line for each combination of ``keys`` and a column for each value of ``across``."""
    columns = list(dict.fromkeys(row[across] for row in rows))
    lines: dict[tuple[Any, ...], dict[Any, str]] = {}
    for row in rows:
        lines.setdefault(tuple(row[key] for key in keys), {})[row[across]] = show(row)
    heads = [f"k = {column}" if across == "k" else str(column) for column in columns]
    body = [
        [
            *(key if isinstance(key, str) else number(key) for key in line),
            *(cells.get(column, DASH) for column in columns),
        ]
        for line, cells in lines.items()
    ]
    return Table([*keys, *heads], body, len(keys))


def _share(row: Row) -> str:
    return percent(row["share"])


def _with_interval(row: Row) -> str:
    return f"{percent(row['accuracy'])} ({interval(row)})"
