"""Answering one question: the chosen strategy, its answer, and the text as it comes."""

import pytest

from siked.exporting.solving import Solution, answer
from siked.generation.engine import Completion
from siked.generation.transformers import TransformersEngine
from siked.prompts import student_prompt
from siked.records import Failure
from siked.settings import TransformersSettings, VerifySettings
from siked.verification.sandbox import Sandbox
from tests import tiny_student

SETTINGS = TransformersSettings(
    name="transformers", device="cpu", dtype="float32", batch_tokens=4000
)
LIMITS = VerifySettings(seconds=3, memory_mb=512, output_kb=64, workers=1)
STRATEGIES = ("cot", "l2m", "pot")


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return TransformersEngine(tiny_student.build(tmp_path_factory.mktemp("tiny")), None, SETTINGS)


def ask(writer, strategy=None, **more):
    with Sandbox(LIMITS) as sandbox:
        prompt = student_prompt("How many rolls?", strategy=strategy)
        return answer(prompt, writer, sandbox, strategies=STRATEGIES, max_new_tokens=16, **more)


def test_text_without_a_tag_is_no_answer(student):
    pieces = []
    given = ask(student, write=pieces.append)
    assert given.strategy is None
    assert given.answer is None
    assert given.failure is Failure.NO_STRATEGY
    assert "".join(pieces).strip() == given.rationale


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_forced_strategy_reads_the_answer_its_way(student, strategy):
    pieces = []
    given = ask(student, strategy, write=pieces.append)
    assert given.strategy == strategy
    assert "".join(pieces).startswith(f"[{strategy}]:\n")
    assert (given.answer is None) == (given.failure is not None)
    assert given.truncated


def test_an_answer_is_what_the_rationale_gives():
    # The tiny student cannot write a program; what it would write is put in its mouth.
    class Taught:
        def stream(self, _prompt, _sampling, write):
            text = "[pot]:\nrolls = 12\nanswer = rolls * 3"
            write(text)
            return Completion(0, 0, text, 1, 1, "stop")

    rationale = "rolls = 12\nanswer = rolls * 3"
    assert ask(Taught()) == Solution(
        "pot", rationale, "36", failure=None, truncated=False, ran=True
    )
