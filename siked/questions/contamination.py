"""How much the train questions tell of each test set: what is dropped, and what remains.

Three kinds of likeness, from strict to loose; each finds what the one before finds, or nearly so:

- ``exact``: the same words and numbers in the same order;
- ``ngram``: the measure and threshold by which questions are dropped (``siked.questions.overlap``);
- ``near-duplicate``: 80% of the words in common in whatever order, any number equal to any other.

The report, for one test set:

    {"kinds": {"ngram": {"ngram": 8, "threshold": 0.8, "numbers": true}, ...},
     "tests": {"gsm8k-test": {"questions": 1319, "before": {"exact": {"train": 0, "test": 0}, ...},
     "after": {...}}},
     "pairs": [{"test_set": "gsm8k-test", "kind": "near-duplicate", "train_id": "gsm8k-train-00012",
     "test_id": "gsm8k-test-00099", "similarity": 0.8421, "dropped": false}]}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from siked.questions.overlap import Near, pairs
from siked.questions.splits import normalised
from siked.records import Question

EXACT = "exact"
NGRAM = "ngram"
NEAR_DUPLICATE = "near-duplicate"


class Measure(NamedTuple):
    """When two questions count as alike; see ``siked.questions.overlap.pairs``."""

    ngram: int
    threshold: float
    numbers: bool


def contamination(
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
            found[kind] = list(pairs(candidates, questions, length, share, numbers=numbers))
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
        held.setdefault(normalised(question.question), []).append(question.id)
    return [
        Near(question.id, test_id, 1.0)
        for question in candidates
        for test_id in held.get(normalised(question.question), ())
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
            for pair in _closest(alike):
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


def _closest(alike: Iterable[Near]) -> list[Near]:
    """The closest pair of each test question; of equally close ones the first."""
    best: dict[str, Near] = {}
    for pair in alike:
        known = best.get(pair.test_id)
        if known is None or pair.similarity > known.similarity:
            best[pair.test_id] = pair
    return [best[test_id] for test_id in sorted(best)]
