"""Unsloth trains what peft does, and what it saves loads in peft, transformers and vLLM.

It runs in an environment that has it, whose interpreter ``SIKED_UNSLOTH_PYTHON`` names, as `make
test-engines` does, which makes it too. Unsloth trains on a CPU as well:

    SIKED_UNSLOTH_PYTHON=$PWD/.venv-unsloth/bin/python pytest tests/unit/test_training_unsloth.py

The check with vLLM needs ``SIKED_VLLM_PYTHON`` too: see test_vllm_engine.py.
"""

import dataclasses
import json
import os
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from siked.errors import UserError
from siked.generation.engine import Sampling
from siked.generation.transformers import TransformersEngine
from siked.models import loading as models
from siked.prompts import student_prompt
from siked.settings import TransformersSettings
from tests.tiny_student import build
from tests.training_jobs import SETTINGS, begin, content, examples_of, finished, killed_at, run

ROOT = Path(__file__).parents[2]
PYTHON, VLLM = os.environ.get("SIKED_UNSLOTH_PYTHON"), os.environ.get("SIKED_VLLM_PYTHON")
UNSLOTH = {"trainer": "unsloth"}
FLOAT32 = TransformersSettings(
    name="transformers", device="cpu", dtype="float32", batch_tokens=1024
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    # vLLM's attention on a CPU wants heads of 32 numbers or more.
    return build(tmp_path_factory.mktemp("student") / "base", head_dim=32)


@pytest.fixture(scope="module")
def examples(base):
    return examples_of(AutoTokenizer.from_pretrained(base))


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unsloth")
    return finished(begin(base, folder, python=PYTHON, changed=UNSLOTH)), folder / "adapter"


@pytest.mark.skipif(find_spec("unsloth") is not None, reason="Unsloth is installed here")
def test_a_missing_package_is_one_line_that_says_how_to_get_it(examples, base, tmp_path):
    with pytest.raises(UserError, match=r"unsloth is not installed .*`pip install unsloth==") as e:
        run(examples, base, tmp_path, changed=UNSLOTH)
    assert "\n" not in str(e.value)


@pytest.mark.engines("unsloth")
@pytest.mark.slow
def test_it_learns_what_peft_learns(trained, examples, base, tmp_path):
    ours, _ = trained
    theirs = run(examples, base, tmp_path, changed={"trainer": "peft"})
    assert (ours.trainer, theirs.trainer) == ("unsloth", "peft")
    assert (ours.steps, ours.tokens, ours.completion_tokens) == (
        theirs.steps,
        theirs.tokens,
        theirs.completion_tokens,
    )
    # Twelve steps in bfloat16, where every rounding differs.
    assert [loss for _, loss in ours.curve] == pytest.approx(
        [loss for _, loss in theirs.curve], rel=0.02
    )
    assert ours.final_loss < 0.9 * ours.curve[0][1]


@pytest.mark.engines("unsloth")
@pytest.mark.slow
def test_what_it_saves_loads_in_peft_and_merged_to_the_same_logits(
    trained, examples, base, tmp_path
):
    _, adapter = trained
    assert list(content(adapter)) == ["adapter_config.json", "adapter_model.safetensors"]
    assert str(base.parent) not in (adapter / "adapter_config.json").read_text()
    ids = AutoTokenizer.from_pretrained(base)(examples[0].prompt, return_tensors="pt").input_ids
    untrained = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    with torch.no_grad():
        before = untrained(ids).logits.clone()
        expected = PeftModel.from_pretrained(untrained, str(adapter))(ids).logits
        merged = models.load(base, adapter, FLOAT32).model
        merged.save_pretrained(tmp_path)
        alone = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
        assert torch.allclose(merged(ids).logits, expected, atol=1e-4)
        assert torch.allclose(alone(ids).logits, expected, atol=1e-4)
    assert not torch.allclose(before, expected, atol=0.1)


@pytest.mark.engines("unsloth")
@pytest.mark.slow
def test_both_trainers_go_on_from_each_other_s_students(trained, examples, base, tmp_path):
    log, adapter = trained
    further = run(examples, base, tmp_path / "peft", start=adapter)
    assert further.curve[0][1] < log.curve[0][1]
    back = begin(
        base, tmp_path / "back", python=PYTHON, start=tmp_path / "peft/adapter", changed=UNSLOTH
    )
    assert finished(back).final_loss < further.final_loss < log.final_loss


@pytest.mark.engines("unsloth")
@pytest.mark.slow
def test_whole_models_too(base, tmp_path):
    log = finished(begin(base, tmp_path, python=PYTHON, changed=UNSLOTH | {"lora": None}))
    assert log.final_loss < 0.9 * log.curve[0][1]
    names = {path.name for path in base.iterdir()}
    assert {path.name for path in (tmp_path / "adapter").iterdir()} == names
    models.load(base, tmp_path / "adapter", FLOAT32)


@pytest.mark.engines("unsloth")
@pytest.mark.slow
def test_killed_and_interrupted_it_ends_as_undisturbed(trained, base, tmp_path):
    log, adapter = trained
    how = {"python": PYTHON, "changed": UNSLOTH}
    assert killed_at(2, signal.SIGKILL, base, tmp_path, **how)[0] == -signal.SIGKILL
    assert killed_at(5, signal.SIGINT, base, tmp_path, **how)[0] == 130
    assert not (tmp_path / "adapter").exists()
    assert finished(begin(base, tmp_path, **how)) == log
    assert content(tmp_path / "adapter") == content(adapter)


@pytest.mark.engines("unsloth")
@pytest.mark.slow
def test_four_bits_without_cuda_are_one_line(base, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    lora = SETTINGS.lora.model_dump() | {"base_bits": 4}
    process = begin(base, tmp_path, python=PYTHON, changed=UNSLOTH | {"lora": lora})
    _, said = process.communicate(timeout=300)
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("error: train.lora.base_bits: 4 needs CUDA")


@pytest.mark.engines("unsloth", "vllm")
@pytest.mark.slow
@pytest.mark.parametrize("unmerged", [False, True], ids=["merged", "applied by vLLM"])
def test_vllm_answers_with_it_as_the_transformers_engine_does(trained, base, tmp_path, unmerged):
    _, adapter = trained
    prompts = [student_prompt("Ada has 3 pens and gets 2. How many pens has she?")]
    greedy = Sampling(max_new_tokens=40)
    settings = {"name": "vllm", "dtype": "float32", "max_model_len": 512, "enforce_eager": True}
    told = {
        "settings": settings,
        "folder": str(base),
        "adapter": str(adapter),
        "journal": None,
        "unmerged": unmerged,
        "asked": [
            {
                "prompts": [dataclasses.asdict(prompt) for prompt in prompts],
                "sampling": dataclasses.asdict(greedy),
                "take": None,
            }
        ],
    }
    out = tmp_path / "answers.json"
    done = subprocess.run(
        [VLLM, "-m", "tests.vllm_answers", out],
        cwd=ROOT,
        input=json.dumps(told),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    ours = TransformersEngine(base, adapter, FLOAT32).generate(prompts, greedy)
    plain = TransformersEngine(base, None, FLOAT32).generate(prompts, greedy)
    texts = [one.text for one in ours]
    assert [one["text"] for one in json.loads(out.read_text())[0]] == texts
    assert [one.text for one in plain] != texts
