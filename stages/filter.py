"""filter: verdicts on rationales; what is wrong does not train.

python -m stages.filter --teacher
python -m stages.filter --iteration it1
"""

from __future__ import annotations

import hashlib
from itertools import chain, islice
from pathlib import Path
from typing import Annotated

import typer

from siked.analysis.verdicts import UnreadableGolds, VerdictCounts
from siked.errors import UserError
from siked.files import hash_code, sha256, write_json
from siked.records import Rationale, VerifiedRationale, count_records, read_records
from siked.run import layout
from siked.settings import Params
from siked.terminal.console import say
from siked.terminal.progress import track
from siked.verification.kept import Kept
from siked.verification.verifiers import open_verifier
from stages.common import questions, stage

CODE = ("siked.verification", "siked.strategies", "siked.records")
"""What decides a verdict beside the inputs and the settings."""


def main(
    *,
    teacher: Annotated[bool, typer.Option("--teacher")] = False,
    iteration: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Verify the teacher's rationales (``--teacher``) or an iteration's own."""
    if teacher == (iteration is not None):
        raise typer.BadParameter("name either --teacher or --iteration")
    name = "filter_teacher" if iteration is None else f"filter@{iteration}"
    with stage(name) as params:
        if iteration is None:
            sources = list(map(layout.rationales, params.strategies))
            run(params, sources, layout.D_LLM, layout.TAUGHT)
        else:
            student = layout.StudentFiles(iteration)
            run(params, [student.generated], student.verified, student.metrics("filter"))


def run(params: Params, sources: list[Path], target: Path, metrics: Path) -> None:
    """Verify the rationales of the source files, in order, into one target file.

    A run that was killed goes on where it was: verdicts are kept in the scratch folder until all
    are there.
    """
    total = sum(map(count_records, sources))
    asked = questions(layout.TRAIN)
    counts, unreadable = VerdictCounts(params.strategies), UnreadableGolds()
    rationales = chain.from_iterable(read_records(source, Rationale) for source in sources)
    place = layout.kept(layout.VERDICTS) / f"{key(params, sources)}.jsonl"
    with (
        Kept(place, VerifiedRationale) as kept,
        track(total, f"filter {target.parent.name}") as progress,
        open_verifier(params.verify, params.ray) as verifier,
    ):
        for one in kept.found():
            counts.add(one)
            unreadable.look(one.failure, one.question_id)
            progress.recall()
        left = islice(rationales, counts.rows, None)
        for one in verifier.verify(left, asked):
            kept.add(one)
            counts.add(one)
            unreadable.look(one.failure, one.question_id)
            progress.advance()
        kept.finish(target)
    figures = counts.figures(questions=len(asked)) | {"isolation": verifier.isolation}
    write_json(metrics, figures)
    unreadable.say(layout.TRAIN)
    if counts.rows and not counts.correct:
        _say_that_nothing_is_left(target, counts.rows)


def key(params: Params, sources: list[Path]) -> str:
    """Return what decides the verdicts, as a short text: the inputs, the settings and the code."""
    inputs = map(sha256, [layout.TRAIN, *sources])
    parts = [params.verify.model_dump_json(), hash_code(CODE), *inputs]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _say_that_nothing_is_left(target: Path, rows: int) -> None:
    if target == layout.D_LLM:
        raise UserError(
            f"{target}: not one of the teacher's {rows} rationales is right, so there is "
            f"nothing to distil: look at `failure` in {layout.TAUGHT}"
        )
    say(f"{target}: not one of {rows} rationales is right: training goes on with D_LLM")


if __name__ == "__main__":
    typer.run(main)
