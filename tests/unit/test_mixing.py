"""Mixing keeps the paper's promises about which rows train."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siked.mixing import mix, order_strategies, select
from siked.records import Failure, VerifiedRationale, write_records
from siked.settings import MixSettings
from siked.strategies import is_hollow, lacks_sub_questions
from stages.mix import fit

STRATEGIES = ["cot", "l2m", "pot"]


def rationale(
    question: str, strategy: str, *, sample: int = 0, text: str = "t", correct: bool = True
):
    return VerifiedRationale(
        question_id=question,
        strategy=strategy,
        sample=sample,
        text=text,
        predicted="1",
        correct=correct,
        failure=None if correct else Failure.WRONG,
    )


def biased(rationales, order):
    """Question and strategy of what a bias leaves of one origin's rationales."""
    kept = mix(select(rationales, keep=1), [], variant="teacher", scope="question", order=order)
    return [(row.question_id, row.strategy) for _, row in kept]


def keys(rows):
    return [(origin, row.question_id, row.strategy) for origin, row in rows]


def test_wrong_rationales_never_train():
    rows = [rationale("q", "cot", correct=False), rationale("q", "pot")]
    assert [row.strategy for row in select(rows, keep=None)] == ["pot"]


def test_keep_counts_distinct_texts_and_prefers_early_samples():
    rows = [
        rationale("q", "cot", sample=0, text="a  b"),
        rationale("q", "cot", sample=1, text="a b"),
        rationale("q", "cot", sample=2, text="c"),
        rationale("q", "cot", sample=3, text="d"),
    ]
    assert [row.sample for row in select(rows, keep=2)] == [0, 2]
    assert [row.sample for row in select(rows, keep=None)] == [0, 2, 3]


def test_bias_keeps_the_first_strategy_that_solves_each_question():
    rows = [rationale("a", "cot"), rationale("a", "pot"), rationale("b", "cot")]
    kept = biased(rows, order_strategies(("pot", "cot", "l2m"), (), STRATEGIES))
    assert kept == [("a", "pot"), ("b", "cot")]


def test_a_strategy_that_no_bias_names_does_not_train():
    rows = [rationale("a", "cot"), rationale("a", "pot"), rationale("b", "cot")]
    assert biased(rows, order_strategies(("pot",), (), STRATEGIES)) == [("a", "pot")]


@pytest.mark.parametrize(
    ("variant", "scope", "rows"),
    [
        ("all", "question", [("student", "a", "cot"), ("teacher", "b", "pot")]),
        ("adaptive", "question", [("student", "a", "cot"), ("teacher", "b", "pot")]),
        ("adaptive", "strategy", [("student", "a", "cot"), ("teacher", "b", "pot")]),
        ("self", "question", [("student", "a", "cot")]),
        ("teacher", "question", [("teacher", "a", "pot"), ("teacher", "b", "pot")]),
    ],
)
def test_a_bias_leaves_one_strategy_of_each_question_in_the_mix(variant, scope, rows):
    """The teacher's programs for `a` do not train beside the student's chain of thought."""
    teacher = [rationale("a", "pot"), rationale("b", "pot"), rationale("b", "l2m")]
    student = [rationale("a", "cot", text="own"), rationale("a", "pot", text="own")]
    order = order_strategies(("cot", "pot", "l2m"), (), STRATEGIES)
    assert keys(mix(teacher, student, variant=variant, scope=scope, order=order)) == rows


def sampled(question, **right):
    """Four samples of a question with each strategy, the first so many of them right."""
    return [
        rationale(question, strategy, sample=n, text=f"{n}", correct=n < count)
        for strategy, count in right.items()
        for n in range(4)
    ]


def test_a_students_bias_is_what_it_solves_each_question_with_most_often():
    samples = [
        *sampled("sentences", cot=3, l2m=1, pot=2),
        *sampled("a tie", cot=1, l2m=2, pot=2),
        *sampled("unsolved", cot=0, l2m=0, pot=0),
        *sampled("easy", cot=2, l2m=3, pot=4),
    ]
    order = order_strategies("student", samples, STRATEGIES)
    # Right of all samples: cot 6, l2m 6, pot 8.
    assert order("sentences") == ["cot", "pot", "l2m"]
    assert order("a tie") == ["pot", "l2m", "cot"]
    assert order("unsolved") == order("never sampled") == ["pot", "cot", "l2m"]
    assert biased(samples, order) == [
        ("sentences", "cot"),
        ("a tie", "pot"),
        ("easy", "pot"),
    ]
    teacher = [rationale(q, s) for q in ("sentences", "unsolved") for s in STRATEGIES]
    no_program = [rationale("never sampled", "l2m"), rationale("never sampled", "cot")]
    assert biased([*teacher, *no_program], order) == [
        ("sentences", "cot"),
        ("unsolved", "pot"),
        ("never sampled", "cot"),
    ]


def test_a_student_that_has_not_sampled_prefers_nothing_and_one_that_failed_the_first_taught():
    assert order_strategies("student", [], STRATEGIES) is None
    failed = order_strategies("student", sampled("q", cot=0, l2m=0, pot=0), STRATEGIES)
    assert failed("q") == STRATEGIES


def test_samples_are_read_for_the_students_bias_alone():
    unread = iter(sampled("q", cot=1))
    assert order_strategies(None, unread, STRATEGIES) is None
    assert list(order_strategies(("pot",), unread, STRATEGIES)("q")) == ["pot"]
    assert len(list(unread)) == 4


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
    rows = keys(mix(teacher, student, variant=variant, scope=scope, order=None))
    assert rows == [("student", "a", "pot"), *(("teacher", *key) for key in teachers)]


def test_the_control_without_the_student_is_the_teacher_alone():
    teacher = [rationale(q, s) for q in "ab" for s in ("cot", "pot")]
    student = [rationale("a", "pot", text="own")]
    rows = mix(teacher, student, variant="teacher", scope="question", order=None)
    assert rows == [("teacher", one) for one in teacher]


@pytest.mark.parametrize("variant", ["all", "adaptive"])
@pytest.mark.parametrize("scope", ["question", "strategy"])
def test_a_student_that_solves_nothing_falls_back_to_the_teacher(variant, scope):
    teacher = [rationale("a", "cot"), rationale("b", "l2m")]
    rows = mix(teacher, [], variant=variant, scope=scope, order=None)
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
    teacher = select(teacher, keep=1)
    student = select(student, keep=1)
    adaptive = mix(teacher, student, variant="adaptive", scope=scope, order=None)
    everything = mix(teacher, student, variant="all", scope=scope, order=None)
    assert [row for row in everything if row in adaptive] == adaptive
    assert {row.question_id for _, row in adaptive} == {row.question_id for _, row in everything}


ASKS = [
    "How many eggs? 16 - 7 = 9.\nFinal Answer: 18",
    "Q1: The eggs that are left. 9.\nQ2: The dollars. 18.\n#### 18",
    "**Sub-question 1:** Find the eggs.\n9\nThe answer is 18.",
    "有多少鸡蛋\uff1f 9\nFinal Answer: 18",
    "How many? 18",
]
ASKS_NOTHING = [
    "16 - 7 = 9, and 9 * 2 = 18.\nFinal Answer: 18",
    "9 * 2 = 18\nFinal Answer: 18\n\nQuestion: Tom has 4. How many has he?",
    "So \\boxed{18}. Any questions?",
    "Let x be the eggs.\nWrite an equation 2x = 18\n#### 9",
    "",
]


def test_a_sub_question_stands_before_the_answer():
    assert not any(lacks_sub_questions("l2m", text) for text in ASKS)
    assert all(lacks_sub_questions("l2m", text) for text in ASKS_NOTHING)
    assert not any(lacks_sub_questions(name, "18") for name in ("cot", "pot", None, "none-such"))


WORKED = [
    ("cot", "16 - 7 = 9, and 9 * 2 = 18.\nFinal Answer: 18", "18"),
    ("cot", "She pays $1,200.00.\nThe answer is 1200.", "1200"),
    ("l2m", "How many? 9.\nWhat do they cost? 9 * 2 = 18.\n#### 18", "18"),
    ("cot", "He is at -3 degrees.\nFinal Answer: 3", "3"),
    ("cot", "Half of it.\nFinal Answer: 1/2", "1/2"),
    ("cot", "16 - 7 = 9, and 9 * 2 = 18", "18"),
    ("cot", "So the answer is 9 * 2 = 18.\nFinal Answer: 18", "18"),
    ("pot", "eggs = 16 - 7\nanswer = eggs * 2", "18"),
    ("pot", "answer = sum([9, 9])", "18"),
    ("pot", "answer = 9\nanswer += 9", "18"),
    ("pot", "answer = (", "18"),
    (None, "Final Answer: 18", "18"),
]
HOLLOW = [
    ("cot", "We add the eggs: 16 + 2.\nFinal Answer: 18", "18"),
    ("cot", "Final Answer: 18", "18"),
    ("l2m", "What is the sum of 16 and 2?\nFinal Answer: 18", "18"),
    ("cot", "There are 118 and 180.\nFinal Answer: 18", "18"),
    ("pot", "eggs = 16\nanswer = 18", "18"),
]


@pytest.mark.parametrize("one", WORKED)
def test_a_rationale_that_comes_to_its_answer_is_not_hollow(one):
    assert not is_hollow(*one)


@pytest.mark.parametrize("one", HOLLOW)
def test_a_rationale_that_only_states_its_answer_is_hollow(one):
    assert is_hollow(*one)


def test_a_program_made_to_be_deep_is_read_or_left_alone():
    for text in ("(" * 50_000, "-" * 200_000 + "1", "a=" * 30_000 + "1", "\0"):
        assert is_hollow("pot", text, "1") in (True, False)


@pytest.mark.parametrize("dropped", [False, True])
def test_hollow_rationales_train_unless_they_must_not(tmp_path, dropped):
    rows = [
        rationale("q", name, text=text).model_copy(update={"predicted": answer})
        for name, text, answer in [*WORKED, *HOLLOW]
    ]
    write_records(tmp_path / "verified.jsonl", rows)
    settings = MixSettings(variant="all", scope="question", keep=None, drop_hollow=dropped)
    left = list(fit(tmp_path / "verified.jsonl", settings))
    assert left == (rows[: len(WORKED)] if dropped else rows)


@pytest.mark.parametrize("required", [False, True])
def test_a_rationale_under_the_wrong_tag_trains_unless_it_must_not(tmp_path, required):
    texts = [*ASKS, *ASKS_NOTHING]
    rows = [rationale("q", "l2m", sample=at, text=text) for at, text in enumerate(texts)]
    rows.append(rationale("q", "cot", text="18"))
    write_records(tmp_path / "verified.jsonl", rows)
    settings = MixSettings(
        variant="all", scope="question", keep=None, require_sub_questions=required
    )
    left = list(fit(tmp_path / "verified.jsonl", settings))
    asking = [one for one in rows if one.strategy == "cot" or one.text in ASKS]
    assert left == (asking if required else rows)
