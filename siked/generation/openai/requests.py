"""Requests to an OpenAI-compatible server, and its answers.

    {"model": "llama", "messages": [{"role": "user", "content": "Question: Tom has ..."}],
     "max_tokens": 256, "temperature": 0.7, "top_p": 1.0, "n": 2, "seed": 812736455}

    {"choices": [{"message": {"content": "Tom has 3 + 4 = 7."}, "finish_reason": "stop"}, {...}],
     "usage": {"prompt_tokens": 812, "completion_tokens": 57}}

Servers send more than that, and leave out what they like: nothing else is looked at.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from siked.generation.engine import Completion, FinishReason, Sampling
from siked.prompts import Prompt, join_thinking, messages, plain, split_thinking
from siked.settings import OpenAISettings

CUT_OFF = ("length", "content_filter")
"""Reasons that leave a text without its end."""


class Part(BaseModel):
    """A piece of what a model says: ``{"type": "text", "text": "Tom has 7."}``."""

    type: str = "text"
    text: str | None = None
    thinking: str | list[Part] | None = None
    """Of the type ``thinking``."""

    def thought(self) -> str:
        """Return the thinking in it; empty where it is part of the answer."""
        if self.type not in ("thinking", "reasoning"):
            return ""
        inner = self.thinking or ""
        own = inner if isinstance(inner, str) else "".join(part.text or "" for part in inner)
        return own or self.text or ""


class Message(BaseModel):
    """What a chat model says; servers send other fields, too."""

    content: str | list[Part] | None = None
    """None where it refuses, or thinks until its tokens are used up."""
    reasoning_content: str | None = None
    reasoning: str | None = None
    """What it thought; servers call it one or the other."""

    def written(self) -> str:
        """Return the answer's text, with the thinking in front as models write it themselves."""
        content = self.content or ""
        parts = [Part(text=content)] if isinstance(content, str) else content
        thought = [
            self.reasoning_content or self.reasoning or "",
            *(part.thought() for part in parts),
        ]
        said = "".join(part.text or "" for part in parts if not part.thought())
        return join_thinking("\n".join(filter(None, thought)), said)


class Choice(BaseModel):
    """One sample."""

    message: Message | None = None
    """Of the chat API."""
    text: str | None = None
    """Of the completions API."""
    finish_reason: str | None = None
    index: int | None = None
    error: Any = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.finish_reason == "error" or self.error:
            raise ValueError(f"ends in an error: {_words(self.error)}")
        if self.message is None and self.text is None:
            raise ValueError("has neither `message` nor `text`")
        return self


Count = Annotated[int, BeforeValidator(lambda told: max(told, 0) if isinstance(told, int) else 0)]
"""What a server counts; 0 where it tells nothing, or nonsense."""


class Usage(BaseModel):
    """Tokens of a whole request: its prompt once, and all of its choices."""

    prompt_tokens: Count = 0
    completion_tokens: Count = 0


class Answer(BaseModel):
    """What is needed of an answer."""

    choices: Annotated[list[Choice], Field(min_length=1)]
    usage: Annotated[
        Usage | None, BeforeValidator(lambda told: told if isinstance(told, dict) else None)
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _is_no_error(cls, told: Any) -> Any:
        if isinstance(told, dict) and told.get("error"):
            raise ValueError(f"is an error: {_words(told['error'])}")
        return told

    @model_validator(mode="after")
    def _choices_in_order(self) -> Self:
        numbers = [one.index for one in self.choices]
        if None not in numbers and len(set(numbers)) == len(numbers):
            self.choices.sort(key=lambda one: one.index or 0)
        return self


def body(
    settings: OpenAISettings, model: str, prompt: Prompt, sampling: Sampling, samples: range
) -> dict[str, Any]:
    """Return the request for some samples of a prompt; the first one's number decides the seed."""
    asked: dict[str, Any] = {"model": model}
    if settings.api == "chat":
        asked["messages"] = messages(prompt)
    else:
        asked["prompt"] = plain(prompt) + prompt.prefix
    asked["max_tokens"] = sampling.max_new_tokens
    asked["temperature"] = sampling.temperature
    asked["top_p"] = sampling.top_p
    # The rest is sent only where it says something: some servers refuse fields that they lack.
    if sampling.top_k:
        asked["top_k"] = sampling.top_k
    if sampling.stop:
        asked["stop"] = list(sampling.stop)
    if len(samples) > 1:
        asked["n"] = len(samples)
    for name in sampling.unsent:
        asked.pop(name, None)
    if settings.reasoning_effort is not None:
        asked["reasoning_effort"] = settings.reasoning_effort
    asked |= settings.extra_body
    if settings.send_seed:
        asked["seed"] = _seed(asked, sampling.seed, samples.start)
    return asked


def completions(
    answer: Answer, sampling: Sampling, prompt: int, samples: range
) -> list[Completion]:
    """Return the samples of an answer: those asked for, or the first where the server gave fewer.

    A server counts the tokens of a request as a whole. The prompt's are the first sample's, so that
    all samples together have what was paid for; those that were written are shared out by length.
    """
    choices = answer.choices[: len(samples)]
    usage = answer.usage or Usage()
    texts = [_text(choice) for choice in choices]
    made = []
    shares = _shared(usage.completion_tokens, texts)
    for sample, choice, text, tokens in zip(samples, choices, texts, shares, strict=False):
        # What a model thinks may well hold a stop text.
        own = split_thinking(text)[1]
        begin = len(text) - len(own) if text.endswith(own) else 0
        found = (at for stop in sampling.stop if (at := text.find(stop, begin)) >= 0)
        ended = min(found, default=None)
        made.append(
            Completion(
                prompt=prompt,
                sample=sample,
                text=text[:ended],
                prompt_tokens=usage.prompt_tokens if sample == samples.start else 0,
                completion_tokens=tokens,
                finish_reason="stop" if ended is not None else _finish(choice, tokens, sampling),
            )
        )
    return made


def _words(error: Any) -> str:
    """What a server says of an error: its message, or all of it."""
    said = error.get("message", error) if isinstance(error, dict) else error
    return str(said or "without a word")


def _text(choice: Choice) -> str:
    return choice.text or "" if choice.message is None else choice.message.written()


def _finish(choice: Choice, tokens: int, sampling: Sampling) -> FinishReason:
    """Whether a text was cut off; by its length where the server gives no reason that we know."""
    if choice.finish_reason == "stop":
        return "stop"
    cut_off = choice.finish_reason in CUT_OFF or tokens >= sampling.max_new_tokens
    return "length" if cut_off else "stop"


def _shared(tokens: int, texts: Sequence[str]) -> list[int]:
    """Tokens shared out in proportion to the texts' lengths; their sum stays."""
    lengths = [len(text) + 1 for text in texts]
    ends = [round(tokens * end / sum(lengths)) for end in accumulate(lengths, initial=0)]
    return [end - start for start, end in pairwise(ends)]


def _seed(asked: dict[str, Any], seed: int, sample: int) -> int:
    """A request's seed, of 31 bits, as the least of servers takes."""
    what = asked.get("messages", asked.get("prompt"))
    key = json.dumps([seed, what, sample]).encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=4).digest(), "big") >> 1
