"""What an estimate takes for granted where nothing was measured, and how it says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from siked.estimating.acceptance import Acceptance
from siked.estimating.ranges import Range
from siked.settings import Params

if TYPE_CHECKING:
    from siked.estimating.last_run import LastRun

CHARACTERS_A_TOKEN = Range(3.2, 3.9, 4.5)
"""Of English word problems; 3.9 is SmolLM2's tokenizer on GSM8K."""
WRITTEN = Range(60, 110, 180)
"""Tokens of a rationale of a grade school problem."""
TEACHER_RIGHT = Range(0.70, 0.85, 0.95)
STUDENT_RIGHT = Range(0.15, 0.40, 0.70)
WORKED_SOLUTIONS_RIGHT = Range(0.97, 0.99, 1.0)
GIVEN = 0.1
"""How far off a share that the user gives may be."""
CONCENTRATION = 1.0
"""Questions differ much: most are solved nearly always or nearly never."""


@dataclass(frozen=True)
class Assumed:
    """Lengths and shares of right rationales, with a line on each that says where it is from."""

    written: Range
    """Tokens of a rationale."""
    teacher: Acceptance
    students: tuple[Acceptance, ...]
    """Of the student that writes for each iteration behind the first, in their order."""
    notes: tuple[str, ...]


def assume(params: Params, last: LastRun, right: float | None) -> Assumed:
    """What is known of these settings from the last run, and what is taken otherwise.

    The last run's shares count where it had the same questions, and the same teacher or student.

    Args:
        params: the settings.
        last: what the last run measured.
        right: the share of the student's rationales that are right, where the user says it.
    """
    now = params.model_dump(mode="json", exclude_unset=True)
    same = {key: last.settings.get(key) == now[key] for key in ("questions", "student", "teacher")}
    if same["questions"] and last.written is not None:
        written, source = last.written.wider(1.2), "the last run"
    else:
        written, source = WRITTEN, "an assumption"
    teacher = _teacher(params, last, known=same["questions"] and same["teacher"])
    students = _students(params, last, right, known=same["questions"] and same["student"])
    return Assumed(
        written,
        teacher,
        tuple(students),
        (
            f"a rationale has {_span(written)} tokens: {source}",
            f"right of the teacher's rationales: {_percent(teacher)}: {teacher.source}",
            *(
                f"right of the student's rationales for {name}: {_percent(one)}: {one.source}"
                for name, one in zip(params.chain()[1:], students, strict=True)
            ),
        ),
    )


def _teacher(params: Params, last: LastRun, *, known: bool) -> Acceptance:
    if known and last.teacher is not None and _covers(last.teacher, params):
        return last.teacher
    if params.teacher.engine == "annotations":
        return _assumed(params.strategies, WORKED_SOLUTIONS_RIGHT, "made from worked solutions")
    return _assumed(params.strategies, TEACHER_RIGHT, "an assumption")


def _students(
    params: Params, last: LastRun, right: float | None, *, known: bool
) -> list[Acceptance]:
    """One a turn of the loop; a turn that the last run did not have is as its last one."""
    names = params.chain()[1:]
    if right is not None:
        share = Range(max(0.0, right - GIVEN), right, min(1.0, right + GIVEN))
        return [_assumed(params.strategies, share, "as --acceptance says")] * len(names)
    seen = {name: one for name, one in last.students.items() if _covers(one, params)}
    if not known or not seen:
        guess = _assumed(params.strategies, STUDENT_RIGHT, "an assumption, see --acceptance")
        return [guess] * len(names)
    latest = seen[max(seen, key=lambda name: (name in names and names.index(name), name))]
    return [seen.get(name, latest) for name in names]


def _covers(known: Acceptance, params: Params) -> bool:
    return set(params.strategies) <= known.by_strategy.keys()


def _assumed(strategies: Sequence[str], share: Range, source: str) -> Acceptance:
    return Acceptance(
        dict.fromkeys(strategies, share),
        dict.fromkeys(strategies, CONCENTRATION),
        share,
        CONCENTRATION,
        source,
    )


def _percent(known: Acceptance) -> str:
    share = known.together
    return f"{100 * share.likely:.0f}% ({100 * share.low:.0f} to {100 * share.high:.0f})"


def _span(value: Range) -> str:
    return f"{value.likely:.0f} ({value.low:.0f} to {value.high:.0f})"
