"""How fast a server is asked: its rate limits, as settings and its own headers tell them.

    x-ratelimit-remaining-requests: 0        x-ratelimit-reset-requests: 1m12.5s
    retry-after: 20                          ratelimit-reset: 20

Limits of the settings space requests evenly, so that no minute has more than they allow. Of the
headers, ``retry-after`` of a refusal holds all requests back, not the refused one alone; where
nothing remains, no request is sent before the reset. A request's tokens are estimated when it is
sent, as servers do, and put right when it is answered.
"""

import asyncio
import contextlib
import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from siked.settings import OpenAISettings

MINUTE = 60.0
LONGEST = 600.0
"""Seconds that a server is waited for. One that asks for more has ended its day, or makes fun."""
CHARACTERS = 4.0
"""Of a prompt's text to a token, about."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|[smhd])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
_DATES, _MILLISECONDS = 1e9, 1e11
"""A number from here on is a date in seconds, or in milliseconds."""


class Quota:
    """What may still be sent of one kind, requests or tokens, with the settings' limit if any."""

    def __init__(self, per_minute: int | None) -> None:
        self._seconds = MINUTE / per_minute if per_minute else 0.0
        self._free_at = -math.inf
        self._left = math.inf
        self._reset_at = -math.inf

    def delay(self, cost: float, now: float) -> float:
        """Return the seconds until so much may be sent."""
        until = self._free_at
        if self._left < cost:
            until = max(until, self._reset_at)
        return until - now

    def take(self, cost: float, now: float) -> None:
        """Send so much."""
        self._free_at = max(self._free_at, now) + cost * self._seconds
        if now >= self._reset_at:
            self._left = math.inf
        self._left -= cost

    def correct(self, cost: float) -> None:
        """Add what was sent over the estimate; it may be negative."""
        self._free_at += cost * self._seconds

    def hear(self, left: float, reset_at: float) -> None:
        """Take what the server says: how much is left, and when all is there again."""
        self._left, self._reset_at = left, reset_at


@dataclass
class Asked:
    """A request that is being asked, in as many tries as it takes."""

    tokens: float
    """All that it may take."""
    sent: bool = False
    """Whether a try is under way."""

    @property
    def costs(self) -> dict[str, float]:
        """Return what it takes of each quota."""
        return {"requests": 1.0, "tokens": self.tokens}


_ASKED: ContextVar[Asked] = ContextVar("_ASKED")


class Pace:
    """Lets requests go when they may; for one event loop."""

    def __init__(self, settings: OpenAISettings) -> None:
        self._quotas = {
            "requests": Quota(settings.requests_per_minute),
            "tokens": Quota(settings.tokens_per_minute),
        }
        self._held_until = -math.inf
        self._under_way = dict.fromkeys(self._quotas, 0.0)
        self._turn = asyncio.Lock()
        self._news = asyncio.Event()

    @contextlib.contextmanager
    def asking(self, tokens: float) -> Iterator[None]:
        """Say how many tokens the request takes at most that this task sends now."""
        asked = Asked(tokens)
        mark = _ASKED.set(asked)
        try:
            yield
        finally:
            _ASKED.reset(mark)
            self._end(asked)

    async def enter(self) -> None:
        """Wait until this task's request may be sent, behind those that came before it."""
        asked = _ASKED.get()
        self._end(asked)  # an earlier try was lost
        async with self._turn:
            while (delay := self._delay(asked)) > 0:
                self._news.clear()
                await pause(self._news, delay)
            now = clock()
            for kind, quota in self._quotas.items():
                quota.take(asked.costs[kind], now)
                self._under_way[kind] += asked.costs[kind]
            asked.sent = True

    def hear(self, headers: Mapping[str, str], *, refused: bool, tokens: int | None) -> float:
        """Take in the answer to this task's request.

        Args:
            headers: its headers.
            refused: whether it is a refusal.
            tokens: those that the request took; None where the server does not say.

        Returns:
            How many seconds everybody waits now who did not before; or what the server asks for,
            where that is more than ``LONGEST``.
        """
        asked, now = _ASKED.get(), clock()
        self._end(asked)
        if tokens is not None:
            self._quotas["tokens"].correct(tokens - asked.tokens)
        for kind, quota in self._quotas.items():
            left, reset = remaining(headers, kind)
            if left is not None and reset is not None and reset <= LONGEST:
                quota.hear(left - self._under_way[kind], now + reset)
        wait = (asked_to_wait(headers) or 0.0) if refused else 0.0
        before = max(self._held_until, now)
        if wait <= LONGEST:
            self._held_until = max(before, now + wait)
        self._news.set()
        return wait if wait > LONGEST else self._held_until - before

    def _end(self, asked: Asked) -> None:
        if asked.sent:
            asked.sent = False
            for kind, cost in asked.costs.items():
                self._under_way[kind] -= cost

    def _delay(self, asked: Asked) -> float:
        now = clock()
        delays = [quota.delay(asked.costs[kind], now) for kind, quota in self._quotas.items()]
        return max(self._held_until - now, *delays)


def most_tokens(body: Mapping[str, Any]) -> float:
    """Return the tokens that a request may take: those of its prompt, about, and of all samples."""
    shown = json.dumps(body.get("messages", body.get("prompt")), ensure_ascii=False)
    limit, samples = body.get("max_tokens", body.get("max_completion_tokens")), body.get("n", 1)
    # Fields of the user's own may be anything.
    written = limit * samples if isinstance(limit, int) and isinstance(samples, int) else 0
    return len(shown) / CHARACTERS + written


clock = time.monotonic
"""The time by which requests are spaced, in seconds."""


async def pause(news: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until there is news."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a refusal asks to wait; None where it does not say."""
    if _NUMBER.fullmatch(told := headers.get("retry-after-ms", "").strip()):
        return float(told) / 1000
    return seconds_of(headers.get("retry-after", ""))


def remaining(headers: Mapping[str, str], kind: str) -> tuple[float | None, float | None]:
    """Return what remains of ``requests`` or ``tokens``, and the seconds until all is back."""
    names = [(f"x-ratelimit-remaining-{kind}", f"x-ratelimit-reset-{kind}")]
    if kind == "requests":
        names += [(f"{at}ratelimit-remaining", f"{at}ratelimit-reset") for at in ("x-", "")]
    for left, reset in names:
        if _NUMBER.fullmatch(told := headers.get(left, "").strip()):
            return float(told), seconds_of(headers.get(reset, ""))
    return None, None


def seconds_of(text: str) -> float | None:
    """Return the seconds from now that a header means; None where it means nothing.

    Servers write ``20``, ``1m12.5s``, ``120ms``, a date of HTTP's or ISO's form, and seconds or
    milliseconds since 1970.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        number = float(text)
        if number < _DATES:
            return number
        return max(0.0, number / (1000 if number >= _MILLISECONDS else 1) - time.time())
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            date: datetime = read(text[:40])
            date = date if date.tzinfo else date.replace(tzinfo=UTC)
            return max(0.0, date.timestamp() - time.time())
    return None
