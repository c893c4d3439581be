"""filter: verdicts on rationales; what is wrong does not train.

python -m stages.filter --teacher
python -m stages.filter --iteration it1
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from siked.analysis import verified
from siked.errors import UserError
from siked.files import write_json
from siked.progress import track
from siked.records import Rationale, VerifiedRationale, read_records, write_records
from siked.sandbox import Sandbox
from siked.verify import verify
from stages import layout
from stages.common import questions, stage

if TYPE_CHECKING:
    from pathlib import Path

    from siked.settings import Params


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
            sources = [layout.RATIONALES / f"{name}.jsonl" for name in params.strategies]
            run(params, sources, layout.D_LLM, layout.METRICS / "teacher.json")
        else:
            student = layout.Student(iteration)
            run(params, [student.generated], student.verified, student.metrics("filter"))


def run(params: Params, sources: list[Path], target: Path, metrics: Path) -> None:
    """Verify the rationales of the source files, in order, into one target file."""
    rationales = [one for source in sources for one in read_records(source, Rationale)]
    asked = questions(layout.TRAIN)
    with (
        Sandbox(params.verify) as sandbox,
        track(len(rationales), f"filter {target.parent.name}") as progress,
    ):
        checked = []
        for one in verify(rationales, asked, sandbox):
            checked.append(one)
            progress.advance()
    write_records(target, checked)
    write_json(metrics, verified(checked, params.strategies, questions=len(asked)))
    if rationales and not any(one.correct for one in checked):
        _say_that_nothing_is_left(target, checked)


def _say_that_nothing_is_left(target: Path, checked: list[VerifiedRationale]) -> None:
    if target == layout.D_LLM:
        raise UserError(
            f"{target}: not one of the teacher's {len(checked)} rationales is right, so there is "
            f"nothing to distil: look at `failure` in metrics/teacher.json"
        )
    print(f"{target}: not one of {len(checked)} rationales is right: training goes on with D_LLM")


if __name__ == "__main__":
    typer.run(main)
