"""A connection to an OpenAI-compatible server that outlasts its bad moments.

The ``openai`` client tries again after 408, 409, 429 and 5xx, lost connections and timeouts, with
growing pauses or as long as the server asks for; ``Pace`` decides when any try is sent. An answer
that is cut or garbled is made to look like a lost connection, so that the same holds for it.
"""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
from openai import APIConnectionError, APIStatusError, APITimeoutError, AsyncOpenAI
from pydantic import ValidationError

from siked.errors import UserError
from siked.files import whole_characters
from siked.generation.openai.batches import BatchTransport, open_batches
from siked.generation.openai.pace import LONGEST, Pace, asked_to_wait, most_tokens
from siked.generation.openai.requests import Answer
from siked.settings import OpenAISettings
from siked.terminal.console import mask_secrets, say

LONG = 10.0
"""Seconds of waiting from which a user is told of it."""
CONNECT = 10.0
"""Seconds that a connection may take."""
PATHS = {"chat": "/chat/completions", "completions": "/completions"}
KEPT = "finished samples are kept, the same command goes on from there"
"""The end of what a user reads when it went wrong."""


_FILTERED = re.compile(
    r"content.?(?:management|filter|polic)|moderation|flagged|filtered|safety|responsible.?ai",
    re.IGNORECASE,
)
_TOO_LONG = re.compile(
    r"context.?(?:length|window|size)|\b(?:prompt|input|messages)\b.{0,20}\btoo (?:long|large)"
    r"|string_above_max_length|input tokens|longer than the|maximum (?:input|prompt)",
    re.IGNORECASE | re.DOTALL,
)
_FIELDS = re.compile(
    r"(?:unsupported|unrecognized|unknown|unexpected|extra|invalid) (?:parameter|field|input"
    r"|argument|value|request)|not (?:permitted|supported)|does not support|mutually exclusive",
    re.IGNORECASE,
)
_RENAMED = re.compile(
    r"max_completion_tokens|(?:unsupported|unrecognized|unknown|unexpected|extra)\b.{0,40}max_tokens",
    re.IGNORECASE,
)
_NO_SYSTEM = re.compile(
    r"\bsystem\b.{0,20}\b(?:role|messages?|prompts?|instructions?)\b|\brole\b.{0,20}\bsystem\b"
    r"|developer instruction|roles must alternate",
    re.IGNORECASE,
)
_NAME = re.compile(r"\w++")
_QUOTED = re.compile(r"[`'\"](\w++)[`'\"]")
_VERSION = re.compile(r"/v\d")
_WORDS = {"messages", "prompt", "model", "stop", "seed", "n"}
"""Fields whose names are words that a server may use of anything."""


class RefusedError(Exception):
    """The server finds the request itself wrong (400, 413, 422); the text is for a user.

    Attributes:
        reason: ``content_filter`` or ``too_long`` of the prompt, ``fields`` of anything else in the
            request, ``refused`` where its words tell neither.
    """

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


class Server:
    """What answers requests; made by ``open_client``."""

    def __init__(
        self,
        client: AsyncOpenAI,
        settings: OpenAISettings,
        key: str,
        pace: Pace,
        ended: Sequence[Path],
    ) -> None:
        self.ended = ended
        """What is written down of batches whose answers were given."""
        self._client = client
        self._pace = pace
        self._settings = settings
        self._key = key
        self._tokens = "max_tokens"
        """What the server calls the token limit."""
        self._takes_system = True

    async def ask(self, body: dict[str, Any]) -> Answer:
        """Send a request until there is a whole answer.

        Raises:
            RefusedError: the server will not answer such a request.
            UserError: there is no answer after all tries, or the server lets us not in.
        """
        path = PATHS[self._settings.api]
        url = self._settings.url.rstrip("/") + path
        tries = f"in {self._settings.retries + 1} tries"
        sent = self._fitted(body)
        try:
            with self._pace.asking(most_tokens(sent)):
                response = await self._client.post(path, body=sent, cast_to=httpx2.Response)
        except APITimeoutError:
            raise UserError(
                f"{url}: no answer within {self._settings.timeout:g} seconds (engine.timeout) "
                f"{tries}; {KEPT}"
            ) from None
        except APIConnectionError as error:
            why = self._shown(str(error.__cause__) or type(error.__cause__).__name__)
            if isinstance(error.__cause__, httpx2.ConnectError):
                why += ": is the server up?"
            raise UserError(f"{url}: no answer {tries}: {why}; {KEPT}") from None
        except APIStatusError as error:
            said = f"answered {error.status_code}: {self._shown(error.response.text)}"
            told = error.response.text[:4000].replace("\\n", " ")
            if error.status_code in {400, 422} and self._learn(told, sent):
                return await self.ask(body)
            reason = _reason(told, sent)
            if error.status_code == 413:
                raise RefusedError(f"{url}: {said}", "too_long") from None
            if error.status_code in {400, 422} or (
                error.status_code == 403 and reason == "content_filter"
            ):
                raise RefusedError(f"{url}: {said}", reason) from None
            if error.status_code in {401, 403}:
                raise UserError(
                    f"{url}: {said}; set {self._settings.key_from} to its key"
                ) from None
            hint = _hint(self._settings.url) if error.status_code in {404, 405} else ""
            if (wait := asked_to_wait(error.response.headers) or 0) > LONGEST:
                hint = f": it asks to wait {wait / 60:,.0f} minutes"
            raise UserError(f"{url}: {said}{hint}; {KEPT}") from None
        return _parsed(response)

    def _fitted(self, body: dict[str, Any]) -> dict[str, Any]:
        """A request as this server takes it, by what it said of earlier ones."""
        sent = {self._tokens if name == "max_tokens" else name: body[name] for name in body}
        if not self._takes_system and _has_system(sent):
            system, user = sent["messages"]
            whole = f"{system['content']}\n\n{user['content']}"
            sent["messages"] = [{"role": "user", "content": whole}]
        return sent

    def _learn(self, said: str, sent: dict[str, Any]) -> bool:
        """Whether a refusal tells how the same request is to be sent; that is remembered."""
        if "max_tokens" in sent and _RENAMED.search(said) and "too large" not in said:
            self._tokens = "max_completion_tokens"
            return True
        if _has_system(sent) and _NO_SYSTEM.search(said):
            self._takes_system = False
            return True
        return False

    def _shown(self, text: str) -> str:
        """What a server said, in one short line, without the key where it repeats that."""
        return mask_secrets(" ".join(text.split()), self._key)[:200]


@contextlib.asynccontextmanager
async def open_client(
    settings: OpenAISettings, folder: Path | None = None
) -> AsyncIterator[Server]:
    """Yield a client for the server that the settings name, by batches if it has a folder for them.

    Nothing is sent yet.

    Raises:
        UserError: what the environment holds cannot be a key.
    """
    pace = Pace(settings)

    async def enter(_: httpx2.Request) -> None:
        await pace.enter()

    async def check(response: httpx2.Response) -> None:
        try:
            async with asyncio.timeout(settings.timeout):
                await response.aread()
        except TimeoutError:
            raise httpx2.ReadTimeout("the answer drips", request=response.request) from None
        if not response.is_success and not response.is_redirect:
            wait = pace.hear(response.headers, refused=True, tokens=None)
            if wait > LONGEST:
                response.headers["x-should-retry"] = "false"
            elif wait >= LONG:
                say(f"{settings.url}: asks to wait {wait:.0f} seconds", file=sys.stderr)
        if response.is_success:
            try:
                usage = _parsed(response).usage
                taken = usage and usage.prompt_tokens + usage.completion_tokens
                pace.hear(response.headers, refused=False, tokens=taken or None)
            except ValidationError as error:
                what = error.errors()[0]
                where = ".".join(map(str, what["loc"]))
                raise httpx2.DecodingError(
                    f"what it answers is cut off or not OpenAI-compatible ({where or 'JSON'}: "
                    f"{mask_secrets(what['msg'].removeprefix('Value error, '), key)[:200]})"
                    f"{_hint(settings.url)}",
                    request=response.request,
                ) from None

    key = _key(settings.key_from)
    timeout = httpx2.Timeout(settings.timeout, connect=min(CONNECT, settings.timeout))
    limits = httpx2.Limits(max_connections=settings.concurrency)
    batches: contextlib.AbstractAsyncContextManager[BatchTransport | None]
    batches = contextlib.nullcontext()
    if settings.batch and folder is not None:
        batches = open_batches(settings, key, folder)
    async with (
        batches as batched,
        httpx2.AsyncClient(
            transport=batched,
            event_hooks={"request": [enter], "response": [check]},
            timeout=timeout,
            limits=limits,
            follow_redirects=True,
        ) as transport,
        AsyncOpenAI(
            # The client wants a key; servers that need none do not look at it.
            api_key=key or "none",
            base_url=settings.url,
            timeout=timeout,
            max_retries=settings.retries,
            http_client=transport,
        ) as client,
    ):
        yield Server(client, settings, key, pace, batched.ended if batched else ())


def _parsed(response: httpx2.Response) -> Answer:
    return Answer.model_validate_json(
        whole_characters(response.content.decode("utf-8", errors="replace"))
    )


def _has_system(sent: dict[str, Any]) -> bool:
    return bool("messages" in sent and sent["messages"][0]["role"] == "system")


def _hint(url: str) -> str:
    """What is often wrong with a URL that leads nowhere."""
    path = url.rstrip("/")
    for name in PATHS.values():
        if path.endswith(name):
            return f": leave {name} out of engine.url, it is added"
    return "" if _VERSION.search(path) else ": does engine.url lack /v1?"


def _reason(said: str, body: dict[str, Any]) -> str:
    """What a refusal is about; see ``RefusedError``."""
    if _FILTERED.search(said):
        return "content_filter"
    if _TOO_LONG.search(said):
        return "too_long"
    named = (body.keys() - _WORDS) & {*_NAME.findall(said)}
    quoted = (body.keys() - {"messages", "prompt"}) & {*_QUOTED.findall(said)}
    return "fields" if _FIELDS.search(said) or named or quoted else "refused"


def _key(variable: str) -> str:
    key = os.environ.get(variable, "").strip()
    # A header cannot hold other characters, and what complains of them repeats the key.
    if not all("!" <= character <= "~" for character in key):
        raise UserError(f"{variable}: has blanks or characters that no key has: set it anew")
    return key
