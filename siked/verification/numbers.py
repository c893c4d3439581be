r"""Text as an exact number, in the forms in which models write answers.

    "$1,234.50"  "**18** apples"  "1.234,5"  "3/4"  "2 1/2"  "25%"  "−7"  "1.8 x 10^3"
    "\frac{1}{2}"  "\boxed{18}"  "forty-two"  "2.5 million"

A number is a ``Fraction`` with the decimal places it was written with; no binary floating point
is used. A text of several numbers ("3 hours 20 minutes", "3:20", "5 and 6") is not a number.
"""

# ruff: noqa: RUF001, RUF002 - the dashes, quotes and signs are those that models write

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from siked.verification.words import in_words

MOST_DIGITS = 1000
"""Longer numbers, and powers of ten beyond, are not read: conversion takes quadratic time."""
MOST_TEXT = 500
"""An answer has hundreds of characters; a longer text is none."""
_SHORT = 40

_MINUS = "-\u2010\u2011\u2012\u2013\u2014\u2212\ufe58\ufe63\uff0d"
_SPACE = "\u00a0\u2007\u2009\u202f"
_SCALES = {
    "hundred": 10**2,
    "thousand": 10**3,
    "k": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5",
    "⅗": "3/5", "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8",
    "⅝": "5/8", "⅞": "7/8", "⅑": "1/9", "⅒": "1/10",
}  # fmt: skip
_IN_ONE_SIGN = re.compile(rf"(\d?)\s?([{''.join(_VULGAR)}])")
_CURRENCY = "$¢£¤¥฿" + "".join(map(chr, range(0x20A0, 0x20C1)))
_WIDE = {0xFF01 + at: 0x21 + at for at in range(94)} | {0x3000: 0x20}
"""Full-width letters, digits and signs as the usual ones."""

# Digits with separators. Commas stand every three digits (or two, the Indian way); points only
# where there are two of them or a decimal comma follows, since 1.234 alone is a decimal.
_GROUPED = (
    r"\d{1,3}(?:\.\d{3}){1,9},\d{1,2}(?!\d)"
    r"|\d{1,3}(?:\.\d{3}){2,9}(?![\d.])"
    r"|\d{1,3}(?:,\d{2,3}){0,9},\d{3}(?!\d|,\d)(?:\.\d+)?"
    rf"|\d{{1,3}}(?:[{_SPACE}'’_]\d{{3}}){{1,9}}(?!\d)(?:,\d{{1,2}}(?!\d)|\.\d+)?"
    r"|\d{1,3}(?: \d{3}){2,9}(?!\d)(?:,\d{1,2}(?!\d)|\.\d+)?"
    r"|\d{1,3} \d{3},\d{1,2}(?![\d,])"
)
_DIGITS = rf"(?:{_GROUPED}|\d+,\d{{1,2}}(?![\d,])|\d+\.\d+|\d+|\.\d+)"
_POWER = (
    rf"(?:[eE]\+?(?P<e>[{_MINUS}]?\d{{1,5}})(?![\d.])"
    rf"|\s*[x×*·]\s*10(?:\^|\*\*)\(?(?P<ten>[{_MINUS}]?\d{{1,5}})\)?)"
)
_NUMBER = re.compile(
    rf"(?P<sign>[{_MINUS}+]\s?)?(?:[{_CURRENCY}]\s?)?(?P<inner>[{_MINUS}])?"
    rf"(?:(?:(?P<whole>\d{{1,15}})(?:\s|\s?&|\sand\s))?(?P<over>\d{{1,15}}(?:,\d{{3}}){{0,5}})\s?/\s?"
    rf"(?P<under>\d{{1,15}}(?:,\d{{3}}){{0,5}})(?![\d/.,]\d)"
    rf"|(?P<digits>{_DIGITS}){_POWER}?)"
    r"(?:\s?(?P<percent>%|percent\b|per cent\b)"
    r"|\s?(?P<scale>hundred|thousand|million|billion|trillion)\b|(?P<k>k)\b)?",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    rf"(?:[A-Za-z]{{1,3}}\s?)?(?=[{_CURRENCY}])"
    r"|(?:USD|EUR|GBP|INR|CAD|AUD|CHF|JPY|CNY|RMB|Rs\.?|US)\s?(?=\d)",
    re.IGNORECASE,
)
_SIGN_WORD = re.compile(rf"(?:minus|negative)\s+(?=[{_CURRENCY}]?\s?\.?\d)", re.IGNORECASE)
_HOUR = re.compile(r"\b(\d{1,2}):00(?=\s?(?:[ap]\.?m\b|o.clock\b))", re.IGNORECASE)
_BOLD = re.compile(r"(?<![\d)])\*\*|\*\*(?![\d(-])")
"""Two stars that are no power."""
_PLAIN = re.compile(r"\$?(-?[0-9]{1,15})(?:\.([0-9]{1,15}))?\.?")
"""What most answers are; read without the pattern for everything."""
_UNIT = re.compile(
    r"(?!\s?[xyzXYZ](?![A-Za-z]))"  # 3x is an expression
    # Possessive throughout: a text that is no unit is refused in one pass.
    r"(?:\s*+(?:[A-Za-z°²³'’\"µ"
    + _CURRENCY
    + r"]++(?:[-/^.][A-Za-z0-9]++)*+\.?+|\([^()\d]*+\)|/|[,;.])){0,12}+"
    r"[\s.!…]*+"
)
_TEXTUAL = re.compile(
    r"\\(?:text|mathrm|textbf|mathbf|mbox|operatorname|mathit|textit|underline|"
    r"textrm|emph)\s*\{([^{}]*)\}"
)
_FRAC = re.compile(r"(?:(\d)\s*+)?\\[dtc]?frac\s*+(?:\{([^{}]*+)\}\s*+\{([^{}]*+)\}|(\d)(\d))")
_SIMPLE = re.compile(rf"[{_MINUS}]?[\d,.]+")
_EXPONENT = re.compile(r"\^\{([^{}]*)\}")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{([^{}]*)\}")
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_POWER_OF_TEN = re.compile(r"10([⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)")


@dataclass(frozen=True)
class Number:
    """A number as written."""

    value: Fraction
    places: int | None
    """Decimal places; None where it was written as a fraction."""
    percent: bool = False
    """Followed by a percent sign; ``value`` is the number before it."""


def parse(text: str) -> Number | None:
    """The one number that a whole text says, unit and decoration aside; None where it is none."""
    if len(text) <= _SHORT:
        return _remembered(text)
    return _parse(text) if len(text) <= MOST_TEXT else None


def _parse(text: str) -> Number | None:
    if plain := _PLAIN.fullmatch(text):
        whole, decimals = plain[1], plain[2] or ""
        if not decimals:
            return Number(Fraction(int(whole)), 0)
        return Number(Fraction(int(whole + decimals), 10 ** len(decimals)), len(decimals))
    cleaned = clean(text)
    if not cleaned:
        return None
    start = _BEFORE.match(cleaned)
    match = _NUMBER.match(cleaned, start.end() if start else 0)
    if match is None:
        return in_words_number(cleaned)
    if _UNIT.fullmatch(cleaned, match.end()) is None:
        return None
    return _number(match)


_remembered = lru_cache(maxsize=8192)(_parse)
"""The same few answers come again and again, and each is read twice: when it is found and when it
is compared."""


def in_words_number(text: str) -> Number | None:
    """A number written in words, with or without a unit."""
    value = in_words(text)
    return None if value is None else Number(value, 0 if value.denominator == 1 else None)


def scan(text: str) -> Iterator[tuple[str, int]]:
    """The numbers in running text, each as text with where it begins, first to last.

    Digits inside names (``x2``, ``A1``) are none; a dash after a digit or a bracket is minus as
    an operation, not a sign.
    """
    position = 0
    while (match := _NUMBER.search(text, position)) is not None:
        position = max(match.end(), match.start() + 1)
        first = text[match.start() - 1] if match.start() else " "
        found = match.group()
        if match["sign"]:
            if first.isalnum() or first in ")]}_" or _joins(text, match.start()):
                found = found[len(match["sign"]) :]
        elif (first.isalpha() or first == "_") and found[0] not in _CURRENCY:
            continue  # inside a name
        yield found.strip(), match.start()


def clean(text: str) -> str:
    """Text without LaTeX, markdown and the spaces around; fractions as ``a/b``."""
    if "\\" in text or "{" in text:
        text = _without_latex(text)
    if not text.isascii():
        text = _without_signs(text)
    if ":00" in text:
        text = _HOUR.sub(r"\1", text)
    if "**" in text:
        text = _BOLD.sub("", text)
    text = text.replace("__", "").replace("`", "").strip("*_~ \t\r\n")
    if len(text) > 1 and text[0] == text[-1] == "$":
        text = text[1:-1].strip()
    elif text.endswith("$") and text[:1] != "$" and text[:-1].strip()[:1].isalpha():
        text = text[:-1].strip()
    text = text.strip("\"'“”").removesuffix(".").strip()
    if text[:1] in "=≈~:" and text:
        text = text.lstrip("=≈~: ")
    if len(text) > 1 and text[0] == "(" and text[-1] == ")":
        text = text[1:-1].strip()
    return _SIGN_WORD.sub("-", text, count=1) if text[:1] in "mMnN" else text


def _without_signs(text: str) -> str:
    """Text without full-width signs, fractions in one sign and superscript powers of ten."""
    text = text.translate(_WIDE)
    if "10" in text:
        text = _POWER_OF_TEN.sub(lambda m: "10^" + m[1].translate(_SUPERSCRIPT), text)
    return _IN_ONE_SIGN.sub(lambda m: f"{m[1]} {_VULGAR[m[2]]}", text)


def _without_latex(text: str) -> str:
    for _ in range(3):
        before = text
        text = _TEXTUAL.sub(r" \1", text)
        text = _FRAC.sub(_fraction, text)
        text = _BOXED.sub(r"\1", text)
        if text == before:
            break
    for name, plain in (
        (r"\left", ""), (r"\right", ""), (r"\times", "×"), (r"\cdot", "·"), (r"\$", "$"),
        (r"\%", "%"), (r"\,", ""), (r"\!", ""), (r"\;", " "), (r"\:", " "), (r"\ ", " "),
        (r"\(", ""), (r"\)", ""), (r"\[", ""), (r"\]", ""), (r"^\circ", "°"), (r"^{\circ}", "°"),
        (r"\approx", ""), ("{,}", ","), (r"\quad", " "),
    ):  # fmt: skip
        text = text.replace(name, plain)
    text = _EXPONENT.sub(r"^\1", text)
    return text[1:-1] if text[:1] == "{" and text[-1:] == "}" else text


def _fraction(match: re.Match[str]) -> str:
    over, under = (match[2] or match[4] or "").strip(), (match[3] or match[5] or "").strip()
    simple = all(_SIMPLE.fullmatch(one) for one in (over, under))
    written = f"{over}/{under}" if simple else f"({over})/({under})"
    return f"{match[1]} {written}" if match[1] else written


def _joins(text: str, at: int) -> bool:
    """Whether a dash at this place stands between two numbers."""
    return text[max(at - 2, 0) : at].rstrip()[-1:].isdigit()


def _number(match: re.Match[str]) -> Number | None:
    negative = any(mark and mark.strip() in _MINUS for mark in (match["sign"], match["inner"]))
    if match["sign"] and match["inner"]:
        return None
    places: int | None
    if match["over"] is not None:
        under = int(match["under"].replace(",", ""))
        if under == 0:
            return None
        value = Fraction(int(match["over"].replace(",", "")), under)
        value += int(match["whole"] or 0)
        places = None
    else:
        if len(match["digits"]) > MOST_DIGITS:
            return None
        whole, decimals = _plain_digits(match["digits"])
        places = len(decimals)
        value = Fraction(int(whole + decimals or "0"), 10**places)
        if (power := match["e"] or match["ten"]) is not None:
            exponent = int(power.translate(dict.fromkeys(map(ord, _MINUS), "-")))
            if abs(exponent) > MOST_DIGITS:
                return None
            value *= Fraction(10) ** exponent
            places = max(places - exponent, 0)
    if scale := match["scale"] or match["k"]:
        value *= _SCALES[scale.lower()]
        places = 0 if value.denominator == 1 else places
    return Number(-value if negative else value, places, bool(match["percent"]))


def _plain_digits(digits: str) -> tuple[str, str]:
    """Digits with separators as those before and behind the decimal mark."""
    for separator in f"{_SPACE}'’_ ":
        digits = digits.replace(separator, "")
    points, commas = digits.count("."), digits.count(",")
    decimal_comma = commas == 1 and (
        (points and digits.rindex(",") > digits.rindex(".")) or len(digits) - digits.index(",") <= 3
    )
    if decimal_comma:
        digits = digits.replace(".", "").replace(",", ".")
    elif points > 1:
        digits = digits.replace(".", "")
    whole, _, decimals = digits.replace(",", "").partition(".")
    return whole, decimals
