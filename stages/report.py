"""report: what the run found, as plot data, pictures and one page; and all of it in MLflow.

    python -m stages.report

Figures of stages that DVC restored from its cache reach MLflow here too.
"""

from __future__ import annotations

import typer

from siked.analysis.figures import DEV
from siked.files import replace_folder, write_json, write_text
from siked.report import pictures, plots
from siked.report.figures import build_figures
from siked.report.page import render
from siked.report.run import Report
from siked.run import layout
from siked.settings import FIRST_ITERATION, Params, as_transformers
from siked.tracking import DataSet, Selected, origin
from stages.common import stage, tracker


def main() -> None:
    """Write ``plots/*.json``, ``metrics/iterations/`` and ``reports/``."""
    with stage("report") as params:
        run = Report(params)
        accuracy = plots.accuracy_rows(run.evaluations, run.chain)
        shares = plots.share_rows(run.evaluations, run.chain)
        failures = plots.failure_rows(run.evaluations, run.chain)
        write_json(layout.PLOTS / "accuracy.json", accuracy)
        write_json(layout.PLOTS / "shares.json", shares)
        write_json(layout.PLOTS / "failures.json", failures)
        write_json(layout.PLOTS / "loss.json", list(run.losses))
        with replace_folder(layout.ITERATIONS) as folder:
            for name, steps in run.steps.items():
                samples = {"samples": run.sampled[name]} if name in run.sampled else {}
                write_json(folder / layout.gathered(name).name, {**steps, **samples})
        with replace_folder(layout.REPORTS) as folder:
            write_text(folder / "index.html", render(run))
            for figure in build_figures(run):
                write_text(folder / f"{figure.name}.svg", pictures.svg(figure.chart))
        record(params, run)


def record(params: Params, run: Report) -> None:
    """Record all that the run counted in MLflow, and the selected student in its registry."""
    if not params.tracking.mlflow:
        return
    iterations = run.chain
    names = [*iterations, *params.strategies, *params.rivals]
    runs = tracker(
        params,
        isolation=run.teacher["isolation"],
        **origin.read_inputs(layout.PARAMS.parent, names),
    )
    asked = [DataSet(DEV, layout.DEV, "validation")]
    asked += [DataSet(name, layout.test_set(name), "testing") for name in params.questions.test]
    for name, evaluation in run.evaluations.items():
        steps = {step: counts for step, counts in run.steps[name].items() if step != "eval"}
        place = iterations.index(name) if name in iterations else None
        source = layout.StudentFiles(FIRST_ITERATION if place is None else name)
        runs.log(
            name,
            {**evaluation, **steps},
            step=place,
            curve=[(row["step"], row["loss"]) for row in run.curves([name])],
            data=[DataSet(f"{source.name}-mix", source.mix, "training"), *asked],
        )
    runs.finish(
        [layout.REPORTS, layout.PLOTS, layout.PARAMS],
        data=[DataSet("train", layout.TRAIN, "training"), *asked],
    )
    runs.register(
        Selected(
            name=run.selected,
            folder=layout.BEST,
            base=layout.BASE,
            dtype=as_transformers(params.engine).dtype,
            max_new_tokens=params.eval.max_new_tokens,
            verify=params.verify,
            dev=layout.DEV,
            accuracy=run.evaluations[run.selected][DEV]["accuracy"],
        )
    )


if __name__ == "__main__":
    typer.run(main)
