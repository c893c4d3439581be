"""The page itself: templates filled, styles, scripts and the drawing code put inside.

Nothing is fetched: the policy in the page's head allows its own scripts, by their hashes, and no
address at all. What models wrote stands in the page as JSON in which no tag can begin or end; the
scripts show it as text, never as markup.
"""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import altair as alt
import jinja2
import vl_convert
from markupsafe import Markup

from siked.report import formats
from siked.report.cost import Measured, list_costs
from siked.report.figures import Figure, build_figures
from siked.report.pictures import FAINT, INK, MUTED
from siked.report.run import Report
from siked.settings import flatten

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("common.js", "figures.js", "rationales.js", "changes.js")
COLOURS = {INK: "var(--ink)", MUTED: "var(--muted)", FAINT: "var(--line)"}
"""Colours of the pictures that follow the page's, so that they change with it."""


def render(run: Report, measured: Measured | None = None) -> str:
    """Return the report as a whole HTML document.

    Args:
        run: What the run found. The same run gives the same bytes.
        measured: Times and hardware, to be added; they differ from machine to machine.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {name: getattr(formats, name) for name in formats.__all__}
    shown = build_figures(run)
    scripts = [drawing_code(), *(_text(name) for name in SCRIPTS)]
    return environment.get_template("page.html").render(
        run=run,
        figures=shown,
        costs=list_costs(run, measured),
        measured=measured,
        settings=list(flatten(run.params)),
        failures={name: _kinds(run, name) for name in run.benchmarks},
        forced=[
            name
            for name in run.benchmarks
            if any("forced" in run.evaluations[student][name] for student in run.chain)
        ],
        chosen_by_dev=run.selected != run.chain[0],
        style=Markup(_text("style.css")),
        scripts=[Markup(script) for script in scripts],
        policy="; ".join(
            [
                "default-src 'none'",
                f"script-src {' '.join(map(_hash, scripts))}",
                "style-src 'unsafe-inline'",
                "base-uri 'none'",
                "form-action 'none'",
            ]
        ),
        figure_data=as_data({one.name: _drawn(one) for one in shown}),
        browser_data=as_data({"selected": run.selected, "chain": run.chain, **run.browser.data}),
    )


@cache
def drawing_code() -> str:
    """Return Vega-Lite, Vega and Vega-Embed as one script that gives the page ``vegaEmbed``."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    code: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)
    return code


def as_data(value: Any) -> Markup:
    """Return a value as JSON for a script element: nothing in it ends that or begins another."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\x7f", "\\u007f"))


def _drawn(figure: Figure) -> dict[str, Any]:
    """A figure as the page's script takes it: what Vega-Lite draws, and the rows to download."""
    spec = figure.chart.to_dict()
    del spec["$schema"], spec["title"], spec["config"]["background"], spec["config"]["font"]
    text = json.dumps(spec)
    for colour, variable in COLOURS.items():
        text = text.replace(f'"{colour}"', f'"{variable}"')
    return {"spec": json.loads(text), "rows": list(figure.rows)}


def _kinds(run: Report, benchmark: str) -> list[str]:
    """The kinds of failure on a benchmark, the most frequent in all first."""
    counts: dict[str, int] = {}
    for evaluation in run.evaluations.values():
        for kind, count in evaluation[benchmark]["failures"].items():
            counts[kind] = counts.get(kind, 0) + count
    return sorted(counts, key=lambda kind: -counts[kind])


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
