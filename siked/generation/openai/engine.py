"""The engine of a model behind an OpenAI-compatible server: vLLM's, llama.cpp's, a bought one.

Many requests are under way at once, in a thread of their own, and samples come as they finish. A
prompt's samples are one request with ``n`` where the server answers that in full, else a request
each. A request carries a seed made of the run's, the prompt and its first sample's number; many
servers take it as a hint.
"""

import asyncio
import contextlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio
from anyio.from_thread import start_blocking_portal
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from siked.errors import UserError
from siked.generation.engine import Completion, Sampling
from siked.generation.openai.batches import FOLDER, MOST
from siked.generation.openai.client import KEPT, RefusedError, Server, open_client
from siked.generation.openai.requests import body, completions
from siked.prompts import Prompt
from siked.settings import OpenAISettings

AHEAD = 2
"""Answers that wait for whoever reads them, for each request under way; no more are asked for."""

Job = tuple[int, int, int]
"""A prompt's index, its first sample and the one after its last; sorted, prompts go in order."""


class OpenAIEngine:
    """Completes prompts by asking a server.

    Args:
        settings: which server, and how it is asked.
        model: its name there.
        folder: where its batches are written down; needed where it is asked by batches.
    """

    def __init__(self, settings: OpenAISettings, model: str, folder: Path | None = None) -> None:
        self._settings = settings
        self._model = model
        self._batches = folder and folder / FOLDER
        self._takes_n = True

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield ``sampling.samples`` completions for every prompt, as they come.

        Tokens are as the server counts them, 0 where it does not: the prompt's stand at the first
        sample of a request, as they are paid for, and 0 at its others.

        Raises:
            UserError: a prompt begins the model's turn, which the chat API cannot; the server
                refuses, or gives no whole answer after all tries.
        """
        if self._settings.api == "chat" and any(prompt.prefix for prompt in prompts):
            raise UserError(
                "engine.api: `chat` cannot begin the model's answer, which these prompts do: use "
                "`completions`"
            )
        with start_blocking_portal() as portal:
            asking = _Asking(
                self._settings, self._model, prompts, sampling, self._batches, takes_n=self._takes_n
            )
            running = portal.start_task_soon(asking.run)
            with contextlib.suppress(anyio.EndOfStream):
                while True:
                    yield from portal.call(asking.next)
            running.result()
            self._takes_n = asking.takes_n
        for path in asking.ended:  # whoever reads has all of their samples
            path.unlink(missing_ok=True)


class _Asking:
    """One call of ``generate``, inside the event loop."""

    takes_n: bool
    """Whether the server has, so far, given as many choices as ``n`` said."""

    def __init__(
        self,
        settings: OpenAISettings,
        model: str,
        prompts: Sequence[Prompt],
        sampling: Sampling,
        batches: Path | None,
        *,
        takes_n: bool,
    ) -> None:
        self._settings = settings
        self._model = model
        self._prompts = prompts
        self._sampling = sampling
        self.takes_n = takes_n
        self._answered = False
        self._doubted: set[int] = set()
        """Prompts that were refused with ``n``."""
        self._held: list[tuple[Completion, str]] = []
        """Refusals before the first answer, with their errors: the fault may be any request's."""
        self._jobs: asyncio.PriorityQueue[Job] = asyncio.PriorityQueue()
        # The stream has no bound, so that what was paid for is never lost; `room` is the bound.
        self._batches = batches
        self.ended: Sequence[Path] = ()
        """What is written down of batches whose samples were given."""
        self._at_once = settings.concurrency
        if settings.batch:
            self._at_once = min(MOST, len(prompts) * sampling.samples)
        self._room = asyncio.Semaphore(AHEAD * self._at_once)
        self._done: MemoryObjectSendStream[list[Completion]]
        self._ready: MemoryObjectReceiveStream[list[Completion]]
        self._done, self._ready = anyio.create_memory_object_stream(math.inf)

    async def next(self) -> list[Completion]:
        """Return the samples of one answer; raises ``EndOfStream`` after the last."""
        samples = await self._ready.receive()
        self._room.release()
        return samples

    async def run(self) -> None:
        """Ask for everything."""
        first = self._sampling.first_sample
        for index in range(len(self._prompts)):
            self._jobs.put_nowait((index, first, first + self._sampling.samples))
        with self._done:
            try:
                async with (
                    open_client(self._settings, self._batches) as server,
                    anyio.create_task_group() as workers,
                ):
                    for _ in range(self._at_once):
                        workers.start_soon(self._work, server)
                    await self._jobs.join()
                    self.ended = list(server.ended)
                    workers.cancel_scope.cancel()
                if self._held:
                    raise UserError(self._held[0][1])
            except BaseExceptionGroup as several:  # the first to fail ended the others
                first_error: BaseException = several
                while isinstance(first_error, BaseExceptionGroup):
                    first_error = first_error.exceptions[0]
                raise first_error from None

    async def _work(self, server: Server) -> None:
        while True:
            index, *ends = await self._jobs.get()
            samples = range(*ends)
            if len(samples) > 1 and not self.takes_n:
                self._split(index, samples)
            else:
                await self._room.acquire()
                await self._ask(server, index, samples)
            self._jobs.task_done()

    async def _ask(self, server: Server, index: int, samples: range) -> None:
        prompt = self._prompts[index]
        asked = body(self._settings, self._model, prompt, self._sampling, samples)
        try:
            answer = await server.ask(asked)
        except RefusedError as error:
            self._refuse(index, samples, error)
            return
        made = completions(answer, self._sampling, index, samples)
        self._answered = True
        if index in self._doubted:
            self.takes_n = False
        self._done.send_nowait([*made, *(one for one, _ in self._held)])
        self._held.clear()
        if left := samples[len(made) :]:
            self.takes_n = False
            self._split(index, left)

    def _refuse(self, index: int, samples: range, error: RefusedError) -> None:
        """Leave a prompt out, unless it is not the prompt that the server minds."""
        told = f"{self._prompts[index].question_id or f'prompt {index}'}: {error}; {KEPT}"
        certain = error.reason in ("content_filter", "too_long")
        if len(samples) > 1 and not certain:
            # It may be `n` that is refused; if not, one sample alone will tell.
            self._doubted.add(index)
            self._room.release()
            self._split(index, samples)
            return
        if error.reason == "fields":
            raise UserError(told)
        left_out = [
            Completion(index, sample, f"{error.reason}: {error}", 0, 0, "refused")
            for sample in samples
        ]
        if certain or self._answered:
            self._done.send_nowait(left_out)
            return
        self._room.release()
        self._held += [(one, told) for one in left_out]
        held = {one.prompt for one, _ in self._held}
        if len(held) > max(1, self._settings.stop_after * len(self._prompts)):
            raise UserError(told)

    def _split(self, index: int, samples: range) -> None:
        for sample in samples:
            self._jobs.put_nowait((index, sample, sample + 1))
