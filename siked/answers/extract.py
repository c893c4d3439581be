r"""The answer that a rationale gives, and by which rule it was found.

    "16 - 3 - 4 = 9 eggs ...\nFinal Answer: 18"   -> "18"  final-answer
    "... 9 * 2 = $18\n#### 18"                     -> "18"  hash-marks
    "... is $\boxed{18}$."                         -> "18"  boxed
    "So the answer is $18."                        -> "18"  the-answer-is
    "She makes 9 * 2 = 18\nA: 18\n\nQ: Tom has 4"  -> "18"  answer-letter
    "eggs = 16 - 7\nanswer = 18"                   -> "18"  answer-equals
    "She makes 9 * 2 = $18 every day."             -> "18"  last-number

The rules are tried in this order on the rationale's own part of the text: many models, once done,
go on with another problem of their own invention, and that is cut off first. Nothing here raises,
whatever the text, and the time taken grows with its length alone.
"""

# ruff: noqa: RUF001 - the dashes, quotes and signs are those that models write

from __future__ import annotations

import re
from typing import NamedTuple

from siked.answers.numbers import parse, scan

LONGEST = 50_000
"""Longer texts are read up to here; no rationale is a tenth as long."""
RULES = (
    "final-answer",
    "hash-marks",
    "boxed",
    "the-answer-is",
    "answer-letter",
    "answer-equals",
    "last-number",
)

_CALCULATOR = re.compile(r"<<[^<>\n]*>>")
_MARKS = r"[*_#>\s]{0,6}"
_FINAL = re.compile(
    rf"^{_MARKS}(?:(?:so|thus|therefore|hence)[, ]+)?(?:the\s+|my\s+)?final\s+answer\b"
    r"(?:\s+is)?\s{0,3}[*_]{0,3}\s{0,3}[:=]?[*_]{0,3}",
    re.IGNORECASE | re.MULTILINE,
)
_HASHES = re.compile(r"^\s{0,4}#{4}(?!#)", re.MULTILINE)
_BOX = re.compile(r"\\(?:boxed|fbox)\s?\{")
_ANSWER_IS = re.compile(
    r"\banswer\s+(?:is|are|was|would be|will be|should be|=)\b\s*:?", re.IGNORECASE
)
_LETTER = re.compile(rf"^{_MARKS}A(?:nswer|NSWER)?{_MARKS}:[*_]{{0,3}}", re.MULTILINE)
_EQUALS = re.compile(r"^[ \t]*(?:answer|ans)\b\s{0,3}[=:]", re.IGNORECASE | re.MULTILINE)
_MARKERS = (_FINAL, _HASHES, _BOX, _ANSWER_IS)

# How another problem begins. The first kind may also be a step of least-to-most, so it counts only
# behind an answer; the second kind counts wherever something else stands before it.
_NEXT = re.compile(
    rf"^{_MARKS}(?:Q(?:uestion)?|Problem|Exercise|Example|Task)\s{{0,2}}\d*{_MARKS}[:.)]"
    rf"|^{_MARKS}(?:Human|User|Instruction|Input|Note|Explanation|Solution)\s{{0,2}}\d*{_MARKS}:"
    r"|^#{1,4}\s*(?:Instruction|Question|Problem|Input|Example)\b"
    r"|<\|?(?:im_end|im_start|endoftext|eot_id|end_of_turn)\|?>",
    re.IGNORECASE | re.MULTILINE,
)
_NEW = re.compile(
    rf"^{_MARKS}(?:Question|Problem|Human|User|### Instruction){_MARKS}:"
    r"|<\|?(?:im_end|im_start|endoftext|eot_id|end_of_turn)\|?>",
    re.IGNORECASE | re.MULTILINE,
)
_ANSWERED = re.compile(rf"{_LETTER.pattern}|{_EQUALS.pattern}", re.MULTILINE)


_OPERATION = re.compile(
    r"[+*/^×÷]\s*[\d(a-z]|[\d)]\s?-\s?[a-z(\d]|[a-z)]\s-\s[\d(a-z]|\b[a-z]-\d"
    r"|\\(?:sqrt|[dtc]?frac|pi|log|ln|cdot|times|div|pm)|\bsqrt|[√π]",
    re.IGNORECASE,
)
"""What shows that a text is an expression and not a sentence."""
_CLAUSE = re.compile(
    r"[^+*/^×÷:]*?[\s,;(](?:for|since|because|as|per|in|from|after|of|each|every|at|with|when|by|"
    r"on|to|than|so|which|that|if|is|are|was|were|out|during|over|within|left)\b[^:]*",
    re.IGNORECASE,
)
"""How a sentence goes on behind its answer, up to its next number."""


class Extracted(NamedTuple):
    """An answer as text, with the rule that found it; both None where there is none."""

    answer: str | None
    rule: str | None


def extract(text: str) -> Extracted:
    """The answer of a rationale."""
    own = own_part(_CALCULATOR.sub("", text[:LONGEST]))
    for rule, find in (
        ("final-answer", _final),
        ("hash-marks", _hashes),
        ("boxed", _boxed),
        ("the-answer-is", _answer_is),
        ("answer-letter", _letter),
        ("answer-equals", _equals),
        ("last-number", _last_number),
    ):
        if found := find(own):
            return Extracted(found, rule)
    return Extracted(None, None)


def own_part(text: str) -> str:
    """A text up to where it goes on with another problem."""
    begin = len(text) - len(text.lstrip())
    end = len(text)
    asked = _NEXT.search(text, begin)
    if (asked is None or asked.start() > begin) and (new := _NEW.search(text, begin + 1)):
        end = new.start()
    marks = [match.end() for marker in _MARKERS if (match := marker.search(text)) is not None]
    answered = _ANSWERED.search(text, begin)
    # Least-to-most may answer the questions that it asks like this, so it counts only before any.
    if answered is not None and (asked is None or answered.start() < asked.start()):
        marks.append(answered.end())
    if marks and (following := _NEXT.search(text, min(marks))) is not None:
        end = min(end, following.start())
    return text[:end]


def _final(text: str) -> str | None:
    return _first(_FINAL, text)


def _hashes(text: str) -> str | None:
    return _first(_HASHES, text)


def _first(marker: re.Pattern[str], text: str) -> str | None:
    """What stands behind the first marker that has something behind it."""
    for match in marker.finditer(text):
        if found := _behind(text, match.end()):
            return found
    return None


def _last(marker: re.Pattern[str], text: str) -> str | None:
    """What stands behind the last marker that has something behind it."""
    for match in reversed(list(marker.finditer(text))):
        if found := _behind(text, match.end()):
            return found
    return None


def _boxed(text: str) -> str | None:
    """What stands in the last box."""
    for match in list(_BOX.finditer(text))[:-6:-1]:
        depth = 1
        for at in range(match.end(), min(len(text), match.end() + 500)):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                if inside := text[match.end() : at].strip():
                    return inside
                break
    return None


def _answer_is(text: str) -> str | None:
    """The number behind the last "the answer is"; its sentence may go on."""
    return _last(_ANSWER_IS, text)


def _letter(text: str) -> str | None:
    return _last(_LETTER, text)


def _equals(text: str) -> str | None:
    return _last(_EQUALS, text)


def _last_number(text: str) -> str | None:
    last = None
    for last, _ in scan(text):  # noqa: B007 - the last one is wanted
        pass
    return last


def _behind(text: str, at: int) -> str | None:
    """The answer that stands behind a marker: the rest of its line, or the next where it is empty.

    Of "9 + 9 = 18" that is what follows the last equals sign. A sentence gives its only number, or
    the one that it begins with where it goes on ("18 dollars for 3 days"). Everything else
    ("5 hours 20 minutes", "3, 4") is given as it stands, for the comparison to judge.
    """
    line = ""
    for _ in range(3):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].strip(" \t\r:*")
        at = end + 1
        if line or at > len(text):
            break
    line = line[:500]
    if boxed := _boxed(line):
        return boxed
    if "=" in line:
        line = line.rpartition("=")[2].strip() or line
    if not line or parse(line) is not None:
        return line or None
    numbers = list(scan(line))
    if not numbers:
        return line
    first, at = numbers[0]
    if len(numbers) > 1 and not line[:at].strip("$ "):
        gap = line[at + len(first) : numbers[1][1]]
        if _CLAUSE.fullmatch(gap) is not None:
            return first
    one = len({found for found, _ in numbers}) == 1 and _OPERATION.search(line) is None
    return first if one else line
