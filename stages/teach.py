"""teach: the teacher writes rationales with one strategy for every train question.

python -m stages.teach --strategy pot
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from siked.engines.annotations import AnnotationsEngine
from siked.engines.opening import open_engine
from siked.engines.protocol import Sampling
from siked.models import locate
from siked.prompts import TEACHER_STOP, teacher_prompt
from siked.rationales import collect
from siked.records import write_records
from stages import layout
from stages.common import questions, stage

if TYPE_CHECKING:
    from siked.engines.protocol import Engine


def main(strategy: Annotated[str, typer.Option()]) -> None:
    """Write ``data/teacher/rationales/STRATEGY.jsonl``."""
    with stage(f"teach@{strategy}") as params:
        asked = list(questions(layout.TRAIN).values())
        prompts = [
            teacher_prompt(question.question, strategy, question_id=question.id)
            for question in asked
        ]
        teacher = params.teacher.model
        engine: Engine
        if teacher is None:
            engine, sampling = AnnotationsEngine(asked), Sampling()
        else:
            engine = open_engine(teacher.engine, locate(teacher.source, teacher.revision))
            sampling = Sampling(
                **teacher.sampling.model_dump(), seed=teacher.seed, stop=TEACHER_STOP
            )
        write_records(
            layout.RATIONALES / f"{strategy}.jsonl",
            collect(engine, prompts, sampling, what=f"teach {strategy}", strategies=()),
        )


if __name__ == "__main__":
    typer.run(main)
