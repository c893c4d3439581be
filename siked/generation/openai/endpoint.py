"""Ask a student behind an OpenAI-compatible endpoint, such as ``siked serve`` opens.

The question goes to ``URL/v1/chat/completions`` as it is:

    {"model": "best", "messages": [{"role": "user", "content": "Tom has 3 apples ..."}],
     "temperature": 0, "max_tokens": 128}

The prompt around it is the server's part: an exported student's chat template adds it. A forced
strategy is a begun answer, which vLLM goes on with where the request says so.
"""

import json
from collections.abc import Callable
from typing import Any, Self

import httpx

from siked.errors import UserError
from siked.files import whole_characters
from siked.generation.engine import Completion, Sampling
from siked.prompts import Prompt, messages
from siked.terminal.console import mask_secrets

CONNECT, ANSWER = 10, 600
"""Seconds to wait for a connection and for an answer."""


class Endpoint:
    """A model behind a server; to be closed after use, as a context manager does."""

    def __init__(self, url: str, key: str | None) -> None:
        """Find the server's first model.

        Args:
            url: the server, with or without ``/v1``: ``http://127.0.0.1:8000``.
            key: sent as a bearer token where there is one.

        Raises:
            UserError: there is no such server, or it refuses.
        """
        self._key = key or ""
        self._url = url.rstrip("/").removesuffix("/v1") + "/v1"
        if not self._url.startswith(("http://", "https://")):
            raise UserError(f"--server {url}: is no URL: it begins with http:// or https://")
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(ANSWER, connect=CONNECT),
        )
        try:
            self._model = _found(self._call("GET", "/models"), "data", 0, "id")
        except BaseException:
            self._client.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def stream(
        self, prompt: Prompt, sampling: Sampling, write: Callable[[str], object]
    ) -> Completion:
        """Complete one prompt greedily; its text comes in one piece.

        Raises:
            UserError: the server gives no answer.
        """
        asked = messages(prompt)
        body: dict[str, Any] = {
            "model": self._model,
            "messages": asked,
            "temperature": 0,
            "max_tokens": sampling.max_new_tokens,
        }
        if prompt.prefix:
            asked.append({"role": "assistant", "content": prompt.prefix})
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        answer = self._call("POST", "/chat/completions", json=body)
        text = _found(answer, "choices", 0, "message", "content")
        write(text)
        usage = answer.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        cut_off = _found(answer, "choices", 0, "finish_reason") == "length"
        return Completion(
            prompt=0,
            sample=0,
            text=text,
            prompt_tokens=usage.get("prompt_tokens", 0),
            completion_tokens=usage.get("completion_tokens", 0),
            finish_reason="length" if cut_off else "stop",
        )

    def _call(self, method: str, path: str, **more: Any) -> Any:
        url = self._url + path
        try:
            answer = self._client.request(method, url, **more)
        except httpx.HTTPError as error:
            reason = self._shown(str(error) or type(error).__name__)
            raise UserError(f"{url}: no answer: {reason}: is the server up?") from None
        if answer.status_code in {401, 403}:
            raise UserError(f"{url}: refused ({answer.status_code}): set OPENAI_API_KEY to its key")
        if not answer.is_success:
            raise UserError(f"{url}: answered {answer.status_code}: {self._shown(answer.text)}")
        try:
            return json.loads(whole_characters(answer.content.decode("utf-8", errors="replace")))
        except (ValueError, RecursionError):
            raise UserError(
                f"{url}: what it answers is not JSON: is it OpenAI-compatible?"
            ) from None

    def _shown(self, text: str) -> str:
        """What a server said, in one short line, without the key where it repeats that."""
        return mask_secrets(" ".join(text.split()), self._key)[:200]


def _found(answer: Any, *path: str | int) -> str:
    """The text at a place of an answer."""
    value = answer
    try:
        for key in path:
            value = value[key]
    except (KeyError, IndexError, TypeError):
        value = None
    if not isinstance(value, str):
        where = ".".join(map(str, path))
        raise UserError(f"the server's answer has no {where}: is it OpenAI-compatible?")
    return value
