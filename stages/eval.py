"""eval: a student answers dev and test questions greedily, free to choose its strategy.

    python -m stages.eval --student it0
    python -m stages.eval --student it1 --previous it0
    python -m stages.eval --student baseline-cot --no-loop

Dev accuracy of the free choice alone decides whether the loop goes on; test sets are only
reported, and so is what an iteration answers with each strategy forced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from siked.analysis.figures import DEV, evaluate, plateau
from siked.analysis.samples import measure_choice, measure_samples
from siked.analysis.statistics import accuracy
from siked.analysis.verdicts import UnreadableGolds
from siked.files import read_json, replace_folder, write_json
from siked.generation.ask import answer_freely, answer_with_each
from siked.generation.engine import Sampling
from siked.generation.journal.engine import open_journaled
from siked.records import Question, Rationale, VerifiedRationale, read_records, write_records
from siked.run import layout
from siked.settings import Params
from siked.terminal.console import say
from siked.verification.verifiers import open_verifier
from stages.common import carry, questions, stage, stopped, tracker


class Answers(NamedTuple):
    """What a student has answered."""

    engine: str
    """The name of the engine that ran it."""
    kind: Path
    """``layout.FREE``, ``FORCED`` or ``SAMPLED``."""
    benchmarks: dict[str, list[Rationale]]


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
        files = layout.StudentFiles(student)
        before = layout.StudentFiles(previous) if previous else None
        carried = before is not None and stopped(before)
        if before and carried:
            carry(before.answers, files.answers)
            engine = read_json(before.metrics("eval"))["engine"]
        else:
            engine = answer(params, files, choices=loop)
        metrics = {name: figures(params, files, name) for name in benchmarks(params)}
        earlier = read_json(before.metrics("eval"))["so_far"] if before else []
        so_far = [*earlier, metrics[DEV]["accuracy"]]
        write_json(
            files.metrics("eval"),
            {"carried": carried, "engine": engine, "so_far": so_far, "benchmarks": metrics},
        )
        if loop:
            rule = params.plateau
            stop = carried or plateau(so_far, patience=rule.patience, min_gain=rule.min_gain)
            write_json(files.plateau, {"stopped": stop})
        step = params.chain().index(student) if loop else None
        tracker(params).log(student, metrics, step=step)


def benchmarks(params: Params) -> dict[str, dict[str, Question]]:
    """Return the questions of dev and every test set, by benchmark and id."""
    return {name: questions(layout.questions(name)) for name in [DEV, *params.questions.test]}


def answer(params: Params, files: layout.StudentFiles, *, choices: bool) -> str:
    """Let the student answer every benchmark, check its answers, and return the engine's name.

    Args:
        params: the settings.
        files: the student's.
        choices: whether it knows all strategies, so that forcing each says something.
    """
    asked = benchmarks(params)
    unreadable = {name: UnreadableGolds() for name in asked}
    written: Iterable[Answers] = ask(params, files, asked, choices=choices)
    if params.ray is not None:
        # The engine has gone when verification begins: a cluster may have room for one of them.
        written = list(written)
    with (
        open_verifier(params.verify, params.ray) as verifier,
        replace_folder(files.answers) as folder,
    ):
        for answers in written:
            for name, own in answers.benchmarks.items():
                path = folder / layout.benchmark(name, answers.kind)
                write_records(path, seen(verifier.verify(own, asked[name]), unreadable[name]))
            if answers.kind == layout.FREE:
                say(f"eval {files.name}: {', '.join(accuracies(folder, asked))}")
    for name, golds in unreadable.items():
        golds.say(layout.questions(name))
    return answers.engine


def accuracies(folder: Path, names: Iterable[str]) -> Iterator[str]:
    """Say of each benchmark what the free choice solves: ``dev 18.3% of 60 (10.6 to 29.9)``."""
    for name in names:
        answers = list(read_records(folder / layout.benchmark(name), VerifiedRationale))
        found = accuracy(sum(one.correct for one in answers), len(answers))
        low, high = 100 * found["low"], 100 * found["high"]
        yield f"{name} {found['accuracy']:.1%} of {found['n']} ({low:.1f} to {high:.1f})"


def seen(
    verdicts: Iterator[VerifiedRationale], golds: UnreadableGolds
) -> Iterator[VerifiedRationale]:
    """Yield verdicts as they come, with a look at their golds."""
    for one in verdicts:
        golds.look(one.failure, one.question_id)
        yield one


def ask(
    params: Params,
    files: layout.StudentFiles,
    asked: Mapping[str, Mapping[str, Question]],
    *,
    choices: bool,
) -> Iterator[Answers]:
    """Yield what the student answers: freely first, then with each strategy, then in samples."""
    strategies = params.strategies
    trained = any(files.adapter.iterdir())
    engine = open_journaled(
        params.engine,
        layout.BASE,
        files.adapter if trained else None,
        journal=layout.kept(layout.JOURNAL),
        ray=params.ray,
    )
    greedy = Sampling(max_new_tokens=params.eval.max_new_tokens)
    what = f"eval {files.name}"
    free = answer_freely(engine, asked, greedy, what=what, strategies=strategies)
    yield Answers(engine.name, layout.FREE, free)
    if choices and params.eval.forced:
        what = f"eval {files.name}, strategies forced"
        forced = answer_with_each(
            engine, asked, greedy, what=what, strategies=strategies, free=free
        )
        yield Answers(engine.name, layout.FORCED, forced)
    if choices and params.eval.sampling:
        what = f"eval {files.name}, samples"
        drawn = Sampling(**params.eval.sampling.model_dump(), seed=params.seed)
        sampled = answer_with_each(engine, asked, drawn, what=what, strategies=strategies)
        yield Answers(engine.name, layout.SAMPLED, sampled)


def figures(params: Params, files: layout.StudentFiles, benchmark: str) -> dict[str, Any]:
    """Return what a student's answers to a benchmark say."""
    strategies = params.strategies
    kinds = (layout.FREE, layout.FORCED, layout.SAMPLED)
    greedy, each, more = (files.answers / layout.benchmark(benchmark, kind) for kind in kinds)
    free = list(read_records(greedy, VerifiedRationale))
    found = evaluate(free, strategies)
    if each.exists():
        found |= measure_choice(free, read_records(each, VerifiedRationale), strategies)
    if more.exists():
        found["samples"] = measure_samples(read_records(more, VerifiedRationale), strategies)
    return found


if __name__ == "__main__":
    typer.run(main)
