r"""The words of a stated answer: numbers as written, words, signs.

    "-$1,234.50 per 10-dollar ticket"
    -> sign "-", number 1234.50, word "per", adjective "10-dollar", word "ticket"

A token never is a part of something longer: of ``3:20``, ``2024-03-18`` and ``1.2.3`` no number is
cut out; each is one token that is none.
"""

# ruff: noqa: RUF001 - the dashes, quotes and signs are those that models write

import re
from dataclasses import dataclass
from enum import Enum, auto
from fractions import Fraction
from typing import NamedTuple

from siked.verification.words import HAN

MOST_DIGITS = 1000
"""Longer numbers, and powers of ten beyond, are not read: conversion takes quadratic time."""
MINUS = "-\u2010\u2011\u2012\u2013\u2014\u2212\ufe58\ufe63\uff0d"
CURRENCY = "$¢£¤¥฿" + "".join(map(chr, range(0x20A0, 0x20C1)))
_SPACE = "\u00a0\u2007\u2008\u2009\u200a\u202f"
_SCALES = {
    "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "lakh": 10**5, "crore": 10**7,
    "k": 10**3, "m": 10**6, "b": 10**9, "mn": 10**6, "bn": 10**9, "tn": 10**12, "百": 10**2,
    "千": 10**3, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8,
}  # fmt: skip

# Digits with separators. Commas stand every three digits (or two, the Indian way); points only
# where there are two of them or a decimal comma follows, since 1.234 alone is a decimal.
_DIGITS = (
    r"(?:\d{1,3}(?:\.\d{3}){1,9},\d{1,2}(?!\d)"
    r"|\d{1,3}(?:\.\d{3}){2,9}(?![\d.])"
    r"|\d{1,3}(?:,\d{2,3}){0,9},\d{3}(?!\d|,\d)(?:\.\d+)?"
    rf"|\d{{1,3}}(?:[{_SPACE}'’_]\d{{3}}){{1,9}}(?!\d)(?:,\d{{1,2}}(?!\d)|\.\d+)?"
    r"|\d{1,3}(?: \d{3}){1,9}(?![\d/-]|\.\d{3}\b| \d|\s/)(?:,\d{1,2}(?!\d)|\.\d+)?"
    r"|\d+,\d{1,2}(?!\d|,\d)|\d+\.\d+|\d+|\.\d+)"
)
_SUFFIX = (
    r"(?:\s?(?P<percent>%|(?i:percent\b|per cent\b))"
    r"|\s?(?P<scale>(?i:(?:hundred|thousand|million|billion|trillion|lakh|crore)s?|[bmt]n)\b|百(?!分)|千(?![克米瓦卡])|[万萬亿億])"
    r"|(?P<short>[kKMB])(?![A-Za-z]))?"
)
_LETTER = rf"[^\W\d_{HAN}]"
_UNIT_POWER = r"(?:\^\(?[-−]?[1-4]\)?|[²³])?"
_TOKEN = re.compile(
    rf"(?P<hour>\d{{1,2}}):00\s?(?i:[ap]\.?m\b|o.clock\b)"
    r"|(?P<bad>\d++(?::\d++)++|\d{1,4}-\d{1,2}-\d{1,4}(?!\w)|\d{1,4}/\d{1,2}/\d{1,4}(?!\w)"
    r"|\d++(?:/\d++){2,}+)"
    r"|(?P<ordinal>\d{1,9}(?:st|nd|rd|th)\b)"
    rf"|(?P<adjective>[{CURRENCY}]?\d{{1,15}}(?:[.,]\d{{1,9}})?-[A-Za-z]{{2,30}}+(?:-[A-Za-z]{{1,30}})?)"
    rf"|(?P<currency>[{CURRENCY}]\s?)?"
    r"(?:(?P<whole>\d{0,30})\.(?P<fixed>\d{0,30})\((?P<again>\d{1,30})\)"
    rf"|(?P<digits>{_DIGITS})(?P<more>(?:[.,]\d++)++)?"
    rf"(?:[eE]\+?(?P<e>[{MINUS}]?\d{{1,5}})(?!\d|\.\d))?{_SUFFIX})"
    rf"|(?P<sign>[{MINUS}]|[-+*/^×·÷√π±()\[\]=≈→<>≤≥≠∞∪]|[,;:.!?…。，、；：]|\n)"
    r"|(?P<name>[A-Za-zÀ-ÖØ-öø-ɏͰ-ϿЀ-ӿ_]{1,60}\d\w{0,60})"
    rf"|(?P<han>[{HAN}]{{1,30}})"
    rf"|(?P<word>{_LETTER}{{1,60}}+{_UNIT_POWER}(?:[-/'’·]{_LETTER}{{1,60}}+{_UNIT_POWER}){{0,6}})"
)  # fmt: skip

_LEADING = re.compile(r"\D?([\d.,]+)")
"""The digits that an adjective begins with."""


@dataclass(frozen=True)
class Number:
    """A number as written."""

    value: Fraction
    places: int | None
    """Decimal places; None where it was written as a fraction."""
    percent: bool = False
    """Followed by a percent sign; ``value`` is the number before it."""


class Kind(Enum):
    """What a token is."""

    NUMBER = auto()
    ADJECTIVE = auto()
    """A number that only describes something: ``10-dollar``, ``3rd``; ``number`` is set."""
    BAD = auto()
    """Digits that are not one number: a time, a date, a version."""
    NAME = auto()
    """A name with digits in it: ``x2``, ``A1``."""
    WORD = auto()
    SIGN = auto()


class Token(NamedTuple):
    """A piece of text with its place."""

    kind: Kind
    text: str
    start: int
    end: int
    number: Number | None = None
    currency: bool = False


def tokens(text: str) -> list[Token]:
    """Return the tokens of a text without layout; what is none of them is passed over."""
    found: list[Token] = []
    at = 0
    while (match := _TOKEN.search(text, at)) is not None:
        at = match.end()
        start, word = match.start(), match[0]
        if match["digits"] is not None or match["again"] is not None or match["hour"]:
            number = None if match["more"] else _literal(match)
            kind = Kind.BAD if number is None else Kind.NUMBER
            money = match["currency"] is not None
            token = Token(kind, word, start, at, number, money)
            if found and (whole := _together(found[-1], token)) is not None:
                found[-1] = whole
            else:
                found.append(token)
        elif match["word"] is not None or match["han"] is not None:
            found.append(Token(Kind.WORD, word, start, at))
        elif match["sign"] is not None:
            sign = "-" if word in MINUS and word != "—" else _FULL.get(word, word)
            found.append(Token(Kind.SIGN, sign, start, at))
        elif match["name"] is not None:
            if word[0] in "xX" and word[1].isdigit() and found and found[-1].end == start:
                found.append(Token(Kind.SIGN, "×", start, start + 1))  # 9x9
                at = start + 1
                continue
            found.append(Token(Kind.NAME, word, start, at))
        elif match["bad"] is not None:
            found.append(Token(Kind.BAD, word, start, at))
        else:
            digits = _LEADING.match(word)
            value = Fraction((digits[1] if digits else "0").replace(",", ""))
            places = 0 if value.denominator == 1 else 1
            found.append(Token(Kind.ADJECTIVE, word, start, at, Number(value, places)))
    return found


def _together(left: Token, right: Token) -> Token | None:
    """Return two numbers that are one, the second below the size of the first: 1万2千."""
    size = _SCALES[left.text[-1]] if left.text[-1] in HAN else None
    if left.number is None or right.number is None or size is None or left.end < right.start:
        return None
    value = left.number.value + right.number.value
    if right.currency or right.number.value >= size or value.denominator != 1:
        return None
    return left._replace(text=left.text + right.text, end=right.end, number=Number(value, 0))


_FULL = {"。": ".", "，": ",", "、": ",", "；": ";", "：": ":"}


def _literal(match: re.Match[str]) -> Number | None:
    """Return the number that a match is, or None where it is too long."""
    if match["hour"]:
        return Number(Fraction(int(match["hour"])), 0)
    if match["again"] is not None:
        whole, fixed, again = match["whole"] or "0", match["fixed"], match["again"]
        cycle = Fraction(int(again), 10 ** len(again) - 1)
        value = int(whole) + (Fraction(int(fixed or "0")) + cycle) / 10 ** len(fixed)
        return Number(value, None)
    if len(match["digits"]) > MOST_DIGITS:
        return None
    whole, decimals = _plain_digits(match["digits"])
    places = len(decimals)
    value = Fraction(int(whole + decimals or "0"), 10**places)
    if match["e"] is not None:
        exponent = int(match["e"].translate(_AS_MINUS))
        if abs(exponent) > MOST_DIGITS:
            return None
        value *= Fraction(10) ** exponent
        places = max(places - exponent, 0)
    if scale := match["scale"] or match["short"]:
        value *= _SCALES[scale.lower().removesuffix("s")]
        places = 0 if value.denominator == 1 else places
    return Number(value, places, match["percent"] is not None)


_AS_MINUS = dict.fromkeys(map(ord, MINUS), "-")
_SEPARATORS = str.maketrans("", "", f"{_SPACE}'’_ ")


def _plain_digits(digits: str) -> tuple[str, str]:
    """Return digits with separators as those before and behind the decimal mark."""
    digits = digits.translate(_SEPARATORS)
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
