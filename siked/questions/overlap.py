"""Train questions that are (nearly) a test question: learning from them would spoil the test.

Two questions are compared by the share of word n-grams that they have in common (Jaccard: common
over all), over ``splits.words``; texts shorter than n words are one n-gram. Numbers count as
words, so the same story with other numbers is near only if the threshold lets it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from siked.questions.splits import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from siked.records import Question

Ngrams = frozenset[tuple[str, ...]]


class Near(NamedTuple):
    """The ids of a train question and of the test question that it is closest to."""

    train_id: str
    test_id: str
    similarity: float
    """Share of common n-grams, 1 for equal sets."""


def near(
    train: Sequence[Question], tests: Iterable[Question], ngram: int, threshold: float
) -> list[Near]:
    """The train questions with a test question at a similarity of at least ``threshold``.

    Args:
        train: the questions to keep clean.
        tests: the questions of all test sets.
        ngram: words an n-gram.
        threshold: smallest similarity, from 0 to 1; whatever it is, questions without a common
            n-gram are not near.

    Returns:
        One entry a train question that is near, with its closest test question (of equally
        close ones the first), in the order of ``train``.
    """
    held = [(question, _ngrams(question, ngram)) for question in tests]
    learned = [(question, _ngrams(question, ngram)) for question in train]
    frequency = Counter(one for _, ngrams in [*held, *learned] for one in ngrams)
    # Two sets with enough in common share one of their rarest n-grams, so only those are indexed.
    index: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, (_, ngrams) in enumerate(held):
        for one in _rarest(ngrams, frequency, threshold):
            index[one].append(number)
    found: list[Near] = []
    for question, ngrams in learned:
        rare = _rarest(ngrams, frequency, threshold)
        candidates = sorted({number for one in rare for number in index.get(one, ())})
        best: Near | None = None
        for number in candidates:
            test, other = held[number]
            similarity = _jaccard(ngrams, other)
            if similarity >= threshold and (best is None or similarity > best.similarity):
                best = Near(question.id, test.id, similarity)
        if best is not None:
            found.append(best)
    return found


def _ngrams(question: Question, length: int) -> Ngrams:
    text = words(question.question)
    if len(text) < length:
        return frozenset([tuple(text)])
    return frozenset(tuple(text[start : start + length]) for start in range(len(text) - length + 1))


def _rarest(
    ngrams: Ngrams, frequency: Counter[tuple[str, ...]], threshold: float
) -> list[tuple[str, ...]]:
    """The n-grams of which a set as near as ``threshold`` must have one among its own rarest."""
    needed = max(1, math.ceil(threshold * len(ngrams) - 1e-9))
    ordered = sorted(ngrams, key=lambda one: (frequency[one], one))
    return ordered[: len(ngrams) - needed + 1]


def _jaccard(one: Ngrams, other: Ngrams) -> float:
    common = len(one & other)
    return common / (len(one) + len(other) - common)
