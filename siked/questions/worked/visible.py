"""Calculations that stand in a sentence, found by their equals sign and proved by evaluation.

Some steps of GSM8K's solutions carry no calculator mark:

    Kate has $68 - $54 = $14 left.                       68 - 54
    40% * 25% = 10%                                      40 / 100 * 25 / 100 * 100
    The bus has 35 people on it - 8 who got off = 27.    35 - 8
    So 6P = 90, and P = 15                               90 / 6

A reading is taken only where it is exactly the number after the equals sign, so a sentence that
is read wrongly gives nothing rather than something wrong.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from siked.questions.arithmetic import LITERAL, evaluate, literal, tidy

_OPERATORS = {
    "x": "*",
    "X": "*",
    "\u00d7": "*",
    "\u00b7": "*",
    "of": "*",
    "\u00f7": "/",
    "\u2212": "-",
    "\u2013": "-",
}
_EQUALS = re.compile("=")
_PERCENT = re.compile(r"(?<![\d.,])([\d.,]++)%")
_PIECE = re.compile(
    rf"(?P<number>{LITERAL.pattern})(?P<percent>%?)"
    r"|(?P<word>/?[A-Za-z]+(?:[/'\u2019-][A-Za-z]+)*)"
    r"|(?P<mark>\*\*|[-+*/()\u00d7\u00b7\u00f7\u2212\u2013])"
    r"|(?P<quiet>[\s$\"'\u2019\u201d\u201c\u00b0.]+)"
    r"|(?P<stop>.)"
)
_RESULT = re.compile(
    rf"\s*+(?P<sign>[-\u2212\u2013]?)\s*+\$?\s*+(?P<number>{LITERAL.pattern})(?P<percent>%?)"
    r"(?!\s*(?:\*\*|[*/\u00d7\u00b7\u00f7]|[-+\u2212\u2013]\s*\$?\d|x\s+\$?\d|\())"
)
# Every number is taken whole, also one that nothing follows: none is begun twice.
_SCALED = re.compile(
    rf"(?P<factor>{LITERAL.pattern})(?:\s*+\*?\s*+(?P<name>[A-Za-z])\s*=(?P<rest>.*))?"
)
_UNKNOWN = re.compile(r"(?<![\w+*/.-])(?<![\d+*/-] )(?P<name>[A-Za-z])\s*=(?P<rest>.*)")


class Found(NamedTuple):
    """A calculation found in a sentence."""

    expression: str
    value: Fraction
    after: int
    """Where the sentence goes on after the value."""


def find(sentence: str) -> Iterator[Found]:
    """Yield the calculations of a sentence, in order."""
    for equals in _EQUALS.finditer(sentence):
        result = _RESULT.match(sentence, equals.end())
        if result is None:
            continue
        left = sentence[: equals.start()].rpartition("=")[2]
        stated = literal(result["number"]) * (-1 if result["sign"] else 1)
        for expression in _readings(left, in_percent=bool(result["percent"])):
            if evaluate(expression) == stated:
                yield Found(expression, stated, result.end())
                break


def _readings(text: str, *, in_percent: bool) -> Iterator[str]:
    """Expressions that the end of ``text`` may mean, the longest first."""
    pieces = _pieces(text)
    for start, piece in enumerate(pieces):
        if piece[0] not in "(.0123456789":
            continue
        body = "".join(pieces[start:])
        if "%" not in body and not in_percent:
            variants = [body]
        else:
            of_hundred = _PERCENT.sub(r"\1 / 100", body)
            scaled = (
                f"({of_hundred}) * 100" if "-" in body or "+" in body else f"{of_hundred} * 100"
            )
            variants = [body.replace("%", ""), scaled if in_percent else of_hundred]
        for variant in variants:
            try:
                expression = tidy(variant)
                evaluate(expression)
            except ValueError:
                continue
            if " " in expression:
                yield expression


def _pieces(text: str) -> list[str]:
    """What arithmetic the end of a text can have: from its last clear break on, without units."""
    pieces: list[str] = []
    for match in _PIECE.finditer(text):
        if match["stop"]:
            pieces.clear()
        elif match["number"]:
            if pieces and pieces[-1] not in "(*/+-**":
                pieces.clear()  # two numbers with only words between them
            pieces.append(match["number"].rstrip(".,") + match["percent"])
        elif match["mark"] or match["word"] in _OPERATORS:
            pieces.append(_OPERATORS.get(match[0], match[0]))
    return pieces


class Unknowns:
    """What a solution says of its unknowns: ``6P = 90`` lets a later ``P = 15`` be ``90 / 6``."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Fraction]] = {}

    def find(self, sentence: str) -> Found | None:
        """Return the calculation by which a sentence solves for an unknown, if it does."""
        found = None
        for match in _UNKNOWN.finditer(sentence):
            result = _RESULT.match(match["rest"])
            if result and match["name"] in self._known and not result["sign"]:
                expression, value = self._known[match["name"]]
                if value == literal(result["number"]):
                    found = Found(expression, value, match.start("rest") + result.end())
        for match in _SCALED.finditer(sentence):
            result = _RESULT.match(match["rest"] or "")
            if result and not result["sign"] and (factor := literal(match["factor"])):
                value = literal(result["number"]) / factor
                expression = tidy(f"{result['number']} / {match['factor']}")
                self._known[match["name"]] = expression, value
        return found
