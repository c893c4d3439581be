"""Numbers in words: "forty-two", "one hundred and five", "two and a half", "two-thirds"."""

from __future__ import annotations

import re
from fractions import Fraction

_ONES = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90,
}  # fmt: skip
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PARTS = {"half": Fraction(1, 2), "third": Fraction(1, 3), "quarter": Fraction(1, 4)}
_MANY_PARTS = {"halves", "thirds", "quarters", "fourths", "fifths", "sixths", "eighths", "tenths"}
"""Three quarters may be 3/4 or three coins: such a text is not taken for a number."""
_KNOWN = {*_ONES, *_TENS, *_SCALES, *_PARTS, *_MANY_PARTS, "hundred", "dozen", "minus", "negative"}
_DIVISORS = {
    "half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10,
}  # fmt: skip
_HYPHENED = re.compile(r"(?<![a-z])([a-z]++)-([a-z]+?)s?(?![a-z-])", re.IGNORECASE)
"""Two-thirds is a fraction; a space in place of the hyphen leaves that open."""
_ARTICLES = {"half", "dozen", "third", "quarter", "hundred", "thousand", "million", "billion"}
"""What "a" may stand in front of for one."""
_WORD = re.compile(r"[A-Za-z]+")
_MOST_WORDS = 24


def in_words(text: str) -> Fraction | None:
    """The number that a text begins with in words; None where it says none, or more than one.

    What follows the number is taken as its unit, so it may hold no digit and no other number.
    """
    if len(text) > 300 or any(character.isdigit() for character in text):
        return None
    words = [word.lower() for word in _WORD.findall(text)][:_MOST_WORDS]
    sign = 1
    if words and words[0] in ("minus", "negative"):
        sign, words = -1, words[1:]
    if words[:1] == ["a"] and words[1:2] and words[1] in _ARTICLES:
        words = words[1:] if words[1] in {*_PARTS, "dozen"} else ["one", *words[1:]]
    if not words or words[0] not in _KNOWN:
        return None
    value, used = _fraction(text, words) or _read(words)
    if value is None or any(word in _KNOWN for word in words[used:]):
        return None
    return sign * value


def _fraction(text: str, words: list[str]) -> tuple[Fraction, int] | None:
    """The fraction that a text begins with, and its two words; None where it is another number."""
    found = _HYPHENED.search(text)
    if found is None or [one.lower() for one in found.group(1, 2)] != [
        words[0], words[1].rstrip("s") if len(words) > 1 else ""
    ]:  # fmt: skip
        return None
    over, under = _ONES.get(words[0]), _DIVISORS.get(words[1].rstrip("s"))
    return (Fraction(over, under), 2) if over and under else None


def _read(words: list[str]) -> tuple[Fraction | None, int]:
    """The number that the words begin with, and how many of them it takes."""
    total, group = Fraction(0), 0
    last = 10**15  # the size of the word before, in its group
    at, seen = 0, False
    while at < len(words):
        word = words[at]
        if word == "and" and seen and words[at + 1 : at + 2] and words[at + 1] in {*_KNOWN, "a"}:
            at += 1
            continue
        if word == "a" and (words[at + 1 : at + 2] or [""])[0] in {*_PARTS, "dozen"}:
            at += 1
            continue
        if word in _ONES and last > _ONES[word] and last not in range(1, 20):
            group, last = group + _ONES[word], max(_ONES[word], 1)
        elif word in _TENS and last >= 100:
            group, last = group + _TENS[word], 20
        elif word == "hundred" and 0 < group < 100:
            group, last = group * 100, 100
        elif word in _SCALES and seen and group:
            total, group, last = total + group * _SCALES[word], 0, 10**15
        elif word == "dozen":
            # Two dozen may be asked for as two or as 24; digits have it as their unit as well.
            return (total + group if seen else Fraction(12)), at + 1
        elif word in _PARTS and (not seen or (at and words[at - 1] in ("a", "and"))):
            return total + group + _PARTS[word], at + 1
        else:
            break
        seen = True
        at += 1
    return (total + group if seen else None), at
