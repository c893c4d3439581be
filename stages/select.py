"""select: the iteration with the best dev accuracy becomes ``models/best``.

    python -m stages.select

It also sweeps away what earlier runs left of students that params.yaml no longer names, so that the
folders hold this run alone (DVC's cache still has the rest).
"""

from __future__ import annotations

import shutil
from typing import Any

import typer

from siked.analysis.figures import DEV, Evaluation, choose_best, compare, summarise
from siked.analysis.statistics import round_floats
from siked.files import read_json, replace_folder, sha256, write_json, write_text
from siked.records import VerifiedRationale, read_records
from siked.report.cards import written_by
from siked.report.cards.model import Facts, Training, model_card
from siked.run import layout
from siked.run.run import Run
from siked.settings import FIRST_ITERATION, Params
from siked.terminal.console import say
from stages.common import stage


def main() -> None:
    """Write ``models/best`` and ``metrics/summary.json``."""
    with stage("select") as params:
        chain = params.chain()
        run = Run()
        sweep({*chain, *run.beside})
        evaluated = {name: run.evaluation(name) for name in [*chain, *run.beside]}
        chosen = choose_best({name: evaluated[name][DEV]["accuracy"] for name in chain})
        gains = {
            name: compare(answers(FIRST_ITERATION, name), answers(chosen, name))
            for name in evaluated[chosen]
        }
        card = Facts(
            name=chosen,
            student=params.student,
            strategies=params.strategies,
            teacher=written_by(params.teachers()),
            train=params.questions.train,
            test=params.questions.test,
            trainings=trainings(params, chosen),
            evaluation=evaluated[chosen],
            gains=gains,
        )
        with replace_folder(layout.BEST) as folder:
            shutil.copytree(layout.StudentFiles(chosen).adapter, folder, dirs_exist_ok=True)
            write_json(folder / "siked.json", {"version": 1, "iteration": chosen})
            write_text(folder / "README.md", model_card(card))
        found = summarise(evaluated, chain, run.baselines, chosen, gains)
        if run.rivals:
            found["rivals"] = {name: accuracies(evaluated[name]) for name in run.rivals}
        write_json(layout.SUMMARY, found)
        say(f"selected {chosen}: dev accuracy {evaluated[chosen][DEV]['accuracy']:.3f}")


def accuracies(evaluation: Evaluation) -> dict[str, Any]:
    """Return a rival's accuracies, as the summary has the selected student's."""
    found = {name: round_floats(figures["accuracy"]) for name, figures in evaluation.items()}
    return {DEV: found.pop(DEV), "test": found}


def answers(name: str, benchmark: str) -> list[VerifiedRationale]:
    """Return a student's answers to a benchmark."""
    return list(
        read_records(
            layout.StudentFiles(name).answers / layout.benchmark(benchmark), VerifiedRationale
        )
    )


def trainings(params: Params, chosen: str) -> list[Training]:
    """Return the iterations that led to the chosen one, it included."""
    chain = params.chain()
    students = [layout.StudentFiles(name) for name in chain[: chain.index(chosen) + 1]]
    return [
        Training(
            name=student.name,
            mix_sha256=sha256(student.mix),
            mix=read_json(student.metrics("mix")),
            train=read_json(student.metrics("train")),
        )
        for student in students
    ]


def sweep(names: set[str]) -> None:
    """Remove the folders of students that are not in this run."""
    for parent in (layout.STUDENTS, layout.WRITTEN, layout.COUNTED, layout.CURVES):
        for folder in sorted(parent.iterdir()):
            if folder.is_dir() and folder.name not in names:
                shutil.rmtree(folder)


if __name__ == "__main__":
    typer.run(main)
