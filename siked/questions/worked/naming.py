"""Names for values, taken from the text about them.

>>> next(candidates("How many clips did Natalia sell in May?"))
'clips_in_may'
>>> next(candidates("How many hours are they open on weekdays?", after=" hours a week."))
'hours_on_weekdays'
>>> after_value(" hours per weekday.")
'hours_per_weekday'
"""

import keyword
import re
from collections.abc import Iterator


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORD = re.compile(r"[A-Za-z]+(?:_[a-z]+)?(?:['\u2019][a-z]+)?")
_OWNER = re.compile(r"\b([A-Z][a-z]+)['\u2019]s? ([a-z]+)")
_OWN_END = re.compile("['\u2019]s?$")
_ASKED = re.compile(r"\b(?:how (?:many|much|long|far|old|big)|what)\b.*", re.IGNORECASE)
_HOW_MANY = re.compile(r"how many (?:more |fewer |less |total )?([a-z -]+)", re.IGNORECASE)
_AUXILIARY = _set_of(
    "do does did is are was were will would can could has have had should must need needs might may"
)
_PREPOSITION = _set_of("in on at after before per for from by during with than")
_SKIPPED = _set_of(
    "a an the of to that this these those there it its he she they them his her their him i you "
    "your my we our us if so then be been being also only just and or as what which who how "
    "first next now find know let need it's them at"
)
_MEASURES = {"far": "distance", "old": "age", "tall": "height", "fast": "speed", "heavy": "weight"}
_BREAK = re.compile(
    r"[.,;:()=<>+*/\d$%?!\u2013\u2212-]|\b(?:because|so|which|that|since|when|if|and|or)\b"
)
_PLURALS = _set_of("people children men women feet fish")
_SENTENCE_END = re.compile(r"(?<!Mrs\.)(?<!Mr\.)(?<!Ms\.)(?<!Dr\.)(?<=[.!?])\s+")
_RESERVED = frozenset({*keyword.kwlist, "answer", "print", "round", "sum", "max", "min", "abs"})
_LONGEST = 32


def is_usable(name: str) -> bool:
    """Return whether a name can stand in a program beside ``answer``."""
    return name.isidentifier() and name not in _RESERVED and len(name) <= _LONGEST


def choose_name(candidates: Iterator[str], taken: set[str]) -> str:
    """Return the first usable candidate not taken, else the first with a number, else ``step``."""
    first = "step"
    for index, name in enumerate(candidates):
        if is_usable(name) and name not in taken:
            return name
        if index == 0 and is_usable(name):
            first = name
    number = 2 if first in taken else 1
    while f"{first}_{number}" in taken:
        number += 1
    return f"{first}_{number}"


def suggest_names(ask: str, after: str = "") -> Iterator[str]:
    """Yield names for what a question asks, the shortest good one first; then of words ``after``.

    Args:
        ask: the question that the value answers.
        after: the text after the value in the sentence that states it.
    """
    if not ask.endswith("?"):  # "Simplify", "Divide by 3"
        yield after_value(after)
        return
    asked, rest = topic(ask)
    total = "total" in rest or "altogether" in rest
    rest = [word for word in rest if word not in {"total", "altogether"}]
    place = _last_phrase(rest)
    subject = [word.lower() for word in rest if word[0].isupper() and word.lower() not in place][:1]
    doing = [word.lower() for word in rest if word.lower() not in place]
    doing = [word for word in doing if word not in _PREPOSITION and word not in subject]
    if total and asked:
        yield "_".join(["total", *asked])
    if asked and place:
        yield "_".join(asked + place)
    if asked and subject:
        yield "_".join(asked + subject)
        yield "_".join(asked + subject + place)
    if asked:
        yield "_".join(asked + doing[:2]) if not subject else "_".join(asked + subject + doing[:1])
    else:
        yield "_".join((subject + doing)[:3] + place)
        yield "_".join((subject + doing)[:3])
    yield after_value(after)


def after_value(text: str) -> str:
    """Return a name from the words that follow a value: its unit and what they say of it."""
    text = _BREAK.split(text, maxsplit=1)[0]
    words = [word for word in _words(text.lower()) if word not in _SKIPPED][:4]
    for index, word in enumerate(words):
        if word in _AUXILIARY:
            words = words[:index]
            break
    while words and words[-1] in _PREPOSITION | {"each", "a", "of"}:
        words.pop()
    if words and words[0] in _PREPOSITION:
        return ""
    return "_".join(words)


def _words(text: str) -> list[str]:
    text = _OWNER.sub(r"\1_\2", text)
    found = (_OWN_END.sub("", word) for word in _WORD.findall(text))
    return [
        word.replace("'", "").replace("\u2019", "")
        for word in found
        if len(word) > 1 or word in "aI"
    ]


def topic(ask: str) -> tuple[list[str], list[str]]:
    """Return what is asked for, in lower case, and the rest of the question, in its own case."""
    words = _words(ask)
    lower = [word.lower() for word in words]
    measure: list[str] = []
    for start, word in enumerate(lower):
        if word == "how" and start + 1 < len(lower):
            start += 2  # noqa: PLW2901
            measure = [_MEASURES[lower[start - 1]]] if lower[start - 1] in _MEASURES else []
            break
        if word in {"what", "which"}:
            start += 1  # noqa: PLW2901
            break
    else:
        start = 0
    middle = next(
        (index for index in range(start, len(words)) if lower[index] in _AUXILIARY), len(words)
    )
    asked = [word for word in lower[start:middle] if word not in _SKIPPED]
    rest = [word for word in words[middle + 1 :] if word.lower() not in _SKIPPED]
    rest = [word for word in rest if word.lower() not in _AUXILIARY or word == "May"]
    if not measure and not asked and lower[:1] == ["what"]:
        phrase = [word for word in rest if word not in _PREPOSITION]
        return [word.lower() for word in phrase[:3]], rest[3:]
    return (measure + asked)[:3], rest


def final_question(text: str) -> str:
    """Return the question that a problem ends with, without the condition before it.

    >>> final_question("Ann has 9 figs. If she eats 2, how many are left?")
    'How many are left?'
    """
    sentence = _SENTENCE_END.split(text.strip())[-1]
    asked = _ASKED.search(sentence)
    sentence = asked[0] if asked else sentence
    return sentence[:1].upper() + sentence[1:]


def unit(ask: str) -> str:
    """Return what a "how many" question counts, as a plural noun with at most one word before it.

    >>> unit("How many more red peaches are there?")
    'red peaches'

    Returns:
        "" where it is not such a question, or counts nothing, or two things.
    """
    asked = _HOW_MANY.match(ask)
    words = asked[1].lower().split()[:3] if asked else []
    for index, word in enumerate(words):
        if word in _AUXILIARY:
            break
        if (word.endswith("s") and len(word) > 3) or word in _PLURALS:
            is_pair = words[index + 1 : index + 2] == ["and"]
            return "" if is_pair else " ".join(words[max(0, index - 1) : index + 1])
    return ""


def _last_phrase(rest: list[str]) -> list[str]:
    """The last preposition and the two words after it, in lower case."""
    for index in range(len(rest) - 1, -1, -1):
        if rest[index].lower() in _PREPOSITION:
            phrase = [word.lower() for word in rest[index : index + 3]]
            return phrase if len(phrase) > 1 else []
    return []
