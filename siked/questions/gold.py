"""Exact numbers as text: how gold answers are read and how values are written.

"1,000" -> "1000"     "9 (apples)" -> "9"     "12.50" -> "12.50"     "3/7" -> "3/7"
"1 1/2" -> "3/2"      "6:7", "John", "45; 15" -> not one number

A gold is read by the grammar of stated answers (``siked.verification.numbers``).
"""

import re
from fractions import Fraction

from siked.verification.compare import expression_gold, without_noise
from siked.verification.numbers import read

MOST_CHARACTERS = 1000
"""Longer texts are no answers."""
_FRACTION = re.compile(r"-?\d+/\d+")


def exact(text: str) -> Fraction:
    """Return the value of a number as ``gold`` and ``plain`` write it.

    Raises:
        ValueError: the text is not such a number.
    """
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise ValueError(f"{text!r} divides by zero") from None


def plain(value: Fraction) -> str:
    """Return a value as an integer, a decimal where it ends, else a fraction in lowest terms."""
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


def gold(text: str, *, expressions: bool = False) -> str:
    """Return the one number that an answer says, without unit and separators, digits kept.

    A number with a percent sign keeps it. A 32-bit float is written as the short decimal that it
    stands for.

    Args:
        text: the published answer.
        expressions: whether an expression is taken too, as LaTeX.

    Raises:
        ValueError: the answer is not one number; the text is why, a colon, and the answer.
    """
    text = text.rpartition("####")[2]
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"more than {MOST_CHARACTERS} characters: {text.strip()[:20]!r}...")
    found = read(text.strip())
    number = found.number
    if number is None:
        if expressions and (latex := expression_gold(text)) is not None:
            return latex
        raise ValueError(f"not one number: {text.strip()!r}")
    percent = "%" if number.percent else ""
    clean = without_noise(number)
    value, places = clean.value, clean.places
    if places is None:
        written = found.text.replace(",", "").replace("\u2212", "-").strip()
        return (written if _FRACTION.fullmatch(written) else str(value)) + percent
    digits = str(abs(value) * 10**places).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    whole, fixed = digits[: len(digits) - places], digits[len(digits) - places :]
    return f"{sign}{whole}.{fixed}{percent}" if places else f"{sign}{whole}{percent}"
