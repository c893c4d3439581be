"""The words around the numbers: names, pronouns, plurals, and ways to write a number.

In a text, ``{who}`` ``{friend}`` ``{third}`` are three different people, and ``{he}`` ``{him}``
``{his}`` ``{himself}`` stand for ``{who}``. ``{box}`` is a word of the family's own; ``{boxes}``
is its plural. ``{n}`` is a number, and ``{n:style}`` writes it in one of ``STYLES``.
"a" becomes "an" where it must, and sentences get their capitals, after all slots are filled.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from siked.questions.gold import plain


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


WOMEN = _split(
    "Anna, Bella, Carla, Dana, Emma, Fatima, Grace, Hannah, Ida, Julia, Kate, Lena, Maria, Nina,"
    "Olivia, Priya, Rosa, Sara, Tina, Vera, Wendy, Zoe, Amy, Mei, Laura, Nora, Ella, Lucy, Eva"
)
MEN = _split(
    "Adam, Ben, Carl, David, Eric, Felix, George, Hugo, Ivan, Jack, Karim, Leo, Max, Noah, Omar,"
    "Paul, Ravi, Sam, Tom, Victor, Will, Yusuf, Ali, Diego, Finn, Henry, Kenji, Oscar, Peter, Simon"
)
PEOPLE = ("who", "friend", "third", "he", "him", "his", "himself")
"""The slots that ``people`` fills."""
NUMBERS = dict(enumerate(_split("two, three, four, five, six, seven, eight, nine, ten"), start=2))
PARTS = {2: "half", 3: "a third", 4: "a quarter", 5: "a fifth", 10: "a tenth"}
ORDINAL_ENDS = {1: "st", 2: "nd", 3: "rd"}
_SENTENCE_START = re.compile(r"(?:^|(?<=[.?!] ))[a-z]")
_AN = re.compile(r"\b([Aa]) (?=[aeio]|u(?!ni|se)|\$?(?:8|1[18]\b))")
_SLOT = re.compile(r"\{([^{}:]+)(?::([^{}]+))?\}")


def people(rng: random.Random) -> dict[str, str]:
    """Choose three different names, with the pronouns of the first."""
    who, friend, third = rng.sample([*WOMEN, *MEN], 3)
    he, him, his = ("she", "her", "her") if who in WOMEN else ("he", "him", "his")
    words = (who, friend, third, he, him, his, f"{him}self")
    return dict(zip(PEOPLE, words, strict=True))


def chosen_words(words: Mapping[str, Sequence[str]], rng: random.Random) -> dict[str, str]:
    """Choose from each list; ``{"box/item": ["bag/apple", "tin/bean"]}`` chooses both together."""
    chosen: dict[str, str] = {}
    for keys, choices in words.items():
        chosen |= dict(zip(keys.split("/"), rng.choice(choices).split("/"), strict=True))
    return chosen


def list_words(words: Sequence[str]) -> str:
    """Return words as a sentence lists them: ``a dog, a cat and an owl``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def plural(noun: str) -> str:
    """Return the regular plural of a noun."""
    if re.search(r"(s|x|ch|sh)$", noun):
        return noun + "es"
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + "s"


def write_number(value: Fraction, style: str | None) -> str:
    """Return a number in one of ``STYLES``; None is plain digits.

    Raises:
        ValueError: there is no such style, or it cannot write this number.
    """
    try:
        return plain(value) if style is None else STYLES[style](value)
    except KeyError:
        raise ValueError(f"there is no style {style!r} for {plain(value)}") from None


def _dollars(value: Fraction) -> str:
    whole, _, cents = plain(value).partition(".")
    return f"${whole}.{cents:0<2}" if cents else f"${whole}"


def _in_words(value: Fraction) -> str:
    return NUMBERS[int(value)] if value in NUMBERS else plain(value)


def _times(value: Fraction) -> str:
    return "twice" if value == 2 else f"{_in_words(value)} times"


def _ordinal(value: Fraction) -> str:
    teens = 11 <= value % 100 <= 13
    return plain(value) + ("th" if teens else ORDINAL_ENDS.get(int(value % 10), "th"))


STYLES: Mapping[str, Callable[[Fraction], str]] = {
    "$": _dollars,
    ",": lambda value: f"{Decimal(plain(value)):,}",
    "word": _in_words,
    "times": _times,
    "part": lambda value: PARTS[int(value)],
    "02": lambda value: plain(value).zfill(2),
    "th": _ordinal,
}
"""Ways to write a number: ``$4.50``, ``1,200``, ``four``, ``twice``, ``half``, ``05``, ``5th``."""


def fill_template(template: str, values: Mapping[str, Fraction], words: Mapping[str, str]) -> str:
    """Return ``template`` with its slots filled.

    Raises:
        ValueError: neither ``values`` nor ``words`` fill a slot, or not in its style.
    """

    def fill(match: re.Match[str]) -> str:
        key, style = match.groups()
        if (slot := match[0][1:-1]) in words:
            return words[slot]
        if key in values:
            return write_number(values[key], style)
        for word, text in words.items():
            if plural(word) == key and style is None:
                return plural(text)
        raise ValueError(f"nothing fills {match[0]}")

    text = _AN.sub(r"\1n ", _SLOT.sub(fill, template))
    return _SENTENCE_START.sub(lambda match: match.group().upper(), text)
