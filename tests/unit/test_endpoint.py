"""Asking a student behind a server: what is sent, who computes the answer, and what goes wrong."""

import json
import shutil
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from siked.commands.solve import solve
from siked.errors import UserError

ROOT = Path(__file__).parents[2]
MODELS = {"object": "list", "data": [{"id": "best", "object": "model"}]}


def chat(text, finish_reason="stop"):
    message = {"role": "assistant", "content": text}
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]}


@contextmanager
def server(answer, status=200, models=MODELS):
    """An HTTP server that gives one answer to every chat; yields its URL and what it was sent."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def reply(self, status, value):
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            seen.append((self.path, self.headers["Authorization"], None))
            self.reply(200, models)

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.path, self.headers["Authorization"], body))
            self.reply(status, answer)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}", seen
        finally:
            http.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def repository(tmp_path, monkeypatch):
    """A checkout without any model, and no key in the environment."""
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_a_program_from_a_server_is_run_here(capsys):
    with server(chat("[pot]:\nrolls = 12\nanswer = rolls * 3")) as (url, seen):
        solve(" How many rolls? ", server=url)
    printed = capsys.readouterr().out
    assert printed.startswith("[pot]:\nrolls = 12\n")
    assert printed.endswith("strategy: pot\nanswer: 36 (by running the program)\n")
    path, key, body = seen[-1]
    assert path == "/v1/chat/completions"
    assert key is None
    assert body["messages"] == [{"role": "user", "content": "How many rolls?"}]
    assert (body["model"], body["temperature"]) == ("best", 0)


def test_a_program_from_a_server_reads_none_of_our_files(capsys, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("1234")
    with server(chat(f"[pot]:\nanswer = int(open({str(secret)!r}).read())")) as (url, _):
        solve("How many rolls?", server=url)
    printed = capsys.readouterr().out
    assert "no answer" in printed
    assert "1234" not in printed


def test_a_forced_strategy_is_a_begun_answer(capsys):
    with server(chat("She gets 3 x 12 = 36.\nFinal Answer: 36")) as (url, seen):
        solve("How many rolls?", strategy="cot", server=f"{url}/v1/")
    body = seen[-1][2]
    assert body["messages"][-1] == {"role": "assistant", "content": "[cot]:\n"}
    assert body["continue_final_message"] is True
    assert body["add_generation_prompt"] is False
    assert "strategy: cot\nanswer: 36\n" in capsys.readouterr().out


def test_the_key_comes_from_the_environment_and_is_never_shown(capsys, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "very-secret")
    with server({"error": "no"}, status=401) as (url, seen):
        with pytest.raises(UserError, match="set OPENAI_API_KEY") as error:
            solve("How many rolls?", server=url)
        assert {key for _, key, _ in seen} == {"Bearer very-secret"}
    assert "very-secret" not in str(error.value) + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("answer", "status", "models", "message"),
    [
        ({"error": {"message": "too\nlong"}}, 400, MODELS, "answered 400: .*too"),
        (b"<html>", 200, MODELS, "not JSON"),
        ({"choices": []}, 200, MODELS, r"no choices\.0\.message\.content"),
        (chat("7"), 200, {"data": []}, r"no data\.0\.id"),
    ],
)
def test_a_server_that_does_not_answer_is_one_line(answer, status, models, message):
    with (
        server(answer, status, models) as (url, _),
        pytest.raises(UserError, match=message) as error,
    ):
        solve("How many rolls?", server=url)
    assert "\n" not in str(error.value)


def test_no_server_is_one_line():
    with server({}) as (url, _):
        pass
    with pytest.raises(UserError, match=r"no answer: .*is the server up"):
        solve("How many rolls?", server=url)
    with pytest.raises(UserError, match="is no URL"):
        solve("How many rolls?", server="127.0.0.1:8000")


def test_an_unknown_strategy_is_refused_before_anything_is_asked():
    with server({}) as (url, seen):
        with pytest.raises(UserError, match="--strategy bot: the student knows cot, l2m, pot"):
            solve("How many rolls?", strategy="bot", server=url)
        assert not seen
