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
from collections.abc import Callable, Container
from itertools import islice
from typing import NamedTuple

from siked.verification.numbers import parse, scan

LONGEST = 50_000
"""Longer texts are read up to here; no rationale is a tenth as long."""

# Patterns of what begins a line start with the line break before it, and the text is given one in
# front: a search then looks at line breaks alone, several times as fast as ``^`` would.
_MARKS = r"[*_#>\s]{0,6}"
_LINE = rf"\n{_MARKS}"
_CALCULATOR = re.compile(r"<<[^<>\n]*>>")
_FINAL = re.compile(
    rf"{_LINE}(?:(?:so|thus|therefore|hence)[, ]+)?(?:the\s+|my\s+)?final\s+answer\b"
    r"(?:\s+is)?\s{0,3}[*_]{0,3}\s{0,3}[:=]?[*_]{0,3}",
    re.IGNORECASE,
)
# Four hashes may also open a heading: "#### Step 1", "#### 1. Find the eggs".
_HASHES = re.compile(
    r"(?<!#)#{4}(?!#)(?![ \t*_]*(?:\d{1,2}[.)][ \t*_]+[A-Za-z]|(?:Step|Part|Solution|Answer|Final|"
    r"Conclusion|Explanation|Calculation|Result|Response|Question|Problem|Instruction|Input|"
    r"Output|Example)s?\b))",
    re.IGNORECASE,
)
_BOX = re.compile(r"\\(?:boxed|fbox)\s?\{")
_ANSWER_IS = re.compile(
    r"\banswer\s+(?:is|are|was|would be|will be|should be)\b(?!\s+not\b)\s*:?"
    r"|\bthe\s+(?:correct\s+|final\s+)?answer\s?[:=]",
    re.IGNORECASE,
)
_LETTER = re.compile(rf"{_LINE}A(?:nswer|NSWER)?{_MARKS}:[*_]{{0,3}}")
_EQUALS = re.compile(
    rf"{_LINE}(?:[Aa]nswer|ANSWER|[Aa]ns|ANS)\b[*_ \t]{{0,5}}(?:[=:]|is\b)[*_]{{0,3}}"
)

# How another problem begins. The first kind may also be a step of least-to-most, so it counts only
# behind an answer; the second kind counts wherever something else stands before it, and so does
# the end of a turn.
_NEXT = re.compile(
    rf"{_LINE}(?:"
    rf"(?:Q(?:uestion)?|Problem|Exercise|Example|Task)\s{{0,2}}\d*{_MARKS}[:.)]"
    rf"|(?:Human|User|Instruction|Input|Note|Explanation|Solution)\s{{0,2}}\d*{_MARKS}:"
    rf"|(?<=#)\s*(?:Instruction|Question|Problem|Input|Example)\b)",
    re.IGNORECASE,
)
_NEW = re.compile(
    rf"{_LINE}(?:(?:Question|Problem|Human|User){_MARKS}:|(?<=#)\s*Instruction{_MARKS}:)",
    re.IGNORECASE,
)
_TURN = re.compile(
    r"<\|?(?:im_end|im_start|endoftext|eot_id|end_of_turn|end|eos|user)\|?>|</s>|\[/?INST\]"
)

_OPERATION = re.compile(
    r"[+*/^×÷]\s*[\d(a-z]|-\s?\(|[\d)]\s?-\s?[a-z(\d]|[a-z)]\s-\s[\d(a-z]|\b[a-z]-\d"
    r"|\\(?:sqrt|[dtc]?frac|pi|log|ln|cdot|times|div|pm)|\bsqrt|[√π]"
    r"|\d\s?[xyz](?![a-z])",
    re.IGNORECASE,
)
"""What shows that a text is an expression and not a sentence."""
_CLAUSE = re.compile(
    r"(?>[^+*/^×÷:]*?[\s,;(](?:for|since|because|as|per|in|from|after|of|each|every|at|with|when|by|"
    r"on|to|than|so|which|that|if|is|are|was|were|out|during|over|within|left)\b)[^:]*",
    re.IGNORECASE,
)
"""How a sentence goes on behind its answer, up to its next number."""
_ASIDE = re.compile(
    r"(?>[^\d+*/^×÷:=]*?(?:[.!?][\"'*$)]{0,4}\s+[\"'(*]{0,3}[A-Z]|[\s,;](?i:since|because)\s|\s\([a-z]))"
    r"[^:]*"
)
"""How the reason or another sentence follows an answer; it may hold equations of its own."""


class Extracted(NamedTuple):
    """An answer as text, with the rule that found it; both None where there is none."""

    answer: str | None
    rule: str | None


def extract(text: str, ignore: Container[str] = ()) -> Extracted:
    """The answer of a rationale.

    Args:
        text: the rationale.
        ignore: rules that are not tried.
    """
    own = _own_lines(text[:LONGEST])
    for rule, find in _FINDERS.items():
        if rule not in ignore and (found := find(own)):
            return Extracted(found, rule)
    return Extracted(None, None)


def _own_lines(text: str) -> str:
    """A text up to where it goes on with another problem; every line behind a line break."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "<<" in text:
        text = _CALCULATOR.sub("", text)
    lines = "\n" + text.strip()
    if ("<" in lines or "[" in lines) and (turn := _TURN.search(lines, 2)) is not None:
        lines = lines[: turn.start()]
    asked = _NEXT.search(lines)
    if asked is None:
        return lines
    end = len(lines)
    if asked.start() > 0 and (new := _NEW.search(lines, 1)) is not None:
        end = new.start()
    marks = [
        match.end()
        for marker in (_FINAL, _HASHES, _BOX, _ANSWER_IS)
        if (match := marker.search(lines)) is not None
    ]
    # Least-to-most may answer the questions that it asks like this, so it counts only before any.
    answers = [found for one in (_LETTER, _EQUALS) if (found := one.search(lines)) is not None]
    marks += [one.end() for one in answers if one.start() < asked.start()]
    if marks and (following := _NEXT.search(lines, min(marks))) is not None:
        end = min(end, following.start())
    return lines[:end]


def _final(text: str) -> str | None:
    return _first(_FINAL, text) if _says_answer(text) else None


def _hashes(text: str) -> str | None:
    return _first(_HASHES, text) if "####" in text else None


def _boxed(text: str) -> str | None:
    """What stands in the last box."""
    if "box" not in text:
        return None
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
    return _last(_ANSWER_IS, text) if _says_answer(text) else None


def _letter(text: str) -> str | None:
    return _last(_LETTER, text)


def _equals(text: str) -> str | None:
    return _last(_EQUALS, text)


def _last_number(text: str) -> str | None:
    last = None
    for last, _ in scan(text):  # noqa: B007 - the last one is wanted
        pass
    return last


_FINDERS: dict[str, Callable[[str], str | None]] = {
    "final-answer": _final,
    "hash-marks": _hashes,
    "boxed": _boxed,
    "the-answer-is": _answer_is,
    "answer-letter": _letter,
    "answer-equals": _equals,
    "last-number": _last_number,
}
RULES = tuple(_FINDERS)
"""The rules, in the order in which they are tried."""


def _says_answer(text: str) -> bool:
    """Whether it is worth looking for the word; far faster than the patterns."""
    return "nswer" in text or "NSWER" in text


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


def _behind(text: str, at: int) -> str | None:
    """The answer that stands behind a marker: in the rest of its line, or the next where empty."""
    line = ""
    for _ in range(3):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].strip(" \t:*").strip()
        at = end + 1
        if line or at > len(text):
            break
    line = line[:500]
    if boxed := _boxed(line):
        return boxed
    if not line or parse(line) is not None:
        return line or None
    return _stated(line)


def _stated(line: str) -> str:
    """The answer in a line that is more than a number.

    Of "9 + 9 = 18" that is what follows the last equals sign. A sentence gives its only number, or
    the one that it begins with where it goes on ("18 dollars for 3 days"). Everything else
    ("5 hours 20 minutes", "3, 4") is given as it stands, for the comparison to judge.
    """
    if "=" in line:
        if (begun := _begun(line, _ASIDE.fullmatch)) is not None:
            return begun
        line = line.rpartition("=")[2].strip() or line
        if parse(line) is not None:
            return line
    if (begun := _begun(line, _ASIDE.fullmatch) or _begun(line, _CLAUSE.fullmatch)) is not None:
        return begun
    numbers = {found for found, _ in scan(line)}
    one = len(numbers) == 1 and _OPERATION.search(line) is None
    return numbers.pop() if one else line


def _begun(line: str, goes_on: Callable[[str, int, int], re.Match[str] | None]) -> str | None:
    """The number that a line begins with, where it goes on in one way up to its next number."""
    numbers = list(islice(scan(line), 2))
    if len(numbers) < 2 or line[: numbers[0][1]].strip("$ "):
        return None
    first, at = numbers[0]
    return first if goes_on(line, at + len(first), numbers[1][1]) else None
