"""Mixing keeps the paper's promises about which rows train."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siked.mixing import mix, select
from siked.records import Failure, VerifiedRationale


def rationale(
    question: str, strategy: str, *, sample: int = 0, text: str = "t", correct: bool = True
):
    return VerifiedRationale(
        question_id=question,
        strategy=strategy,
        sample=sample,
        text=text,
        correct=correct,
        failure=None if correct else Failure.WRONG,
    )


def keys(rows):
    return [(origin, row.question_id, row.strategy) for origin, row in rows]


def test_wrong_rationales_never_train():
    rows = [rationale("q", "cot", correct=False), rationale("q", "pot")]
    assert [row.strategy for row in select(rows, keep=None, bias=None)] == ["pot"]


def test_keep_counts_distinct_texts_and_prefers_early_samples():
    rows = [
        rationale("q", "cot", sample=0, text="a  b"),
        rationale("q", "cot", sample=1, text="a b"),
        rationale("q", "cot", sample=2, text="c"),
        rationale("q", "cot", sample=3, text="d"),
    ]
    assert [row.sample for row in select(rows, keep=2, bias=None)] == [0, 2]
    assert [row.sample for row in select(rows, keep=None, bias=None)] == [0, 2, 3]


def test_bias_keeps_the_first_strategy_that_solves_each_question():
    rows = [rationale("a", "cot"), rationale("a", "pot"), rationale("b", "cot")]
    kept = select(rows, keep=1, bias=("pot", "cot", "l2m"))
    assert [(row.question_id, row.strategy) for row in kept] == [("a", "pot"), ("b", "cot")]


@pytest.mark.parametrize(
    ("variant", "scope", "teachers"),
    [
        ("all", "question", [("a", "cot"), ("a", "pot"), ("b", "cot"), ("b", "pot")]),
        ("adaptive", "question", [("b", "cot"), ("b", "pot")]),
        ("adaptive", "strategy", [("a", "cot"), ("b", "cot"), ("b", "pot")]),
        ("self", "question", []),
    ],
)
def test_variants_differ_in_the_teachers_rows(variant, scope, teachers):
    teacher = [rationale(q, s) for q in "ab" for s in ("cot", "pot")]
    student = [rationale("a", "pot", text="own")]
    rows = keys(mix(teacher, student, variant=variant, scope=scope))
    assert rows == [("student", "a", "pot"), *(("teacher", *key) for key in teachers)]


def test_the_control_without_the_student_is_the_teacher_alone():
    teacher = [rationale(q, s) for q in "ab" for s in ("cot", "pot")]
    student = [rationale("a", "pot", text="own")]
    rows = mix(teacher, student, variant="teacher", scope="question")
    assert rows == [("teacher", one) for one in teacher]


@pytest.mark.parametrize("variant", ["all", "adaptive"])
@pytest.mark.parametrize("scope", ["question", "strategy"])
def test_a_student_that_solves_nothing_falls_back_to_the_teacher(variant, scope):
    teacher = [rationale("a", "cot"), rationale("b", "l2m")]
    rows = mix(teacher, [], variant=variant, scope=scope)
    assert [row for _, row in rows] == teacher


ROWS = st.lists(
    st.builds(
        rationale,
        st.sampled_from("abc"),
        st.sampled_from(["cot", "l2m", "pot"]),
        text=st.sampled_from("xyz"),
        correct=st.booleans(),
    )
)


@given(ROWS, ROWS, st.sampled_from(["question", "strategy"]))
def test_adaptive_is_part_of_all_and_covers_what_the_teacher_covers(teacher, student, scope):
    teacher = select(teacher, keep=1, bias=None)
    student = select(student, keep=1, bias=None)
    adaptive = mix(teacher, student, variant="adaptive", scope=scope)
    everything = mix(teacher, student, variant="all", scope=scope)
    assert [row for row in everything if row in adaptive] == adaptive
    assert {row.question_id for _, row in adaptive} == {row.question_id for _, row in everything}
