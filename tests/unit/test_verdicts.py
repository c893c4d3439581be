"""Verdicts are counted one by one, in whatever order they come."""

import json

from hypothesis import given
from hypothesis import strategies as st

from siked.analysis.verdicts import VerdictCounts, failures
from siked.records import Failure, VerifiedRationale

STRATEGIES = ["cot", "l2m", "pot"]


def verdict(question, strategy, failure=None, **more):
    return VerifiedRationale(
        question_id=f"q{question}",
        strategy=strategy,
        sample=0,
        text="",
        correct=failure is None,
        failure=failure,
        **{"predicted": "1"} | more,
    )


def figures(rationales, questions=5):
    counts = VerdictCounts(STRATEGIES)
    for one in rationales:
        counts.add(one)
    return counts.figures(questions=questions)


def test_counts_by_hand():
    rationales = [
        verdict(0, "cot", rule="boxed"),
        verdict(0, "cot", rule="boxed"),
        verdict(0, "pot", Failure.TIMEOUT),
        verdict(1, "pot", rule="answer-variable"),
        verdict(2, "cot", Failure.WRONG, rule="last-number"),
    ]
    assert figures(rationales) == {
        "rows_in": 5,
        "rows_out": 3,
        "acceptance": 0.6,
        "questions": 5,
        "solved": {"any": 2, "cot": 1, "l2m": 0, "pot": 1},
        "strategies": {
            "cot": {"rows_in": 3, "rows_out": 2, "acceptance": 0.6667},
            "l2m": {"rows_in": 0, "rows_out": 0, "acceptance": None},
            "pot": {"rows_in": 2, "rows_out": 1, "acceptance": 0.5},
        },
        "failures": {"wrong": 1, "timeout": 1},
        "rules": {"answer-variable": 1, "boxed": 2, "last-number": 1},
    }
    assert failures(rationales) == {"wrong": 1, "timeout": 1}


def test_nothing_counted_is_nothing_right():
    assert figures([])["acceptance"] is None
    assert figures([])["solved"] == {"any": 0, "cot": 0, "l2m": 0, "pot": 0}


verdicts = st.lists(
    st.builds(
        verdict,
        st.integers(0, 4),
        st.sampled_from([*STRATEGIES, None]),
        st.sampled_from([None, *Failure]),
        rule=st.sampled_from([None, "boxed", "last-number"]),
    )
)


@given(verdicts, st.randoms())
def test_the_order_changes_no_byte(drawn, random):
    shuffled = random.sample(drawn, len(drawn))
    assert json.dumps(figures(shuffled)) == json.dumps(figures(drawn))


@given(verdicts)
def test_every_verdict_is_right_or_has_a_failure(drawn):
    result = figures(drawn)
    assert result["rows_in"] == len(drawn) == result["rows_out"] + sum(result["failures"].values())
