"""teach: the teacher writes rationales with one strategy for every train question.

python -m stages.teach --strategy pot
"""

from __future__ import annotations

from typing import Annotated

import typer

from siked.errors import UserError
from siked.files import write_json
from siked.generation.ask import Answering, collect, count, describe
from siked.generation.engine import Engine, Sampling
from siked.generation.journal.engine import open_journaled, open_served
from siked.generation.recorded import RecordedEngine
from siked.generation.worked import AnnotationsEngine
from siked.models.loading import locate
from siked.prompts import TEACHER_STOP, teacher_prompt
from siked.records import Question, write_records
from siked.run import layout
from siked.settings import OpenAISettings, RaySettings, TeacherSettings
from siked.terminal.console import say
from stages.common import questions, stage


def main(strategy: Annotated[str, typer.Option()]) -> None:
    """Write ``data/teacher/rationales/STRATEGY.jsonl`` and ``metrics/teach/STRATEGY.json``."""
    with stage(f"teach@{strategy}") as params:
        asked = list(questions(layout.TRAIN).values())
        prompts = [
            teacher_prompt(question.question, strategy, question_id=question.id)
            for question in asked
        ]
        teacher = params.teachers()[strategy]
        engine, sampling = open_teacher(teacher, strategy, asked, ray=params.ray)
        model = teacher.model
        how = model and model.engine
        answering = Answering(engine, how.stop_after if isinstance(how, OpenAISettings) else 0)
        written = collect(
            answering, prompts, sampling, what=f"teach {strategy}", strategies=(), thinks=True
        )
        write_records(layout.rationales(strategy), written)
        counts = count(written, asked, model, answering.refused)
        if model is not None:
            say(f"teach {strategy}: {describe(counts)}")
        write_json(layout.TEACH / f"{strategy}.json", counts)


def open_teacher(
    settings: TeacherSettings,
    strategy: str,
    asked: list[Question],
    *,
    ray: RaySettings | None = None,
) -> tuple[Engine, Sampling]:
    """Return the teacher that the settings name and how to ask it; a local model perhaps by Ray."""
    if settings.recorded is not None:
        path = layout.RECORDED / settings.recorded
        recorded = RecordedEngine(path, asked)
        have = sum(recorded.has(one.id, strategy) for one in asked)
        say(
            f"{path}: {have} of {len(asked)} questions have a {strategy} rationale; "
            f"rows about other questions: {recorded.unknown}"
        )
        return recorded, Sampling(samples=recorded.samples(strategy))
    if settings.model is None:
        if not any(one.solution for one in asked):
            raise UserError(
                f"{layout.TRAIN}: no question has a worked solution, which the teacher "
                "`annotations` writes down: set teacher.engine to `model` or `recorded` "
                "(docs/questions.md)"
            )
        return AnnotationsEngine(asked), Sampling()
    model = settings.model
    engine: Engine
    if isinstance(model.engine, OpenAISettings):
        name = model.source.removeprefix("served:")
        engine = open_served(model.engine, name, journal=layout.kept(layout.JOURNAL))
    else:
        folder = locate(model.source, model.revision)
        engine = open_journaled(model.engine, folder, journal=layout.kept(layout.JOURNAL), ray=ray)
    drawn = model.sampling.model_dump()
    unsent = tuple(name for name, value in drawn.items() if value is None)
    sent = {name: drawn[name] for name in drawn if name not in unsent}
    return engine, Sampling(**sent, seed=model.seed, stop=TEACHER_STOP, unsent=unsent)


if __name__ == "__main__":
    typer.run(main)
