"""What several samples a question say: pass@k, majority@k, forced strategies and the oracle.

``generate`` lets a student write K rationales for every train question and strategy; the verified
file of the iteration that follows (``it2``'s of student ``it1``) holds all, right and wrong:

    {"question_id": "demo-00000", "strategy": "cot", "sample": 0, "text": "The garden has ...",
     "predicted": "62", "rule": "final-answer", "correct": false, "failure": "wrong"}

    samples = count_samples(read_records(path, VerifiedRationale), ["cot", "l2m", "pot"])
    pass_at_k(samples)["pot"]["4"]   # {"accuracy": 0.85, "n": 240, "low": 0.81, "high": 0.89}

Figures are dicts as in ``siked.analysis.figures``. n is the number of questions; low and high bound
the 95% bootstrap interval over them (10,000 resamples, seeded), since the samples of one question
are not independent of each other. Samples are drawn at the temperature of ``generate``: what a
forced strategy reaches when it decodes greedily is another figure, which these functions give where
the one sample a question and strategy is that greedy answer.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from siked.analysis.statistics import CONFIDENCE, RESAMPLES, round_floats
from siked.analysis.voting import Answer, majority_chances, vote
from siked.errors import UserError
from siked.records import VerifiedRationale

TOGETHER = "together"
"""The samples of all strategies in one pool."""


@dataclass(frozen=True)
class Samples:
    """The answers of all samples, counted; texts are not kept."""

    strategies: tuple[str, ...]
    k: int
    """The samples of a question and strategy; of the least sampled pair where they differ."""
    cells: Mapping[str, Mapping[str, Counter[tuple[Answer, bool]]]]
    """By question and strategy, how often each answer was given; the flag is the verdict."""

    def pools(self) -> dict[str, list[Counter[tuple[Answer, bool]]]]:
        """Return a question's counts each, by strategy and then for all strategies together."""
        rows = list(self.cells.values())
        pools = {name: [row[name] for row in rows] for name in self.strategies}
        return {**pools, TOGETHER: [sum(row.values(), Counter()) for row in rows]}

    def rates(self) -> dict[str, list[float]]:
        """Return each question's share of right samples, by strategy."""
        return {
            name: [_right(row[name]) / row[name].total() for row in self.cells.values()]
            for name in self.strategies
        }


def count_samples(rationales: Iterable[VerifiedRationale], strategies: Sequence[str]) -> Samples:
    """Count samples in one pass, so that their number does not matter.

    Args:
        rationales: Every sample of every question, right and wrong, in any order.
        strategies: The strategies that were forced; samples of others do not count.

    Raises:
        UserError: there is no sample, or a question lacks those of a strategy.
    """
    cells: dict[str, dict[str, Counter[tuple[Answer, bool]]]] = {}
    for one in rationales:
        if one.strategy in strategies:
            cell = cells.setdefault(one.question_id, {}).setdefault(str(one.strategy), Counter())
            cell[vote(one.predicted), one.correct] += 1
    if not cells:
        raise UserError(f"there are no samples with {', '.join(strategies)}")
    for question, row in cells.items():
        if missing := [name for name in strategies if name not in row]:
            raise UserError(
                f"the question {question} has no sample with {', '.join(missing)}: "
                "sample every question with every strategy"
            )
    k = min(cell.total() for row in cells.values() for cell in row.values())
    return Samples(tuple(strategies), k, cells)


def pass_at_k(samples: Samples, *, seed: int = 0) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the mean chance that at least one of k samples is right, for each k from 1 to K.

    A question with c right ones of n samples counts 1 - C(n - c, k) / C(n, k): the share of the
    subsets of size k that hold a right one, which is unbiased (Chen et al. 2021, arXiv 2107.03374,
    section 2.1); 1 - (1 - c/n)^k is not.

    Returns:
        ``{"cot": {"1": {"accuracy", "n", "low", "high"}, "2": ...}, ..., "together": ...}``.
        ``together`` draws the k from the samples of all strategies.
    """
    return _curves(
        samples, seed, lambda cell: solved_chances(_right(cell), cell.total(), samples.k)
    )


def majority_at_k(samples: Samples, *, seed: int = 0) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the accuracy of the most frequent of k answers (self-consistency), k from 1 to K.

    Exact: the mean over all subsets of size k, no draws. Equal numbers are one answer however
    they are written; votes never see the gold. A sample without an answer does not vote. Of t
    answers with equally many votes each counts 1/t, the expectation of taking one by lot, so that
    majority@1 is pass@1 (Wang et al. 2022, arXiv 2203.11171, for the method).

    Returns:
        As ``pass_at_k``.
    """
    return _curves(samples, seed, lambda cell: majority_chances(*_groups(cell), samples.k))


def elect(
    rationales: Iterable[VerifiedRationale], strategies: Sequence[str]
) -> dict[str, dict[str, list[bool]]]:
    """Return whether the vote of the first k samples is right, k from 1 to K: one vote, held once.

    Votes count as in ``majority_at_k``, which gives the mean over all votes that could be held. Of
    several answers with equally many votes the one that was given first counts.

    Args:
        rationales: K samples of every question and strategy, those of a pair in their order.
        strategies: The strategies that were forced; samples of others do not count.

    Returns:
        ``{"cot": {"demo-00003": [False, True, ...], ...}, ..., "together": {...}}``: a flag for
        each k. ``together`` counts k samples of each strategy.
    """
    rows: dict[str, dict[str, list[VerifiedRationale]]] = {}
    for one in rationales:
        if one.strategy in strategies:
            row = rows.setdefault(one.question_id, {name: [] for name in strategies})
            row[str(one.strategy)].append(one)
    most = min((len(own) for row in rows.values() for own in row.values()), default=0)
    return {
        pool: {
            question: [
                _elect([row[name][at] for at in range(k) for name in names])
                for k in range(1, most + 1)
            ]
            for question, row in rows.items()
        }
        for pool, names in {**{name: [name] for name in strategies}, TOGETHER: strategies}.items()
    }


def measure_forced(samples: Samples, *, seed: int = 0) -> dict[str, Any]:
    """Return the accuracy with each strategy forced, and an oracle's that knows which one to take.

    A strategy's accuracy is the mean over questions of p, the share of right ones among its
    samples. The oracle takes one sample with each strategy and is right where any is: the mean of
    1 - (1 - p_cot)(1 - p_l2m)(1 - p_pot). Samples of different strategies are independent given
    the question, so this is unbiased, which the mean of the largest p is not.

    Returns:
        ``{"strategies": {"cot": {"accuracy", "n", "low", "high"}, ...}, "oracle": {...}}``.
    """
    rates = samples.rates()
    return _dict(
        {
            "strategies": {name: average(values, seed=seed) for name, values in rates.items()},
            "oracle": average(_oracle(rates), seed=seed),
        }
    )


def measure_regret(
    free: Iterable[VerifiedRationale], samples: Samples, *, seed: int = 0
) -> dict[str, Any]:
    """Return how far a student's free choice stays behind the oracle on the same questions.

    Args:
        free: The student's answers with a strategy of its own choice, one a question.
        samples: Its answers to the same questions with each strategy forced. Where these were
            sampled and ``free`` decoded greedily, the regret holds that difference too and can be
            negative; where both are greedy it is the choice's alone.
        seed: Of the bootstrap.

    Returns:
        ``{"value": 0.15, "low": 0.08, "high": 0.22, "n": 60}``: the oracle's accuracy minus the
        free choice's, with an interval paired over the questions.

    Raises:
        UserError: the two do not answer the same questions, ``free`` once each.
    """
    right: dict[str, bool] = {}
    for one in free:
        if one.question_id in right:
            raise UserError(f"the question {one.question_id} has two free answers: give one each")
        right[one.question_id] = one.correct
    if odd := right.keys() ^ samples.cells.keys():
        raise UserError(
            f"free and forced answers are to different questions ({len(odd)} of them, "
            f"{min(odd)} for one): evaluate both on the same data"
        )
    oracle = _oracle(samples.rates())
    behind = average(
        [best - right[question] for best, question in zip(oracle, samples.cells, strict=True)],
        seed=seed,
    )
    return _dict(
        {"value": behind["accuracy"], **{key: behind[key] for key in ("low", "high", "n")}}
    )


def measure_choice(
    free: Iterable[VerifiedRationale],
    each: Iterable[VerifiedRationale],
    strategies: Sequence[str],
) -> dict[str, Any]:
    """Return what a student could have answered: with each strategy forced, with the best choice.

    Args:
        free: Its greedy answers with a strategy of its own choice, one a question.
        each: Its greedy answers to the same questions with each strategy forced.
        strategies: Those that were forced.

    Returns:
        ``{"forced": {"cot": {"accuracy", "n", "low", "high"}, ...}, "oracle": {...}, "regret":
        {"value", "low", "high", "n"}}``; the oracle is right where any forced strategy is.

    Raises:
        UserError: see ``count_samples`` and ``measure_regret``.
    """
    samples = count_samples(each, strategies)
    figures = measure_forced(samples)
    return {
        "forced": figures["strategies"],
        "oracle": figures["oracle"],
        "regret": measure_regret(free, samples),
    }


def measure_samples(
    rationales: Iterable[VerifiedRationale], strategies: Sequence[str]
) -> dict[str, Any]:
    """Return what K samples a question and strategy say: ``k``, ``forced``, ``pass``, ``majority``.

    Raises:
        UserError: see ``count_samples``.
    """
    samples = count_samples(rationales, strategies)
    return {
        "k": samples.k,
        **measure_forced(samples),
        "pass": pass_at_k(samples),
        "majority": majority_at_k(samples),
    }


def average(values: Sequence[float], *, seed: int = 0) -> dict[str, Any]:
    """Return a figure's mean over questions: ``{"accuracy", "n", "low", "high"}``, not rounded.

    Low and high bound its 95% percentile bootstrap interval (Efron 1979).
    """
    n = len(values)
    counts = Counter(values)
    distinct = sorted(counts)
    # Questions with the same value are alike, so a resample needs only to draw how many of each.
    drawn = np.random.default_rng(seed).multinomial(
        n, [counts[value] / n for value in distinct], size=RESAMPLES
    )
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn @ np.array(distinct) / n, [tail, 1 - tail]).tolist()
    return {"accuracy": math.fsum(values) / n, "n": n, "low": low, "high": high}


def solved_chances(right: int, n: int, most: int) -> tuple[float, ...]:
    """Return the share of subsets of k of n samples that hold a right one, k from 1 to ``most``.

    Raises:
        ValueError: ``most`` is not between 1 and ``n``.
    """
    if not 1 <= most <= n:
        raise ValueError(f"k is {most} of {n} samples")
    return tuple(
        float(1 - Fraction(math.comb(n - right, k), math.comb(n, k))) for k in range(1, most + 1)
    )


def _right(cell: Counter[tuple[Answer, bool]]) -> int:
    return sum(count for (_, correct), count in cell.items() if correct)


def _groups(cell: Counter[tuple[Answer, bool]]) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """The sizes of the groups of equal answers: right ones, wrong ones, and those without one."""
    votes: Counter[Answer] = Counter()
    right: set[Answer] = set()
    for (answer, correct), count in cell.items():
        votes[answer] += count
        if correct:
            right.add(answer)
    silent = votes.pop(None, 0)
    return (
        tuple(sorted(votes[answer] for answer in votes if answer in right)),
        tuple(sorted(votes[answer] for answer in votes if answer not in right)),
        silent,
    )


def _elect(samples: Sequence[VerifiedRationale]) -> bool:
    votes = Counter(vote(one.predicted) for one in samples)
    del votes[None]
    if not votes:
        return False
    (winner, _), *_ = votes.most_common()  # of equals the first that was counted
    return any(one.correct for one in samples if vote(one.predicted) == winner)


def _oracle(rates: Mapping[str, Sequence[float]]) -> list[float]:
    return [1 - math.prod(1 - rate for rate in row) for row in zip(*rates.values(), strict=True)]


def _curves(
    samples: Samples, seed: int, chances: Callable[[Counter[tuple[Answer, bool]]], Sequence[float]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """The average of each question's chances for k = 1 to K, by pool and k."""
    return _dict(
        {
            name: {
                str(k): average(values, seed=seed)
                for k, values in enumerate(zip(*map(chances, cells), strict=True), start=1)
            }
            for name, cells in samples.pools().items()
        }
    )


def _dict(value: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = round_floats(value)
    return result
