"""Intervals and tests that say how far an accuracy can be trusted.

An accuracy over a few hundred questions is uncertain by several points. ``accuracy`` therefore
always carries its Wilson interval, and two students are compared on the same questions
(``gain``), which tells smaller differences apart than two separate intervals can.

The closed formulas stand here rather than a call to scipy: its import takes a second, and every
short stage would pay for it. The tests hold them against scipy.
"""

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import numpy as np

CONFIDENCE = 0.95
DIGITS = 6
RESAMPLES = 10_000


def round_floats(value: Any) -> Any:
    """Return ``value`` with every float in it rounded to 6 decimals, ready for JSON.

    A ``p`` that would be 0 keeps two digits. Mappings become dicts in the same order, sequences
    lists; NaN and infinities become None.
    """
    if isinstance(value, float):
        # Adding 0.0 turns -0.0 into 0.0, so that a file does not change by a sign of nothing.
        return round(value, DIGITS) + 0.0 if math.isfinite(value) else None
    if isinstance(value, Mapping):
        found = {key: round_floats(inner) for key, inner in value.items()}
        return found if found.get("p") != 0 else found | {"p": float(f"{value['p']:.1e}")}
    if isinstance(value, list | tuple):
        return [round_floats(inner) for inner in value]
    return value


def share(part: int, whole: int) -> float | None:
    """Return ``part / whole``, or None where there is nothing to share."""
    return part / whole if whole else None


def wilson(correct: int, n: int) -> tuple[float, float]:
    """Return the 95% Wilson score interval of ``correct`` out of ``n``; (0, 1) where ``n`` is 0."""
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    rate, spread = correct / n, z * z / n
    middle = (rate + spread / 2) / (1 + spread)
    reach = math.sqrt(rate * (1 - rate) * spread + spread * spread / 4) / (1 + spread)
    # Rounding errors must not push the interval off the rate itself at 0 and 1.
    return max(0.0, min(middle - reach, rate)), min(1.0, max(middle + reach, rate))


def accuracy(correct: int, n: int) -> dict[str, Any]:
    """Return an accuracy's ``{"accuracy": 0.55, "n": 60, "low": 0.4, "high": 0.7}``.

    Accuracy, low and high are None where ``n`` is 0.
    """
    low, high = wilson(correct, n) if n else (None, None)
    return {"accuracy": share(correct, n), "n": n, "low": low, "high": high}


def mcnemar(won: int, lost: int) -> float:
    """Return the two-sided p-value of McNemar's exact test.

    Args:
        won: Questions that only the second answers right.
        lost: Questions that only the first answers right.
    """
    n, few = won + lost, min(won, lost)
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(few + 1)) / (1 << n))


def gain(won: int, lost: int, n: int, *, seed: int = 0) -> dict[str, Any]:
    """Return how much better the second of two students is on the same ``n`` questions.

    Returns:
        ``{"gain": 0.15, "low": 0.03, "high": 0.27, "p": 0.0352, "won": 12, "lost": 3, "n": 60}``:
        the difference of the accuracies, its 95% bootstrap interval (10,000 resamples of the
        questions), and the p-value of McNemar's exact test. Gain, low and high are None where
        ``n`` is 0.
    """
    counts = {"won": won, "lost": lost, "n": n}
    if n == 0:
        return {"gain": None, "low": None, "high": None, "p": 1.0, **counts}
    # A resample draws n questions with replacement, and each is won, lost or neither: the counts
    # of a resample are multinomial, so they are drawn at once whatever n is.
    drawn = np.random.default_rng(seed).multinomial(
        n, [won / n, lost / n, (n - won - lost) / n], size=RESAMPLES
    )
    differences = (drawn[:, 0] - drawn[:, 1]) / n
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(differences, [tail, 1 - tail]).tolist()
    return {"gain": (won - lost) / n, "low": low, "high": high, "p": mcnemar(won, lost), **counts}


def divergence(p: Mapping[str, int], q: Mapping[str, int], *, smoothing: float) -> float:
    """Return KL(P ‖ Q) in nats between two distributions given as counts over the same keys.

    ``smoothing`` is added to every count of both before they are normalised, so that a strategy
    that one side never shows does not make the divergence infinite.

    Raises:
        ValueError: the keys differ, or a distribution is empty and not smoothed.
    """
    if set(p) != set(q):
        raise ValueError(f"the distributions are over {sorted(p)} and {sorted(q)}")
    p_sum, q_sum = (sum(counts.values()) + smoothing * len(counts) for counts in (p, q))
    if not p_sum or not q_sum:
        raise ValueError("a distribution without counts needs smoothing")
    total = 0.0
    for key in p:
        mine, theirs = (p[key] + smoothing) / p_sum, (q[key] + smoothing) / q_sum
        if mine:
            total += mine * math.log(mine / theirs) if theirs else math.inf
    return max(0.0, total)
