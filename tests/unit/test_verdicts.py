"""Verdicts are counted one by one, in whatever order they come."""

import json

from hypothesis import given
from hypothesis import strategies as st

from siked.analysis.verdicts import UnreadableGolds, VerdictCounts, failures
from siked.records import Failure, VerifiedRationale

STRATEGIES = ["cot", "l2m", "pot"]


def verdict(question, strategy, failure=None, text="", **more):
    return VerifiedRationale(
        question_id=f"q{question}",
        strategy=strategy,
        sample=0,
        text=text,
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
            "cot": {"rows_in": 3, "rows_out": 2, "acceptance": 0.666667},
            "l2m": {"rows_in": 0, "rows_out": 0, "acceptance": None},
            "pot": {"rows_in": 2, "rows_out": 1, "acceptance": 0.5},
        },
        "failures": {"wrong": 1, "timeout": 1},
        "no-sub-questions": 0,
        "hollow": {"cot": 2, "l2m": 0, "pot": 1},
        "rules": {"answer-variable": 1, "boxed": 2, "last-number": 1},
    }
    assert failures(rationales) == {"wrong": 1, "timeout": 1}


def test_figures_are_split_by_what_a_recording_says_of_its_rows():
    bare = [verdict(0, "cot"), verdict(1, "pot", Failure.WRONG)]
    assert not {"teachers", "sources"} & set(figures(bare))
    rows = [
        verdict(0, "cot", teacher="Big", source="lab"),
        verdict(1, "cot", Failure.WRONG, teacher="Big", source="lab"),
        verdict(0, "pot", teacher="Small", source="lab"),
        verdict(1, "pot", teacher="Big", source="lab"),
        *bare,
    ]
    split = figures(rows)
    assert split["teachers"] == {
        "Big": {
            "cot": {"rows_in": 2, "rows_out": 1, "acceptance": 0.5},
            "pot": {"rows_in": 1, "rows_out": 1, "acceptance": 1.0},
        },
        "Small": {"pot": {"rows_in": 1, "rows_out": 1, "acceptance": 1.0}},
        "not named": {
            "cot": {"rows_in": 1, "rows_out": 1, "acceptance": 1.0},
            "pot": {"rows_in": 1, "rows_out": 0, "acceptance": 0.0},
        },
    }
    assert "sources" not in split, "there is one"
    both = figures([*rows, verdict(2, "l2m", source="press")])["sources"]
    assert list(both) == ["lab", "press", "not named"]
    whole = {key: value for key, value in split.items() if key != "teachers"}
    unnamed = [one.model_copy(update={"teacher": "", "source": ""}) for one in rows]
    assert figures(unnamed) == whole


def test_a_source_a_row_does_not_fill_the_figures():
    rows = [verdict(0, "cot", source=f"page {number}") for number in range(200)]
    split = figures(rows)["sources"]
    assert len(split) == 51
    assert split["others"]["cot"]["rows_in"] == 150


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


def test_right_rationales_that_ask_no_sub_question_are_counted_by_themselves():
    asks, lacks = "How many? 9.\nFinal Answer: 18", "9 * 2 = 18\nFinal Answer: 18\nWhy? So."
    rows = [
        verdict(0, "l2m", text=asks),
        verdict(1, "l2m", text=lacks),
        verdict(2, "l2m", Failure.WRONG, text=lacks),
        verdict(3, "cot", text=lacks),
    ]
    found = figures(rows)
    assert found["no-sub-questions"] == 1
    assert found["rows_out"] == 3


def test_unreadable_golds_are_said_in_one_line_that_names_the_first(capsys, tmp_path):
    golds = UnreadableGolds()
    for at in range(40):
        golds.look(Failure.UNREADABLE_GOLD, f"q{at // 2}")
        golds.look(Failure.WRONG, "other")
    golds.say(tmp_path / "train.jsonl")
    said = capsys.readouterr()
    assert not said.out
    assert said.err.count("\n") == 1
    for part in ("train.jsonl: unreadable golds: 20 (q0, q1, q2, q3, q4, …)", "outputs (40)"):
        assert part in said.err


def test_readable_golds_are_not_worth_a_word(capsys, tmp_path):
    golds = UnreadableGolds()
    golds.look(Failure.WRONG, "q")
    golds.look(None, "q")
    golds.say(tmp_path)
    assert not capsys.readouterr().err
