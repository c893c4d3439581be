"""Full fine-tuning, DoRA and the like are settings: each learns, goes on, and loads everywhere."""

import json
import sys
from importlib import invalidate_caches

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from siked.errors import UserError
from siked.models import loading as models
from siked.models import student_format
from siked.settings import TransformersSettings
from siked.training import peft
from siked.training.loop import BEST
from tests.tiny_student import build
from tests.training_jobs import SETTINGS, changed_settings, content, examples_of, run

FLOAT32 = TransformersSettings(
    name="transformers", device="cpu", dtype="float32", batch_tokens=1024
)
KINDS = {
    "dora": {"lora": SETTINGS.lora.model_dump() | {"dora": True}},
    "rslora": {"lora": SETTINGS.lora.model_dump() | {"rslora": True}},
    "full": {"lora": None},
    "recomputed": {"gradient_checkpointing": "full"},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return build(tmp_path_factory.mktemp("student") / "base")


@pytest.fixture(scope="module")
def examples(base):
    return examples_of(AutoTokenizer.from_pretrained(base))


@pytest.fixture(scope="module")
def plain(examples, base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    return run(examples, base, folder), folder / "adapter"


@pytest.fixture(scope="module")
def trained(examples, base, tmp_path_factory):
    done = {}

    def of(kind):
        if kind not in done:
            folder = tmp_path_factory.mktemp(kind)
            done[kind] = run(examples, base, folder, changed=KINDS[kind]), folder / "adapter"
        return done[kind]

    return of


def logits(model, examples, tokenizer):
    ids = tokenizer(examples[0].prompt, return_tensors="pt").input_ids
    with torch.no_grad():
        return model(ids).logits.float()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_learns_and_goes_on(kind, trained, examples, base, tmp_path):
    log, student = trained(kind)
    # A random model learns from 24 short examples in twelve steps; all of it, faster.
    assert log.final_loss < 0.92 * log.curve[0][1]
    further = run(examples, base, tmp_path, start=student, changed=KINDS[kind])
    assert further.final_loss < log.final_loss
    again = run(examples, base, tmp_path / "again", changed=KINDS[kind])
    assert again == log
    assert content(tmp_path / "again" / "adapter") == content(student)


@pytest.mark.parametrize("kind", ["dora", "rslora"])
def test_kinds_of_adapter_differ_and_merge_to_what_they_compute(
    kind, trained, plain, examples, base
):
    _, student = trained(kind)
    config = json.loads((student / "adapter_config.json").read_text())
    assert config[f"use_{kind}"] is True
    assert content(student) != content(plain[1])
    tokenizer = AutoTokenizer.from_pretrained(base)
    beside = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    expected = logits(PeftModel.from_pretrained(beside, str(student)), examples, tokenizer)
    merged = models.load(base, student, FLOAT32).model
    assert torch.allclose(logits(merged, examples, tokenizer), expected, atol=1e-4)


def test_recomputing_activations_changes_no_byte(trained, plain):
    log, student = trained("recomputed")
    assert log == plain[0]
    assert content(student) == content(plain[1])


def test_a_whole_model_is_a_model_folder_like_its_base(trained, examples, base):
    log, student = trained("full")
    assert {path.name for path in student.iterdir()} == {path.name for path in base.iterdir()}
    for path in base.iterdir():
        same = path.read_bytes() == (student / path.name).read_bytes()
        assert same == (path.suffix != ".safetensors"), path.name
    assert log.dtype == "float32"
    tokenizer = AutoTokenizer.from_pretrained(student)
    alone = AutoModelForCausalLM.from_pretrained(student)
    assert alone.dtype == AutoModelForCausalLM.from_pretrained(base).dtype
    loaded = models.load(base, student, FLOAT32)
    assert torch.allclose(
        logits(loaded.model, examples, tokenizer), logits(alone, examples, tokenizer), atol=1e-5
    )


def test_a_whole_model_is_a_student(trained, base):
    _, student = trained("full")
    student_format.write(student, base, "path:models/base", ["cot"])
    try:
        assert student_format.read(student).strategies == ("cot",)
    finally:
        (student / student_format.NAME).unlink()
    assert models.find_parts(base, student) == (student, None)
    assert models.find_parts(base, None) == (base, None)


def test_what_was_said_of_a_student_is_not_said_of_the_next(trained, examples, base, tmp_path):
    _, student = trained("full")
    (student / "README.md").write_text("card")
    try:
        run(examples, base, tmp_path, start=student, changed=KINDS["full"])
    finally:
        (student / "README.md").unlink()
    assert not (tmp_path / "adapter" / "README.md").exists()


def test_going_on_with_another_kind_is_one_line(trained, plain, examples, base, tmp_path):
    cases = [
        (plain[1], "full", "train.lora: is null, but the student to go on from"),
        (trained("full")[1], "dora", "is not an adapter folder"),
        (plain[1], "dora", r"train\.lora\.dora: is True, but .* has False"),
        (trained("rslora")[1], "dora", r"train\.lora\.dora: is True, but .* has False"),
    ]
    for start, kind, message in cases:
        with pytest.raises(UserError, match=message):
            run(examples, base, tmp_path, start=start, changed=KINDS[kind])


def test_an_adapter_of_other_modules_is_not_gone_on_from(plain, examples, base, tmp_path):
    lora = SETTINGS.lora.model_dump() | {"target_modules": ["q_proj"]}
    with pytest.raises(UserError, match=r"train\.lora\.target_modules: the adapter"):
        run(examples, base, tmp_path, start=plain[1], changed={"lora": lora})


def test_four_bits_need_cuda(examples, base, tmp_path):
    if models.device_and_dtype(BEST)[0].type == "cuda":
        pytest.skip("there is CUDA here")
    lora = SETTINGS.lora.model_dump() | {"base_bits": 4}
    with pytest.raises(UserError, match=r"train\.lora\.base_bits: 4 needs CUDA"):
        run(examples, base, tmp_path, changed={"lora": lora})


def test_cudnn_plans_no_attention_for_every_length_anew():
    torch.backends.cuda.enable_cudnn_sdp(True)
    models.device_and_dtype(FLOAT32)
    assert not torch.backends.cuda.cudnn_sdp_enabled()


def test_flash_attention_of_another_pytorch_is_left_out_with_a_line(tmp_path, monkeypatch, capsys):
    assert not peft._has_flash_attention()
    (tmp_path / "flash_attn.py").write_text("raise ImportError('undefined symbol: _ZN3c104')")
    monkeypatch.syspath_prepend(tmp_path)
    assert not peft._has_flash_attention()
    assert capsys.readouterr().err == (
        "train: flash_attn is left out, it does not load: undefined symbol: _ZN3c104\n"
    )
    (tmp_path / "flash_attn.py").write_text("")
    invalidate_caches()
    assert peft._has_flash_attention()
    del sys.modules["flash_attn"]


def test_unsloth_s_checkpointing_is_for_unsloth_alone(examples, base, tmp_path):
    with pytest.raises(ValueError, match="unsloth needs trainer: unsloth"):
        changed_settings({"trainer": "peft", "gradient_checkpointing": "unsloth"})
    if models.device_and_dtype(BEST)[0].type == "cuda":
        pytest.skip("there is CUDA here, where auto may mean unsloth")
    with pytest.raises(UserError, match="unsloth needs trainer: unsloth"):
        run(examples, base, tmp_path, changed={"gradient_checkpointing": "unsloth"})
