"""questions: the sources as ``data/questions/{train,dev,test-NAME}.jsonl``.

    python -m stages.questions

Rows that cannot be used, and train questions that are too close to a test question, are listed
in ``data/questions/left-out.jsonl`` with the reason. ``data/overlap.json`` says how close train
questions are to test questions, before and after dropping.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import typer

from siked.errors import UserError
from siked.files import replace_file, replace_folder, write_json
from siked.questions import known_errors, overlap
from siked.questions.sources import read
from siked.questions.splits import dev, drop_solutions
from siked.records import Question, write_records
from siked.run import layout
from siked.settings import QuestionSettings
from stages.common import stage


def main() -> None:
    """Read, check and split all sources."""
    with stage("questions") as params:
        settings = params.questions
        left_out: list[dict[str, str]] = []
        pools = read_all(settings, left_out)
        tests = {name: drop_solutions(pools[name]) for name in settings.test}
        candidates = [question for name in settings.train for question in pools[name]]
        kept = apart_from_tests(candidates, tests, settings, left_out)
        alike = overlap.count_overlap(candidates, kept, tests, **settings.overlap.model_dump())
        train, held_out = dev(kept, settings.dev_fraction)
        for what, rows in {"train": train, "dev": held_out, **tests}.items():
            if not rows:
                raise UserError(
                    f"{what}: no question is left: see the sources' `rows` and `max_steps`, and "
                    f"questions.dev_fraction ({len(candidates)} train questions were read, "
                    f"{len(left_out)} rows left out)"
                )
        with replace_folder(layout.QUESTIONS) as folder:
            write_records(folder / layout.TRAIN.name, train)
            write_records(folder / layout.DEV.name, held_out)
            for name, rows in tests.items():
                write_records(folder / layout.test_set(name).name, rows)
            with replace_file(folder / layout.LEFT_OUT.name) as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in left_out)
        write_json(layout.OVERLAP, alike)
        reasons = Counter((row["source"], row["reason"].split(":")[0]) for row in left_out)
        write_json(
            layout.FOUND,
            {
                "train": len(train),
                "dev": len(held_out),
                "test": {name: len(rows) for name, rows in tests.items()},
                "left_out": {
                    name: {why: n for (source, why), n in sorted(reasons.items()) if source == name}
                    for name in pools
                },
            },
        )


def read_all(
    settings: QuestionSettings, left_out: list[dict[str, str]]
) -> dict[str, list[Question]]:
    """Return the questions of every source by its name; unusable rows are added to ``left_out``."""
    pools: dict[str, list[Question]] = {}
    wrong = known_errors.load(layout.KNOWN_ERRORS) if settings.exclude_known_errors else None
    for name, source in {**settings.train, **settings.test}.items():
        reading = read(name, source, Path(settings.root), settings.seed, wrong)
        pools[name] = reading.questions
        left_out += [
            {"source": name, "row": one.where, "reason": one.reason} for one in reading.left_out
        ]
    return pools


def apart_from_tests(
    candidates: list[Question],
    tests: dict[str, list[Question]],
    settings: QuestionSettings,
    left_out: list[dict[str, str]],
) -> list[Question]:
    """Return the train questions that are no test question; the others go to ``left_out``."""
    asked = [question for rows in tests.values() for question in rows]
    close = {
        pair.train_id: pair
        for pair in overlap.find_near(candidates, asked, **settings.overlap.model_dump())
    }
    left_out += [
        {
            "source": question.source,
            "row": question.id,
            "reason": f"overlaps a test question: {pair.test_id}, {pair.similarity:.2f}",
        }
        for question in candidates
        if (pair := close.get(question.id))
    ]
    return [question for question in candidates if question.id not in close]


if __name__ == "__main__":
    typer.run(main)
