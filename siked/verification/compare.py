r"""Whether a predicted answer is the gold answer.

Two plain numbers are compared as exact fractions. What else counts, and why:

- **The gold is a decimal of d places, 33.33, and the prediction an unrounded one, 33.333333 or
  100/3.** It is right where it rounds to the gold (half up or half to even). Only an unrounded
  prediction gets this: one with more places than the gold and at least three, or a fraction that
  no decimal equals. So 2.46 is not 2.5 (it is itself an answer to two places), and 2.6 is not 3 (an
  integer gold counts things: 2.6 people are not 3).
- **The gold is a fraction that no decimal equals, 2/3.** A decimal is right where it is the gold
  rounded to the decimal's own places and has at least four significant digits: 0.6667, not 0.67.
- **Exactly one side has a percent sign.** 25% is right for 25 and for 0.25.

Floats of programs come here as decimals that are free of binary noise (see
``siked.verification.sandbox.inside.values``), so they need no further tolerance. What is not a
plain number (``\sqrt{16}``, ``2 * 9``) is left to Math-Verify, in the sandbox, where it can be
killed.
"""

# ruff: noqa: RUF001 - the dashes, quotes and signs are those that models write

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from siked.verification.numbers import Number, clean, parse

_LEAST_UNROUNDED = 3
_LEAST_DIGITS = 4
_LONGEST_EXPRESSION = 200
_EXPRESSION = re.compile(
    # Possessive: a command is also a backslash and a name; trying both ways takes for ever.
    r"(?:\\?(?:sqrt|frac|dfrac|tfrac|pi|cdot|times|div|left|right|pm|log|ln|sin|cos|tan|exp|text|"
    r"boxed)(?![a-z])|[\d\s+\-−–*/^().,{}\\$%×·÷]|π|√)++"
)
_MARKS = re.compile(r"[$\n\r]|\\[\[\]()]")
"""What begins or ends an expression in a text, so that it is none by itself."""


def same(left: Number, right: Number) -> bool:
    """Whether two numbers are equal as such; symmetric."""
    if left.value == right.value:
        return True
    if left.percent != right.percent:
        part, other = (left, right) if left.percent else (right, left)
        return part.value / 100 == other.value
    return False


def matches(prediction: Number, gold: Number) -> bool:
    r"""Whether a predicted number is the gold one: equal, or rounding to it as described above."""
    if same(prediction, gold):
        return True
    if gold.places is None or _endless(gold.value):
        return _is_rounded(prediction, gold.value)
    if gold.places == 0 or not _unrounded(prediction, gold.places):
        return False
    unit = Fraction(1, 10**gold.places)
    return abs(prediction.value - gold.value) <= unit / 2


def judge(prediction: str, gold: str) -> bool | None:
    """Whether an answer as text is right; None where it is not a plain number."""
    expected = _gold(gold)
    number = parse(prediction)
    if number is None or expected is None:
        return None
    return matches(number, expected)


def expression(prediction: str) -> str | None:
    """An answer that is no plain number as an expression for Math-Verify; None for prose."""
    text = clean(prediction[: _LONGEST_EXPRESSION + 1])
    if len(text) > _LONGEST_EXPRESSION or not any(character.isdigit() for character in text):
        return None
    # A list of numbers is several answers; Math-Verify would take it for a set.
    if "," in text or _EXPRESSION.fullmatch(text) is None:
        return None
    return text.replace("**", "^")


def equivalence(expression: str, gold: str) -> str:
    r"""A program whose answer is 1 where Math-Verify finds an expression equal to the gold, else 0.

    It is -1 where the text is no expression as a whole: Math-Verify looks for one in a text, and
    would find 18 in ``5$ $18``, ``5 ) 18`` and ``5 \boxed{18}``. Its time limits are switched off:
    they are alarms, which never come while sympy computes, and the sandbox has its own.
    """
    whole = "" if _MARKS.search(expression) else expression
    return (
        "from math_verify import LatexExtractionConfig, parse, verify\n"
        "how = dict(extraction_config=[LatexExtractionConfig(boxed_match_priority=-1)], "
        "fallback_mode='no_fallback', parsing_timeout=None)\n"
        f"gold, prediction = parse({f'${gold}$'!r}, **how), parse({f'${whole}$'!r}, **how)\n"
        "answer = int(verify(gold, prediction, timeout_seconds=None)) "
        "if gold and prediction else -1"
    )


@lru_cache(maxsize=4096)
def _gold(text: str) -> Number | None:
    """The gold as a number; remembered, since many rationales share one gold."""
    return parse(text)


def _endless(value: Fraction) -> bool:
    """Whether no decimal of finite length equals a value."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest != 1


def _unrounded(number: Number, places: int) -> bool:
    """Whether a number was plainly not rounded for its reader, who wants ``places`` places."""
    if number.places is None:
        return _endless(number.value)
    return number.places > places and number.places >= _LEAST_UNROUNDED


def _is_rounded(number: Number, value: Fraction) -> bool:
    """Whether a decimal is a value rounded to the decimal's own places, and close to it."""
    if not number.places or abs(number.value) * 10**number.places < 10 ** (_LEAST_DIGITS - 1):
        return False
    return abs(number.value - value) <= Fraction(1, 2 * 10**number.places)
