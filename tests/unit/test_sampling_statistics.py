"""pass@k, majority@k, forced strategies and the oracle, each against brute force."""

import json
import math
from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from siked.analysis.samples import (
    TOGETHER,
    average,
    count_samples,
    elect,
    majority_at_k,
    measure_forced,
    measure_regret,
    pass_at_k,
    solved_chances,
)
from siked.analysis.voting import majority_chances, vote
from siked.errors import UserError
from siked.records import Failure, VerifiedRationale

STRATEGIES = ["cot", "pot"]


def one(question, strategy, sample, predicted, gold="18"):
    right = predicted == gold
    return VerifiedRationale(
        question_id=f"q{question}",
        strategy=strategy,
        sample=sample,
        text="x",
        predicted=predicted,
        correct=right,
        failure=None if right else Failure.WRONG if predicted else Failure.NO_ANSWER,
    )


predictions = st.sampled_from(["18", "20", "3.5", "7", None])


@st.composite
def sampled(draw, questions=4):
    """A few questions with the same number of samples for each strategy."""
    k = draw(st.integers(1, 4))
    return [
        one(question, strategy, sample, draw(predictions))
        for question in range(draw(st.integers(1, questions)))
        for strategy in STRATEGIES
        for sample in range(k)
    ]


def by_question(rationales, strategy):
    """A question's samples each, of one strategy or of all."""
    names = STRATEGIES if strategy == TOGETHER else [strategy]
    ids = sorted({one.question_id for one in rationales})
    return [
        [one for one in rationales if one.question_id == name and one.strategy in names]
        for name in ids
    ]


def mean(values):
    return sum(values) / len(values)


def lucky(subset):
    return float(any(one.correct for one in subset))


def voted(subset):
    """Whether the most frequent answer is right; by chance where several are."""
    votes = Counter(one.predicted for one in subset if one.predicted is not None)
    top = [answer for answer, count in votes.items() if count == max(votes.values())]
    return top.count("18") / len(top) if top else 0.0


@pytest.mark.parametrize(("figures", "outcome"), [(pass_at_k, lucky), (majority_at_k, voted)])
@given(rationales=sampled())
@settings(max_examples=40)
def test_a_curve_is_the_mean_over_every_subset(figures, outcome, rationales):
    samples = count_samples(rationales, STRATEGIES)
    curves = figures(samples)
    assert list(curves) == [*STRATEGIES, TOGETHER]
    for strategy, curve in curves.items():
        assert list(curve) == [str(k) for k in range(1, samples.k + 1)]
        for k, point in curve.items():
            expected = mean(
                [
                    mean([outcome(subset) for subset in combinations(rows, int(k))])
                    for rows in by_question(rationales, strategy)
                ]
            )
            assert point["accuracy"] == pytest.approx(expected, abs=1e-4)
            assert point["low"] <= point["accuracy"] <= point["high"]


@given(sampled())
@settings(max_examples=40)
def test_a_vote_that_is_held_is_one_of_those_that_the_curve_is_the_mean_of(rationales):
    for pool, flags in elect(rationales, STRATEGIES).items():
        for rows in by_question(rationales, pool):
            k = len(flags[rows[0].question_id])
            for own, flag in enumerate(flags[rows[0].question_id], start=1):
                drawn = [row for row in rows if row.sample < own]
                chance = voted(drawn)
                assert flag == chance or 0 < chance < 1
            assert k == 1 + max(row.sample for row in rows)


def test_of_answers_with_equally_many_votes_the_first_one_counts():
    for answers, flags in ((("20", "18"), [False, False]), (("18", "20"), [True, True])):
        rows = [one(0, "pot", sample, answer) for sample, answer in enumerate(answers)]
        assert elect(rows, ["pot"])["pot"]["q0"] == flags
    assert elect([one(0, "pot", 0, None)], ["pot"])["pot"]["q0"] == [False]


sizes = st.lists(st.integers(1, 3), max_size=2).map(tuple)


@given(sizes, sizes, st.integers(0, 2))
@settings(max_examples=60)
def test_a_vote_with_several_right_answers(right, wrong, silent):
    drawn = [("right", n) for n, size in enumerate(right) for _ in range(size)]
    drawn += [("wrong", n) for n, size in enumerate(wrong) for _ in range(size)]
    drawn += [None] * silent
    assume(drawn)
    expected = []
    for k in range(1, len(drawn) + 1):
        outcomes = []
        for subset in combinations(drawn, k):
            votes = Counter(filter(None, subset))
            top = [answer for answer, count in votes.items() if count == max(votes.values())]
            outcomes.append(mean([answer[0] == "right" for answer in top]) if top else 0)
        expected.append(mean(outcomes))
    assert majority_chances(right, wrong, silent, len(drawn)) == pytest.approx(expected)


def test_the_estimator_is_unbiased():
    """Over all outcomes of n draws it averages to the chance that k draws solve the question."""
    rate, n = 0.3, 5
    for k in range(1, n + 1):
        expected = sum(
            math.comb(n, right)
            * rate**right
            * (1 - rate) ** (n - right)
            * solved_chances(right, n, k)[-1]
            for right in range(n + 1)
        )
        assert expected == pytest.approx(1 - (1 - rate) ** k)


@pytest.mark.parametrize("k", [0, 6])
def test_k_is_among_the_samples(k):
    with pytest.raises(ValueError, match="of 5 samples"):
        solved_chances(2, 5, k)
    with pytest.raises(ValueError, match="of 5 samples"):
        majority_chances((2,), (3,), 0, k)


def test_equal_numbers_are_one_answer_and_the_gold_does_not_vote():
    assert vote("$18.00") == vote("18") == vote("36/2")
    assert len({vote("18"), vote("18%"), vote("x + 9"), vote(None)}) == 4
    # Both right for a gold of 33.33, but two answers to whoever does not know it.
    cell = [("33.33", True), ("33.333", True), ("40", False), ("40.0", False)]
    samples = count_samples(
        [
            VerifiedRationale(
                question_id="q",
                strategy="cot",
                sample=number,
                text="x",
                predicted=predicted,
                correct=correct,
                failure=None if correct else Failure.WRONG,
            )
            for number, (predicted, correct) in enumerate(cell)
        ],
        ["cot"],
    )
    curve = majority_at_k(samples)["cot"]
    assert [point["accuracy"] for point in curve.values()] == [
        0.5,
        0.5,
        pytest.approx(1 / 3, abs=1e-4),
        0,
    ]


@given(sampled())
@settings(max_examples=40)
def test_forced_accuracy_and_the_oracle(rationales):
    figures = measure_forced(count_samples(rationales, STRATEGIES))
    for strategy in STRATEGIES:
        right = [one.correct for one in rationales if one.strategy == strategy]
        assert figures["strategies"][strategy]["accuracy"] == pytest.approx(mean(right), abs=1e-4)
    pairs = zip(*(by_question(rationales, strategy) for strategy in STRATEGIES), strict=True)
    expected = mean([mean([lucky(drawn) for drawn in product(*cells)]) for cells in pairs])
    assert figures["oracle"]["accuracy"] == pytest.approx(expected, abs=1e-4)
    best = max(each["accuracy"] for each in figures["strategies"].values())
    assert figures["oracle"]["accuracy"] >= best - 1e-4


@given(st.lists(st.tuples(predictions, predictions, st.booleans()), min_size=1, max_size=20))
@settings(max_examples=40)
def test_greedy_regret_counts_the_questions_that_another_strategy_solves(rows):
    """Where free and forced answers are greedy, the regret is the choice's alone."""
    alone, free = [], []
    for number, (cot, pot, programs) in enumerate(rows):
        alone += [one(number, "cot", 0, cot), one(number, "pot", 0, pot)]
        free.append(alone[-1] if programs else alone[-2])
    result = measure_regret(free, count_samples(alone, STRATEGIES))
    pairs = zip(free, alone[::2], alone[1::2], strict=True)
    missed = [not chosen.correct and (cot.correct or pot.correct) for chosen, cot, pot in pairs]
    assert result["value"] == pytest.approx(mean(missed), abs=1e-4)
    assert 0 <= result["low"] <= result["value"] <= result["high"]
    assert result["n"] == len(rows)


def test_regret_is_of_the_same_questions():
    samples = count_samples([one(0, "cot", 0, "18")], ["cot"])
    with pytest.raises(UserError, match=r"different questions .*q1"):
        measure_regret([one(0, "cot", 0, "18"), one(1, "cot", 0, "18")], samples)
    with pytest.raises(UserError, match="two free answers"):
        measure_regret([one(0, "cot", 0, "18"), one(0, "cot", 1, "18")], samples)


@given(sampled(), st.randoms())
@settings(max_examples=20)
def test_the_order_of_samples_changes_no_byte(rationales, random):
    shuffled = random.sample(rationales, len(rationales))
    for figures in (pass_at_k, majority_at_k, measure_forced):
        first, second = (
            figures(count_samples(rows, STRATEGIES)) for rows in (rationales, shuffled)
        )
        assert json.dumps(first) == json.dumps(second)


def test_every_question_needs_every_strategy():
    with pytest.raises(UserError, match="q1 has no sample with pot"):
        count_samples(
            [one(0, "cot", 0, "1"), one(0, "pot", 0, "1"), one(1, "cot", 0, "1")], STRATEGIES
        )
    with pytest.raises(UserError, match="no samples with pot"):
        count_samples([one(0, "cot", 0, "1")], ["pot"])


def test_the_bootstrap_is_one_over_questions():
    """Drawing how many questions of each value equals resampling the questions themselves."""
    values = [0.0] * 40 + [0.25] * 30 + [0.7] * 20 + [1.0] * 30
    rng = np.random.default_rng(1)
    means = rng.choice(values, size=(20_000, len(values))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    result = average(values)
    assert (result["low"], result["high"]) == pytest.approx((low, high), abs=0.005)
    assert result["accuracy"] == pytest.approx(mean(values))
    assert average(values, seed=5) == average(values, seed=5) != average(values, seed=6)
