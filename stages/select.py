"""select: the iteration with the best dev accuracy becomes ``models/best``.

    python -m stages.select

It also sweeps away what earlier runs left of iterations and baselines that params.yaml no longer
names, so that the folders hold this run alone (DVC's cache still has the rest).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import typer

from siked.analysis import DEV, best, compare, summary
from siked.files import replacing_folder, write_json
from siked.records import VerifiedRationale, read_records
from siked.settings import FIRST_ITERATION
from stages import layout
from stages.common import evaluations, stage


def main() -> None:
    """Write ``models/best`` and ``metrics/summary.json``."""
    with stage("select") as params:
        chain = params.chain()
        baselines = [layout.baseline(strategy) for strategy in params.strategies]
        sweep({*chain, *baselines})
        evaluated = evaluations([*chain, *baselines])
        chosen = best({name: evaluated[name][DEV]["accuracy"] for name in chain})
        with replacing_folder(layout.BEST) as folder:
            shutil.copytree(layout.Student(chosen).adapter, folder, dirs_exist_ok=True)
            write_json(folder / "siked.json", {"version": 1, "iteration": chosen})
        gains = {
            name: compare(answers(FIRST_ITERATION, name), answers(chosen, name))
            for name in evaluated[chosen]
        }
        write_json(
            layout.METRICS / "summary.json",
            summary(evaluated, chain, baselines, chosen, gains),
        )
        print(f"selected {chosen}: dev accuracy {evaluated[chosen][DEV]['accuracy']:.3f}")


def answers(name: str, benchmark: str) -> list[VerifiedRationale]:
    """A student's answers to a benchmark."""
    return list(
        read_records(layout.Student(name).answers / f"{benchmark}.jsonl", VerifiedRationale)
    )


def sweep(names: set[str]) -> None:
    """Remove the folders of students that are not in this run."""
    for parent in (
        layout.STUDENTS,
        Path("data/students"),
        layout.METRICS / "students",
        layout.PLOTS / "students",
    ):
        for folder in sorted(parent.iterdir()):
            if folder.is_dir() and folder.name not in names:
                shutil.rmtree(folder)


if __name__ == "__main__":
    typer.run(main)
