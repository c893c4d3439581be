import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siked.analysis.figures import (
    choose_best,
    compare,
    describe_mix,
    evaluate,
    find_changes,
    plateau,
    summarise,
)
from siked.errors import UserError
from siked.records import Example, Failure, VerifiedRationale

STRATEGIES = ["cot", "l2m", "pot"]


def answer(number, strategy="cot", failure=None, **more):
    return VerifiedRationale(
        question_id=f"q{number:03d}",
        **{
            "strategy": strategy,
            "sample": 0,
            "text": "x",
            "completion_tokens": 10,
            "predicted": "1",
        }
        | more,
        correct=failure is None,
        failure=failure,
    )


answers = st.lists(
    st.tuples(st.sampled_from([*STRATEGIES, None]), st.sampled_from([None, *Failure])), max_size=60
).map(
    lambda drawn: [
        answer(n, strategy, failure or (None if strategy else Failure.NO_STRATEGY))
        for n, (strategy, failure) in enumerate(drawn)
    ]
)


def test_evaluate_by_hand():
    result = evaluate(
        [
            answer(0, "pot"),
            answer(1, "pot", Failure.NAME_ERROR),
            answer(2, "cot", Failure.WRONG, completion_tokens=30),
            answer(3, None, Failure.NO_STRATEGY, truncated=True),
        ],
        STRATEGIES,
    )
    none = {"accuracy": None, "n": 0, "low": None, "high": None}
    assert result == {
        "accuracy": 0.25,
        "n": 4,
        "low": 0.045587,
        "high": 0.699358,
        "strategies": {
            "cot": {"share": 0.25, "accuracy": 0.0, "n": 1, "low": 0.0, "high": 0.793451},
            "l2m": {"share": 0.0, **none},
            "pot": {"share": 0.5, "accuracy": 0.5, "n": 2, "low": 0.094531, "high": 0.905469},
        },
        "invalid_tags": 0.25,
        "truncated": 0.25,
        "completion_tokens": 15.0,
        "failures": {"wrong": 1, "no-strategy": 1, "name-error": 1},
    }


@given(answers)
def test_every_answer_is_counted_once(drawn):
    result = evaluate(drawn, STRATEGIES)
    chosen = [figures["n"] for figures in result["strategies"].values()]
    invalid = sum(one.strategy is None for one in drawn)
    assert sum(chosen) + invalid == result["n"] == len(drawn)
    right = len(drawn) - sum(result["failures"].values())
    if drawn:
        shares = [figures["share"] for figures in result["strategies"].values()]
        assert sum(shares) + result["invalid_tags"] == pytest.approx(1, abs=1e-3)
        assert result["accuracy"] == pytest.approx(right / len(drawn), abs=1e-4)
    else:
        assert result["accuracy"] is None


@given(answers, st.randoms())
def test_the_order_of_answers_changes_no_byte(drawn, random):
    shuffled = random.sample(drawn, len(drawn))
    assert json.dumps(evaluate(shuffled, STRATEGIES)) == json.dumps(evaluate(drawn, STRATEGIES))


def test_a_strategy_that_is_not_taught_is_an_invalid_tag():
    result = evaluate([answer(0, "pot"), answer(1, "cot")], ["cot"])
    assert result["invalid_tags"] == 0.5
    assert list(result["strategies"]) == ["cot"]


def example(strategy, origin):
    return Example(question_id="q", strategy=strategy, origin=origin, prompt="", completion="")


def test_mixed_by_hand():
    result = describe_mix(
        [example("cot", "teacher"), *[example("pot", "student")] * 3],
        STRATEGIES,
        teacher=[answer(0, name) for name in STRATEGIES] + [answer(1, "cot", Failure.WRONG)],
        student=[answer(0, "pot"), answer(1, "pot"), answer(2, "l2m", Failure.WRONG)],
    )
    assert result == {
        "rows": 4,
        "teacher_rows": 1,
        "student_rows": 3,
        "alpha": 0.25,
        "p_train": {"cot": 0.25, "l2m": 0.0, "pot": 0.75},
        "p_llm": {"cot": 0.333333, "l2m": 0.333333, "pot": 0.333333},
        "p_student": {"cot": 0.0, "l2m": 0.0, "pot": 1.0},
        # Of (2, 1, 4) / 7 against (1, 1, 3) / 5.
        "kl": 0.02596,
        "smoothing": 1.0,
    }


def test_a_student_that_solved_nothing_has_a_finite_divergence():
    result = describe_mix([example("cot", "teacher")], STRATEGIES, teacher=[answer(0)], student=[])
    assert result["p_student"] == dict.fromkeys(STRATEGIES)
    assert result["alpha"] == 1
    assert result["kl"] > 0


def test_changes_name_the_questions_won_and_lost():
    before = [answer(0), answer(1, failure=Failure.WRONG), answer(2), answer(3)]
    after = [answer(3), answer(2, failure=Failure.TIMEOUT), answer(1, "pot"), answer(0, "pot")]
    assert find_changes(before, after) == (["q001"], ["q002"])
    result = compare(before, after)
    assert (result["gain"], result["won"], result["lost"], result["n"]) == (0, 1, 1, 4)


def test_students_can_only_be_compared_on_the_same_questions():
    with pytest.raises(UserError, match=r"different questions .*q001"):
        find_changes([answer(0)], [answer(0), answer(1)])
    with pytest.raises(UserError, match="twice"):
        find_changes([answer(0), answer(0)], [answer(0)])


@pytest.mark.parametrize(
    ("dev", "patience", "min_gain", "stops"),
    [
        ([], 1, 0, False),
        ([0.5], 1, 0, False),
        ([0.5, 0.6], 1, 0, False),
        ([0.5, 0.5], 1, 0, True),
        ([0.5, 0.4], 1, 0, True),
        ([0.5, 0.4], 2, 0, False),
        ([0.5, 0.4, 0.5], 2, 0, True),
        ([0.5, 0.4, 0.6], 2, 0, False),
        ([0.5, 0.6], 1, 0.2, True),
        ([0.2, 0.3], 1, 0.1, False),  # 0.3 - 0.2 is a little less than 0.1
        ([0.5, 0.51, 0.52], 2, 0.02, False),  # two small rises make one that counts
        ([0.5, 0.4, 0.3, 0.2], None, 0, False),
    ],
)
def test_plateau(dev, patience, min_gain, stops):
    assert plateau(dev, patience, min_gain) is stops


@given(
    st.lists(st.integers(0, 10).map(lambda tenths: tenths / 10), min_size=1),
    st.integers(1, 4),
    st.floats(0, 0.3),
)
def test_carrying_a_result_on_never_ends_a_plateau(dev, patience, min_gain):
    if plateau(dev, patience, min_gain):
        assert plateau([*dev, dev[-1]], patience, min_gain)


def test_a_tie_goes_to_the_earlier_iteration():
    assert choose_best({"it0": 0.4, "it1": 0.6, "it2": 0.6}) == "it1"


def students():
    """Four students whose baseline ``cot`` is the better one on dev and the worse one on test."""
    random = Random(0)
    rates = {"it0": 0.4, "it1": 0.6, "baseline-cot": 0.5, "baseline-pot": 0.3}
    answered = {
        name: {
            benchmark: [
                answer(n, failure=None if random.random() < rate else Failure.WRONG)
                for n in range(100)
            ]
            for benchmark in ("dev", "svamp")
        }
        for name, rate in rates.items()
    }
    answered["baseline-pot"]["svamp"] = [answer(n) for n in range(100)]
    return answered


def test_summary_reports_what_dev_chose():
    answered = students()
    evaluations = {
        name: {benchmark: evaluate(given, STRATEGIES) for benchmark, given in by.items()}
        for name, by in answered.items()
    }
    gains = {"svamp": compare(answered["it0"]["svamp"], answered["it1"]["svamp"])}
    result = summarise(evaluations, ["it0", "it1"], ["baseline-cot", "baseline-pot"], "it1", gains)
    right = {name: sum(one.correct for one in by["svamp"]) / 100 for name, by in answered.items()}
    assert list(result) == ["selected", "iterations", "dev", "baseline", "test"]
    assert result["baseline"] == "baseline-cot"
    assert result["test"]["svamp"] == {
        "accuracy": right["it1"],
        "distilled": right["it0"],
        "baseline": right["baseline-cot"],
        **{key: gains["svamp"][key] for key in ("gain", "low", "high", "p")},
    }
    assert result["test"]["svamp"]["gain"] == round(right["it1"] - right["it0"], 6)
    json.dumps(result, allow_nan=False)


def test_summary_without_baselines():
    answered = students()
    evaluations = {"it0": {b: evaluate(a, STRATEGIES) for b, a in answered["it0"].items()}}
    gains = {"svamp": compare(answered["it0"]["svamp"], answered["it0"]["svamp"])}
    result = summarise(evaluations, ["it0"], [], "it0", gains)
    assert "baseline" not in result
    assert result["iterations"] == 0
    assert result["test"]["svamp"]["gain"] == 0


def test_failures_stand_in_the_order_of_their_definition():
    kinds = [Failure.FORBIDDEN, Failure.WRONG, Failure.TIMEOUT, Failure.WRONG]
    result = evaluate([answer(n, failure=kind) for n, kind in enumerate(kinds)], STRATEGIES)
    assert list(result["failures"].items()) == [("wrong", 2), ("timeout", 1), ("forbidden", 1)]
