r"""What became of a program, from what its server passed on.

    said '{"value": "42", "rule": "answer-variable"}'                  -> 42, answer-variable
    said '{"value": "7", "rule": "last-value"}', printed "so\n42\n"      -> 42, last-printed
    said '{"failure": "name-error", "detail": "...", "rule": null}'    -> name-error
    said '{}', '[1]', '{"value": 42, "rule": "x"}', half of it         -> runtime-error

A program shares its process with what describes its result, so all of this is the program's word.
It is taken where a well-behaved harness (``inside.harness``) could have said it, to the letter; all
else is an error of the program. What a program can gain by a result that it made up is an answer of
its choice, and that it has by ``answer = 42``.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from siked.records import Failure
from siked.verification.sandbox.inside import harness
from siked.verification.sandbox.inside.values import MOST_TEXT

_RULES = frozenset(harness.RULES)
_FAILURES = frozenset(harness.FAILURES)
_ANSWER = frozenset({"value", "rule"})
_NO_ANSWER = frozenset({"failure", "detail", "rule"})
_KILL = 9
_MOST_LINES = 50
_STATUS = re.compile(
    r"\W{0,4}(?:checked|verified|done|finished|completed|tested|elapsed|took|ran |run time|runtime|"
    r"time:|(?:execution|cpu|wall) time|iterations?:|end of)",
    re.IGNORECASE,
)
"""What a line says that is about the run: "Checked 2 times"."""


@dataclass(frozen=True)
class Result:
    """What became of a program: an answer, or a failure."""

    value: str | None
    """Its answer as text, or None with the reason in ``failure``."""
    rule: str | None = None
    """How the answer was found: see ``siked.verification.sandbox.inside.harness``."""
    failure: Failure | None = None
    detail: str = ""
    """More on the failure, for people."""

    def __post_init__(self) -> None:
        """Refuse what is both or neither."""
        if (self.value is None) == (self.failure is None):
            raise ValueError("a result is either an answer or a failure")


@dataclass(frozen=True)
class Reply:
    """What a server passes on of a program."""

    limit: str
    """The limit that it went over, if any; see ``inside.frames``."""
    signal: int
    """The signal that ended it, or 0."""
    printed: bytes
    said: bytes


def judge(reply: Reply, word: bytes) -> Result:
    """Return what became of a program; a result of it opens with ``word``."""
    if reply.limit:
        return Result(None, failure=Failure(reply.limit), detail=f"over the limit: {reply.limit}")
    if not reply.said.startswith(word):
        return _without_result(reply.signal)
    try:
        result = read_result(reply.said[len(word) :])
    except (ValueError, RecursionError):
        detail = "its process gave a result that is none"
        return Result(None, failure=Failure.RUNTIME_ERROR, detail=detail)
    if result.rule == harness.LAST_VALUE:
        printed = reply.printed.decode(errors="replace").rpartition(harness.NEW_RUN)[2]
        lines = [line for line in printed.strip().split("\n") if line.strip()]
        if lines:
            return _printed(lines, result)
        if result.failure is Failure.NO_ANSWER:
            return replace(result, rule=None)
    return result


def read_result(text: bytes) -> Result:
    """Read the result that a program's process wrote.

    Raises:
        ValueError, RecursionError: it is none that the harness writes.
    """
    fields = _DECODER.decode(text.decode("ascii"))
    if not isinstance(fields, dict):
        raise ValueError("no object")  # noqa: TRY004 - what is read is at fault
    if fields.keys() == _ANSWER:
        return Result(_text(fields["value"], MOST_TEXT), _one_of(_RULES, fields["rule"]))
    if fields.keys() != _NO_ANSWER:
        raise ValueError("unknown fields")
    rule = None if fields["rule"] is None else _one_of(_RULES, fields["rule"])
    failure = Failure(_one_of(_FAILURES, fields["failure"]))
    return Result(None, rule, failure, _text(fields["detail"], harness.MOST_DETAIL))


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field that is there twice")
    return fields


def _number(text: str) -> Any:
    raise ValueError(f"a number: {text[:20]}")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_number, parse_float=_number, parse_constant=_number
)


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise ValueError("no text, or too long")
    value.encode()  # half a surrogate pair is no text
    return value


def _one_of(known: frozenset[str], value: Any) -> str:
    if not isinstance(value, str) or value not in known:
        raise ValueError("an unknown word")
    return value


def _printed(lines: list[str], result: Result) -> Result:
    """The last line with a number as the answer; without any, the last line of code's value."""
    rule = "last-printed"
    told = [line.strip() for line in lines[-_MOST_LINES:] if any(map(str.isdigit, line))]
    about_numbers = [line for line in told if _STATUS.match(line) is None] or told
    if not about_numbers and result.value is not None:
        return result
    line = about_numbers[-1] if about_numbers else lines[-1].strip()
    if len(line) > MOST_TEXT:
        detail = f"a line of more than {MOST_TEXT} characters"
        return Result(None, rule, Failure.NOT_A_NUMBER, detail)
    return Result(line, rule)


def _without_result(signal: int) -> Result:
    if signal:
        kind = Failure.MEMORY if signal == _KILL else Failure.RUNTIME_ERROR
        return Result(None, failure=kind, detail=f"killed by signal {signal}")
    detail = "the process ended without a result"
    return Result(None, failure=Failure.RUNTIME_ERROR, detail=detail)
