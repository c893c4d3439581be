"""generate: the previous student samples K rationales a train question and strategy.

python -m stages.generate --iteration it1 --previous it0
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from siked.analysis.statistics import round_floats, share
from siked.files import write_json
from siked.generation.ask import collect
from siked.generation.engine import Sampling
from siked.generation.journal.engine import open_journaled
from siked.prompts import student_prompt
from siked.records import Rationale, write_records
from siked.run import layout
from siked.terminal.console import say
from stages.common import questions, stage, stopped


def main(
    iteration: Annotated[str, typer.Option()], previous: Annotated[str, typer.Option()]
) -> None:
    """Write ``data/students/ITERATION/generated.jsonl``; empty once the loop has stopped."""
    with stage(f"generate@{iteration}") as params:
        student, writer = layout.StudentFiles(iteration), layout.StudentFiles(previous)
        rationales: list[Rationale] = []
        wrote = None
        carried = stopped(writer)
        if carried:
            say(f"{iteration}: the dev accuracy has stopped rising, {previous} is carried on")
        else:
            prompts = [
                student_prompt(question.question, question_id=question.id, strategy=strategy)
                for question in questions(layout.TRAIN).values()
                for strategy in params.strategies
            ]
            engine = open_journaled(
                params.engine,
                layout.BASE,
                writer.adapter,
                journal=layout.kept(layout.JOURNAL),
                ray=params.ray,
            )
            sampling = Sampling(**params.generate.model_dump(), seed=params.seed)
            rationales = collect(
                engine, prompts, sampling, what=f"generate {iteration}", strategies=()
            )
            wrote = engine.name
        write_records(student.generated, rationales)
        write_json(
            student.metrics("generate"), {"carried": carried, "engine": wrote, **count(rationales)}
        )


def count(rationales: list[Rationale]) -> dict[str, Any]:
    """Return how many rationales and tokens were written, and the share cut by the length limit."""
    figures: dict[str, Any] = round_floats(
        {
            "rows": len(rationales),
            "tokens": sum(rationale.completion_tokens for rationale in rationales),
            "truncated": share(sum(one.truncated for one in rationales), len(rationales)),
        }
    )
    return figures


if __name__ == "__main__":
    typer.run(main)
