"""The Batch API as a transport: single requests go in, and are sent as a file, for half the price.

    {"custom_id": "5f0c...", "method": "POST", "url": "/v1/chat/completions", "body": {...}}

    {"custom_id": "5f0c...", "response": {"status_code": 200, "body": {"choices": [...]}}}

What asks does not know: it waits for an answer as from any server, hours perhaps, and what it does
of a refusal, a garbled answer or an overload is the same. Which batch has which requests stands in
the journal's folder until their samples do, so that a run that was killed goes on with the batches
that it paid for.
"""

import asyncio
import contextlib
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
from openai import APIConnectionError, APIStatusError, AsyncOpenAI
from pydantic import BaseModel, ValidationError

from siked.errors import UserError
from siked.files import read_json, whole_characters, write_json
from siked.settings import OpenAISettings
from siked.terminal.console import say

MOST = 20_000
"""Requests of a batch, and requests that wait at once; OpenAI takes 50,000."""
LARGEST = 100_000_000
"""Bytes of a batch's file; OpenAI takes twice that."""
SETTLE = 0.2
"""Seconds without another request after which those that wait are sent."""
POLL = 30.0
"""Seconds between two looks at a batch."""
ENDED = {"completed", "expired", "cancelled", "failed"}
FOLDER = "batches"
AGAIN, FATAL = 503, 424
"""Statuses given to a request that has no answer: ask once more; give up."""
PASSING = {408, 409, 429}
"""Refusals of the server that pass."""


class Made(BaseModel):
    """What is needed of a file or a batch of the server."""

    id: str
    status: str = ""
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: Any = None
    request_counts: Any = None


class Listed(BaseModel):
    """The server's latest batches."""

    data: list[Made]


class BatchResult(BaseModel):
    """The answer to one request of a batch."""

    class Response(BaseModel):
        """What a server would have answered."""

        status_code: int
        body: Any = None

    custom_id: str
    response: Response | None = None


@dataclass
class Batch:
    """Requests that were sent together, and where that is written down."""

    path: Path
    requests: list[str]
    file: str
    """The server's name of the file of requests."""
    name: str | None = None
    """The server's name of the batch; None where a run ended before it knew."""

    def save(self) -> None:
        """Write it down."""
        write_json(self.path, {"file": self.file, "batch": self.name, "requests": self.requests})


class BatchTransport(httpx2.AsyncBaseTransport):
    """Answers requests when their batch is done; made by ``open_batches``."""

    def __init__(self, settings: OpenAISettings, client: AsyncOpenAI, folder: Path) -> None:
        self._settings = settings
        self._client = client
        self._folder = folder
        self._bodies: dict[str, Any] = {}
        self._waiting: defaultdict[str, list[asyncio.Future[tuple[int, Any]]]] = defaultdict(list)
        self._following: set[str] = set()
        """Requests whose batch is under way."""
        self._known = {one: batch for batch in _saved(folder) for one in batch.requests}
        self._news = asyncio.Event()
        self.ended: list[Path] = []
        """What is written down of batches whose answers were given."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Wait for the answer to a request."""
        asked = json.loads(await request.aread())
        text = json.dumps([request.url.path, asked], sort_keys=True)
        name = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        self._bodies[name] = asked
        future: asyncio.Future[tuple[int, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[name].append(future)
        self._news.set()
        status, said = await future
        return httpx2.Response(status, content=json.dumps(said).encode(), request=request)

    async def run(self) -> None:
        """Send what waits, for as long as anyone asks."""
        async with anyio.create_task_group() as batches:
            while True:
                await self._news.wait()
                while self._news.is_set():
                    self._news.clear()
                    await asyncio.sleep(SETTLE)
                found: dict[Path, Batch] = {}
                fresh = []
                for name in self._waiting:
                    if name in self._following:
                        continue
                    if (batch := self._known.get(name)) is not None:
                        found[batch.path] = batch
                    else:
                        fresh.append(name)
                for batch in found.values():
                    # The others were asked for once more, in a later batch.
                    names = [one for one in batch.requests if self._known.get(one) is batch]
                    self._following |= set(names)
                    batches.start_soon(self._tell, names, batch)
                for names, content in self._cut(fresh):
                    self._following |= set(names)
                    batches.start_soon(self._tell, names, content)

    def _cut(self, names: Sequence[str]) -> Iterator[tuple[list[str], bytes]]:
        """Yield requests as files that the server takes."""
        held: list[str] = []
        content = bytearray()
        for name in names:
            line = {"custom_id": name, "method": "POST", "url": self._endpoint}
            row = json.dumps(line | {"body": self._bodies[name]}).encode() + b"\n"
            if held and (len(held) == MOST or len(content) + len(row) > LARGEST):
                yield held, bytes(content)
                held, content = [], bytearray()
            held.append(name)
            content += row
        if held:
            yield held, bytes(content)

    @property
    def _endpoint(self) -> str:
        return "/v1/chat/completions" if self._settings.api == "chat" else "/v1/completions"

    async def _tell(self, names: list[str], sent: Batch | bytes) -> None:
        """Give everyone who waits for these requests an answer, whatever becomes of the batch."""
        answers: dict[str, tuple[int, Any]] = {}
        rest = AGAIN, _error("its batch ended without an answer to it")
        ended = True
        try:
            batch = await self._upload(names, sent) if isinstance(sent, bytes) else sent
            answers = await self._follow(batch)
            self.ended.append(batch.path)
        except (APIConnectionError, APIStatusError, ValidationError, _FailedError) as error:
            rest = _explain(error)
            ended = rest[0] == FATAL
            if ended:
                self._forget(names)
        for name in names:
            self._following.discard(name)
            if ended:  # whoever asks once more wants another answer
                self._known.pop(name, None)
            for future in self._waiting.pop(name, ()):
                if not future.done():
                    future.set_result(answers.get(name, rest))

    def _forget(self, names: Sequence[str]) -> None:
        """Strike out what is written down of these requests' batch."""
        for path in {self._known[name].path for name in names if name in self._known}:
            path.unlink(missing_ok=True)

    async def _upload(self, names: list[str], content: bytes) -> Batch:
        told = await self._client.files.with_raw_response.create(
            file=("requests.jsonl", content), purpose="batch"
        )
        file = Made.model_validate_json(told.text).id
        path = self._folder / f"{hashlib.blake2b(file.encode(), digest_size=8).hexdigest()}.json"
        batch = Batch(path, names, file)
        batch.save()
        self._known |= dict.fromkeys(names, batch)
        await self._create(batch)
        return batch

    async def _create(self, batch: Batch) -> None:
        # Tried once: whether a try that was lost made a batch, the list of batches tells.
        told = await self._client.with_options(max_retries=0).batches.with_raw_response.create(
            input_file_id=batch.file,
            endpoint=self._endpoint,  # type: ignore[arg-type]
            completion_window="24h",
        )
        batch.name = Made.model_validate_json(told.text).id
        batch.save()

    async def _follow(self, batch: Batch) -> dict[str, tuple[int, Any]]:
        """Return the answers of a batch by request, once it has ended."""
        if batch.name is None:
            listed = await self._client.batches.with_raw_response.list(limit=100)
            data = Listed.model_validate_json(listed.text).data
            batch.name = next((one.id for one in data if one.input_file_id == batch.file), None)
            if batch.name is None:
                await self._create(batch)
            batch.save()
        made = await self._await_end(batch)
        answers: dict[str, tuple[int, Any]] = {}
        for file in (made.error_file_id, made.output_file_id) if made else ():
            if file:
                content = await self._client.files.content(file)
                answers |= _results(content.content)
        if made and made.status in ("failed", "cancelled") and not answers:
            why = json.dumps(made.errors, ensure_ascii=False)[:200]
            raise _FailedError(FATAL, f"batch {batch.name}: {made.status}: {why}")
        if made and made.status == "completed" and not answers:
            raise _FailedError(AGAIN, f"batch {batch.name}: its files hold no results")
        return answers

    async def _await_end(self, batch: Batch) -> Made | None:
        """Return a batch when it has ended; None where the server has forgotten it."""
        status = ""
        while True:
            try:
                told = await self._client.batches.with_raw_response.retrieve(str(batch.name))
            except APIStatusError as error:
                if error.status_code != 404:
                    raise
                return None
            made = Made.model_validate_json(told.text)
            if made.status != status:
                status = made.status
                count = len(batch.requests)
                say(f"batch {batch.name}: {status} ({count} requests)", file=sys.stderr)
            if status in ENDED:
                return made
            await asyncio.sleep(POLL)


class _FailedError(Exception):
    """A batch that gives nothing.

    Attributes:
        status: ``AGAIN`` or ``FATAL``.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@contextlib.asynccontextmanager
async def open_batches(
    settings: OpenAISettings, key: str, folder: Path
) -> AsyncIterator[BatchTransport]:
    """Open the transport of a server's batches; ``folder`` tells which batch has which requests."""
    async with (
        AsyncOpenAI(
            api_key=key or "none",
            base_url=settings.url,
            timeout=settings.timeout,
            max_retries=settings.retries,
        ) as client,
        anyio.create_task_group() as tasks,
    ):
        transport = BatchTransport(settings, client, folder)
        tasks.start_soon(transport.run)
        yield transport
        tasks.cancel_scope.cancel()


def _saved(folder: Path) -> Iterator[Batch]:
    """Yield the batches that earlier runs sent, the latest last."""
    for path in sorted(folder.glob("*.json"), key=lambda one: one.stat().st_mtime):
        try:
            told = read_json(path)
            yield Batch(path, [str(one) for one in told["requests"]], told["file"], told["batch"])
        except (UserError, KeyError, TypeError):
            say(f"{path}: damaged, its batch is asked for again", file=sys.stderr)


def _results(content: bytes) -> dict[str, tuple[int, Any]]:
    """Return a result file's answers by request; what is no answer is left out."""
    found = {}
    for line in content.splitlines():
        with contextlib.suppress(ValidationError):
            text = whole_characters(line.decode("utf-8", errors="replace"))
            one = BatchResult.model_validate_json(text)
            if one.response is not None and 200 <= one.response.status_code < 600:
                found[one.custom_id] = one.response.status_code, one.response.body
    return found


def _explain(error: Exception) -> tuple[int, Any]:
    """Return the status and the body that say what went wrong with a whole batch."""
    if isinstance(error, APIStatusError):
        said = " ".join(error.response.text.split())[:200]
        what = f"{error.request.method} {error.request.url.path}: {error.status_code}: {said}"
        if error.status_code in (401, 403):
            return error.status_code, _error(what)
        if error.status_code >= 500 or error.status_code in PASSING:
            return AGAIN, _error(what)
        hint = ": has it the Batch API (engine.batch)?" if error.status_code == 404 else ""
        return FATAL, _error(what + hint)
    if isinstance(error, ValidationError):
        return AGAIN, _error(f"no batch: {error.errors()[0]['msg']}")
    if isinstance(error, _FailedError):
        return error.status, _error(str(error))
    return AGAIN, _error(str(error.__cause__ or error))


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message}}
