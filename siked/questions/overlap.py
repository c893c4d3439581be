"""Train questions that are (nearly) a test question: learning from them would spoil the test.

Two questions are compared by the share of word n-grams that they have in common (Jaccard: common
over all), over ``splits.words``; texts shorter than n words are one n-gram. Numbers count as
words, so the same story with other numbers is near only if the threshold lets it, or where
numbers are left out of the comparison.

``find_near`` says which train questions are dropped. ``count_overlap`` says how much the train
questions tell of each test set, before and after that, by three kinds of likeness, from strict to
loose; each finds what the one before finds, or nearly so:

- ``exact``: the same words and numbers in the same order;
- ``ngram``: the measure and threshold by which questions are dropped;
- ``near-duplicate``: 80% of the words in common in whatever order, any number equal to any other.

    {"kinds": {"ngram": {"ngram": 8, "threshold": 0.8, "numbers": true}, ...},
     "tests": {"gsm8k-test": {"questions": 1319, "before": {"exact": {"train": 0, "test": 0}, ...},
     "after": {...}}},
     "pairs": [{"test_set": "gsm8k-test", "kind": "near-duplicate", "train_id": "gsm8k-train-00012",
     "test_id": "gsm8k-test-00099", "similarity": 0.8421, "dropped": false}]}
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from siked.questions.splits import normalise, words
from siked.records import Question

EXACT = "exact"
NGRAM = "ngram"
NEAR_DUPLICATE = "near-duplicate"
Ngrams = frozenset[tuple[str, ...]]


class Near(NamedTuple):
    """The ids of a train question and of the test question that it is closest to."""

    train_id: str
    test_id: str
    similarity: float
    """Share of common n-grams, 1 for equal sets."""


class Measure(NamedTuple):
    """When two questions count as alike; see ``find_pairs``."""

    ngram: int
    threshold: float
    numbers: bool


def find_near(
    train: Sequence[Question], tests: Iterable[Question], ngram: int, threshold: float
) -> list[Near]:
    """Return the train questions with a test question at a similarity of at least ``threshold``.

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
    found = find_pairs(train, tests, ngram, threshold)
    return _closest(found, key=lambda pair: pair.train_id)


def find_pairs(
    train: Sequence[Question],
    tests: Iterable[Question],
    ngram: int,
    threshold: float,
    *,
    numbers: bool = True,
) -> Iterator[Near]:
    """Yield train and test questions whose similarity is at least ``threshold``.

    Args:
        train: as in ``find_near``, like the next three.
        tests: see there.
        ngram: see there.
        threshold: see there.
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


def count_overlap(
    candidates: Sequence[Question],
    kept: Iterable[Question],
    tests: Mapping[str, Sequence[Question]],
    *,
    ngram: int,
    threshold: float,
) -> dict[str, Any]:
    """Compare the train questions with every test set, before and after dropping.

    Args:
        candidates: the questions of all train sources, dev questions among them.
        kept: those of them that remain.
        tests: the questions of each test set.
        ngram: words an n-gram, as the dropping uses it.
        threshold: smallest similarity at which a train question is dropped.

    Returns:
        The report, as at the top of this module. ``train`` and ``test`` count the questions that
        have a like one on the other side; ``pairs`` lists, for each test question with one, the
        closest train question before dropping and, where that was dropped, after; each pair under
        its strictest kind.
    """
    measures = {
        NGRAM: Measure(ngram, threshold, numbers=True),
        NEAR_DUPLICATE: Measure(1, 0.8, numbers=False),
    }
    left = {question.id for question in kept}
    report: dict[str, Any] = {
        "kinds": {kind: measure._asdict() for kind, measure in measures.items()},
        "tests": {},
        "pairs": [],
    }
    for name, questions in tests.items():
        found = {EXACT: _equal(candidates, questions)}
        for kind, (length, share, numbers) in measures.items():
            found[kind] = list(find_pairs(candidates, questions, length, share, numbers=numbers))
        remaining = {
            kind: [pair for pair in alike if pair.train_id in left] for kind, alike in found.items()
        }
        report["tests"][name] = {
            "questions": len(questions),
            "before": {kind: _counts(alike) for kind, alike in found.items()},
            "after": {kind: _counts(alike) for kind, alike in remaining.items()},
        }
        report["pairs"] += _listed(name, found, remaining, left)
    return report


def _equal(candidates: Iterable[Question], tests: Iterable[Question]) -> list[Near]:
    """The pairs with the same normalised text."""
    held: dict[str, list[str]] = {}
    for question in tests:
        held.setdefault(normalise(question.question), []).append(question.id)
    return [
        Near(question.id, test_id, 1.0)
        for question in candidates
        for test_id in held.get(normalise(question.question), ())
    ]


def _counts(alike: Iterable[Near]) -> dict[str, int]:
    found = list(alike)
    return {
        "train": len({pair.train_id for pair in found}),
        "test": len({pair.test_id for pair in found}),
    }


def _listed(
    test_set: str,
    found: Mapping[str, Sequence[Near]],
    remaining: Mapping[str, Sequence[Near]],
    left: set[str],
) -> list[dict[str, Any]]:
    """The closest pairs of each test question, by kind and then in the order of the test set."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for kind in found:
        for alike in (found[kind], remaining[kind]):
            for pair in sorted(_closest(alike, key=_test_id), key=_test_id):
                # A pair keeps the first kind that lists it, which is the strictest.
                rows.setdefault(
                    (pair.train_id, pair.test_id),
                    {
                        "test_set": test_set,
                        "kind": kind,
                        **pair._asdict(),
                        "similarity": round(pair.similarity, 4),
                        "dropped": pair.train_id not in left,
                    },
                )
    return list(rows.values())


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


def _closest(alike: Iterable[Near], key: Callable[[Near], str]) -> list[Near]:
    """Return the closest pair of each question that ``key`` names; of equals the first."""
    best: dict[str, Near] = {}
    for pair in alike:
        known = best.get(key(pair))
        if known is None or pair.similarity > known.similarity:
            best[key(pair)] = pair
    return list(best.values())


def _test_id(pair: Near) -> str:
    return pair.test_id
