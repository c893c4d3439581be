"""What a problem family is, and how one question is drawn from it.

A family is data, an entry of a YAML file in ``families/``, whose README explains every key. All
that states a result (sentence, expression, value, answer) is built here from the same formula, so
they cannot disagree. A step of

    calculate: cost = n * price
    say: "The {things} cost {=} dollars."

gives the program ``cost = 3 * 4`` and the sentence "The mugs cost 3 * 4 = 12 dollars." A formula
that is one number by itself, such as how many of the listed animals are birds, shows none:
sentences can name what they count, the program has only the number.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, Field, NonNegativeInt, model_validator

from siked import records
from siked.questions.arithmetic import evaluate
from siked.questions.demo.ranges import holds, sizes
from siked.questions.demo.words import (
    PEOPLE,
    chosen_words,
    fill_template,
    list_words,
    people,
    plural,
)
from siked.questions.gold import plain

LARGE_SHARE = 0.4
"""Share of problems with the larger numbers, in families that have both sizes."""
ATTEMPTS = 5000
"""Draws until a family counts as one whose conditions cannot be met."""
_NAME = re.compile(r"[a-z_]+")

NumberName = Annotated[str, Field(pattern=rf"^{_NAME.pattern}$")]
FamilyName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
Sizes = Annotated[tuple[tuple[Fraction, ...], ...], BeforeValidator(sizes)]
Texts = Annotated[tuple[str, ...], Field(min_length=1)]


class Problem(NamedTuple):
    """One drawn problem."""

    question: str
    answer: str
    steps: tuple[records.Step, ...]
    numbers: str
    """The drawn numbers and lists with their names, the same text for the same ones."""


class TemplateStep(BaseModel, extra="forbid", frozen=True):
    """One step of a family's solution; its texts may use every number and result."""

    ask: str
    """The sub-question."""
    calculate: Annotated[str, Field(pattern=rf"^{_NAME.pattern} = ")]
    """``name = formula``; the formula uses numbers and the names of earlier steps."""
    say: Annotated[str, Field(pattern=r"\{=\}")]
    """The sentence that answers it, with ``{=}`` for the calculation."""

    @property
    def parts(self) -> tuple[str, str]:
        """Name and formula of ``calculate``."""
        name, _, formula = self.calculate.partition(" = ")
        return name, formula


class Group(BaseModel, extra="forbid", frozen=True):
    """Some words of a list."""

    count: NumberName
    """The number that says how many of them."""
    of: Texts
    """The words to draw from, without repeating one."""


class Family(BaseModel, extra="forbid", frozen=True):
    """A kind of problem; its texts are templates as ``siked.questions.demo.words`` has them."""

    numbers: Annotated[dict[NumberName, Sizes], Field(min_length=1)]
    """Ranges to draw from, as ``siked.questions.demo.ranges`` has them."""
    derived: dict[NumberName, str] = {}
    """Numbers that follow from drawn ones by a formula, so that divisions come out even."""
    where: tuple[str, ...] = ()
    """Conditions that the numbers and results meet: ``small < large``."""
    decimals: NonNegativeInt = 0
    """Most decimals that a derived number or a result may have."""
    words: dict[str, Texts] = {}
    """Words to choose from; ``box/item: [bag/apple, tin/bean]`` chooses both together."""
    lists: dict[NumberName, Annotated[dict[NumberName, Group], Field(min_length=1)]] = {}
    """Lists of words in an order that is drawn: ``{seen}`` is all of them, ``{seen.bird}`` those
    of its group ``bird``, and ``{seen:bird}`` goes through all and counts the group."""
    wordings: Texts
    """Ways to ask; each tells every number that the steps need."""
    steps: Annotated[tuple[TemplateStep, ...], Field(min_length=1)]
    """The solution; the last step gives the answer."""

    @model_validator(mode="after")
    def _names_are_clear(self) -> Self:
        results = [step.parts[0] for step in self.steps]
        words = [word for key in self.words for word in key.split("/")]
        words += [plural(word) for word in words]
        names = Counter([*self.numbers, *self.derived, *self.lists, *results, *words, *PEOPLE])
        for name, count in names.items():
            if count > 1:
                raise ValueError(f"`{name}` stands for two things: give one another name")
        for key, choices in self.words.items():
            for choice in choices:
                if choice.count("/") != key.count("/"):
                    raise ValueError(f"words.{key}: {choice!r} has not as many parts as its key")
        return self

    def check(self) -> None:
        """Draw a problem in each wording, so that a mistake shows before questions are written.

        Raises:
            ValueError: ``key: what is wrong``.
        """
        for index in range(len(self.wordings)):
            self.draw(random.Random(index), index)

    def draw(self, rng: random.Random, wording: int | None = None) -> Problem:
        """Draw one problem, in a wording that is drawn too where None.

        Raises:
            ValueError: ``key: what is wrong``; for instance, the conditions cannot be met.
        """
        for _ in range(ATTEMPTS):
            numbers = self._numbers(rng)
            results = dict(numbers)
            for index, step in enumerate(self.steps):
                name, formula = step.parts
                with _at(f"steps.{index}.calculate"):
                    results[name] = evaluate(formula, results)
            if self._fits(results):
                break
        else:
            raise ValueError(
                f"where: none of {ATTEMPTS} draws meets it and has results above 1 of at most "
                f"{self.decimals} decimals: widen `numbers`"
            )
        words = people(rng) | chosen_words(self.words, rng)
        lists = self._lists(rng, numbers)
        words |= lists
        steps = tuple(self._steps(numbers, results, words))
        index = rng.randrange(len(self.wordings)) if wording is None else wording
        with _at(f"wordings.{index}"):
            question = fill_template(self.wordings[index], numbers, words)
        told = " ".join(
            [f"{name}={plain(numbers[name])}" for name in sorted(numbers)]
            + [f"{name}={lists[name]}" for name in sorted(self.lists)]
        )
        return Problem(question, steps[-1].calculations[0].value, steps, told)

    def _numbers(self, rng: random.Random) -> dict[str, Fraction]:
        size = -1 if rng.random() < LARGE_SHARE else 0
        numbers = {name: rng.choice(choices[size]) for name, choices in self.numbers.items()}
        for name, formula in self.derived.items():
            with _at(f"derived.{name}"):
                numbers[name] = evaluate(formula, numbers)
        return numbers

    def _lists(self, rng: random.Random, numbers: Mapping[str, Fraction]) -> dict[str, str]:
        texts: dict[str, str] = {}
        for name, groups in self.lists.items():
            drawn: list[tuple[str, str]] = []
            for group, words in groups.items():
                left = [one for one in words.of if one not in {word for _group, word in drawn}]
                with _at(f"lists.{name}.{group}"):
                    count = numbers.get(words.count)
                    if count is None:
                        raise ValueError(f"count: there is no number {words.count!r}")
                    if count not in range(1, len(left) + 1):
                        raise ValueError(f"of: cannot draw {plain(count)} of {len(left)} words")
                    drawn += [(group, one) for one in rng.sample(left, int(count))]
            rng.shuffle(drawn)
            texts[name] = list_words([word for _group, word in drawn])
            for group in groups:
                texts[f"{name}.{group}"] = list_words([word for of, word in drawn if of == group])
                place = itertools.count(1)
                texts[f"{name}:{group}"] = list_words(
                    [f"{word} {next(place) if of == group else 'no'}" for of, word in drawn]
                )
        return texts

    def _fits(self, results: Mapping[str, Fraction]) -> bool:
        for name, value in results.items():
            ends_early = (value * 10**self.decimals).denominator == 1
            if name not in self.numbers and not (ends_early and value > 1):
                return False
        with _at("where"):
            return all(holds(condition, results) for condition in self.where)

    def _steps(
        self,
        numbers: Mapping[str, Fraction],
        results: Mapping[str, Fraction],
        words: dict[str, str],
    ) -> Iterator[records.Step]:
        texts = {name: plain(value) for name, value in results.items()}
        literals = {name: texts[name] for name in numbers}
        for index, step in enumerate(self.steps):
            name, formula = step.parts
            shown = f"{_filled(formula, texts)} = {texts[name]}"
            if formula in texts:
                shown = texts[name]  # a number by itself, not 3 = 3
            with _at(f"steps.{index}"):
                yield records.Step(
                    ask=fill_template(step.ask, results, words),
                    say=fill_template(step.say, results, words | {"=": shown}),
                    calculations=(
                        records.Calculation(
                            name=name, expression=_filled(formula, literals), value=texts[name]
                        ),
                    ),
                )


class FamilyFile(BaseModel, extra="forbid", frozen=True):
    """A YAML file in ``families/``."""

    split: Literal["train", "unseen"]
    """Where its families belong; those of ``train`` make the ``seen`` split too."""
    families: Annotated[dict[FamilyName, Family], Field(min_length=1)]
    """The families by name, which no other file has."""


@contextlib.contextmanager
def _at(key: str) -> Iterator[None]:
    """Name the key in which something is wrong."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _filled(formula: str, texts: Mapping[str, str]) -> str:
    """Return ``formula`` with the names that ``texts`` knows replaced by their texts."""
    return _NAME.sub(lambda match: texts.get(match[0], match[0]), formula)
