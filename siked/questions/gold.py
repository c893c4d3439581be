"""Exact numbers as text: how gold answers are read and how values are written.

"1,000" -> "1000"     "9 (apples)" -> "9"     "12.50" -> "12.50"     "3/7" -> "3/7"
"1 1/2" -> "3/2"      "6:7", "John", "45; 15" -> not one number
"""

from __future__ import annotations

import re
from fractions import Fraction

MOST_DIGITS = 1000
"""Longer numbers are no answers: what computes with them takes quadratic time."""
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d+)"
_NUMBER = re.compile(
    rf"(?P<sign>[-\u2212]?)\s*+\$?\s*+"
    rf"(?:(?:(?P<whole>\d+)\s++)?(?P<over>{_DIGITS})\s*/\s*(?P<under>{_DIGITS})"
    rf"|(?P<decimal>{_DIGITS}(?:\.\d+)?|\.\d+))"
    r"(?:\s*\([^()\d]*\))?"
)


def exact(text: str) -> Fraction:
    """The value of a number as ``gold`` and ``plain`` write it.

    Raises:
        ValueError: the text is not such a number.
    """
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise ValueError(f"{text!r} divides by zero") from None


def plain(value: Fraction) -> str:
    """A value as an integer, a decimal where it ends, else a fraction in lowest terms."""
    rest = value.denominator
    places = 0
    while rest % 10 == 0 or rest % 5 == 0 or rest % 2 == 0:
        rest //= 10 if rest % 10 == 0 else 5 if rest % 5 == 0 else 2
        places += 1
    if rest != 1:
        return str(value)
    if places == 0:
        return str(value.numerator)
    digits = str(abs(value) * 10**places).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}".rstrip("0")


def gold(text: str) -> str:
    """The one number that an answer says: without unit, currency and separators, digits kept.

    Raises:
        ValueError: the answer is not one number; the text is why, a colon, and the answer.
    """
    text = text.strip()
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"not one number: {text.strip()!r}")
    if len(text) > MOST_DIGITS:
        raise ValueError(f"more than {MOST_DIGITS} digits: {text.strip()[:20]!r}...")
    sign = "-" if match["sign"] else ""
    if match["decimal"] is not None:
        decimal = match["decimal"].replace(",", "")
        return sign + ("0" + decimal if decimal.startswith(".") else decimal)
    over, under = (int(match[part].replace(",", "")) for part in ("over", "under"))
    if under == 0:
        raise ValueError(f"divides by zero: {text.strip()!r}")
    if match["whole"]:
        return sign + str(int(match["whole"]) + Fraction(over, under))
    return f"{sign}{over}/{under}"
