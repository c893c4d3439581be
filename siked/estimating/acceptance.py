"""How often the teacher and the student are right: seen in the last run, told, or assumed.

A question is easy or hard, so K samples of it are not K independent tries. Each question has its
own chance of a right sample; over the questions that chance is spread as a beta distribution. Two
figures of a filter stage give the distribution's two parameters, the share of right samples and the
share of questions with at least one:

    {"rows_in": 960, "rows_out": 299, ...} of 240 questions, 140 of them solved, K = 4
    concentration = fit(0.3115, 140 / 240, 4)
    count_kept(0.3115, concentration, samples=10, keep=1)     # 0.71 of the questions have one of 10
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from siked.analysis.statistics import wilson
from siked.estimating.rates import Range, between
from siked.settings import Params

ANY = "any"
"""Beside the strategies, what all of them together solve; a filter stage's own word for it."""
CONCENTRATIONS = (1e-3, 1e4)
"""From "a question is always or never solved" to "all questions are alike"."""
CONCENTRATION = 1.0
"""Where nothing tells: questions differ much, most are solved nearly always or nearly never."""
TEACHER = between(0.70, 0.85, 0.95)
STUDENT = between(0.15, 0.40, 0.70)
WORKED = between(0.97, 0.99, 1.0)
"""Of worked solutions that are written as rationales."""
TOLD = 0.1
"""How far off a share that the user gives may be."""


def count_kept(mean: ArrayLike, concentration: float, samples: int, keep: int | None) -> Range:
    """Return the right samples a question, of which at most ``keep`` count; all where None.

    Args:
        mean: share of right samples, an array or one number.
        concentration: sum of the beta distribution's parameters: small where questions differ much.
        samples: samples a question.
        keep: most that count.
    """
    from scipy.stats import betabinom  # takes a second, which no other command should wait for

    means = np.asarray(mean, dtype=float)
    if keep is None or keep >= samples:
        return samples * means
    # The mean of min(keep, right) is the sum of the chances of at least 1, 2, ... keep.
    inside = np.clip(means, 1e-12, 1 - 1e-12)
    a, b = inside * concentration, (1 - inside) * concentration
    kept: Range = sum(betabinom.sf(least, samples, a, b) for least in range(keep))
    return np.where(means <= 0, 0, np.where(means >= 1, keep, kept))


def fit(mean: float, solved: float, samples: int) -> float:
    """Return the concentration behind a share of right samples and one of solved questions.

    Args:
        mean: share of right samples.
        solved: share of the questions with at least one right sample.
        samples: samples a question; of a single one nothing tells the concentration.
    """
    from scipy.optimize import brentq

    if samples < 2:
        return CONCENTRATION

    def miss(logarithm: float) -> float:
        return float(count_kept(mean, np.exp(logarithm), samples, 1)) - solved

    low, high = np.log(CONCENTRATIONS)
    # The more alike questions are, the more of them have a right sample.
    if miss(low) >= 0 or miss(high) <= 0:
        return CONCENTRATIONS[0 if miss(low) >= 0 else 1]
    return float(np.exp(brentq(miss, low, high)))


@dataclass(frozen=True)
class Acceptance:
    """How often one writer is right, with what is not known of it."""

    shares: dict[str, Range]
    """Of right samples, by strategy, and of those of all strategies as ``any``."""
    concentrations: dict[str, float]
    """How alike questions are, by the same names."""
    source: str
    """Where this is from, in a few words."""

    def count_kept(self, strategy: str, samples: int, keep: int | None) -> Range:
        """Return the right rationales a question with one strategy that may train."""
        return count_kept(self.shares[strategy], self.concentrations[strategy], samples, keep)

    def count_solved(self, samples: int) -> Range:
        """Return the share of the questions that any strategy solves with so many samples each."""
        return self.count_kept(ANY, samples * (len(self.shares) - 1), 1)

    def covers(self, params: Params) -> bool:
        """Return whether it knows all strategies of the settings."""
        return set(params.strategies) <= self.shares.keys()

    def describe(self) -> str:
        """Return ``40% (15 to 70): an assumption``."""
        low, likely, high = 100 * self.shares[ANY]
        return f"{likely:.0f}% ({low:.0f} to {high:.0f}): {self.source}"


def read_acceptance(figures: dict[str, Any]) -> Acceptance | None:
    """Return what a filter stage's figures say; None where it had nothing to check."""
    questions = figures["questions"]
    if not questions or not figures["rows_in"]:
        return None
    shares, concentrations = {}, {}
    for name, counts in {**figures["strategies"], ANY: figures}.items():
        share = counts["rows_out"] / counts["rows_in"] if counts["rows_in"] else 0.0
        low, high = wilson(round(share * questions), questions)
        shares[name] = between(min(low, share), share, max(high, share))
        solved, samples = figures["solved"][name] / questions, counts["rows_in"] / questions
        concentrations[name] = fit(share, solved, round(samples))
    return Acceptance(shares, concentrations, "the last run")


def expect_teacher(params: Params, seen: Acceptance | None) -> Acceptance:
    """Return how often the teacher will be right.

    Args:
        params: the settings.
        seen: of a last run with the same questions and teacher.
    """
    if seen is not None and seen.covers(params):
        return seen
    teachers = params.teachers()
    worked = {name: one.engine == "annotations" for name, one in teachers.items()}
    if all(worked.values()):
        return _assume(params.strategies, WORKED, "made from worked solutions")
    guess = _assume(params.strategies, TEACHER, "an assumption")
    shares = {name: WORKED for name in teachers if worked[name]}
    return replace(guess, shares={**guess.shares, **shares})


def expect_students(
    params: Params, seen: dict[str, Acceptance], told: float | None
) -> dict[str, Acceptance]:
    """Return how often the student will be right that writes for each iteration behind the first.

    Args:
        params: the settings.
        seen: by iteration, of a last run with the same questions and student. An iteration that it
            did not have is as its last one.
        told: the share of its rationales that are right, where the user says it.
    """
    names = params.chain()[1:]
    if told is not None:
        share = between(max(0.0, told - TOLD), told, min(1.0, told + TOLD))
        return dict.fromkeys(names, _assume(params.strategies, share, "as --acceptance says"))
    seen = {name: one for name, one in seen.items() if one.covers(params)}
    if not seen:
        guess = _assume(params.strategies, STUDENT, "an assumption, see --acceptance")
        return dict.fromkeys(names, guess)
    latest = max(seen, key=lambda name: (name in names and names.index(name), name))
    return {name: seen.get(name, seen[latest]) for name in names}


def _assume(strategies: Sequence[str], share: Range, source: str) -> Acceptance:
    names = [*strategies, ANY]
    return Acceptance(dict.fromkeys(names, share), dict.fromkeys(names, CONCENTRATION), source)
