"""train: the student learns from a mix.

python -m stages.train --student it0
python -m stages.train --student it1 --previous it0
python -m stages.train --student baseline-cot --strategy cot
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from siked.analysis.statistics import round_floats
from siked.files import replace_file, replace_folder, write_json
from siked.models import student_format
from siked.records import Example, read_records
from siked.run import layout
from siked.settings import FIRST_ITERATION
from siked.terminal.console import say
from siked.training.train import train
from stages.common import carry, stage, stopped, tracker


def main(
    student: Annotated[str, typer.Option()],
    previous: Annotated[str | None, typer.Option()] = None,
    strategy: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Write the adapter ``models/students/STUDENT`` and what else belongs to the student.

    Args:
        student: its name.
        previous: the iteration before it; none for plain distillation.
        strategy: learn from the examples of this strategy alone (a baseline).
    """
    with stage(f"train@{student}") as params:
        files = layout.StudentFiles(student)
        before = layout.StudentFiles(previous) if previous else None
        if before and stopped(before):
            carry(before.adapter, files.adapter)
            report(files, (), {"carried": True, "rows": 0, "steps": 0, "tokens": 0})
            return
        source = files if strategy is None else layout.StudentFiles(FIRST_ITERATION)
        examples = [
            example
            for example in read_records(source.mix, Example)
            if strategy is None or example.strategy == strategy
        ]
        if strategy and not examples:
            say(f"no right rationale with {strategy}: its baseline is the untrained student")
            with replace_folder(files.adapter):
                pass
            report(files, (), {"carried": False, "rows": 0, "steps": 0, "tokens": 0})
            return
        on_policy = params.train.policy == "on-policy"
        with tracker(params).live(student) as watch:
            log = train(
                examples,
                base=layout.BASE,
                start=before.adapter if before and on_policy else None,
                settings=params.train,
                schedule=params.train.iterate if before else params.train.distil,
                seed=params.seed,
                out=files.adapter,
                checkpoints=layout.kept(layout.CHECKPOINTS),
                watch=watch,
            )
        student_format.write(
            files.adapter,
            layout.BASE,
            params.student.source,
            [strategy] if strategy else params.strategies,
        )
        report(files, log.curve, {"carried": False, **log.model_dump(exclude={"curve"})})


def report(
    files: layout.StudentFiles, curve: Sequence[tuple[int, float]], figures: dict[str, Any]
) -> None:
    """Write the loss curve and what the training counted."""
    with replace_file(files.loss) as file:
        file.write("step,loss\n")
        file.writelines(f"{step},{loss:.4f}\n" for step, loss in curve)
    write_json(files.metrics("train"), round_floats(figures))


if __name__ == "__main__":
    typer.run(main)
