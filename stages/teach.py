"""teach: the teacher writes rationales with one strategy for every train question.

python -m stages.teach --strategy pot
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from siked.engines.annotations import AnnotationsEngine
from siked.engines.journal.engine import open_journaled
from siked.engines.protocol import Sampling
from siked.engines.recorded import RecordedEngine
from siked.models import locate
from siked.prompts import TEACHER_STOP, teacher_prompt
from siked.rationales import collect
from siked.records import write_records
from stages import layout
from stages.common import questions, stage

if TYPE_CHECKING:
    from siked.engines.protocol import Engine
    from siked.records import Question
    from siked.settings import TeacherSettings


def main(strategy: Annotated[str, typer.Option()]) -> None:
    """Write ``data/teacher/rationales/STRATEGY.jsonl``."""
    with stage(f"teach@{strategy}") as params:
        asked = list(questions(layout.TRAIN).values())
        prompts = [
            teacher_prompt(question.question, strategy, question_id=question.id)
            for question in asked
        ]
        engine, sampling = open_teacher(params.teacher, strategy, asked)
        write_records(
            layout.RATIONALES / f"{strategy}.jsonl",
            collect(engine, prompts, sampling, what=f"teach {strategy}", strategies=()),
        )


def open_teacher(
    settings: TeacherSettings, strategy: str, asked: list[Question]
) -> tuple[Engine, Sampling]:
    """The teacher that the settings name, and how it is asked."""
    if settings.recorded is not None:
        path = layout.RECORDED / settings.recorded
        recorded = RecordedEngine(path, asked)
        have = sum(recorded.has(one.id, strategy) for one in asked)
        print(
            f"{path}: {have} of {len(asked)} questions have a {strategy} rationale; "
            f"rows about other questions: {recorded.unknown}"
        )
        return recorded, Sampling(samples=recorded.samples(strategy))
    if settings.model is None:
        return AnnotationsEngine(asked), Sampling()
    model = settings.model
    folder = locate(model.source, model.revision)
    engine = open_journaled(model.engine, folder, journal=layout.journal())
    return engine, Sampling(**model.sampling.model_dump(), seed=model.seed, stop=TEACHER_STOP)


if __name__ == "__main__":
    typer.run(main)
