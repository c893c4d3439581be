"""Train questions that are (nearly) a test question: learning from them would spoil the test.

Two questions are compared by the share of word n-grams that they have in common (Jaccard: common
over all), over ``splits.words``; texts shorter than n words are one n-gram. Numbers count as
words, so the same story with other numbers is near only if the threshold lets it, or where
numbers are left out of the comparison.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from siked.questions.splits import words
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
    best: dict[str, Near] = {}
    for pair in pairs(train, tests, ngram, threshold):
        known = best.get(pair.train_id)
        if known is None or pair.similarity > known.similarity:
            best[pair.train_id] = pair
    return list(best.values())


def pairs(
    train: Sequence[Question],
    tests: Iterable[Question],
    ngram: int,
    threshold: float,
    *,
    numbers: bool = True,
) -> Iterator[Near]:
    """Every train question with every test question at a similarity of at least ``threshold``.

    Args:
        train: as in ``near``.
        tests: as in ``near``.
        ngram: as in ``near``.
        threshold: as in ``near``.
        numbers: whether numbers must agree; otherwise any number equals any other.

    Yields:
        The pairs in the order of ``train`` and, for each of its questions, of ``tests``.
    """
    held = [(question, _ngrams(question, ngram, numbers=numbers)) for question in tests]
    learned = [(question, _ngrams(question, ngram, numbers=numbers)) for question in train]
    frequency = Counter(one for _, ngrams in [*held, *learned] for one in ngrams)
    # Two sets with enough in common share one of their rarest n-grams, so only those are indexed.
    index: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, (_, ngrams) in enumerate(held):
        for one in _rarest(ngrams, frequency, threshold):
            index[one].append(number)
    for question, ngrams in learned:
        rare = _rarest(ngrams, frequency, threshold)
        for number in sorted({number for one in rare for number in index.get(one, ())}):
            test, other = held[number]
            similarity = _jaccard(ngrams, other)
            if similarity >= threshold:
                yield Near(question.id, test.id, similarity)


def _ngrams(question: Question, length: int, *, numbers: bool) -> Ngrams:
    text = words(question.question)
    if not numbers:
        text = ["0" if word[0].isdecimal() else word for word in text]
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
