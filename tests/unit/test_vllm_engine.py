"""The vLLM engine: the same samples as the transformers engine writes, in any order and any run.

What needs vLLM runs in an environment that has it, whose interpreter ``SIKED_VLLM_PYTHON`` names,
as `make test-engines` does, which makes it too:

    SIKED_VLLM_PYTHON=$PWD/.venv-vllm/bin/python pytest tests/unit/test_vllm_engine.py
"""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from siked.errors import UserError
from siked.generation import vllm as vllm_engine
from siked.generation.engine import Completion, Sampling, open_engine
from siked.generation.transformers import TransformersEngine
from siked.generation.vllm import group_prompts, merges, seed_of
from siked.models.loading import end_tokens, load, load_tokenizer, stored_end_tokens
from siked.prompts import Prompt, student_prompt
from siked.settings import VllmSettings, as_transformers
from tests import tiny_student

ROOT = Path(__file__).parents[2]
PYTHON = os.environ.get("SIKED_VLLM_PYTHON")
SETTINGS = VllmSettings(
    name="vllm", dtype="float32", max_model_len=512, batch_samples=6, enforce_eager=True
)
PROMPTS = [
    student_prompt(question, question_id=question, strategy=strategy)
    for question, strategy in [
        ("How many?", None),
        ("A baker sells 12 rolls for $3 each. How many dollars does she get?", None),
        ("A baker sells 12 rolls for $3 each. How many dollars does she get?", "pot"),
        ("Is 7 more than 3 x 2?", None),
        ("Solve 1 + 1. " * 9, "cot"),
    ]
]
GREEDY = Sampling(max_new_tokens=40)
DRAWN = Sampling(samples=3, temperature=2.0, top_k=50, top_p=0.99, max_new_tokens=60, seed=3)


def test_batches_hold_every_prompt_once_and_no_more_samples_than_asked():
    for prompts, samples, most in [(7, 3, 6), (7, 3, 2), (5, 1, 100), (0, 3, 6)]:
        batches = group_prompts(prompts, samples, most)
        assert [index for batch in batches for index in batch] == list(range(prompts))
        assert all(len(batch) * samples <= most or len(batch) == 1 for batch in batches)


def test_a_sample_has_its_seed_whatever_is_asked_for_beside_it():
    assert seed_of(3, "text", 4) == seed_of(3, "text", 0) + 4
    assert len({seed_of(3, "text", 0), seed_of(4, "text", 0), seed_of(3, "other", 0)}) == 3
    assert all(0 <= seed_of(n, "text", 1000) < 2**63 for n in range(1000))


def test_a_missing_package_is_one_line_that_says_how_to_get_it(monkeypatch, tmp_path):
    def nothing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(vllm_engine, "version", nothing)
    with pytest.raises(
        UserError, match=r"vllm engine is not installed here: .*vllm==0\.32\.0"
    ) as e:
        open_engine(SETTINGS, tmp_path)
    assert "\n" not in str(e.value)


def test_a_package_for_gpus_without_one_is_one_line(monkeypatch):
    def gpus_only(name):
        if name != "vllm":
            raise PackageNotFoundError(name)
        return "0.32.0"

    monkeypatch.setattr(vllm_engine, "version", gpus_only)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match="is for CUDA, which is not here"):
        vllm_engine.installed()


def test_what_vllm_cannot_apply_is_merged(tmp_path):
    def adapter(**changed):
        (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 16, **changed}))
        return tmp_path

    assert merges(adapter(), "cpu")
    assert not merges(adapter(), "cuda")
    assert not merges(adapter(use_rslora=True, rank_pattern={"q_proj": 512}), "cuda")
    assert merges(adapter(use_dora=True), "cuda")
    assert merges(adapter(modules_to_save=["lm_head"]), "cuda")
    assert merges(adapter(rank_pattern={"q_proj": 1024}), "cuda")
    assert vllm_engine._room(adapter(r=40)) == 64
    assert vllm_engine._room(adapter(rank_pattern={"q_proj": 128})) == 128


def test_the_end_of_a_turn_is_known_without_the_model(folder):
    settings = as_transformers(SETTINGS)
    expected = end_tokens(load(folder, None, settings))
    assert stored_end_tokens(folder, load_tokenizer(folder)) == expected
    (folder / "generation_config.json").rename(folder / "kept")
    try:
        assert stored_end_tokens(folder, load_tokenizer(folder)) == expected
    finally:
        (folder / "kept").rename(folder / "generation_config.json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    # vLLM's attention on a CPU wants heads of 32 numbers or more.
    return tiny_student.build(tmp_path_factory.mktemp("tiny") / "base", head_dim=32)


@pytest.fixture(scope="module")
def adapter(folder, tmp_path_factory):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    path = tmp_path_factory.mktemp("adapter")
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    torch.manual_seed(1)
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    get_peft_model(base, config).save_pretrained(path)
    return path


def run(folder, asked, *, adapter=None, journal=None, unmerged=False, **changed):
    """Answers of the engine in the other environment, and how that process ended."""
    out = folder.parent / "answers.json"
    out.unlink(missing_ok=True)
    told = {
        "settings": {**SETTINGS.model_dump(), **changed},
        "folder": str(folder),
        "adapter": adapter and str(adapter),
        "journal": journal and str(journal),
        "unmerged": unmerged,
        "asked": [
            {
                "prompts": [dataclasses.asdict(prompt) for prompt in prompts],
                "sampling": dataclasses.asdict(sampling),
                "take": take,
            }
            for prompts, sampling, take in asked
        ],
    }
    done = subprocess.run(
        [PYTHON or sys.executable, "-m", "tests.vllm_answers", out],
        cwd=ROOT,
        input=json.dumps(told),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if not out.exists():
        return None, done
    answers = json.loads(out.read_text())
    return [
        one if isinstance(one, str) else [Completion(**row) for row in one] for one in answers
    ], done


def answered(folder, *asked, **more):
    answers, done = run(folder, [(*one, None) for one in asked], **more)
    assert answers is not None, done.stderr
    return answers


def texts(completions):
    return {(one.prompt, one.sample): one.text for one in completions}


def same(ours, theirs):
    key = lambda one: (one.prompt, one.sample)  # noqa: E731
    return sorted(ours, key=key) == sorted(theirs, key=key)


@pytest.mark.engines("vllm")
@pytest.mark.slow
def test_samples_are_what_their_prompt_seed_and_number_say(folder):
    plain = TransformersEngine(folder, None, as_transformers(SETTINGS))
    greedy = list(plain.generate(PROMPTS, GREEDY))
    word = next(one.text for one in greedy if len(one.text) > 10)[4:7]
    stopped = dataclasses.replace(GREEDY, stop=(word,))
    later = dataclasses.replace(DRAWN, first_sample=2, samples=5)
    long = Prompt("gsm8k-train-00017", None, "", "12 rolls " * 400)
    refused, whole, cut, first, rest, again, other = answered(
        folder,
        ([*PROMPTS, long], GREEDY),
        (PROMPTS, GREEDY),
        (PROMPTS, stopped),
        (PROMPTS, DRAWN),
        (PROMPTS[::-1], later),
        (PROMPTS, DRAWN),
        (PROMPTS, dataclasses.replace(DRAWN, seed=4)),
    )
    assert refused.startswith("gsm8k-train-00017: its prompt of")
    assert "max_model_len" in refused
    assert same(whole, greedy)
    assert same(cut, plain.generate(PROMPTS, stopped))
    assert texts(cut) != texts(whole)

    assert again == first
    assert texts(other) != texts(first)
    assert len(set(texts(first).values())) > len(PROMPTS)
    assert {one.finish_reason for one in first} == {"stop", "length"}
    assert {one.completion_tokens for one in first if one.finish_reason == "length"} == {60}
    turned = {(len(PROMPTS) - 1 - one.prompt, one.sample): one.text for one in rest}
    assert {sample for _, sample in turned} == {2, 3, 4, 5, 6}
    assert {place: text for place, text in turned.items() if place[1] == 2} == {
        place: text for place, text in texts(first).items() if place[1] == 2
    }


@pytest.mark.engines("vllm")
@pytest.mark.slow
@pytest.mark.parametrize("unmerged", [False, True], ids=["merged", "applied by vLLM"])
def test_an_adapter_answers_as_in_the_transformers_engine(folder, adapter, unmerged):
    (ours,) = answered(folder, (PROMPTS, GREEDY), adapter=adapter, unmerged=unmerged)
    theirs = list(
        TransformersEngine(folder, adapter, as_transformers(SETTINGS)).generate(PROMPTS, GREEDY)
    )
    assert same(ours, theirs)


@pytest.mark.engines("vllm")
@pytest.mark.slow
def test_a_killed_run_goes_on_to_what_an_undisturbed_one_writes(folder, tmp_path):
    (undisturbed,) = answered(folder, (PROMPTS, DRAWN), journal=tmp_path / "whole")
    none, done = run(folder, [(PROMPTS, DRAWN, 8)], journal=tmp_path / "killed")
    assert none is None
    assert done.returncode == -signal.SIGKILL
    few = dataclasses.replace(DRAWN, samples=2)
    resumed, recalled = answered(
        folder, (PROMPTS, DRAWN), (PROMPTS, few), journal=tmp_path / "killed"
    )
    assert texts(resumed) == texts(undisturbed)
    assert {one.recalled for one in resumed} == {True, False}
    assert all(one.recalled for one in recalled)


@pytest.mark.engines("vllm")
@pytest.mark.slow
def test_what_vllm_refuses_to_load_is_one_line(folder):
    _, done = run(folder, [], max_model_len=100_000)
    last = done.stderr.splitlines()[-1]
    assert "UserError: " in last
    assert "base: vLLM cannot load it: " in last
    assert "max_model_len" in last
