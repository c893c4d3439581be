"""Pictures of a run, as Vega-Lite charts and from those as SVG or PNG without any network.

Charts are made from the rows of ``siked.report.plots``; the same rows give the same bytes. Each
strategy of the run keeps its colour across pictures. They stand on a white ground of their own, so
that they read the same on a light and on a dark page. In a browser a point shows its numbers, and a
click on a legend's entry shows that series alone.

    chart = accuracy_over_iterations(accuracy_rows(evaluations, chain), strategies=strategies)
    Path("accuracy.svg").write_text(svg(chart), encoding="utf-8")
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any

import altair as alt
import vl_convert

from siked.report.formats import beside
from siked.report.plots import (
    AFTER,
    BEFORE,
    FREE,
    NO_TAG,
    ORACLE,
    P_LLM,
    P_STUDENT,
    P_TRAIN,
    TEACHER,
    TOGETHER,
    Row,
)

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
STUDENT = "SIKeD student"
ALPHA = "\N{GREEK SMALL LETTER ALPHA}"
SHARE = alt.Tooltip("share:Q", format=".1%")


def svg(chart: alt.TopLevelMixin) -> str:
    """Return the chart as an SVG document that needs nothing else."""
    text: str = vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[])
    return text


def png(chart: alt.TopLevelMixin, *, scale: float = 2) -> bytes:
    """Return the chart as a PNG, ``scale`` times as large as its SVG."""
    data: bytes = vl_convert.vegalite_to_png(chart.to_dict(), scale=scale, allowed_base_urls=[])
    return data


def accuracy_over_iterations(
    rows: Sequence[Row],
    *,
    strategies: Sequence[str],
    others: Sequence[Row] = (),
    selected: str | None = None,
    stopped: str | None = None,
) -> alt.TopLevelMixin:
    """Return a panel for each benchmark: accuracy after each iteration with its 95% interval.

    Students beside the loop (``others``) are dashed lines, the iteration ``selected`` is ringed,
    and the one after which the loop ``stopped`` is marked.
    """
    dashed = [{**row, "series": beside(row["iteration"])} for row in others]
    series = dict.fromkeys([STUDENT, *(row["series"] for row in dashed)])
    alone = [f"{name} only" for name in strategies]
    hues = {STUDENT: INK} | _color(dict.fromkeys([*alone, *list(series)[1:]]))
    color = _color_series({name: hues[name] for name in series}, _legend())
    dash = alt.StrokeDash(
        "series:N",
        title=None,
        scale=alt.Scale(domain=list(series), range=[[1, 0], *[[5, 3]] * (len(series) - 1)]),
    )
    x, y = _iterations(), _accuracy([*rows, *dashed])
    panels = []
    for benchmark, own in _split(rows, "benchmark").items():
        mine = [{**row, "series": STUDENT} for row in own]
        student = _chart(mine)
        chosen, last = (
            _chart(row for row in mine if row["iteration"] == name) for name in (selected, stopped)
        )
        lines = _chart(row for row in dashed if row["benchmark"] == benchmark)
        layers = alt.layer(
            student.mark_rule(size=1.5, opacity=0.45, color=INK).encode(x, *_interval()),
            student.mark_line(size=2).encode(x, y, color, dash),
            student.mark_point(filled=True, size=45, opacity=1, color=INK).encode(
                x, y, tooltip=_numbers("iteration:N")
            ),
            chosen.mark_point(size=190, strokeWidth=2, opacity=1, color=INK).encode(x, y),
            lines.mark_rule(size=1.5).encode(y, color, dash, tooltip=_numbers("series:N")),
            last.mark_rule(size=1, strokeDash=[2, 2], color=MUTED).encode(x),
        )
        panels.append(_panel(layers, benchmark))
    ring = "; ring: selected on dev" if selected else ""
    stop = "; dotted: the loop stopped" if stopped else ""
    return _grid(panels, "Accuracy over the iterations", f"bars: 95% intervals{ring}{stop}")


def choices_over_iterations(rows: Sequence[Row], *, strategies: Sequence[str]) -> alt.TopLevelMixin:
    """Return a panel for each benchmark: the free choice, each strategy forced, the oracle."""
    hues = {FREE: INK} | _color(strategies) | {ORACLE: NO_TAG_HUE}
    return _grid(
        _lines(_split(rows, "benchmark"), "choice", hues, _iterations(), _accuracy(rows)),
        "Free choice, forced strategies and the oracle",
        "greedy answers; oracle: any forced strategy is right",
        "series",
    )


def samples_over_k(rows: Sequence[Row], *, strategies: Sequence[str]) -> alt.TopLevelMixin:
    """Return a panel for each student and figure: pass@k and majority@k over the samples k."""
    panels = {
        f"{name}: {figure}": [row for row in mine if row["figure"] == figure]
        for name, mine in _split(rows, "iteration").items()
        for figure in ("pass@k", "majority@k")
    }
    x = alt.X("k:O", title="samples k", axis=alt.Axis(labelAngle=0, labelOverlap=True))
    return _grid(
        _lines(panels, "samples of", _color(strategies) | {TOGETHER: INK}, x, _accuracy(rows)),
        "Several samples of a question",
        "bars: 95% intervals",
        "series",
        columns=2,
    )


def shares_over_iterations(rows: Sequence[Row], *, strategies: Sequence[str]) -> alt.TopLevelMixin:
    """Return a panel for each benchmark: the share of answers that chose each strategy, stacked."""
    hues = _color(strategies) | {NO_TAG: NO_TAG_HUE}
    scale = alt.Scale(domain=[0, 1.0])
    return _stack(rows, "strategy", hues, scale, "Strategies that the student chooses")


def failures_over_iterations(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """Return a panel for each benchmark: the share of answers that fail in each way, stacked."""
    hues = dict(zip(_split(rows, "failure"), FAILURE_HUES, strict=False))
    return _stack(rows, "failure", hues, alt.Scale(), "How the student's answers fail")


def distributions_over_iterations(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """Return a panel for each iteration: P_LLM, P_student and P_train over the strategies."""
    panels = {}
    for name, mine in _split(rows, "iteration").items():
        values = {ALPHA: mine[0]["alpha"], "KL": mine[0]["kl"]}
        said = (f"{key} {value:.3g}" for key, value in values.items() if value is not None)
        panels[f"{name}: {', '.join(said)}"] = mine
    return _put_beside(
        panels,
        "distribution",
        {P_LLM: NO_TAG_HUE, P_STUDENT: HUES[5], P_TRAIN: INK},
        "What the teacher shows, the student solves and the training takes",
    )


def teacher_and_student(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """Return a panel for each benchmark: what the teacher shows and the student chooses."""
    students = [name for name in _split(rows, "whose") if name != TEACHER]
    return _put_beside(
        _split(rows, "benchmark"),
        "whose",
        {TEACHER: NO_TAG_HUE} | dict(zip(students, (HUES[5], INK), strict=False)),
        "Strategies of the teacher and of the student",
        y="share",
    )


def bias_of_teacher(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """Return the strategies of D_LLM as the teacher wrote it, and of what the bias leaves of it."""
    hues = {BEFORE: NO_TAG_HUE, AFTER: INK}
    return _put_beside({"D_LLM": rows}, "which", hues, "What the bias leaves of D_LLM")


def accuracies_side_by_side(rows: Sequence[Row], *, title: str) -> alt.TopLevelMixin:
    """Return a panel for each benchmark: in each group a bar for each series, with its interval.

    Args:
        rows: ``{benchmark, group, series, accuracy, low, high}``.
        title: Of the picture.
    """
    series = list(_split(rows, "series"))
    hues = dict(zip(series, (NO_TAG_HUE, HUES[5], *HUES), strict=False))
    x = alt.X("group:N", title=None, sort=None, axis=alt.Axis(labelAngle=0))
    beside = alt.XOffset("series:N", sort=series, scale=alt.Scale(domain=series))
    panels = []
    for benchmark, mine in _split(rows, "benchmark").items():
        chart = _chart(mine)
        bars = chart.mark_bar().encode(
            x,
            _accuracy(rows),
            _color_series(hues),
            beside,
            opacity=_highlight("series"),
            tooltip=_numbers("group:N", "series:N"),
        )
        reach = chart.mark_rule(size=1.5, color=INK).encode(x, *_interval(), beside)
        panels.append(_panel(alt.layer(bars, reach), benchmark))
    return _grid(panels, title, "lines: 95% intervals", series="series")


def losses(rows: Sequence[Row]) -> alt.TopLevelMixin:
    """Return a panel for each student: the loss over the steps of its training."""
    panels = [
        _chart(mine)
        .mark_line(size=2, point={"size": 25}, color=HUES[0])
        .encode(
            alt.X("step:Q", title="step", axis=alt.Axis(tickMinStep=1, tickCount=5)),
            alt.Y("loss:Q", title="loss"),
            tooltip=["step:Q", alt.Tooltip("loss:Q", format=".3f")],
        )
        .properties(width=WIDTH, height=HEIGHT * 0.6, title=name)
        for name, mine in _split(rows, "student").items()
    ]
    return _grid(panels, "Loss of each training", "nats a completion token")


def _lines(
    panels: Mapping[str, Sequence[Row]], series: str, hues: dict[str, str], x: alt.X, y: alt.Y
) -> list[alt.TopLevelMixin]:
    """Return panels with a line with points and intervals for each value of ``series``."""
    color = _color_series(hues, _legend(symbolOpacity=1))
    full, half = _highlight("series"), _highlight("series", 0.45)
    found = []
    for name, rows in panels.items():
        chart = _chart({**row, "series": row[series]} for row in rows)
        layers = alt.layer(
            chart.mark_rule(size=1.5).encode(x, *_interval(), color, opacity=half),
            chart.mark_line(size=2).encode(x, y, color, opacity=full),
            chart.mark_point(filled=True, size=40).encode(
                x, y, color, opacity=full, tooltip=_numbers(x.shorthand, "series:N")
            ),
        )
        found.append(_panel(layers, name))
    return found


def _stack(
    rows: Sequence[Row], part: str, hues: Mapping[str, str], scale: alt.Scale, title: str
) -> alt.TopLevelMixin:
    """Return a panel for each benchmark with the shares of all parts on one another."""
    order = {name: number for number, name in enumerate(hues)}
    panels = [
        _panel(
            _chart({**row, "order": order[row[part]]} for row in mine)
            .mark_bar(width={"band": 0.7})
            .encode(
                _iterations(),
                alt.Y("share:Q", title="share of answers", scale=scale, axis=alt.Axis(format="%")),
                _color_series(hues, field=part),
                alt.Order("order:Q"),
                opacity=_highlight(part),
                tooltip=["iteration:N", f"{part}:N", SHARE],
            ),
            benchmark,
        )
        for benchmark, mine in _split(rows, "benchmark").items()
    ]
    return _grid(panels, title, series=part)


def _put_beside(
    panels: Mapping[str, Sequence[Row]],
    series: str,
    hues: Mapping[str, str],
    title: str,
    y: str = "share of rationales",
) -> alt.TopLevelMixin:
    """Return panels with bars for each strategy, those of different series side by side."""
    names = list(hues)
    charts = [
        _panel(
            _chart(row for row in rows if row["share"] is not None)
            .mark_bar()
            .encode(
                alt.X("strategy:N", title="strategy", sort=None, axis=alt.Axis(labelAngle=0)),
                _percent("share", y, alt.Scale(domain=[0, 1])),
                _color_series(hues, field=series),
                alt.XOffset(f"{series}:N", sort=names, scale=alt.Scale(domain=names)),
                opacity=_highlight(series),
                tooltip=["strategy:N", f"{series}:N", SHARE],
            ),
            name,
        )
        for name, rows in panels.items()
    ]
    return _grid(charts, title, series=series)


def _grid(
    panels: Sequence[alt.TopLevelMixin],
    title: str,
    subtitle: str = "",
    series: str | None = None,
    columns: int = COLUMNS,
) -> alt.TopLevelMixin:
    """Return panels on shared scales, in the look of all pictures."""
    if series is not None:  # one panel owns the choice, all see it
        panels = [panels[0].add_params(_choice(series)), *panels[1:]]
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
            **dict.fromkeys(("domainColor", "tickColor", "gridColor"), FAINT),
            labelFontSize=11,
            titleColor=MUTED,
            titleFontSize=11,
            titleFontWeight="normal",
            titlePadding=8,
        )
        .configure_axisX(grid=False)
        .configure_legend(
            labelColor=INK,
            titleColor=MUTED,
            titleFontWeight="normal",
            labelFontSize=12,
            titleFontSize=12,
        )
    )


def _chart(rows: Iterable[Row]) -> alt.Chart:
    """Return a chart of these rows, not yet drawn as anything."""
    return alt.Chart(alt.Data(values=list(rows)))


def _panel(chart: Any, title: str) -> Any:
    return chart.properties(width=WIDTH, height=HEIGHT, title=title)


def _split(rows: Sequence[Row], key: str) -> dict[str, list[Row]]:
    """Return the rows by their value of ``key``, in the order of its first mention."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def _iterations() -> alt.X:
    """Return the iterations along the x axis, in the order of the rows."""
    return alt.X("iteration:N", title="iteration", sort=None, axis=alt.Axis(labelAngle=0))


def _accuracy(rows: Sequence[Row]) -> alt.Y:
    """Return an axis from 0 to the end of the highest interval."""
    highest = max([0.0, *(row["high"] or 0 for row in rows)])
    return _percent("accuracy", "accuracy", alt.Scale(domain=[0, highest], nice=5))


def _percent(field: str, title: str, scale: alt.Scale) -> alt.Y:
    return alt.Y(f"{field}:Q", title=title, scale=scale, axis=alt.Axis(format="%", tickCount=5))


def _interval() -> tuple[alt.Y, alt.Y2]:
    return alt.Y("low:Q", title="accuracy"), alt.Y2("high:Q")


def _numbers(*names: str) -> list[alt.Tooltip]:
    """Return what a point shows: the names, then the accuracy with its interval."""
    figures = [alt.Tooltip(f"{key}:Q", format=".1%") for key in ("accuracy", "low", "high")]
    return [*(alt.Tooltip(name) for name in names), *figures]


def _choice(field: str) -> alt.Parameter:
    """Return a choice of series by a click on their legend; all are chosen at first."""
    return alt.selection_point(name="series", fields=[field], bind="legend")


def _highlight(field: str, opacity: float = 1) -> Any:
    """Return an opacity that is full for the series that are chosen, faint for the others."""
    return alt.condition(_choice(field), alt.value(opacity), alt.value(0.12))


def _legend(**more: float) -> alt.Legend:
    return alt.Legend(symbolType="stroke", symbolSize=500, symbolStrokeWidth=2, **more)


def _color_series(
    hues: Mapping[str, str], legend: alt.Legend = alt.Undefined, field: str = "series"
) -> alt.Color:
    scale = alt.Scale(domain=list(hues), range=list(hues.values()))
    return alt.Color(f"{field}:N", title=None, scale=scale, legend=legend)


def _color(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each name, by its place."""
    return dict(zip(names, cycle(HUES), strict=False))
