"""The engine of served models against a real server: vLLM's, with a tiny student.

vLLM has an environment of its own: see ``test_vllm_engine.py``.
"""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from siked.commands.serve import check_vllm
from siked.errors import UserError
from siked.generation.engine import Sampling
from siked.generation.journal.engine import open_served
from siked.generation.openai.engine import OpenAIEngine
from siked.generation.vllm import variables
from siked.models.loading import load_tokenizer
from siked.prompts import TEACHER_STOP, encode, plain, student_prompt, teacher_prompt, tokens
from siked.settings import OpenAISettings
from tests.tiny_student import build

READY = 240
"""Seconds that the server may take to load."""
QUESTIONS = [f"Ann has {n} apples and buys {n + 3}. How many apples has she?" for n in range(2, 5)]
DRAWN = Sampling(2, 0, 0.7, 50, 0.95, 24, TEACHER_STOP, 3)

pytestmark = [pytest.mark.engines("vllm"), pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    # vLLM's attention on a CPU wants heads of 32 numbers or more.
    return build(tmp_path_factory.mktemp("student") / "base", head_dim=32)


@pytest.fixture(scope="module")
def url(tmp_path_factory, base):
    python = os.environ["SIKED_VLLM_PYTHON"]
    check_vllm(Path(python))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(base)]
    command += ["--served-model-name", "student", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--enforce-eager", "--max-model-len", "4096"]
    log = tmp_path_factory.mktemp("vllm") / "log.txt"
    surroundings = {**variables(), **os.environ}
    with (
        log.open("w") as file,
        subprocess.Popen(
            command, env=surroundings, stdout=file, stderr=subprocess.STDOUT
        ) as server,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()


def wait_for(health, server, log):
    until = time.monotonic() + READY
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(health):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
    pytest.fail(f"vLLM is not up: {log.read_text()[-3000:]}")


def places(completions):
    return {(one.prompt, one.sample): one.text for one in completions}


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_teacher_behind_vllm_reads_our_prompts_and_answers_each(url, base, api, tmp_path):
    prompts = [teacher_prompt(question, "cot") for question in QUESTIONS]
    settings = OpenAISettings(name="openai", url=url, api=api)
    completions = list(open_served(settings, "student", journal=tmp_path).generate(prompts, DRAWN))
    assert Counter((one.prompt, one.sample) for one in completions) == Counter(
        (n, k) for n in range(3) for k in range(2)
    )
    tokenizer = load_tokenizer(base)
    for one in completions:
        asked = prompts[one.prompt]
        ids = encode(tokenizer, asked) if api == "chat" else tokens(tokenizer, plain(asked))
        # Once a request of two samples: what we say that a model reads is what this one read.
        assert one.prompt_tokens == (0 if one.sample else len(ids))
        assert one.completion_tokens > 0
        assert TEACHER_STOP[0] not in one.text
    assert all(any(one.text for one in completions if one.prompt == n) for n in range(3))
    written = sum(one.completion_tokens for one in completions)
    assert written <= 6 * DRAWN.max_new_tokens
    # A second run has them from the journal, a request by itself has the same seeds.
    again = list(open_served(settings, "student", journal=tmp_path).generate(prompts, DRAWN))
    assert all(one.recalled for one in again)
    assert places(again) == places(completions)


def test_other_seeds_draw_other_samples(url):
    engine = OpenAIEngine(OpenAISettings(name="openai", url=url), "student")
    prompt = [student_prompt(QUESTIONS[0])]
    drawn = {
        (seed, first): places(
            engine.generate(prompt, Sampling(4, first, 1.0, 50, 1.0, 24, (), seed))
        )
        for seed in (1, 2)
        for first in (0, 4)
    }
    assert len({text for texts in drawn.values() for text in texts.values()}) > 8


def test_vllms_own_errors_are_one_line(url):
    prompt = [student_prompt(QUESTIONS[0], question_id="q7")]
    asked = (("student", 5000, "^q7: .*answered 400: .*max_tokens"), ("nobody", 5, "answered 404"))
    for model, length, message in asked:
        engine = OpenAIEngine(OpenAISettings(name="openai", url=url), model)
        with pytest.raises(UserError, match=message) as error:
            list(engine.generate(prompt, Sampling(max_new_tokens=length)))
        assert "\n" not in str(error.value)
