"""cards: what is in each data set of the run, to read (NAME.md) and for tools (Croissant).

python -m stages.cards
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import typer

from siked.files import read_json, replace_folder, write_json, write_text
from siked.records import Example, Question, Rationale, VerifiedRationale
from siked.report.cards import written_by
from siked.report.cards.croissant import croissant
from siked.report.cards.data import DataCard, markdown
from siked.report.cards.facts import FileFacts, SourceFacts, measure, sources
from siked.run import layout
from siked.run.run import Run
from siked.settings import FIRST_ITERATION, NO_EFFECT, Params
from stages.common import stage

MOST_PAIRS = 20
"""Overlapping pairs that the card lists; the file has all."""


def main() -> None:
    """Write ``data/cards``."""
    with stage("cards") as params:
        origin = questions_from(params)
        run = Run()
        students = [student(params, name, origin) for name in (*run.chain, *run.beside)]
        with replace_folder(layout.CARDS) as folder:
            for card in (questions(params, origin), teacher(params, origin), *students):
                write_text(folder / f"{card.name}.md", markdown(card))
                write_json(folder / f"{card.name}.croissant.json", croissant(card, layout.CARDS))


def questions_from(params: Params) -> list[SourceFacts]:
    """Return where the questions of the run came from."""
    settings, root = params.questions, Path(params.questions.root)
    return [*sources("train", settings.train, root), *sources("test", settings.test, root)]


def questions(params: Params, origin: list[SourceFacts]) -> DataCard:
    """Return the card of ``data/questions``."""
    overlap = read_json(layout.OVERLAP)
    pairs = sorted(overlap["pairs"], key=lambda pair: -pair["similarity"])[:MOST_PAIRS]
    tests = [
        measure(layout.test_set(name), Question, f"Test questions of {name}; they choose nothing.")
        for name in params.questions.test
    ]
    return DataCard(
        name="questions",
        summary="Math word problems with exact answers: to learn from, to choose the best "
        "iteration (dev) and to test.",
        files=[
            measure(layout.TRAIN, Question, "Questions to learn from, with worked solutions."),
            measure(layout.DEV, Question, "Held-out questions that select the best iteration."),
            *tests,
            measure(layout.LEFT_OUT, None, "Source rows that are not used, with the reason."),
        ],
        sources=origin,
        settings=chosen(params, "questions"),
        limits=[
            LEFT_OUT,
            "Gold answers are the publishers' and may be wrong.",
            "English only.",
        ],
        overlap=overlap,
        pairs=pairs,
    )


def teacher(params: Params, origin: list[SourceFacts]) -> DataCard:
    """Return the card of ``data/teacher``."""
    return DataCard(
        name="teacher",
        summary=f"Rationales of the teacher for every train question and strategy, with verdicts; "
        f"those with a right answer are D_LLM. Written by {written_by(params.teachers())}.",
        files=[
            *(
                measure(
                    layout.rationales(strategy),
                    Rationale,
                    f"Rationales with the strategy {strategy}, before any check.",
                )
                for strategy in params.strategies
            ),
            measure(layout.D_LLM, VerifiedRationale, "All of them with verdicts."),
        ],
        sources=[one for one in origin if one.role == "train"],
        settings=chosen(params, "strategies", "teacher", "verify"),
        limits=[ANSWERS_ALONE, PROGRAMS],
    )


def student(params: Params, name: str, origin: list[SourceFacts]) -> DataCard:
    """Return the card of ``data/students/NAME``."""
    limits = [
        "A small model wrote these, and most of its mistakes read as well as what is right.",
        ANSWERS_ALONE,
        PROGRAMS,
        "Answers to test questions are for analysis: learning from them would spoil the tests.",
    ]
    keys = ["strategies", "eval", "verify"]
    if name in params.rivals:
        summary = (
            f"Answers of {name}, a student that went on from {FIRST_ITERATION} by on-policy "
            f"distillation from {params.rivals[name].teacher}."
        )
        keys += ["rivals", "seed"]
    elif name not in params.chain():
        summary = f"Answers of {name}, a student that learned from one strategy of the teacher."
    elif name == FIRST_ITERATION:
        summary = "What iteration 0 (plain distillation) learned from, and its answers."
        keys += ["mix"]
    else:
        previous = params.iterations[name].previous
        summary = (
            f"Iteration {name}: what {previous} wrote about the train questions, the mix of that "
            "with the teacher's rationales that this student learned from, and its answers."
        )
        keys += ["generate", "mix", "seed"]
    files = list(student_files(params, name))
    if any(not one.rows for one in files if one.path == layout.StudentFiles(name).generated):
        limits.insert(0, "The loop had stopped before: this is the previous iteration's student.")
    return DataCard(
        name=name,
        summary=summary,
        files=files,
        sources=origin,
        settings=chosen(params, *keys),
        limits=limits,
    )


def student_files(params: Params, name: str) -> Iterator[FileFacts]:
    """Yield the files of a student, of those that it has."""
    files = layout.StudentFiles(name)
    if files.generated.exists():
        yield measure(files.generated, Rationale, "Its predecessor's samples, before any check.")
        yield measure(files.verified, VerifiedRationale, "The same with verdicts: D_self.")
    if files.mix.exists():
        yield measure(files.mix, Example, "What it was trained on, as trained.")
    for benchmark in chain(["dev"], params.questions.test):
        yield measure(
            files.answers / layout.benchmark(benchmark),
            VerifiedRationale,
            f"Its greedy answers to {benchmark}, the strategy freely chosen.",
        )
        for kind, what in (
            (layout.FORCED, f"Its greedy answers to {benchmark} with each strategy forced."),
            (layout.SAMPLED, f"Several samples of {benchmark} with each strategy forced."),
        ):
            if (path := files.answers / layout.benchmark(benchmark, kind)).exists():
                yield measure(path, VerifiedRationale, what)


def chosen(params: Params, *keys: str) -> dict[str, Any]:
    """Some of the settings, without defaults and without where files lie on this machine."""
    settings = params.model_dump(mode="json", exclude_defaults=True, exclude=NO_EFFECT)
    del settings["questions"]["root"]
    return {key: settings[key] for key in keys}


ANSWERS_ALONE = (
    "`correct` is about the final answer alone: a right answer may stand on wrong steps."
)
LEFT_OUT = (
    "Answers are exact numbers: rows without one, and train questions that are nearly a test "
    "question, are listed in left-out.jsonl and used nowhere."
)
PROGRAMS = "Programs in it are untrusted: run them in a sandbox only."

if __name__ == "__main__":
    typer.run(main)
