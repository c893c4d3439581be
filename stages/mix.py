"""mix: D_self and D_LLM as the next training set; for iteration 0, D_LLM alone.

python -m stages.mix --student it0
python -m stages.mix --student it1
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from siked.analysis.figures import describe_mix
from siked.errors import UserError
from siked.files import write_json
from siked.mixing import mix, order_strategies, select
from siked.models.loading import load_renderer
from siked.prompts import completion, render, student_prompt
from siked.records import Example, VerifiedRationale, read_records, write_records
from siked.run import layout
from siked.settings import MixSettings
from siked.strategies import is_hollow, lacks_sub_questions
from stages.common import questions, stage, stopped


def main(
    student: Annotated[str, typer.Option()],
    previous: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Write ``data/students/STUDENT/mix.jsonl``, the examples as they are trained.

    Args:
        student: its name.
        previous: the iteration before it; none for plain distillation. Once the loop has stopped
            with it, nothing is mixed.
    """
    with stage(f"mix@{student}") as params:
        files, settings = layout.StudentFiles(student), params.mix
        carried = previous is not None and stopped(layout.StudentFiles(previous))
        teacher: list[VerifiedRationale] = []
        own: list[VerifiedRationale] = []
        order = None
        if not carried:
            samples = fit(files.verified, settings) if previous else iter(())
            order = order_strategies(settings.bias, samples, params.strategies)
            teacher = select(fit(layout.D_LLM, settings), keep=settings.keep)
            if previous:
                own = select(fit(files.verified, settings), keep=settings.keep)
        # Iteration 0 is plain distillation whatever the variant.
        variant = settings.variant if previous else "teacher"
        join = partial(mix, teacher, own, scope=settings.scope, order=order)
        rows = join(variant=variant)
        if variant == "self" and not rows and not carried:
            raise UserError(
                f"mix.variant: self has nothing to train {student} on: {previous} solved no train "
                "question; let the teacher's rows join, or sample more"
            )
        asked = questions(layout.TRAIN)
        renderer = load_renderer(layout.BASE)
        examples = [
            Example(
                question_id=one.question_id,
                strategy=strategy,
                origin=origin,
                prompt=render(renderer, student_prompt(asked[one.question_id].question)),
                completion=completion(strategy, one.text),
            )
            for origin, one in rows
            if (strategy := one.strategy) is not None
        ]
        write_records(files.mix, examples)
        alone = {one: [row for _, row in join(variant=one)] for one in ("teacher", "self")}
        figures = describe_mix(
            examples, params.strategies, teacher=alone["teacher"], student=alone["self"]
        )
        write_json(files.metrics("mix"), {"carried": carried, **figures})


def fit(path: Path, settings: MixSettings) -> Iterator[VerifiedRationale]:
    """Yield a file's rationales that have the form of their strategy, as far as that is asked."""
    for one in read_records(path, VerifiedRationale):
        if settings.require_sub_questions and lacks_sub_questions(one.strategy, one.text):
            continue
        if settings.drop_hollow and is_hollow(one.strategy, one.text, one.predicted or ""):
            continue
        yield one


if __name__ == "__main__":
    typer.run(main)
