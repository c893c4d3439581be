"""The vote among several samples of one question (self-consistency), worked out exactly.

Of the four samples "18", "$18.00", "20" and one without an answer, 18 has two votes and 20 has one:

    vote("$18.00") == vote("18")              # equal numbers are one answer
    majority_chances((2,), (1,), 1, most=4)   # (0.5, 0.67, 0.75, 1.0) where 18 is right

Votes are counted by the answers alone; the gold only says afterwards which answer is right.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache

from siked.verification.numbers import parse

Answer = tuple[Fraction, bool] | str | None
"""What a sample votes for: the exact value and whether a percent sign follows; the text of what is
no plain number; None for no answer."""


def vote(predicted: str | None) -> Answer:
    """Return what a sample with this answer votes for."""
    number = None if predicted is None else parse(predicted)
    return predicted if number is None else (number.value, number.percent)


@lru_cache(maxsize=65536)
def majority_chances(
    right: tuple[int, ...], wrong: tuple[int, ...], silent: int, most: int
) -> tuple[float, ...]:
    """Return the accuracy of a vote among k of a question's samples, averaged over all subsets.

    Args:
        right: How many samples gave each of the answers that are right (33.33 and 33.333, say).
        wrong: The same for the wrong answers.
        silent: How many samples gave no answer; they are drawn and do not vote.
        most: The largest k.

    Returns:
        The chance for k = 1 to ``most``. A tie of t answers counts as each of them by 1/t.

    Raises:
        ValueError: ``most`` is not between 1 and the number of samples.
    """
    n = sum(right) + sum(wrong) + silent
    if not 1 <= most <= n:
        raise ValueError(f"k is {most} of {n} samples")
    totals = [Fraction(0)] * (most + 1)
    for at, own in enumerate(right):
        rivals = (*right[:at], *right[at + 1 :], *wrong)
        for votes in range(1, min(own, most) + 1):
            ways = _ways(rivals, silent, votes, most - votes)
            for (drawn, ties), count in ways.items():
                totals[votes + drawn] += Fraction(math.comb(own, votes) * count, ties + 1)
    return tuple(float(totals[k] / math.comb(n, k)) for k in range(1, most + 1))


def _ways(
    rivals: Sequence[int], silent: int, votes: int, rest: int
) -> Mapping[tuple[int, int], int]:
    """In how many ways up to ``rest`` samples are drawn beside a winner with ``votes`` votes.

    Returns:
        By the number drawn and the number of rivals that tie with it, how many such subsets.
    """
    # Rivals with fewer samples than that can never tie: any of their samples may be drawn.
    harmless = silent + sum(size for size in rivals if size < votes)
    ways = {(drawn, 0): math.comb(harmless, drawn) for drawn in range(min(rest, harmless) + 1)}
    for size in rivals:
        if size < votes:
            continue
        longer: dict[tuple[int, int], int] = defaultdict(int)
        for (drawn, ties), count in ways.items():
            for more in range(min(votes, rest - drawn) + 1):
                longer[drawn + more, ties + (more == votes)] += count * math.comb(size, more)
        ways = longer
    return ways
