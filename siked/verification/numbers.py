r"""A stated answer as an exact number: the one grammar for whatever stands as an answer.

    "$1,234.50"  "**18** apples"  "1.234,5"  "2 1/2"  "25%"  "−7"  "1.8 x 10^3"  "forty-two"
    "x = 18"  "\frac{2+3}{4+1}"  "She makes **$18** a day."  "5 per day for 4 days is 20"

It serves text behind a marker, the inside of a box, printed output, a program's text and golds:

    answer    = sentence of: [reason that is cut off], results, equations, labels, phrase
    phrase    = words, one value, words            "Tom has 18 apples"
              | value, unit, clause with numbers   "18 dollars for 3 days"
              | words, "is", value                 "7 times 3 is 21"
    value     = arithmetic over numbers, exact     "(20-6)/(4-2)", "3√4", "2 1/2", "minus 18"

Several values are not one value (``5 to 7``, ``x = 5, y = 7``, ``3h30``), and nothing is cut out of
an expression (``x + 9``, ``4x``). Fractions throughout; no binary floating point.
"""

# ruff: noqa: RUF001, RUF002 - the dashes, quotes and signs are those that models write

import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from siked.verification.arithmetic import Arithmetic, Value, closings, single_letter
from siked.verification.layout import plain
from siked.verification.tokens import Kind, Number, Token, tokens
from siked.verification.words import read_words

__all__ = ["Number", "Reading", "parse", "read", "read_last"]

MOST_TEXT = 500
"""Longer texts are no answers, unless they are but a number: ``_LONG``."""
_LONG = re.compile(r"\s*-?[0-9]{1,1000}(?:[./][0-9]{1,1000})?\s*")
_SHORT = 60
_PLAIN = re.compile(r"\$?(-?[0-9]{1,15})(?:\.([0-9]{1,12}))?\.?")
"""What most answers are; read without the grammar."""

_LEAD = {
    "about", "approximately", "exactly", "roughly", "around", "nearly", "almost", "only", "just",
    "a", "total", "of", "is", "are", "was", "that", "that's", "it", "it's", "the", "answer",
    "equals", "us", "usd", "r", "c", "rs", "inr", "eur", "gbp", "cad", "aud", "so", "at", "least",
    "most", "option", "approx", "therefore", "thus", "hence", "then", "simply", "clearly", "still",
}  # fmt: skip
"""Words that may stand before the answer of a phrase that begins with it."""
_CLAUSE = {
    "for", "as", "per", "in", "from", "after", "of", "each", "every", "at", "with", "when", "by",
    "on", "than", "which", "that", "if", "out", "during", "over", "within", "left", "before",
    "more", "less", "fewer", "while", "where", "who", "until", "once", "given", "under", "above",
}  # fmt: skip
"""How a phrase goes on behind its answer, up to its next number."""
_BETWEEN = {
    "to",
    "through",
    "thru",
    "or",
    "and",
    "&",
    "by",
    "versus",
    "vs",
    "plus",
    "minus",
    "times",
    "x",
}
"""What directly before a second value makes the two several values, or an expression."""
_ODDS = {"in", "over", "of", "out"}
"""The same, directly between two values: odds, a fraction, a rate."""
_RESULT = {"so", "therefore", "thus", "hence", "altogether", "consequently", "→"}
_COPULA = {
    "is", "are", "was", "were", "equals", "equal", "makes", "make", "gives", "give", "totals",
    "be", "becomes", "gets", "leaves", "yields",
}  # fmt: skip
_VAGUE = {
    "about",
    "exactly",
    "approximately",
    "only",
    "just",
    "a",
    "total",
    "of",
    "roughly",
    "to",
    "around",
}
_REASONS = {"since", "because"}
_MONTHS = {
    "january", "february", "march", "april", "june", "july", "august", "september", "october",
    "november", "december",
}  # fmt: skip
"""A day of one is no number of things."""
_REMAINDER = re.compile(r"[rR]\d+")
_BULLET = re.compile(r"^[ \t]*+[-–—+][ \t]++", re.MULTILINE)
"""How a line of a list begins: no minus of its number."""
_MORE = {"more", "less", "greater", "fewer", "larger", "smaller", "higher", "lower", "bigger"}
_PARTS_OF = {
    "half", "third", "quarter", "twice", "double", "triple", "thrice", "quadruple", "fourth",
    "fifth", "percent", "thirds", "quarters", "%", "root", "square", "cube",
}  # fmt: skip
_PART_LINKS = {"of", "the", "as", "many", "much", "than", "a", "an", "that", "big", "large", "old"}
_RAISED = {"squared", "cubed", "factorial"}
_FUNCTIONS = {"log", "ln", "sin", "cos", "tan", "exp", "sqrt"}
_WHOLE = {"total", "all", "altogether", "overall"}
"""Behind a value at the end, this says that the value is the result."""
_TIMES = {
    "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks",
    "month", "months", "year", "years",
}  # fmt: skip
_NO = {
    "answer", "solution", "idea", "information", "number", "way", "one", "possible", "enough",
    "such", "conclusion", "valid", "real", "not", "it", "that", "this", "the", "i", "we",
}  # fmt: skip
"""Behind "no", these are no zero."""
_CHOICES = {
    "above", "options", "option", "choices", "choice", "answers", "following", "given", "listed",
    "solution", "solutions", "value", "values",
}  # fmt: skip
"""Where one of these is none, or is not right, nothing is said about a number."""
_WHICH = {
    "this", "that", "which", "each", "every", "another", "other", "no", "some", "any", "same",
    "first", "second", "third", "last", "next", "wrong", "right",
}  # fmt: skip
"""Behind these, "one" stands for a thing."""
_ARTICLES = {"the", "a", "an", "my", "your", "his", "her", "our", "their"}
_ABBREVIATED = {"mr", "mrs", "ms", "dr", "st", "vs", "no", "approx", "rs", "prof"}


class Reading(NamedTuple):
    """What a stated answer says."""

    text: str
    """The part of it that is the value, without layout; the whole where that is none."""
    number: Number | None = None
    """Its value; None where it is not one number."""
    latex: str | None = None
    r"""A value that no fraction equals, as LaTeX: ``2\sqrt{3}``."""


class _Item(NamedTuple):
    """A part of a phrase: a value, what is none though it has digits, a word or a mark."""

    kind: str
    text: str
    start: int
    end: int
    number: Number | None = None
    latex: str | None = None
    weak: bool = False
    """Only describes something, or says a number in words."""
    variable: bool = False
    """Part of an expression with a variable."""

    @property
    def valued(self) -> bool:
        """Whether it has digits or says a number."""
        return self.kind in ("value", "broken")


_SEVERAL = _Item("broken", "", 0, 0)


def parse(text: str) -> Number | None:
    """Return the one number that a text states; None where it states none, or several."""
    return read(text).number


def read(text: str) -> Reading:
    """Return what a text states as an answer."""
    if len(text) <= _SHORT:
        return _remembered(text)
    if len(text) <= MOST_TEXT or _LONG.fullmatch(text) is not None:
        return _read(text)
    return Reading(text)


def read_last(text: str) -> Reading | None:
    """Return the last number of running text, for want of a stated answer; None where it has none.

    It is read from the last sentence with a number as an answer would be. Where that holds several,
    the last counts, unless it is a part of one value: "3 hours 20 minutes", "3:20", "5 to 7".
    """
    whole = plain(text)
    end = next((at for at in range(len(whole) - 1, -1, -1) if whole[at].isdigit()), -1)
    whole = _BULLET.sub("", whole[max(end - MOST_TEXT, 0) : end + MOST_TEXT // 2])
    for begin, end in reversed(_sentences(whole, tokens(whole))):
        sentence = whole[begin:end]
        items = _items(sentence)
        values = [at for at, one in enumerate(items) if one.valued and not _said(one)]
        if not values:
            continue
        found = _sentence(items)
        if found is not None and found.kind == "value":
            return _reading(sentence, found)
        last = items[values[-1]]
        joined = len(values) > 1 and _joined(items, values[-2], values[-1])
        if last.kind == "value" and not joined and not _bent(items, values[-1]):
            return _reading(sentence, last)
        return Reading(sentence.strip())
    return None


def _read(text: str) -> Reading:
    if fast := _PLAIN.fullmatch(text):
        whole, decimals = fast[1], fast[2] or ""
        if not decimals:
            return Reading(text, Number(Fraction(int(whole)), 0))
        value = Fraction(int(whole + decimals), 10 ** len(decimals))
        return Reading(text, Number(value, len(decimals)))
    whole = plain(text)
    found: _Item | None = None
    parts = _sentences(whole, tokens(whole))
    shown = whole
    for number, (begin, end) in enumerate(parts):
        sentence = whole[begin:end]
        items = _items(sentence)
        if not any(one.valued for one in items):
            continue
        first_word = next((one.text.lower() for one in items if one.kind == "word"), "")
        if found is None:
            found, shown = _sentence(items), sentence
            pure = items[0].kind == "value" and sum(one.kind == "word" for one in items) <= 2
            if pure or number == len(parts) - 1:
                break
        elif first_word in _RESULT:
            found, shown = _sentence(items), sentence
    if found is None:
        return Reading(text.strip(), _zero(whole))
    if found.kind == "broken":
        return Reading(text.strip())
    return _reading(shown, found)


_remembered = lru_cache(maxsize=8192)(_read)
"""The same few answers come again and again, and each is read twice: when it is found and when it
is compared."""


def _reading(text: str, found: _Item) -> Reading:
    latex = found.latex if found.number is None else None
    return Reading(text[found.start : found.end].strip(), found.number, latex)


def _sentences(text: str, found: list[Token]) -> list[tuple[int, int]]:
    """Return where the sentences of a text begin and end."""
    if len(found) < 2:
        return [(0, len(text))]
    ends = []
    for before, mark, after in zip([None, *found], found, found[1:], strict=False):
        if mark.text == "\n" or (
            mark.text in ".!?"
            and after.start > mark.end
            and (after.text[0].isupper() or "\n" in text[mark.end : after.start])
            and not (before and before.text.lower() in _ABBREVIATED)
        ):
            ends.append(mark.end)
    return list(zip([0, *ends], [*ends, len(text)], strict=True))


def _items(text: str) -> list[_Item]:
    """Return the parts of a sentence."""
    found = _without_asides(tokens(text))
    arithmetic = Arithmetic(found)
    items: list[_Item] = []
    at = 0
    while at < len(found):
        token = found[at]
        if token.kind is Kind.BAD:
            items.append(_Item("broken", token.text, token.start, token.end))
            at += 1
        elif token.kind is Kind.ADJECTIVE:
            items.append(
                _Item("value", token.text, token.start, token.end, token.number, weak=True)
            )
            at += 1
        elif token.kind is Kind.NAME:
            if (
                items
                and items[-1].valued
                and (
                    (
                        token.start == items[-1].end
                        and token.text not in ("m2", "m3", "cm2", "cm3", "km2")
                    )
                    or _REMAINDER.fullmatch(token.text)
                )
            ):
                items[-1] = items[-1]._replace(kind="broken", end=token.end)
            else:
                items.append(_Item("word", token.text, token.start, token.end))
            at += 1
        elif _dashes(found, at):
            items.append(_Item("mark", token.text, token.start, token.end))
            at += 1
        elif (value := arithmetic.read(at)) is not None:
            items.append(_value(found, at, value))
            at = value.end
        elif token.kind is Kind.WORD:
            at = _word(found, at, items)
        else:
            if token.text != "*":  # else a star that emphasises
                items.append(_Item("mark", token.text, token.start, token.end))
            at += 1
    return items


def _dashes(found: list[Token], at: int) -> bool:
    """Return whether a dash parts a word from a value: "Total - 18"; not "is - 18", "x - 18"."""
    if at == 0 or at + 1 == len(found) or found[at].text not in ("-", "—"):
        return False
    before, dash, after = found[at - 1 : at + 2]
    if before.end == dash.start or dash.end == after.start:
        return False
    if before.kind is Kind.WORD:
        return before.text.lower() not in _COPULA and not single_letter(before.text)
    return before.kind in _DIGITS or before.text in ")]"


def _value(found: list[Token], begin: int, value: Value) -> _Item:
    """Return arithmetic as an item: broken where it is a part of something longer."""
    start, end = found[begin].start, found[value.end - 1].end
    cut_off, unknown = _goes_on_as_expression(found, value.end)
    cut, variable = _begins_within_expression(found, begin)
    cut, variable = cut or cut_off, variable or unknown
    if cut or value.latex is None:
        return _Item("broken", "", start, end, variable=variable)
    alone = found[begin].currency and value.end == begin + 1
    return _Item("value", "$" if alone else "", start, end, value.number, value.latex)


def _goes_on_as_expression(found: list[Token], end: int) -> tuple[bool, bool]:
    """Return whether an expression goes on behind a value, and whether with a variable."""
    if end == len(found):
        return False, False
    after, glued = found[end], found[end].start == found[end - 1].end
    if after.text in ("^", "√", "×", "·", "±", "+") or (after.text == "(" and glued):
        return True, False
    variable = False
    if after.kind is Kind.WORD:
        variable = single_letter(after.text) or (glued and after.text in ("i", "n"))
    elif after.text in ("-", "/", "*"):
        beyond = found[end + 1 : end + 3]
        factor = beyond[-1] if beyond and beyond[0].text == "(" else beyond[0] if beyond else None
        variable = factor is not None and factor.kind is Kind.WORD and single_letter(factor.text)
    return variable, variable


def _begins_within_expression(found: list[Token], begin: int) -> tuple[bool, bool]:
    """Return whether a value ends a longer expression, and whether one with a variable."""
    if begin == 0:
        return False, False
    before, first = found[begin - 1], found[begin]
    if before.kind is Kind.SIGN and before.text in "+*×·/^√" and begin > 1:
        glued = before.end == first.start
        if before.text == "*" and glued and found[begin - 2].end < before.start:
            return False, False  # *18*
        return True, found[begin - 2].kind is Kind.WORD
    if first.text in ("-", "+"):
        # "x - 9", "cost + 9", "--5"; but "is - 18", "score -18"
        variable = before.kind is Kind.WORD and single_letter(before.text)
        word = before.kind is Kind.WORD and first.text == "+"
        return before.text in ("-", "+") or word or variable, variable
    glued = before.end == first.start
    return before.kind is Kind.WORD and first.text in ("(", "√") and glued, False  # f(2), a√3


def _word(found: list[Token], at: int, items: list[_Item]) -> int:
    """Add a word, or a number in words, to the items; return the token behind it."""
    words = []
    for token in found[at : at + 24]:
        if token.kind is not Kind.WORD:
            break
        words.append(token.text.lower())
    said = read_words(words[1:] if words[0] in ("minus", "negative") else words)
    token = found[at]
    if said is None:
        items.append(_Item("word", token.text, token.start, token.end))
        return at + 1
    value, used = said
    if words[0] in ("minus", "negative"):
        value, used = (None if value is None else -value), used + 1
    end = found[at + used - 1].end
    kind = "broken" if value is None else "value"
    number = None if value is None else Number(value, 0 if value.denominator == 1 else None)
    items.append(_Item(kind, token.text, token.start, end, number, weak=True))
    return at + used


def _without_asides(found: list[Token]) -> list[Token]:
    """Return tokens without what stands in brackets beside the answer: "18 (9 * 2)"."""
    if not any(token.text in ("(", "[") for token in found):
        return found
    kept: list[Token] = []
    closed = closings(found)
    at = 0
    while at < len(found):
        closing = closed.get(at)
        if closing is not None and _aside(found, at, closing):
            at = closing + 1
            continue
        kept.append(found[at])
        at += 1
    if any(token.kind in _DIGITS for token in kept):
        return kept
    return [token for token in found if token.text not in ("(", ")", "[", "]")]


_DIGITS = (Kind.NUMBER, Kind.ADJECTIVE, Kind.BAD)


def _aside(found: list[Token], opening: int, closing: int) -> bool:
    """Return whether brackets hold an aside and not a part of an expression."""
    inside = found[opening + 1 : closing]
    before = found[opening - 1] if opening else None
    after = found[closing + 1] if closing + 1 < len(found) else None
    glued = before is not None and before.end == found[opening].start
    if before is not None and before.kind is Kind.WORD and glued:
        return not any(token.kind in _DIGITS for token in inside)  # "egg(s)", not "f(2)"
    if before is not None and before.kind is Kind.SIGN and before.text in "+-*×·/÷^√=":
        return False
    if after is not None and after.text in "^*×·/÷√(" and after.start == found[closing].end:
        return False
    if any((t.kind is Kind.WORD and len(t.text) > 1) or t.text in "=≈" for t in inside):
        return True
    if not any(token.kind in _DIGITS for token in inside):
        return True  # (A), ( )
    return before is not None and not glued and before.text not in ")]"


def _said(item: _Item) -> bool:
    """Return whether an item is a number in words."""
    return item.weak and not any(character.isdigit() for character in item.text)


def _sentence(items: list[_Item]) -> _Item | None:
    """Return the value of a sentence; a broken item for several values, None for none."""
    for at, one in enumerate(items):
        reason = one.kind == "word" and (
            one.text.lower() in _REASONS or (one.text == "given" and _text(items, at + 1) == "that")
        )
        if (reason or _excludes(items, at)) and any(before.valued for before in items[:at]):
            items = items[:at]
            break
    for at in range(len(items) - 1, 0, -1):
        if items[at].text.lower() in _RESULT and _valued(items[at:]) and _valued(items[:at]):
            return _equation(items[at + 1 :])
    if items[-1].text.lower() in _WHOLE:
        at = max((at for at, one in enumerate(items) if one.text == ","), default=len(items))
        if sum(one.valued for one in items[at:]) == 1:
            return _equation(items[at + 1 :])
    return _equation(items)


def _excludes(items: list[_Item], at: int) -> bool:
    """Return whether a sentence only says from here what the value is not: "18, not 12"."""
    if items[at].text.lower() != "not" or at == 0 or not _is_comma(items[at - 1]):
        return False
    return not {one.text.lower() for one in items[at:]} & (_RESULT | _COPULA | {"but", "="})


def _equation(items: list[_Item]) -> _Item | None:
    """Read what stands behind the last equals sign."""
    signs = [one.text for one in items if one.kind == "mark"]
    if any(sign in "<>≤≥≠∞∪" for sign in signs):
        return _SEVERAL
    equal = sum(sign in "=≈" for sign in signs)
    if equal == 0:
        return _labelled(items)
    named: dict[str, _Item] = {}
    last: _Item | None = None
    for clause in _split(items, _is_comma) if equal > 1 else [items]:
        sides = _split(clause, lambda one: one.kind == "mark" and one.text in "=≈")
        if len(sides) == 1 and last is not None:
            continue  # "x = 5, for 3 days"
        unsolved = len(sides) > 1 and any(one.variable or _raised(one) for one in sides[0])
        value = next((one for side in reversed(sides) if (one := _labelled(side))), None)
        if unsolved:
            last = last or _SEVERAL
        elif value is not None:
            last = value
            if len(sides) > 1 and not _valued(sides[0]):
                named[" ".join(one.text for one in sides[0])] = value
    return last if len({_key(one) for one in named.values()}) < 2 else _SEVERAL


def _raised(item: _Item) -> bool:
    """Return whether an item is a power of a variable: ``x^2``."""
    return item.kind == "word" and len(item.text) > 1 and single_letter(item.text)


def _labelled(items: list[_Item]) -> _Item | None:
    """Read what stands behind a label: "Total: 18", "Option 2: 18"; "18: 9 eggs at $2" is 18."""
    colons = [at for at, one in enumerate(items) if one.kind == "mark" and one.text == ":"]
    if not colons:
        return _explained(items)
    if len(colons) > 1:
        parts = [part for part in _split(items, _is_comma) if part]
        if len(parts) > 1:
            values = [one for part in parts if (one := _labelled(part)) is not None]
            several = len({_key(one) for one in values}) > 1
            return _SEVERAL if several else values[-1] if values else None
    at = colons[-1]
    left, right = items[:at], items[at + 1 :]
    if not _valued(left) or not _valued(right):
        return _explained(right) if _valued(right) else _explained(left)
    if left[0].valued:
        words = any(one.kind == "word" for one in right)
        return _explained(left) if words else _SEVERAL
    return _explained(right)


def _explained(items: list[_Item]) -> _Item | None:
    """Read what stands before an explanation: "5; 2 red and 3 blue", "18 - 9 eggs at $2"."""
    begin = next((at for at, one in enumerate(items) if one.valued), len(items))
    for at in range(begin, len(items)):
        one = items[at]
        if one.kind != "mark" or one.text not in ("-", "—", ";"):
            continue
        left, right = items[:at], items[at + 1 :]
        if not _valued(right):
            return _phrase(left)
        values = sum(other.valued for other in right)
        words = any(other.kind == "word" for other in right)
        if words and (values > 1 or one.text == "—"):
            return _phrase(left)
        return _SEVERAL
    return _phrase(items)


def _phrase(items: list[_Item]) -> _Item | None:
    """Read a phrase: its only value, the one that it begins with, or the one that it comes to."""
    places = [at for at, one in enumerate(items) if one.valued and not one.weak]
    if not places:  # nothing but words, or "10-dollar"
        weak = [at for at, one in enumerate(items) if one.valued]
        digits = [at for at in weak if not _said(items[at])]
        places = digits or _spoken(items, weak)
    elif (lead := _leading_word(items, places[0])) is not None:
        return lead
    if not places:
        return None
    if any(_bent(items, at) for at in places):
        return _came_to(items, places) or _SEVERAL
    if len({_key(items[at]) for at in places}) == 1:
        listed = len(places) > 1 and items[places[1] - 1].text == ","
        if listed and places[1] == places[0] + 2:
            return _SEVERAL
        # "0.25 or 25%": a percent is right for a part as well.
        return max(
            (items[at] for at in places), key=lambda one: bool(one.number and one.number.percent)
        )
    first = places[0]
    begins = all(one.kind != "word" or one.text.lower() in _LEAD for one in items[:first])
    goes_on = begins and items[first].kind == "value" and _goes_on(items, places)
    return _came_to(items, places) or (items[first] if goes_on else _SEVERAL)


def _spoken(items: list[_Item], weak: list[int]) -> list[int]:
    """Return the numbers in words that count: "one" may just be a pronoun."""
    real = [at for at in weak if items[at].text.lower() != "one"]
    return real or [at for at in weak[:1] if not _pronoun(items, at)]


def _pronoun(items: list[_Item], at: int) -> bool:
    """Return whether "one" stands for a thing: "this one", "the red one"."""
    before = [one.text.lower() for one in items[max(at - 2, 0) : at]]
    if not before or items[at].end - items[at].start != len("one"):
        return False
    described = before[0] in _ARTICLES and before[-1] not in _COPULA | _VAGUE | _ARTICLES | {
        "number"
    }
    return before[-1] in _WHICH or (len(before) == 2 and described)


def _leading_word(items: list[_Item], first: int) -> _Item | None:
    """Read a phrase that begins with a number in words before its first digits."""
    begin = next((at for at, one in enumerate(items[:first]) if one.kind != "mark"), None)
    if begin is None or not items[begin].valued or not _said(items[begin]):
        return None
    if len({_key(one) for one in items if one.valued}) == 1:
        return items[first]  # eighteen (18)
    gap = [one.text.lower() for one in items[begin + 1 : first] if one.kind == "word"]
    if len(gap) > 1 and gap[0] == "of":
        return items[begin]  # "one of the 3 boxes"
    if not gap or gap[-1] in _BETWEEN or (len(gap) == 1 and gap[0] in _ODDS):
        return _SEVERAL
    return None


def _came_to(items: list[_Item], places: list[int]) -> _Item | None:
    """Read "7 times 3 is 21": the one value directly behind "is", which others stand before."""
    behind = []
    for at in places:
        before = at - 1
        while before >= 0 and items[before].text.lower() in _VAGUE:
            before -= 1
        if before >= 0 and items[before].text.lower() in _COPULA:
            behind.append(at)
    if len(behind) != 1 or behind[0] == places[0]:
        return None
    between = items[places[places.index(behind[0]) - 1] + 1 : behind[0]]
    words = {one.text.lower() for one in between}
    if words & {"and", "but", ";", "there"} or ("," in words and "which" not in words):
        return None  # "18 are red and 19 are blue"
    return _phrase(items[behind[0] :])


def _goes_on(items: list[_Item], places: list[int]) -> bool:
    """Return whether a phrase goes on behind its first value without stating another."""
    first, second = places[0], places[1]
    gap = [one for one in items[first + 1 : second] if one.text not in ("(", ")")]
    if (items[second].weak and not _said(items[second])) or _denominates(items, first, second):
        return True
    words = [one.text.lower() for one in gap]
    if not words or words[-1] in _BETWEEN or words[-1] == ",":
        return False
    if all(word in _ODDS for word in words):
        return words == ["in"] and _text(items, second + 1) in _TIMES
    clause = next((word for word in words if word in _CLAUSE), None)
    if clause is None:
        return False
    for at in places[2:]:
        before, after = items[at - 1].text.lower(), _text(items, at + 1)
        if before in (",", "and") and (after == clause or _text(items, at + 2) == clause):
            return False  # "18 for 3 days and 20 for 4"
    return True


def _denominates(items: list[_Item], first: int, second: int) -> bool:
    """Return whether a second value says which kind: "18 $5 bills"."""
    return second == first + 1 and items[second].text == "$"


def _bent(items: list[_Item], at: int) -> bool:
    """Return whether what stands beside a value says another one: "more than 18", "half of 36"."""
    before = [one.text.lower() for one in items[max(at - 6, 0) : at]]
    after = _text(items, at + 1)
    beside = (_MONTHS | _FUNCTIONS | {"not"}) & {*before[-1:]} or after in _MONTHS
    if items[at].kind == "broken" or beside:
        return True
    if before[-3:] == ["not", "equal", "to"]:
        return True
    if before[-1:] == ["than"] and before[-2:-1] and before[-2] in _MORE:
        return before[-3:-2] != ["no"]
    factor = at + 2 < len(items) and (items[at + 2].valued or single_letter(items[at + 2].text))
    if after in _RAISED or (after in ("times", "plus", "minus", "x") and factor):
        return True
    while before and before[-1] in _PART_LINKS:
        before.pop()
    if not before or before[-1] not in _PARTS_OF:
        return False
    return len(before) < min(at, 6) or before[-1] in ("twice", "double", "triple")


def _joined(items: list[_Item], one: int, two: int) -> bool:
    """Return whether two numbers say one value, or a range: "3 hours 20 minutes", "5 to 7"."""
    gap = [item.text.lower() for item in items[one + 1 : two]]
    if not gap or gap[0] in ("to", "or", "by", "in", "over", "through", "out"):
        return len(gap) < 3
    return len(gap) == 1 and gap[0] not in _CLAUSE | _COPULA | {",", ";", ":", "=", "and", "-"}


def _zero(text: str) -> Number | None:
    """Return zero where a text without numbers says none: "none", "no apples"."""
    found = tokens(text)
    words = [token.text.lower() for token in found if token.kind is Kind.WORD]
    if text.strip(".") == "None" or not words or _CHOICES & {*words}:
        return None
    none = ("none" in words and words[-1] not in ("these", "those")) or words == ["nothing"]
    no = len(words) > 1 and words[0] == "no" and words[1] not in _NO
    no = no and found[1].kind is Kind.WORD  # "No, Tom"
    return Number(Fraction(0), 0) if none or no else None


def _key(item: _Item) -> object:
    number = item.number
    if number is None:
        return item.latex or item.start
    return number.value / 100 if number.percent else number.value


def _text(items: list[_Item], at: int) -> str:
    return items[at].text.lower() if at < len(items) else ""


def _valued(items: list[_Item]) -> bool:
    return any(one.valued for one in items)


def _is_comma(item: _Item) -> bool:
    return item.text in (",", ";", "and", "or")


def _split(items: list[_Item], ends: Callable[[_Item], bool]) -> list[list[_Item]]:
    """Return the pieces between items that end one."""
    pieces: list[list[_Item]] = [[]]
    for one in items:
        if ends(one):
            pieces.append([])
        else:
            pieces[-1].append(one)
    return pieces
