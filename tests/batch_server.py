"""A server with OpenAI's Batch API: files, batches, and results once it is told to finish.

    with batching() as server:
        ...  # server.url, server.batches, server.asked

What a line of a batch is answered, a test decides; unless told otherwise it is a good answer, which
names the question, the seed and the choice's number.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.misbehaving_server import Request, good

Line = Callable[[Request], tuple[int, Any] | str | None]
"""What a request of a batch is answered: status and body, a raw line, or nothing at all."""


def well(request: Request) -> tuple[int, Any]:
    """A good answer."""
    return 200, good(request)


@dataclass
class Batching:
    """A running server."""

    answer: Line = well
    trick: Callable[[str, str], tuple[int, Any] | str | None] = lambda *_: None
    """By method and path: another answer, or ``drop`` to do the work and say nothing."""
    status: str = "completed"
    """What becomes of a batch."""
    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    """Requests by method and first part of the path."""
    attempts: Counter[str] = field(default_factory=Counter)
    finish: threading.Event = field(default_factory=threading.Event)
    """Until it is set, batches are in progress."""

    def upload(self, content: bytes) -> dict[str, Any]:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return {"id": name, "object": "file"}

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = f"batch_{len(self.batches)}"
        self.batches[name] = {"id": name, "object": "batch", "status": "in_progress", **asked}
        return self.batches[name]

    def look(self, name: str) -> dict[str, Any]:
        batch = self.batches[name]
        if self.finish.is_set() and batch["status"] == "in_progress":
            batch["status"] = self.status
            if self.status == "failed":
                batch["errors"] = {"data": [{"message": "too many tokens are enqueued"}]}
            else:
                batch["output_file_id"] = f"{name}-out"
                self.files[f"{name}-out"] = self.results(batch["input_file_id"])
        return batch

    def results(self, file: str) -> bytes:
        lines = []
        for row in map(json.loads, self.files[file].splitlines()):
            assert row["method"] == "POST"
            request = Request(row["url"], None, row["body"], self.attempts[row["custom_id"]])
            self.attempts[row["custom_id"]] += 1
            answer = self.answer(request)
            if isinstance(answer, tuple):
                response = {"status_code": answer[0], "body": answer[1]}
                answer = json.dumps({"custom_id": row["custom_id"], "response": response})
            lines += [] if answer is None else [answer]
        return "\n".join(reversed(lines)).encode()  # in no order that one may rely on

    def rows(self) -> list[int]:
        """How many requests each batch had."""
        return [
            len(self.files[batch["input_file_id"]].splitlines()) for batch in self.batches.values()
        ]


class Server(ThreadingHTTPServer):
    """Listens."""

    daemon_threads = True

    def __init__(self, state: Batching) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.state, self.lock = state, threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """Serves files and batches."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.serve(b"")

    def do_POST(self) -> None:
        self.serve(self.rfile.read(int(self.headers["Content-Length"])))

    def serve(self, content: bytes) -> None:
        state = self.server.state
        path = self.path.partition("?")[0].removeprefix("/v1")
        with self.server.lock:
            kind = f"{self.command} /{path.split('/')[1]}"
            state.asked[kind] += 1
            told = state.trick(self.command, path)
            answer = told if isinstance(told, tuple) else (200, self.work(kind, path, content))
        if told == "drop":
            self.close_connection = True
            return
        status, value = answer
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def work(self, kind: str, path: str, content: bytes) -> Any:
        state = self.server.state
        if kind == "POST /files":
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            parts = BytesParser().parsebytes(head + content).get_payload()
            assert isinstance(parts, list)
            (file,) = (one for one in parts if one.get_filename())
            return state.upload(file.get_payload(decode=True))
        if kind == "POST /batches":
            return state.create(json.loads(content))
        if path == "/batches":
            return {"object": "list", "data": list(reversed(state.batches.values()))}
        if kind == "GET /batches":
            return state.look(path.split("/")[2])
        return state.files[path.split("/")[2]]

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def batching(**how: Any) -> Iterator[Batching]:
    """Run a server in this process; batches finish at once unless ``finish`` is cleared."""
    state = Batching(**how)
    state.finish.set()
    with Server(state) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
