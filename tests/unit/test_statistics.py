import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest, entropy

from siked.analysis.statistics import accuracy, divergence, gain, mcnemar, round_floats, wilson

counts = st.tuples(st.integers(1, 3000), st.floats(0, 1)).map(lambda p: (round(p[0] * p[1]), p[0]))


@given(counts)
def test_wilson_is_scipys(pair):
    correct, n = pair
    expected = binomtest(correct, n).proportion_ci(0.95, method="wilson")
    low, high = wilson(correct, n)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= low <= correct / n <= high <= 1


def test_nothing_measured_is_no_accuracy():
    assert wilson(0, 0) == (0.0, 1.0)
    assert accuracy(0, 0) == {"accuracy": None, "n": 0, "low": None, "high": None}


@given(st.integers(0, 700), st.integers(0, 700))
def test_mcnemar_is_the_exact_binomial_test(won, lost):
    expected = binomtest(won, won + lost).pvalue if won + lost else 1.0
    assert mcnemar(won, lost) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_the_bootstrap_is_one_over_questions():
    """Drawing counts gives the interval that resampling the questions themselves gives."""
    won, lost, n = 20, 8, 120
    differences = np.repeat([1, -1, 0], [won, lost, n - won - lost])
    rng = np.random.default_rng(1)
    means = rng.choice(differences, size=(20_000, n)).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    result = gain(won, lost, n)
    assert (result["low"], result["high"]) == pytest.approx((low, high), abs=0.01)
    assert result["low"] < result["gain"] < result["high"]


def test_a_seed_gives_the_same_interval_again():
    assert gain(20, 8, 120, seed=5) == gain(20, 8, 120, seed=5)


def test_students_that_agree_differ_by_nothing():
    assert gain(0, 0, 50) == {
        "gain": 0.0,
        "low": 0.0,
        "high": 0.0,
        "p": 1.0,
        "won": 0,
        "lost": 0,
        "n": 50,
    }
    assert gain(0, 0, 0)["gain"] is None


spread = st.lists(st.integers(0, 500), min_size=3, max_size=3).map(
    lambda numbers: dict(zip("abc", numbers, strict=True))
)


@given(spread, spread, st.floats(0.01, 10))
def test_divergence_is_kl_of_the_smoothed_counts(p, q, smoothing):
    expected = entropy(
        [count + smoothing for count in p.values()], [count + smoothing for count in q.values()]
    )
    assert divergence(p, q, smoothing=smoothing) == pytest.approx(expected, abs=1e-9)


@given(spread)
def test_a_distribution_does_not_diverge_from_itself(p):
    assert divergence(p, Counter(p), smoothing=1) == 0


@given(spread)
def test_divergence_does_not_depend_on_the_order_of_keys(p):
    assume(sum(p.values()))
    q = {"c": 3, "b": 2, "a": 1}
    assert divergence(p, q, smoothing=0.5) == pytest.approx(
        divergence(dict(reversed(p.items())), q, smoothing=0.5)
    )


def test_divergence_of_what_cannot_be_compared():
    assert divergence({"a": 1, "b": 1}, {"a": 1, "b": 0}, smoothing=0) == math.inf
    with pytest.raises(ValueError, match="over"):
        divergence({"a": 1}, {"b": 1}, smoothing=1)
    with pytest.raises(ValueError, match="smoothing"):
        divergence({"a": 0}, {"a": 1}, smoothing=0)


def test_a_small_p_is_not_rounded_to_nothing():
    assert round_floats({"p": 1.23e-21, "low": 1.23e-21}) == {"p": 1.2e-21, "low": 0.0}
    assert round_floats({"p": 0.0351712}) == {"p": 0.035171}


def test_rounding_reaches_every_float_and_only_floats():
    value = {
        "b": 1 / 3,
        "a": [2, -1e-9, (math.nan, math.inf)],
        "c": True,
        "d": None,
        "e": "1.2345678",
    }
    assert list(round_floats(value)) == ["b", "a", "c", "d", "e"]
    assert round_floats(value) == {
        "b": 0.333333,
        "a": [2, 0.0, [None, None]],
        "c": True,
        "d": None,
        "e": "1.2345678",
    }
    assert math.copysign(1, round_floats(-1e-9)) == 1
