"""report: what the run found, as plot data, pictures and one page; and all of it in MLflow.

    python -m stages.report

Figures of stages that DVC restored from its cache reach MLflow here too.
"""

from __future__ import annotations

import csv
from itertools import chain
from typing import TYPE_CHECKING, Any

import typer

from siked import pictures, plots
from siked.files import read_json, replacing_folder, write_json, write_text
from siked.records import VerifiedRationale, read_records
from siked.report import Cost, Picture, Report, choose_samples, render
from siked.sampling_statistics import counted as count_samples
from siked.sampling_statistics import forced, majority_at_k, pass_at_k
from stages import layout
from stages.common import evaluations, questions, stage, tracker

if TYPE_CHECKING:
    from siked.report import Sample
    from siked.settings import Params


def main() -> None:
    """Write ``plots/*.json`` and ``reports/``."""
    with stage("report") as params:
        iterations = params.chain()
        baselines = [layout.baseline(strategy) for strategy in params.strategies]
        evaluated = evaluations([*iterations, *baselines])
        summary = read_json(layout.METRICS / "summary.json")
        accuracy = plots.accuracy_rows(evaluated, iterations)
        shares = plots.share_rows(evaluated, iterations)
        failures = plots.failure_rows(evaluated, iterations)
        write_json(layout.PLOTS / "accuracy.json", accuracy)
        write_json(layout.PLOTS / "shares.json", shares)
        write_json(layout.PLOTS / "failures.json", failures)
        write_json(layout.PLOTS / "loss.json", losses([*iterations, *baselines]))
        several = sampled(params)
        teacher = read_json(layout.METRICS / "teacher.json")
        with replacing_folder(layout.ITERATIONS) as folder:
            for name in evaluated:
                samples_of = {"samples": several[name]} if name in several else {}
                write_json(folder / f"{name}.json", everything(name) | samples_of)
        charts = {
            "accuracy": pictures.accuracy_over_iterations(
                accuracy,
                strategies=params.strategies,
                baselines=plots.accuracy_rows(evaluated, baselines),
                selected=summary["selected"],
            ),
            "shares": pictures.shares_over_iterations(shares, strategies=params.strategies),
            "failures": pictures.failures_over_iterations(failures),
        }
        report = Report(
            title="SIKeD: what the student learned",
            params=params.model_dump(mode="json"),
            strategies=params.strategies,
            chain=iterations,
            baselines=baselines,
            evaluations=evaluated,
            summary=summary,
            filters={"teacher": teacher}
            | {name: counted(name, "filter") for name in iterations[1:]},
            mixes={name: counted(name, "mix") for name in iterations},
            sampled=several,
            pictures=[
                Picture(CAPTIONS[name], pictures.svg(chart)) for name, chart in charts.items()
            ],
            samples=samples(params, summary["selected"]),
            costs=costs([*iterations, *baselines]),
            facts={"programs ran behind": teacher["isolation"]},
        )
        with replacing_folder(layout.REPORTS) as folder:
            write_text(folder / "index.html", render(report))
            for name, chart in charts.items():
                write_text(folder / f"{name}.svg", pictures.svg(chart))
        record(params, evaluated, isolation=teacher["isolation"])


CAPTIONS = {
    "accuracy": "Accuracy of each iteration on every benchmark with 95% intervals; dashed lines "
    "are students that learned a single strategy.",
    "shares": "Strategies that the student of each iteration chooses.",
    "failures": "How the answers of each iteration fail.",
}


def counted(student: str, step: str) -> dict[str, Any]:
    """What one step of a student counted."""
    found: dict[str, Any] = read_json(layout.Student(student).metrics(step))
    return found


def sampled(params: Params) -> dict[str, dict[str, Any]]:
    """What several samples a train question say of each student that wrote some, by its name.

    The next iteration's verified rationales are this student's; after the plateau there are none.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, iteration in params.iterations.items():
        rationales = read_records(layout.Student(name).verified, VerifiedRationale)
        if (first := next(rationales, None)) is not None:
            several = count_samples(chain([first], rationales), params.strategies)
            found[iteration.previous] = {
                "k": several.k,
                **forced(several),
                "pass": pass_at_k(several),
                "majority": majority_at_k(several),
            }
    return found


def samples(params: Params, selected: str) -> list[Sample]:
    """Some of the selected student's answers to the test sets, right and wrong."""
    files = layout.Student(selected)
    answers = {
        name: list(read_records(files.answers / f"{name}.jsonl", VerifiedRationale))
        for name in params.questions.test
    }
    asked = {
        key: question
        for name in answers
        for key, question in questions(layout.test_set(name)).items()
    }
    return choose_samples(answers, asked, params.strategies)


def costs(students: list[str]) -> list[Cost]:
    """Rows and tokens of the stages that run a model."""
    found: list[Cost] = []
    for name in students:
        for step in ("generate", "train"):
            if layout.Student(name).metrics(step).exists():
                figures = counted(name, step)
                found.append(Cost(f"{step} {name}", figures["rows"], figures["tokens"]))
    return found


def everything(name: str) -> dict[str, Any]:
    """All that the steps of one student counted, by step."""
    folder = layout.Student(name).metrics("eval").parent
    return {path.stem: read_json(path) for path in sorted(folder.glob("*.json"))}


def losses(students: list[str]) -> list[dict[str, Any]]:
    """The loss curves: ``{"student": "it1", "step": 3, "loss": 0.42}``."""
    rows: list[dict[str, Any]] = []
    for name in students:
        with layout.Student(name).loss.open(encoding="utf-8", newline="") as file:
            rows += [
                {"student": name, "step": int(row["step"]), "loss": float(row["loss"])}
                for row in csv.DictReader(file)
            ]
    return rows


def record(params: Params, evaluated: dict[str, dict[str, Any]], *, isolation: str) -> None:
    """Everything that the run counted, in MLflow."""
    iterations = params.chain()
    runs = tracker(params, isolation=isolation)
    for name, evaluation in evaluated.items():
        steps = {step: figures for step, figures in everything(name).items() if step != "eval"}
        place = iterations.index(name) if name in iterations else None
        runs.log(name, {**evaluation, **steps}, step=place)
    runs.finish([layout.REPORTS / "index.html"])


if __name__ == "__main__":
    typer.run(main)
