"""teach: the teacher writes rationales with one strategy for every train question.

python -m stages.teach --strategy pot
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from siked.console import say
from siked.files import write_json
from siked.generation.engine import Engine, Sampling
from siked.generation.journal.engine import open_journaled
from siked.generation.journal.served import open_served
from siked.generation.rationales import collect
from siked.generation.recorded import RecordedEngine
from siked.generation.worked import AnnotationsEngine
from siked.models.loading import locate
from siked.prompts import TEACHER_STOP, teacher_prompt
from siked.records import Question, Rationale, write_records
from siked.run import layout
from siked.settings import OpenAISettings, RaySettings, TeacherModel, TeacherSettings
from stages.common import questions, stage

MILLION = 1_000_000


def main(strategy: Annotated[str, typer.Option()]) -> None:
    """Write ``data/teacher/rationales/STRATEGY.jsonl`` and ``metrics/teach/STRATEGY.json``."""
    with stage(f"teach@{strategy}") as params:
        asked = list(questions(layout.TRAIN).values())
        prompts = [
            teacher_prompt(question.question, strategy, question_id=question.id)
            for question in asked
        ]
        engine, sampling = open_teacher(params.teacher, strategy, asked, ray=params.ray)
        written = collect(engine, prompts, sampling, what=f"teach {strategy}", strategies=())
        write_records(layout.RATIONALES / f"{strategy}.jsonl", written)
        counts = counted(written, asked, params.teacher.model)
        if params.teacher.model is not None:
            say(f"teach {strategy}: {in_words(counts)}")
        write_json(layout.TEACH / f"{strategy}.json", counts)


def open_teacher(
    settings: TeacherSettings,
    strategy: str,
    asked: list[Question],
    *,
    ray: RaySettings | None = None,
) -> tuple[Engine, Sampling]:
    """The teacher that the settings name, and how it is asked; a local model perhaps by Ray."""
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
        return AnnotationsEngine(asked), Sampling()
    model = settings.model
    engine: Engine
    if isinstance(model.engine, OpenAISettings):
        name = model.source.removeprefix("served:")
        engine = open_served(model.engine, name, journal=layout.kept(layout.JOURNAL))
    else:
        folder = locate(model.source, model.revision)
        engine = open_journaled(model.engine, folder, journal=layout.kept(layout.JOURNAL), ray=ray)
    return engine, Sampling(**model.sampling.model_dump(), seed=model.seed, stop=TEACHER_STOP)


def counted(
    written: Sequence[Rationale], asked: Sequence[Question], model: TeacherModel | None
) -> dict[str, Any]:
    """What the rationales took, whichever run generated them.

    Questions that read the same share their samples: tokens count once. ``cost`` is null where the
    settings have no prices or the server tells no tokens.
    """
    texts = {question.id: question.question for question in asked}
    once = {(texts[one.question_id], one.sample): one for one in written}.values()
    prompt_tokens = sum(one.prompt_tokens for one in once)
    tokens = sum(one.completion_tokens for one in once)
    engine = model and model.engine
    prices = engine.prices if isinstance(engine, OpenAISettings) else None
    cost = None
    if prices is not None and tokens:
        paid = prompt_tokens * prices.prompt + tokens * prices.completion
        cost = round(paid / MILLION, 6)
    return {
        "rows": len(written),
        "prompt_tokens": prompt_tokens,
        "tokens": tokens,
        "truncated": sum(one.truncated for one in written),
        "cost": cost,
    }


def in_words(counts: dict[str, Any]) -> str:
    """``1,200 rationales, 812,000 prompt + 96,000 completion tokens, cost 0.55``."""
    text = (
        f"{counts['rows']:,} rationales, {counts['prompt_tokens']:,} prompt + "
        f"{counts['tokens']:,} completion tokens"
    )
    return text if counts["cost"] is None else f"{text}, cost {counts['cost']:,.2f}"


if __name__ == "__main__":
    typer.run(main)
