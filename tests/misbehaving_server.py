"""An OpenAI-compatible server that answers well in the end, after whatever it is told to do first.

    with misbehaving(lambda request: "429" if request.attempt == 0 else "") as server:
        ...  # server.url, server.requests

A good answer says who asked for what: its text is the request's last line, its seed and the
choice's number, so that a test sees a sample that was mixed up, lost or asked for twice. Real
sockets, no framework: half of what it does no web server would let it do.
"""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from siked.generation.engine import Sampling
from siked.prompts import Prompt

PROMPTS = [Prompt(f"q{n}", "cot", "Solve it.", f"Question: number {n}") for n in range(12)]
DRAWN = Sampling(samples=3, temperature=0.7, max_new_tokens=50, seed=5)
"""What tests ask for, also in processes of their own: nothing slow is imported for it here."""
PROMPT_TOKENS, TOKENS = 20, 7
"""What a prompt and a choice are said to take."""
SLOW = 1.6
"""Seconds that ``slow`` and ``drip`` need."""


@dataclass(frozen=True)
class Request:
    """One request, as it came."""

    path: str
    key: str | None
    body: dict[str, Any]
    attempt: int
    """How many with the same body came before."""

    @property
    def asked(self) -> str:
        """The last line that the model is shown."""
        if "prompt" in self.body:
            return self.body["prompt"].removesuffix("\nAnswer:\n").splitlines()[-1]
        return self.body["messages"][-1]["content"].splitlines()[-1]


Trick = Callable[[Request], str | dict[str, Any]]


@dataclass
class Misbehaving:
    """A running server."""

    url: str
    requests: list[Request] = field(default_factory=list)
    at_once: int = 0
    """The most requests that were under way together."""


def good(request: Request, choices: int | None = None) -> dict[str, Any]:
    """The right answer to a request, with as many choices as it asks for unless told otherwise."""
    count = request.body.get("n", 1) if choices is None else choices
    made = []
    for number in range(count):
        text = f"{request.asked} / {request.body.get('seed')} / {number}"
        said = {"text": text} if "prompt" in request.body else {"message": {"content": text}}
        made.append({"index": number, "finish_reason": "stop", **said})
    usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": TOKENS * count}
    return {"object": "chat.completion", "choices": made, "usage": usage}


class Sockets(socketserver.ThreadingTCPServer):
    """Listens, and remembers what was asked."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, trick: Trick, delay: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.trick, self.delay = trick, delay
        self.seen = Misbehaving(f"http://127.0.0.1:{self.server_address[1]}/v1")
        self.lock = threading.Lock()
        self.attempts: Counter[str] = Counter()
        self.under_way = 0

    @contextmanager
    def noted(self, path: str, key: str | None, body: dict[str, Any]) -> Iterator[Request]:
        same = json.dumps([path, body], sort_keys=True)
        with self.lock:
            request = Request(path, key, body, self.attempts[same])
            self.attempts[same] += 1
            self.seen.requests.append(request)
            self.under_way += 1
            self.seen.at_once = max(self.seen.at_once, self.under_way)
        try:
            yield request
        finally:
            with self.lock:
                self.under_way -= 1


class Handler(BaseHTTPRequestHandler):
    """Answers; a method ``do_TRICK`` for each trick."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Sockets

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.noted(self.path, self.headers["Authorization"], body) as request:
            time.sleep(self.server.delay)
            what = self.server.trick(request)
            try:
                if isinstance(what, dict):
                    self.reply(what, what.get("status", 200), **what.get("headers", {}))
                else:
                    getattr(self, f"do_{what}")(request)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # whoever asked has gone

    def do_(self, request: Request) -> None:
        self.reply(good(request))

    def do_slow(self, request: Request) -> None:
        time.sleep(SLOW)
        self.reply(good(request))

    def do_drip(self, request: Request) -> None:
        """A byte at a time: no single read takes long."""
        content = json.dumps(good(request)).encode()
        self.head(HTTPStatus.OK, len(content))
        for at in range(len(content)):
            self.wfile.write(content[at : at + 1])
            time.sleep(SLOW / 20)

    def do_429(self, _: Request) -> None:
        self.reply({"error": {"message": "too many requests"}}, 429)

    def do_later(self, _: Request) -> None:
        self.reply({"error": {"message": "later"}}, 429, **{"Retry-After": "1"})

    def do_500(self, _: Request) -> None:
        self.reply({"error": {"message": "out of memory"}}, 500)

    def do_503(self, _: Request) -> None:
        self.send(b"<html>no upstream</html>", 503, "text/html")

    def do_truncated(self, request: Request) -> None:
        """A whole HTTP answer whose JSON ends early."""
        content = json.dumps(good(request)).encode()
        self.send(content[: len(content) // 2])

    def do_cut(self, request: Request) -> None:
        """An HTTP answer that ends before its announced length."""
        content = json.dumps(good(request)).encode()
        self.head(HTTPStatus.OK, len(content))
        self.wfile.write(content[: len(content) // 2])
        self.close_connection = True

    def do_dropped(self, _: Request) -> None:
        self.close_connection = True

    def do_html(self, _: Request) -> None:
        self.send(b"<html>please log in</html>", content_type="text/html")

    def do_none(self, request: Request) -> None:
        self.reply(good(request, 0))

    def do_one(self, request: Request) -> None:
        self.reply(good(request, 1))

    def do_too_many(self, request: Request) -> None:
        self.reply(good(request, request.body.get("n", 1) + 2))

    def do_refuse_n(self, request: Request) -> None:
        if "n" in request.body:
            self.reply({"error": {"message": "n must be 1"}}, 400)
        else:
            self.reply(good(request))

    def do_refuse(self, _: Request) -> None:
        self.reply({"error": {"message": "prompt is\ntoo long"}}, 400)

    def do_moved(self, request: Request) -> None:
        self.reply({}, 307, Location=f"{request.path}/")

    def do_nowhere(self, _: Request) -> None:
        self.reply({"detail": "Not Found"}, 404)

    def do_filtered(self, _: Request) -> None:
        error = {"message": "the prompt was filtered", "code": "content_filter", "param": "prompt"}
        self.reply({"error": error}, 400)

    def do_refuse_somehow(self, _: Request) -> None:
        self.reply({"error": {"message": "I would rather not"}}, 400)

    def do_refuse_field(self, _: Request) -> None:
        self.reply({"error": {"message": "temperature and top_p exclude each other"}}, 400)

    def do_locked(self, request: Request) -> None:
        self.reply({"error": {"message": f"no such key: {request.key}"}}, 401)

    def reply(self, value: dict[str, Any], status: int = 200, **headers: str) -> None:
        self.send(json.dumps(value).encode(), status, **headers)

    def send(
        self,
        content: bytes,
        status: int = 200,
        content_type: str = "application/json",
        **headers: str,
    ) -> None:
        self.head(status, len(content), content_type, **headers)
        self.wfile.write(content)

    def head(
        self,
        status: int,
        length: int,
        content_type: str = "application/json",
        **headers: str,
    ) -> None:
        self.send_response(status)
        headers |= {"Content-Type": content_type, "Content-Length": str(length)}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def misbehaving(trick: Trick = lambda _: "", *, delay: float = 0.0) -> Iterator[Misbehaving]:
    """Run a server in this process.

    Args:
        trick: what to do with a request: the name of a trick above, an answer to give as it is, or
            nothing for a good answer.
        delay: seconds that every answer takes.
    """
    with Sockets(trick, delay) as sockets:
        thread = threading.Thread(target=sockets.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield sockets.seen
        finally:
            sockets.shutdown()
            thread.join()
