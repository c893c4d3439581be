"""A teacher asked by the Batch API: every sample once, whatever happens, and nothing paid twice."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from siked.errors import UserError
from siked.generation.ask import count
from siked.generation.engine import Sampling
from siked.generation.journal.engine import open_served
from siked.generation.openai import batches
from siked.prompts import Prompt
from siked.records import Question, Rationale
from siked.settings import OpenAISettings, TeacherModel
from tests.batch_server import batching
from tests.misbehaving_server import PROMPT_TOKENS, TOKENS, good

PROMPTS = [Prompt(f"q{n}", "cot", "Solve it.", f"Question: number {n}") for n in range(12)]
DRAWN = Sampling(samples=3, temperature=0.7, max_new_tokens=50, seed=5)
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def quick_and_keyless(monkeypatch):
    monkeypatch.setattr(batches, "POLL", 0.01)
    monkeypatch.setattr(batches, "SETTLE", 0.05)
    monkeypatch.setattr(
        "openai._base_client.BaseClient._calculate_retry_timeout", lambda *_, **__: 0.0
    )
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def engine(server, folder, **more):
    settings = OpenAISettings(name="openai", url=server.url, batch=True, **more)
    return open_served(settings, "m", journal=folder)


def check_whole(completions):
    places = sorted((one.prompt, one.sample) for one in completions)
    assert places == [(n, k) for n in range(12) for k in range(3)]
    for one in completions:
        assert one.text.startswith(f"Question: number {one.prompt} / ")
    assert len({one.text for one in completions}) == 36


def noted(folder):
    return list(folder.glob(f"*/{batches.FOLDER}/*.json"))


def test_all_samples_come_from_one_batch_and_then_from_the_journal(tmp_path, capsys):
    with batching() as server:
        found = list(engine(server, tmp_path).generate(PROMPTS, DRAWN))
        check_whole(found)
        assert server.rows() == [12]
        (batch,) = server.batches.values()
        assert (batch["endpoint"], batch["completion_window"]) == ("/v1/chat/completions", "24h")
        assert set(server.asked) == {"POST /files", "POST /batches", "GET /batches", "GET /files"}
    assert sum(one.prompt_tokens for one in found) == 12 * PROMPT_TOKENS
    assert sum(one.completion_tokens for one in found) == 36 * TOKENS
    assert noted(tmp_path) == []
    assert "batch batch_0: completed (12 requests)" in capsys.readouterr().err
    check_whole(list(engine(server, tmp_path).generate(PROMPTS, DRAWN)))  # the server is gone


def test_more_requests_than_a_file_holds_are_several_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "MOST", 5)
    with batching() as server:
        check_whole(list(engine(server, tmp_path).generate(PROMPTS, DRAWN)))
        assert sorted(server.rows()) == [2, 5, 5]
    monkeypatch.setattr(batches, "LARGEST", 900)
    with batching() as server:
        check_whole(list(engine(server, tmp_path).generate(PROMPTS, DRAWN)))
        assert sum(server.rows()) == 12
        assert len(server.rows()) > 3


def test_a_server_without_n_is_asked_for_the_others_in_one_more_batch(tmp_path):
    with batching(answer=lambda request: (200, good(request, 1))) as server:
        check_whole(list(engine(server, tmp_path).generate(PROMPTS, DRAWN)))
        assert server.rows() == [12, 24]


BAD = {
    "overloaded": (500, {"error": {"message": "out of memory"}}),
    "limited": (429, {"error": {"message": "slow down"}}),
    "an error in 200": (200, {"error": {"message": "oops"}}),
    "no choices": (200, {}),
    "no body": (200, None),
    "nothing": None,
    "no JSON": "{",
    "another's": '{"custom_id": "x", "response": {"status_code": 200, "body": {}}}',
}


@pytest.mark.parametrize("bad", BAD)
def test_what_has_no_good_answer_is_asked_again_and_nothing_else(bad, tmp_path):
    def answer(request):
        wrong = request.attempt == 0 and request.asked.endswith(("3", "7"))
        return BAD[bad] if wrong else (200, good(request))

    with batching(answer=answer) as server:
        check_whole(list(engine(server, tmp_path).generate(PROMPTS, DRAWN)))
        assert server.rows() == [12, 2]


def test_a_batch_that_expires_keeps_what_it_has(tmp_path):
    def answer(request):
        late = request.attempt == 0 and request.asked.endswith("1")
        return None if late else (200, good(request))

    with batching(answer=answer, status="expired") as server:
        check_whole(list(engine(server, tmp_path).generate(PROMPTS, DRAWN)))
        assert server.rows() == [12, 2]


def test_a_question_that_is_refused_is_left_out_and_not_asked_again(tmp_path):
    said = {"error": {"message": "the prompt was filtered", "code": "content_filter"}}

    def answer(request):
        return (400, said) if request.asked.endswith("number 3") else (200, good(request))

    with batching(answer=answer) as server:
        found = list(engine(server, tmp_path).generate(PROMPTS, DRAWN))
        assert {one.prompt for one in found if one.finish_reason == "refused"} == {3}
        assert len(found) == 36
        again = list(engine(server, tmp_path).generate(PROMPTS, DRAWN))
        assert len(again) == 36
        assert len(server.batches) == 1


SCRIPT = """
import sys
from pathlib import Path
from siked.generation.journal.engine import open_served
from siked.generation.openai import batches
from siked.records import Question, Rationale
from siked.settings import OpenAISettings, TeacherModel
from tests.unit.test_batches import DRAWN, PROMPTS
batches.POLL, batches.SETTLE = 0.01, 0.05
settings = OpenAISettings(name="openai", url=sys.argv[1], batch=True)
for one in open_served(settings, "m", journal=Path(sys.argv[2])).generate(PROMPTS, DRAWN):
    pass
"""


def test_a_run_that_was_killed_goes_on_with_the_batch_that_it_paid_for(tmp_path):
    with batching() as server:
        server.finish.clear()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        running = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, server.url, str(tmp_path)], env=environment
        )
        while running.poll() is None and server.asked["GET /batches"] < 3:
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
        running.wait()
        assert len(noted(tmp_path)) == 1
        server.finish.set()
        check_whole(list(engine(server, tmp_path).generate(PROMPTS, DRAWN)))
        assert server.rows() == [12]
    assert noted(tmp_path) == []


def test_a_run_that_stops_among_the_results_pays_nothing_twice(tmp_path):
    with batching() as server:
        begun = engine(server, tmp_path).generate(PROMPTS, DRAWN)
        for _ in range(5):
            next(begun)
        begun.close()
        check_whole(list(engine(server, tmp_path).generate(PROMPTS, DRAWN)))
        assert server.rows() == [12]


def test_a_stop_between_a_batch_and_the_one_that_follows_it_makes_no_third(tmp_path):
    def answer(request):
        bad = request.attempt == 0 and request.asked.endswith("number 3")
        return BAD["overloaded"] if bad else (200, good(request))

    with batching(answer=answer) as server:
        begun = engine(server, tmp_path).generate(PROMPTS, DRAWN)
        next(begun)
        server.finish.clear()  # the second goes on for longer
        while len(noted(tmp_path)) < 2 or len(server.batches) < 2:
            time.sleep(0.02)
        begun.close()
        threading.Timer(1.0, server.finish.set).start()
        check_whole(list(engine(server, tmp_path).generate(PROMPTS, DRAWN)))
        assert server.rows() == [12, 1]


@pytest.mark.parametrize("lost", ["POST /batches", "POST /files", "GET /batches", "GET /files"])
@pytest.mark.parametrize("how", ["drop", (503, {"error": {"message": "later"}}), (200, b"<html>")])
def test_what_the_server_does_without_saying_so_makes_no_second_batch(lost, how, tmp_path):
    told = []

    def trick(method, path):
        if f"{method} /{path.split('/')[1]}" == lost and not told:
            told.append(path)
            return how
        return None

    with batching(trick=trick) as server:
        check_whole(list(engine(server, tmp_path).generate(PROMPTS, DRAWN)))
        assert len(server.batches) == 1


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        ((404, {"detail": "Not Found"}), "completed", "has it the Batch API (engine.batch)?"),
        ((401, {"error": {"message": "who?"}}), "completed", "set OPENAI_API_KEY to its key"),
        ((503, {}), "completed", "POST /v1/files: 503"),
        (None, "failed", "batch batch_0: failed"),
        (None, "failed", "too many tokens are enqueued"),
    ],
)
def test_what_stays_wrong_ends_in_one_line(answer, status, says, tmp_path):
    with (
        batching(trick=lambda *_: answer, status=status) as server,
        pytest.raises(UserError) as error,
    ):
        list(engine(server, tmp_path, retries=1).generate(PROMPTS, DRAWN))
    assert "\n" not in str(error.value)
    assert says in str(error.value)
    assert noted(tmp_path) == []


def test_a_damaged_note_is_said_and_the_batch_is_asked_for_again(tmp_path, capsys):
    with batching() as server:
        begun = engine(server, tmp_path).generate(PROMPTS, DRAWN)
        next(begun)
        begun.close()
        (note,) = noted(tmp_path)
        note.write_text("[]")
        check_whole(list(engine(server, tmp_path).generate(PROMPTS, DRAWN)))
        assert len(server.batches) == 2
    assert "damaged, its batch is asked for again" in capsys.readouterr().err


def test_what_a_batch_cost_is_its_share_of_the_price():
    row = Rationale(
        question_id="q", strategy="cot", sample=0, text="x", completion_tokens=1_000_000
    )
    question = Question(id="q", source="s", question="Why?", answer="1")
    sampling = {"samples": 1, "temperature": 0, "top_k": 0, "top_p": 1, "max_new_tokens": 8}
    for more, cost in [({}, 8.0), ({"batch": True}, 4.0)]:
        prices = {"prompt": 1, "completion": 8}
        server = {"name": "openai", "url": "http://127.0.0.1:8000/v1", "prices": prices, **more}
        model = {"source": "served:m", "seed": 1, "engine": server, "sampling": sampling}
        assert count([row], [question], TeacherModel.model_validate(model), {})["cost"] == cost
