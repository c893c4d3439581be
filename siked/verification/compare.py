r"""Return whether a predicted answer is the gold answer.

Two numbers are compared as exact fractions. What else counts, and why:

- **The gold is a decimal of d places, 33.33, and the prediction an unrounded one, 33.333333 or
  100/3.** It is right where it rounds to the gold (half up or half to even). Only an unrounded
  prediction gets this: one with more places than the gold and at least three, or a fraction that
  no decimal equals. So 2.46 is not 2.5 (it is itself an answer to two places), and 2.6 is not 3 (an
  integer gold counts things: 2.6 people are not 3; 43.0 is such an integer).
- **The gold is a fraction that no decimal equals, 2/3.** A decimal is right where it is the gold
  rounded to the decimal's own places and has at least four significant digits: 0.6667, not 0.67.
- **Exactly one side has a percent sign.** 25% is right for 25 and for 0.25.
- **A decimal of 15 digits and more is a binary float.** It is also read without that float's noise:
  110.00000000000001 as 110, and a gold of 12.100000381469727, a 32-bit float, as 12.1.

What is irrational (``2\sqrt{3}``) and golds that are expressions are left to Math-Verify, in the
sandbox, where it can be killed.
"""

# ruff: noqa: RUF001 - the dashes, quotes and signs are those that models write

import math
import re
import struct
from fractions import Fraction
from functools import lru_cache

from siked.verification.numbers import Number, parse, read

_LEAST_UNROUNDED = 3
_LEAST_DIGITS = 4
_FLOAT_DIGITS = 15
_EXACT = 2**30
_SINGLE_DIGITS = 12
_LARGEST_SINGLE = 3e38
_SINGLE = struct.Struct("f")
_IN_WORDS = re.compile(r"\\(?:text|mathrm|textbf|mbox)\s?\{[^{}]{0,80}\}")
_LONGEST_EXPRESSION = 300
_TERM = (
    r"\\(?:begin|end)\{[a-z]{1,20}\}|\\[A-Za-z]{1,20}|\\.|[A-Za-z](?![A-Za-z])"
    r"|[-\d\s+*/^_()\[\]{},.;:|!&<>=%$×·÷−–π√∞]"
)
_EXPRESSION = re.compile(rf"(?:{_TERM})++")
_MARKS = re.compile(r"[$\n\r]|\\[\[\]()]")
"""What begins or ends an expression in a text, so that it is none by itself."""
_MATHEMATICAL = re.compile(r"\\[A-Za-z]|[-+*/^_=<>√π∞(\[]")


def are_equal(left: Number, right: Number) -> bool:
    """Return whether two numbers are equal as such; symmetric."""
    if left.value == right.value:
        return True
    if left.percent != right.percent:
        part, other = (left, right) if left.percent else (right, left)
        return part.value / 100 == other.value
    return False


def matches(prediction: Number, gold: Number) -> bool:
    r"""Return whether a predicted number is the gold one: equal, or rounding to it."""
    if are_equal(prediction, gold):
        return True
    if _noisy(gold) and _float(prediction) == _float(gold):
        return True
    if _noisy(prediction) or _noisy(gold):
        # A gold that noise alone does not explain is an endless decimal, 5/6 as a float.
        endless = bool(gold.places) and _digits(gold) >= _FLOAT_DIGITS
        return (endless and _is_rounded(prediction, gold.value)) or any(
            _equals(one, other)
            for one in _without_noise(prediction)
            for other in _without_noise(gold)
        )
    return _equals(prediction, gold)


def judge(prediction: str, gold: str) -> bool | None:
    """Return whether an answer as text is right; None where one of both is no number."""
    expected = _gold(gold)
    number = parse(prediction)
    if number is None or expected is None:
        return None
    return matches(number, expected)


def is_readable(gold: str) -> bool:
    """Return whether a gold can be compared with: one number, or an expression."""
    return _gold(gold) is not None or expression_gold(gold) is not None


def expression(prediction: str, gold: str) -> tuple[str, str] | None:
    """Return an answer and a gold as LaTeX for Math-Verify; None where one of them is no value.

    An irrational answer is written anew from what was read of it, so nothing malformed gets there.
    """
    if _gold(gold) is not None:
        latex = read(prediction).latex
        return None if latex is None else (latex, gold)
    expected = expression_gold(gold)
    if expected is None or len(prediction) > _LONGEST_EXPRESSION or not prediction.strip():
        return None
    # What was read of an answer has √ for \sqrt, which Math-Verify does not know.
    return read(prediction).latex or prediction.strip().strip("$"), expected


def equivalence(expression: str, gold: str) -> str:
    r"""Return a program: 1 where Math-Verify finds an expression equal to the gold, else 0.

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


def expression_gold(gold: str) -> str | None:
    r"""Return a gold that is no number as LaTeX: ``2\sqrt{3}``, ``x^2 + 1``, ``(3, 4)``."""
    text = gold.strip().strip("$").strip()
    if len(text) > _LONGEST_EXPRESSION or _MATHEMATICAL.search(text) is None:
        return None
    return text if _EXPRESSION.fullmatch(_IN_WORDS.sub("", text)) else None


def without_noise(number: Number) -> Number:
    """Return a number that is exactly a 32-bit float as the short decimal that it stands for."""
    value = _float(number)
    if not number.places or _digits(number) < _SINGLE_DIGITS or abs(value) > _LARGEST_SINGLE:
        return number
    if _SINGLE.unpack(_SINGLE.pack(value))[0] != value:
        return number
    for digits in range(6, 10):
        short = format(value, f".{digits}g")
        if _SINGLE.unpack(_SINGLE.pack(float(short)))[0] == value:
            return _decimal(short, number)
    return number


@lru_cache(maxsize=4096)
def _gold(text: str) -> Number | None:
    """Return the gold as a number; remembered, since many rationales share one gold."""
    number = parse(text)
    if number is not None and number.places and number.value.denominator == 1:
        return Number(number.value, 0, number.percent)  # 43.0
    return number


def _equals(prediction: Number, gold: Number) -> bool:
    if are_equal(prediction, gold):
        return True
    if prediction.percent and not gold.percent:
        places = None if prediction.places is None else prediction.places + 2
        part = Number(prediction.value / 100, places)
        if _endless(gold.value) and _is_rounded(part, gold.value):
            return True
    if gold.places is None or _endless(gold.value):
        return _is_rounded(prediction, gold.value)
    if gold.places == 0 or not _unrounded(prediction, gold.places):
        return False
    unit = Fraction(1, 10**gold.places)
    return abs(prediction.value - gold.value) <= unit / 2


def _noisy(number: Number) -> bool:
    """Return whether a number may be a binary float: many digits, or the exact value of one."""
    if number.places is None:
        return number.value.denominator >= _EXACT and not number.value.denominator & (
            number.value.denominator - 1
        )
    return number.places > 0 and _digits(number) >= _SINGLE_DIGITS


def _digits(number: Number) -> int:
    """Return how many significant digits a decimal has."""
    return len(str(int(abs(number.value) * 10 ** (number.places or 0))))


def _float(number: Number) -> float:
    """Return the float nearest to a number; infinite where there is none."""
    try:
        return float(number.value)
    except OverflowError:
        return math.inf


def _without_noise(number: Number) -> list[Number]:
    """Return a number, and what it is if the noise of a 64-bit or 32-bit float is taken off it."""
    value = _float(number)
    if not _noisy(number) or math.isinf(value):
        return [number]
    if number.places is not None and _digits(number) < _FLOAT_DIGITS:
        return [number, without_noise(number)]
    clean = format(value, ".15g")
    if float(clean) != value:
        clean = format(value, ".12g")
    return [number, _decimal(clean, number), without_noise(number)]


def _decimal(text: str, number: Number) -> Number:
    value = Fraction(text)
    places, rest = 0, value
    while rest.denominator != 1 and places < 400:
        places, rest = places + 1, rest * 10
    return Number(value, places, number.percent)


def _endless(value: Fraction) -> bool:
    """Return whether no decimal of finite length equals a value."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest != 1


def _unrounded(number: Number, places: int) -> bool:
    """Return whether a number was plainly not rounded to the ``places`` that are wanted."""
    if number.places is None and _endless(number.value):
        return True
    exact = number.places is None
    needed = _needed(number.value.denominator) if exact else number.places or 0
    return needed > places and needed >= _LEAST_UNROUNDED


def _needed(denominator: int) -> int:
    """Return how many decimal places a fraction needs that a decimal equals; at most its bits."""
    places = 0
    while 10**places % denominator:
        places += 1
    return places


def _is_rounded(number: Number, value: Fraction) -> bool:
    """Return whether a decimal is a value rounded to the decimal's own places, and close to it."""
    if not number.places or abs(number.value) * 10**number.places < 10 ** (_LEAST_DIGITS - 1):
        return False
    return abs(number.value - value) <= Fraction(1, 2 * 10**number.places)
