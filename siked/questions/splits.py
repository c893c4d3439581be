"""Which questions are held out, and what a question's text is when texts are compared.

A question's place is a hash of its normalised text, so that new rows move none of the old ones
and equal questions are never on both sides.
"""

import re
import unicodedata
from collections.abc import Iterable
from hashlib import sha256

from siked.records import Question

_WITHIN_WORD = re.compile(r"(?<=\d),(?=\d{3})|(?<=\w)['\u2019](?=\w)")
_WORD = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")


def words(text: str) -> list[str]:
    """Return the words and numbers of a text, without case, accents' encoding, and punctuation.

    >>> words("Ann's bag (1,000 g) costs $2.50!")
    ['anns', 'bag', '1000', 'g', 'costs', '2.50']
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _WITHIN_WORD.sub("", text)
    return _WORD.findall(text)


def normalise(text: str) -> str:
    """Return a text as it is compared: two questions are equal when this is."""
    return " ".join(words(text))


def place(question: Question, purpose: str) -> float:
    """Return a number from 0 to 1 (exclusive) that depends on the question's normalised text alone.

    Each ``purpose`` has its own: rows drawn by one are spread evenly over another.
    """
    digest = sha256(f"{purpose}: {normalise(question.question)}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def dev(questions: Iterable[Question], fraction: float) -> tuple[list[Question], list[Question]]:
    """Hold out a dev split.

    Args:
        questions: all train questions, of every source together, so that equal ones stay together.
        fraction: the share that is held out, about.

    Returns:
        The train and the dev questions, each in the order given; dev without worked solutions.
    """
    train: list[Question] = []
    held_out: list[Question] = []
    for question in questions:
        if place(question, "dev") < fraction:
            held_out.append(question)
        else:
            train.append(question)
    return train, drop_solutions(held_out)


def drop_solutions(questions: Iterable[Question]) -> list[Question]:
    """Return questions without their worked solutions, as dev and test questions are kept."""
    return [question.model_copy(update={"solution": ()}) for question in questions]
