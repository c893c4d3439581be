"""What a problem family is, and how one question is drawn from it.

A family is data: numbers to draw, wordings to put them in, and steps as formulas. Everything that
states a result (sentence, expression, value, answer) is built here from the same formula, so they
cannot disagree:

    Family(
        name="buy-and-pay",
        numbers={"n": "2..9 | 12..40", "price": "2..9 | 1.15..9.95 by 0.05", "paid": "50, 500"},
        words={"thing": "mug, candle"},
        wordings=("{who} buys {n} {things} at {price:$} each and pays with {paid:$}. ...", ...),
        steps=(
            ("cost = n * price", "What do the {things} cost?", "They cost {=} dollars."),
            ("change = paid - cost", "How much is left?", "{who} has {=} dollars left."),
        ),
        places=2,
    )

``{=}`` becomes ``3 * 4 = 12`` in the sentence, and the program says ``cost = 3 * 4``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from siked.questions.arithmetic import evaluate
from siked.questions.demo.ranges import choices, holds
from siked.questions.demo.words import chosen_words, people, rendered
from siked.questions.gold import plain
from siked.records import Calculation, Step

_NAME = re.compile(r"[a-z_]+")
LARGE_SHARE = 0.4
"""Share of problems with the larger numbers, in families that have both sizes."""
ATTEMPTS = 5000
"""Draws until a family counts as one whose conditions cannot be met."""


@dataclass(frozen=True)
class Problem:
    """One drawn problem."""

    question: str
    answer: str
    steps: tuple[Step, ...]
    numbers: str
    """The drawn numbers with their names, the same text for the same numbers."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """A kind of problem; its texts are templates as ``siked.questions.demo.words`` has them."""

    name: str
    numbers: Mapping[str, str]
    """Ranges to draw from, as ``siked.questions.demo.ranges`` has them; ``small | large`` where
    some problems have small and some have large numbers."""
    wordings: tuple[str, ...]
    """Ways to ask; each tells every number that the steps need."""
    steps: tuple[tuple[str, str, str], ...]
    """The solution: ``name = formula``, sub-question, and sentence with ``{=}`` in it. A formula
    uses numbers and the names of earlier steps; the last step gives the answer."""
    given: Mapping[str, str] = field(default_factory=dict)
    """Numbers that follow from drawn ones by a formula, so that divisions come out even."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Words to choose from: ``{"thing": "mug, candle"}``."""
    where: tuple[str, ...] = ()
    """Conditions that the numbers and results meet: ``small < large``."""
    places: int = 0
    """Most decimals that a result may have."""

    def draw(self, rng: random.Random) -> Problem:
        """Draw one problem.

        Raises:
            ValueError: the conditions cannot be met.
        """
        for _ in range(ATTEMPTS):
            numbers = self._drawn(rng)
            results = dict(numbers)
            for calculation, _ask, _say in self.steps:
                name, formula = calculation.split(" = ")
                results[name] = evaluate(formula, results)
            if self._fits(results):
                return self._written(numbers, results, rng)
        raise ValueError(f"{self.name}: no numbers meet its conditions")

    def _drawn(self, rng: random.Random) -> dict[str, Fraction]:
        size = -1 if rng.random() < LARGE_SHARE else 0
        numbers = {
            name: rng.choice(choices(span.split("|")[size].strip()))
            for name, span in self.numbers.items()
        }
        for name, formula in self.given.items():
            numbers[name] = evaluate(formula, numbers)
        return numbers

    def _fits(self, results: Mapping[str, Fraction]) -> bool:
        for name, value in results.items():
            ends_early = (value * 10**self.places).denominator == 1
            if name not in self.numbers and not (ends_early and value > 1):
                return False
        return all(holds(condition, results) for condition in self.where)

    def _written(
        self, numbers: Mapping[str, Fraction], results: Mapping[str, Fraction], rng: random.Random
    ) -> Problem:
        words = people(rng) | chosen_words(self.words, rng)
        texts = {name: plain(value) for name, value in results.items()}
        literals = {name: texts[name] for name in numbers}
        steps = []
        for calculation, ask, say in self.steps:
            name, formula = calculation.split(" = ")
            shown = f"{_filled(formula, texts)} = {texts[name]}"
            steps.append(
                Step(
                    ask=rendered(ask, results, words),
                    say=rendered(say, results, words | {"=": shown}),
                    calculations=(
                        Calculation(
                            name=name, expression=_filled(formula, literals), value=texts[name]
                        ),
                    ),
                )
            )
        return Problem(
            question=rendered(rng.choice(self.wordings), numbers, words),
            answer=steps[-1].calculations[0].value,
            steps=tuple(steps),
            numbers=" ".join(f"{name}={texts[name]}" for name in sorted(numbers)),
        )


def _filled(formula: str, texts: Mapping[str, str]) -> str:
    """``formula`` with the names that ``texts`` knows replaced by their texts."""
    return _NAME.sub(lambda match: texts.get(match[0], match[0]), formula)
