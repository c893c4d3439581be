"""eval: a student answers dev and test questions greedily, free to choose its strategy.

    python -m stages.eval --student it0
    python -m stages.eval --student it1 --previous it0
    python -m stages.eval --student baseline-cot --no-loop

Dev accuracy alone decides whether the loop goes on; test sets are only reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from siked.analysis import DEV, evaluate, plateau
from siked.engines.journal.engine import open_journaled
from siked.engines.protocol import Sampling
from siked.files import read_json, replacing_folder, write_json
from siked.prompts import student_prompt
from siked.rationales import collect
from siked.records import VerifiedRationale, read_records, write_records
from siked.sandbox import Sandbox
from siked.verify import verify
from stages import layout
from stages.common import carry, questions, stage, stopped, tracker

if TYPE_CHECKING:
    from siked.records import Question
    from siked.settings import Params


def main(
    student: Annotated[str, typer.Option()],
    previous: Annotated[str | None, typer.Option()] = None,
    *,
    loop: bool = True,
) -> None:
    """Write a student's answers and what they say.

    Args:
        student: its name.
        previous: the iteration before it.
        loop: whether it is an iteration, after which the loop may stop; a baseline is not.
    """
    with stage(f"eval@{student}") as params:
        files = layout.Student(student)
        before = layout.Student(previous) if previous else None
        carried = before is not None and stopped(before)
        if before and carried:
            carry(before.answers, files.answers)
        else:
            answer(params, files)
        metrics = {
            name: evaluate(
                list(read_records(files.answers / f"{name}.jsonl", VerifiedRationale)),
                params.strategies,
            )
            for name in benchmarks(params)
        }
        earlier = read_json(before.metrics("eval"))["so_far"] if before else []
        so_far = [*earlier, metrics[DEV]["accuracy"]]
        write_json(files.metrics("eval"), {"carried": carried, "so_far": so_far, **metrics})
        if loop:
            rule = params.plateau
            stop = carried or plateau(so_far, patience=rule.patience, min_gain=rule.min_gain)
            write_json(files.plateau, {"stopped": stop})
        step = params.chain().index(student) if loop else None
        tracker(params).log(student, metrics, step=step)


def benchmarks(params: Params) -> dict[str, dict[str, Question]]:
    """The questions of dev and every test set, by benchmark and id."""
    paths = {DEV: layout.DEV, **{name: layout.test_set(name) for name in params.questions.test}}
    return {name: questions(path) for name, path in paths.items()}


def answer(params: Params, files: layout.Student) -> None:
    """Let the student answer every benchmark, and check its answers."""
    asked = benchmarks(params)
    prompts = [
        student_prompt(question.question, question_id=question.id)
        for rows in asked.values()
        for question in rows.values()
    ]
    trained = any(files.adapter.iterdir())
    engine = open_journaled(
        params.engine,
        layout.BASE,
        files.adapter if trained else None,
        journal=layout.journal(),
    )
    answers = collect(
        engine,
        prompts,
        Sampling(max_new_tokens=params.eval.max_new_tokens),
        what=f"eval {files.name}",
        strategies=params.strategies,
    )
    with Sandbox(params.verify) as sandbox, replacing_folder(files.answers) as folder:
        start = 0
        for name, rows in asked.items():
            own = answers[start : start + len(rows)]
            start += len(rows)
            checked = verify(own, rows, sandbox, ignore_rules=params.verify.ignore_rules)
            write_records(folder / f"{name}.jsonl", checked)


if __name__ == "__main__":
    typer.run(main)
