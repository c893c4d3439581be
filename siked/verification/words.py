"""Numbers in words: "forty-two", "one hundred and five", "two and a half", "二十五"."""

from collections.abc import Sequence
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
_SCALES = {
    "thousand": 10**3, "lakh": 10**5, "million": 10**6, "crore": 10**7, "billion": 10**9,
    "trillion": 10**12,
}  # fmt: skip
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6,
    "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "hundredth": 100,
}  # fmt: skip
_ALONE = {"half", "third", "quarter"}
"""Parts that "a" may stand in front of for one."""
_KNOWN = {*_ONES, *_TENS, "dozen", "half", "hundred", *_SCALES}
_MOST_WORDS = 24
_HAN_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {
    "\u3007": 0, "两": 2, "兩": 2,
}  # fmt: skip
_HAN_SIZES = {
    "十": 10, "百": 100, "千": 1000, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8,
}  # fmt: skip
HAN = "".join((*_HAN_DIGITS, *_HAN_SIZES))
"""The signs that Chinese and Japanese numbers in words are made of."""
_COUNTERS = "个個只隻元块塊美圆円人つ本枚匹台名位岁歳年月天日小時时分秒米克斤公"
"""What may stand behind one such sign that is a number: 三个, but not 一共."""


def read_words(words: Sequence[str]) -> tuple[Fraction | None, int] | None:
    """Return the number that words in lower case begin with, and how many of them it takes.

    The number is None where they may mean two things: three quarters may be 3/4 or three coins.
    Where they begin with no number, all is None.
    """
    if words and words[0][0] in HAN:
        alone = len(words[0]) == 1 and len(words) > 1 and words[1][0] not in _COUNTERS
        value = None if alone else _han(words[0])
        return None if value is None else (Fraction(value), 1)
    if not words or (words[0].partition("-")[0] not in _KNOWN and words[0] != "a"):
        return None
    pieces: list[str] = []
    ends = {0: 0}
    for at, word in enumerate(words[:_MOST_WORDS], start=1):
        pieces += word.split("-")
        ends[len(pieces)] = at
    found = _read(pieces, hyphened="-" in words[0])
    if found is None or found[1] not in ends:
        return None  # "two-story"
    return found[0], ends[found[1]]


def _han(word: str) -> int | None:
    """Return the number that Chinese signs say, 一百零五; None where they say none, 万一."""
    total = group = 0
    digit: int | None = None
    last = 10**9  # the size of the sign before, in its group
    for sign in word:
        size = _HAN_SIZES.get(sign)
        if size is None:
            if digit:
                return None
            digit = _HAN_DIGITS.get(sign)
            if digit is None:
                return None
        elif size < 10**4:
            if size >= last or digit == 0:
                return None
            group, digit, last = group + (digit or 1) * size, None, size
        else:
            group += digit or 0
            if not group:
                return None
            total, group, digit, last = total + group * size, 0, None, 10**9
    return total + group + (digit or 0)


def part(words: Sequence[str]) -> tuple[Fraction, int] | None:
    """Return what follows "3 and" in "3 and a half", "3 and two thirds", and its words."""
    pieces = [piece for word in words[:2] for piece in word.split("-")]
    if len(pieces) < 2 or (under := _under(pieces[1])) is None:
        return None
    over = 1 if pieces[0] == "a" else _ONES.get(pieces[0])
    if not over or over >= under:
        return None
    return Fraction(over, under), 1 if "-" in words[0] else 2


def divisor(word: str) -> int | None:
    """Return what "thirds" divides by; None where a word is no such part, or may be a coin."""
    return None if word in ("quarter", "quarters") or not word.endswith("s") else _under(word)


def _under(word: str) -> int | None:
    return _PARTS.get(word) or _PARTS.get(word.removesuffix("s"))


def _read(words: list[str], *, hyphened: bool) -> tuple[Fraction | None, int] | None:
    """Return the number that pieces of words begin with, and how many of them it takes."""
    first, second = words[0], (words[1] if len(words) > 1 else "")
    if first in ("half", "dozen", "a"):
        return _without_count(words)
    under = _under(second)
    if first in _ONES and under is not None and (_ONES[first] == 1 or second.endswith("s")):
        if second == "quarters" and not hyphened:
            return None, 2
        return Fraction(_ONES[first], under), 2
    return _whole(words)


def _without_count(words: list[str]) -> tuple[Fraction | None, int] | None:
    """Return what "half", "a dozen", "a hundred" or "half a million" says."""
    first, second = words[0], (words[1] if len(words) > 1 else "")
    if first == "dozen":
        return Fraction(12), 1
    if first == "half":
        size = 12 if words[2:3] == ["dozen"] else _SCALES.get("".join(words[2:3]), 0)
        return (Fraction(size, 2), 3) if second in ("a", "an") and size else (Fraction(1, 2), 1)
    if second in _ALONE:
        return Fraction(1, _PARTS[second]), 2
    if second == "dozen":
        return Fraction(12), 2
    return _whole(["one", *words[1:]]) if second in {*_SCALES, "hundred"} else None


def _size(word: str) -> str:
    """Return a word, the plural of a size in the singular: "three millions"."""
    single = word.removesuffix("s")
    return single if single in _SCALES or single == "hundred" else word


def _whole(words: list[str]) -> tuple[Fraction | None, int] | None:
    """Return the whole number that words begin with, with a part behind it: "two and a half"."""
    total, group = Fraction(0), 0
    last = 10**15  # the size of the word before, in its group
    at, seen = 0, False
    while at < len(words):
        word = _size(words[at]) if seen else words[at]
        if word == "and" and seen:
            if (more := part(words[at + 1 : at + 3])) is not None:
                return total + group + more[0], at + 1 + more[1]
            if words[at + 1 : at + 2] and words[at + 1] in _KNOWN and last >= 100:
                at += 1
                continue
            break
        if word in _ONES and last > _ONES[word] and last not in range(1, 20):
            group, last = group + _ONES[word], max(_ONES[word], 1)
        elif word in _TENS and last >= 100:
            group, last = group + _TENS[word], 20
        elif word == "hundred" and 0 < group < 100:
            group, last = group * 100, 100
        elif word in _SCALES and seen and group:
            total, group, last = total + group * _SCALES[word], 0, 10**15
        elif word == "dozen" and seen:
            # Two dozen may be asked for as two or as 24; digits have it as their unit as well.
            return total + group, at + 1
        else:
            break
        seen = True
        at += 1
    return (total + group, at) if seen else None
