"""A program's answer as text: exact where the value is exact.

    6 -> "6"                     Fraction(1, 3) -> "1/3"         Decimal("2.50") -> "2.50"
    18.0 -> "18"                 0.1 + 0.2 -> "0.3"              [{x: 5}] -> "5"
    "18 dollars" -> "18 dollars" True, [3, 5] -> not a number    float("nan") -> not finite

Binary fractions carry rounding errors, so a float is read as the decimal of at most 15 digits that
equals it, where there is one, else as the nearest decimal of 12 digits.
"""

import math
from collections.abc import Collection
from decimal import Decimal
from fractions import Fraction
from functools import singledispatch
from typing import Any

MOST_DIGITS = 1000
MOST_TEXT = 2000
_EXACT_FLOATS = 2**53
_DEEPEST = 4


class NotANumberError(Exception):
    """The value is not one number."""


class NotFiniteError(Exception):
    """The value is infinite or undefined."""


def as_text(value: Any, depth: int = 0) -> str:
    """Return a value as the text of one number, or a text value itself.

    Raises:
        NotANumberError, NotFiniteError: it is none.
    """
    if depth > _DEEPEST:
        raise NotANumberError("a value inside many others")
    text = _text(value, depth)
    if len(text) > MOST_TEXT:
        raise NotANumberError(f"a text of more than {MOST_TEXT} characters")
    return text


@singledispatch
def _text(value: Any, depth: int) -> str:
    """A value of another kind: sympy, mpmath and numpy have numbers of their own."""
    library = type(value).__module__.partition(".")[0]
    if library == "numpy" and getattr(value, "size", 0) == 1:
        return as_text(value.item(), depth + 1)
    if library == "mpmath":
        return as_text(complex(value), depth + 1)
    if library == "sympy":
        return _of_sympy(value, depth)
    raise NotANumberError(f"a {type(value).__name__}")


@_text.register
def _(value: bool, depth: int) -> str:
    raise NotANumberError(f"the truth value {value}")


@_text.register
def _(value: str, depth: int) -> str:
    return str(value[: MOST_TEXT + 1])


@_text.register
def _(value: int, depth: int) -> str:
    if value.bit_length() > MOST_DIGITS * 3:
        raise NotANumberError(f"an integer of more than {MOST_DIGITS} digits")
    return str(int(value))


@_text.register
def _(value: float, depth: int) -> str:
    if not math.isfinite(value):
        raise NotFiniteError(str(value))
    if value.is_integer() and abs(value) < _EXACT_FLOATS:
        return str(int(value))
    clean = format(float(value), ".15g")
    return clean if float(clean) == value else format(float(value), ".12g")


@_text.register
def _(value: complex, depth: int) -> str:
    if abs(value.imag) > 1e-9 * abs(value.real):
        raise NotANumberError("a complex number")
    return as_text(value.real, depth)


@_text.register
def _(value: Fraction, depth: int) -> str:
    over = as_text(value.numerator, depth)
    return over if value.denominator == 1 else f"{over}/{as_text(value.denominator, depth)}"


@_text.register
def _(value: Decimal, depth: int) -> str:
    if not value.is_finite():
        raise NotFiniteError(str(value))
    return str(value)


@_text.register(list)
@_text.register(tuple)
@_text.register(set)
@_text.register(frozenset)
def _(value: Collection[Any], depth: int) -> str:
    if len(value) != 1:
        raise NotANumberError(f"{len(value)} values")
    return as_text(next(iter(value)), depth + 1)


@_text.register
def _(value: dict, depth: int) -> str:  # type: ignore[type-arg]
    return as_text(list(value.values()), depth)


def _of_sympy(value: Any, depth: int) -> str:
    if getattr(value, "is_Equality", False) and getattr(value.lhs, "is_Symbol", False):
        return as_text(value.rhs, depth + 1)
    if getattr(value, "is_FiniteSet", False) or type(value).__name__ == "Tuple":
        return as_text(list(value), depth)
    if not getattr(value, "is_number", False):
        raise NotANumberError(f"the expression {str(value)[:80]}")
    if value.is_finite is False or str(value) == "nan":
        raise NotFiniteError(str(value))
    if value.is_Rational:
        return as_text(Fraction(int(value.p), int(value.q)), depth)
    return as_text(complex(value.evalf(20)), depth)
