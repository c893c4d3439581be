"""How many of K samples will be right: what was seen with one K, carried over to another.

A question is easy or hard, so K samples of it are not K independent tries. Each question has its
own chance of a right sample; over the questions that chance is spread as a beta distribution. Two
figures of a filter stage give the distribution's two parameters: the share of right samples, and
the share of questions with at least one:

    {"rows_in": 960, "rows_out": 299, ...} of 240 questions, 140 of them solved, K = 4
    spread = fitted(0.3115, 140 / 240, 4)
    spread.solved(10)     # 0.71: with 10 samples, that share of the questions
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from siked.estimating.ranges import Range

_CONCENTRATIONS = (1e-3, 1e4)
"""From "a question is always or never solved" to "all questions are alike"."""
_HALVINGS = 60


@dataclass(frozen=True)
class Spread:
    """How the chance of a right sample is spread over the questions."""

    mean: float
    """Share of right samples."""
    concentration: float
    """Sum of the beta distribution's parameters: small where questions differ much."""

    def solved(self, samples: float) -> float:
        """Share of the questions with at least one right sample of so many."""
        return self.kept(samples, 1)

    def kept(self, samples: float, keep: int | None) -> float:
        """Right samples a question, of which at most ``keep`` count; all where None."""
        if keep is None or keep >= samples:
            return samples * self.mean
        # The mean of min(keep, right) is the sum of the chances of at least 1, 2, ... keep.
        chances = [self._exactly(right, int(samples)) for right in range(keep)]
        return sum(1 - sum(chances[: least + 1]) for least in range(keep))

    def _exactly(self, right: int, samples: int) -> float:
        """The chance that just so many of a question's samples are right (beta-binomial)."""
        if self.mean <= 0 or self.mean >= 1:
            return float(right == (samples if self.mean >= 1 else 0))
        a = self.mean * self.concentration
        b = self.concentration - a
        ways = math.lgamma(samples + 1) - math.lgamma(right + 1) - math.lgamma(samples - right + 1)
        return math.exp(ways + _beta(a + right, b + samples - right) - _beta(a, b))


def fitted(mean: float, solved: float, samples: int) -> Spread:
    """The spread behind a share of right samples and a share of solved questions.

    Args:
        mean: share of right samples.
        solved: share of the questions with at least one right sample.
        samples: samples a question; with a single one nothing tells the spread, and questions
            count as alike in the middle (concentration 1).
    """
    if samples < 2:
        return Spread(mean, 1.0)
    low, high = _CONCENTRATIONS
    # The more alike questions are, the more of them have a right sample: halve the interval.
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        if Spread(mean, middle).solved(samples) < solved:
            low = middle
        else:
            high = middle
    return Spread(mean, math.sqrt(low * high))


@dataclass(frozen=True)
class Acceptance:
    """How often one writer is right, with what is not known of it."""

    by_strategy: dict[str, Range]
    """Share of right samples."""
    concentrations: dict[str, float]
    """How alike questions are, for each strategy."""
    together: Range
    """Share of right samples over all strategies."""
    concentration: float
    """How alike questions are, over the samples of all strategies."""
    source: str
    """Where this is from, in a few words."""

    def kept(self, strategy: str, samples: int, keep: int | None) -> Range:
        """Right rationales a question with one strategy that may train."""
        spread = self.concentrations[strategy]
        return _mapped(self.by_strategy[strategy], spread, samples, keep)

    def solved(self, strategy: str, samples: int) -> Range:
        """Share of the questions that one strategy solves."""
        return self.kept(strategy, samples, 1)

    def any_solved(self, samples: int) -> Range:
        """Share of the questions that at least one strategy solves."""
        return _mapped(self.together, self.concentration, samples * len(self.by_strategy), 1)


def _mapped(shares: Range, concentration: float, samples: int, keep: int | None) -> Range:
    low, likely, high = (
        Spread(share, concentration).kept(samples, keep)
        for share in (shares.low, shares.likely, shares.high)
    )
    return Range(low, likely, high)


def _beta(a: float, b: float) -> float:
    """The logarithm of the beta function."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
