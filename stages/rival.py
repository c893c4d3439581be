"""rival: another method trains a student beside the loop, from the questions of it0's mix.

python -m stages.rival --student gkd
"""

from __future__ import annotations

from typing import Annotated

import typer

from siked.analysis.statistics import round_floats
from siked.errors import UserError
from siked.files import replace_file, write_json
from siked.models import student_format
from siked.records import Example, read_records
from siked.rivals.gkd import distil, show_solutions
from siked.run import layout
from siked.settings import FIRST_ITERATION
from siked.training.job import Job
from stages.common import questions, stage, tracker


def main(student: Annotated[str, typer.Option()]) -> None:
    """Write the adapter ``models/students/STUDENT`` and what else belongs to the student.

    Args:
        student: its name among ``rivals``.
    """
    with stage(f"train@{student}") as params:
        files, first = layout.StudentFiles(student), layout.StudentFiles(FIRST_ITERATION)
        if student not in params.rivals:
            known = ", ".join(params.rivals) or "none"
            raise UserError(f"--student {student}: no such rival: rivals has {known}")
        rival = params.rivals[student]
        with tracker(params).live(student) as watch:
            job = Job(
                examples=tuple(read_records(first.mix, Example)),
                base=layout.BASE,
                start=first.adapter,
                settings=params.train.model_copy(
                    update={"processes": 1, "gradient_checkpointing": "none"}
                ),
                schedule=rival,
                seed=params.seed,
                out=files.adapter,
                checkpoints=layout.kept(layout.CHECKPOINTS),
                watch=watch,
            )
            teacher = layout.StudentFiles(rival.teacher).adapter
            shown = None
            if rival.sees_solution:
                shown = show_solutions(job, questions(layout.TRAIN))
            log = distil(job, rival, teacher, shown)
        student_format.write(files.adapter, layout.BASE, params.student.source, params.strategies)
        with replace_file(files.loss) as file:
            file.write("step,loss\n")
            file.writelines(f"{step},{loss:.4f}\n" for step, loss in log.curve)
        figures = {"carried": False, **log.model_dump(exclude={"curve"})}
        write_json(files.metrics("train"), round_floats(figures))


if __name__ == "__main__":
    typer.run(main)
