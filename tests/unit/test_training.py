"""Training: the right tokens, the right loss, the same bytes, also after a crash."""

import json
import signal
from types import SimpleNamespace

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, PeftModel, get_peft_model
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from siked.errors import UserError
from siked.models.loading import Loaded, end_of_turn, end_tokens
from siked.settings import Schedule
from siked.training import checkpoints, lean, sft
from siked.training.examples import IGNORED, encode
from siked.training.job import Job
from siked.training.peft import PeftTrainer
from tests.tiny_student import build
from tests.training_jobs import SETTINGS, content, examples_of, job, killed_at, run

FILES = ["adapter_config.json", "adapter_model.safetensors"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return build(tmp_path_factory.mktemp("student") / "base")


@pytest.fixture(scope="module")
def tokenizer(base):
    return AutoTokenizer.from_pretrained(base)


@pytest.fixture(scope="module")
def examples(tokenizer):
    return examples_of(tokenizer)


@pytest.fixture(scope="module")
def undisturbed(examples, base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    return run(examples, base, folder), folder / "adapter"


# Tokens


def test_tokens_are_those_of_prompt_and_completion_and_the_end_of_turn(examples, tokenizer):
    encoded = encode(tokenizer, examples, max_length=256)
    assert encoded.too_long == 0
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    for example, row in zip(examples, encoded.rows, strict=True):
        prompt = tokenizer(example.prompt, add_special_tokens=False).input_ids
        answer = tokenizer(example.completion, add_special_tokens=False).input_ids
        assert row["input_ids"] == [*prompt, *answer, end]
        assert row["labels"] == [IGNORED] * len(prompt) + [*answer, end]


def test_a_wrong_end_of_sequence_does_not_hide_the_template_s_end_of_turn(examples, base):
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.eos_token = "<|im_start|>"
    row = encode(tokenizer, examples[:1], max_length=256).rows[0]
    assert row["input_ids"][-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_without_a_template_a_completion_ends_with_the_end_of_sequence(examples, base):
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = None
    tokenizer.eos_token = "<|endoftext|>"
    row = encode(tokenizer, examples[:1], max_length=256).rows[0]
    assert row["input_ids"][-1] == tokenizer.convert_tokens_to_ids("<|endoftext|>")


@pytest.mark.parametrize("space", ["", " ", "\n"])
def test_generation_ends_where_training_ended(space, examples, base):
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "'<|im_end|>'", f"'{space}<|im_end|>'"
    )
    tokenizer.eos_token = "<|endoftext|>"
    row = encode(tokenizer, examples[:1], max_length=256).rows[0]
    end = row["input_ids"][-1]
    assert end == end_of_turn(tokenizer) == tokenizer.convert_tokens_to_ids("<|im_end|>")
    generation = GenerationConfig(eos_token_id=tokenizer.eos_token_id)
    model = SimpleNamespace(generation_config=generation)
    assert end_tokens(Loaded(model, tokenizer)) == {end, tokenizer.eos_token_id}


def test_too_long_examples_are_left_out_and_counted(examples, tokenizer):
    lengths = [len(row["input_ids"]) for row in encode(tokenizer, examples, 256).rows]
    limit = sorted(lengths)[len(lengths) // 2]
    encoded = encode(tokenizer, examples, limit)
    assert [len(row["input_ids"]) for row in encoded.rows] == [n for n in lengths if n <= limit]
    assert encoded.too_long == sum(n > limit for n in lengths) > 0


def test_one_process_trains_on_one_card_whatever_the_machine_has(
    examples, base, tmp_path, monkeypatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    card = SimpleNamespace(total_memory=80e9)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: card)
    asked = job(examples, base, tmp_path)
    settled = sft.config(asked, torch.device("cuda"), tmp_path, autocast=False)
    assert settled.device.type == "cuda"
    assert settled.n_gpu == 1
    assert settled.train_batch_size == asked.settings.batch_size


# The lean parts compute what they replace


@pytest.mark.parametrize("bias", [False, True])
def test_lora_layer_has_the_gradients_of_its_formula(bias):
    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, 5).double(), torch.randn(4, 5).double()
    a, b = torch.randn(2, 5).double(), torch.randn(4, 2).double()
    offset = torch.randn(4).double() if bias else None
    for tensor in (x, a, b):
        tensor.requires_grad_()

    def layer(x, a, b, path=None):
        return lean._LoraLinear.apply(x, path, weight, offset, a, b, 0.5).view(2, 3, 4)

    expected = functional.linear(x, weight, offset) + 0.5 * (x @ a.t() @ b.t())
    assert torch.allclose(layer(x, a, b), expected)
    assert torch.autograd.gradcheck(layer, (x, a, b))
    path = (2 * x.detach()).requires_grad_()
    assert torch.autograd.gradcheck(layer, (x, a, b, path))


def test_slim_layers_compute_as_peft_s(base):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear"))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    ids = torch.arange(3, 23)[None]
    before = model(ids).logits
    lean.slim(model)
    assert torch.allclose(model(ids).logits, before, atol=1e-4)


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    heads=st.sampled_from([(1, 1), (2, 2), (4, 2), (6, 2)]),
)
@settings(max_examples=40)
def test_attention_sees_each_example_alone(lengths, heads):
    torch.manual_seed(0)
    count, total = sum(lengths), heads[0]
    q, k, v = (
        torch.randn(1, n, count, 4).double().requires_grad_() for n in (total, *heads[1:] * 2)
    )
    layout = lean.Layout(torch.cat([torch.arange(n) for n in lengths])[None], torch.float64)
    packed, _ = lean.attend(None, q, k, v, None, scaling=0.5, layout=layout)
    slope = torch.randn_like(packed)
    ours = torch.autograd.grad(packed, (q, k, v), slope)
    parts = zip(*(torch.split(tensor, lengths, dim=2) for tensor in (q, k, v)), strict=True)
    alone = [
        functional.scaled_dot_product_attention(*part, is_causal=True, scale=0.5, enable_gqa=True)
        for part in parts
    ]
    expected = torch.cat(alone, dim=2).transpose(1, 2)
    assert torch.allclose(packed, expected)
    for mine, theirs in zip(ours, torch.autograd.grad(expected, (q, k, v), slope), strict=True):
        assert torch.allclose(mine, theirs)


@pytest.mark.parametrize("rows", [1, lean.LOGIT_ROWS, lean.LOGIT_ROWS + 7])
def test_summed_loss_is_cross_entropy(rows):
    torch.manual_seed(0)
    hidden, weight = torch.randn(rows, 8, requires_grad=True), torch.randn(30, 8) * 3
    labels = torch.randint(30, (rows,))
    ours = lean.summed_loss(hidden, weight, labels)
    theirs = functional.cross_entropy(hidden @ weight.t(), labels, reduction="sum")
    assert torch.allclose(ours, theirs)
    (mine,), (right,) = (torch.autograd.grad(2 * loss, hidden) for loss in (ours, theirs))
    assert torch.allclose(mine, right, atol=1e-4)


SMALL = {
    "vocab_size": 300,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "initializer_range": 0.3,
    "pad_token_id": 0,
}


@pytest.mark.parametrize("family", sorted(lean.FAMILIES))
def test_loss_of_a_lean_family_is_the_model_s_own(family):
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(family, **SMALL)
    assert lean.fits(config, max_length=64)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    rows = [torch.randint(3, 300, (n,)) for n in (5, 11, 8)]
    labels = [row.clone() for row in rows]
    for label in labels:
        label[:3] = IGNORED
    expected = model(
        input_ids=pad_sequence(rows, batch_first=True),
        attention_mask=pad_sequence([torch.ones_like(row) for row in rows], batch_first=True),
        labels=pad_sequence(labels, batch_first=True, padding_value=IGNORED),
    ).loss
    expected.backward()
    compared = model.model.layers[0].self_attn.q_proj.weight
    slope = compared.grad.clone()
    model.zero_grad()
    model.set_attn_implementation(lean.ATTENTION)
    positions = torch.cat([torch.arange(len(row)) for row in rows])[None]
    loss = sft._loss_of_completions(
        model, torch.cat(rows)[None], torch.cat(labels)[None], positions
    ) / sum(int((label != IGNORED).sum()) for label in labels)
    assert torch.allclose(loss, expected, atol=1e-4)
    loss.backward()
    assert torch.allclose(compared.grad, slope, atol=1e-4)


def test_a_window_shorter_than_the_examples_is_no_lean_case():
    config = transformers.AutoConfig.for_model("mistral", **SMALL, sliding_window=32)
    assert lean.fits(config, max_length=32)
    assert not lean.fits(config, max_length=33)


def test_a_model_that_is_not_lean_trains_to_the_same_loss(examples, base, tmp_path, monkeypatch):
    losses = []
    for families in (lean.FAMILIES, frozenset()):
        monkeypatch.setattr(lean, "FAMILIES", families)
        log = run(examples, base, tmp_path / str(len(families)))
        losses.append([loss for _, loss in log.curve])
    # Twelve steps in bfloat16, where every rounding differs.
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


# Whole trainings


def test_training_learns(undisturbed, examples, base, tokenizer):
    log, adapter = undisturbed
    rows = encode(tokenizer, examples, SETTINGS.max_length).rows
    assert log.rows == len(examples)
    assert log.too_long == 0
    assert log.steps == 2 * len(examples) / SETTINGS.batch_size
    assert log.tokens == 2 * sum(len(row["input_ids"]) for row in rows)
    scored = sum(label != IGNORED for row in rows for label in row["labels"])
    assert log.completion_tokens == 2 * scored
    assert [step for step, _ in log.curve] == list(range(1, log.steps + 1))
    assert log.final_loss < 0.9 * log.curve[0][1]

    def loss(model):
        batch = {name: torch.tensor([row[name] for row in rows[:1]]) for name in rows[0]}
        return model(**batch).loss.item()

    model = AutoModelForCausalLM.from_pretrained(base)
    untrained = loss(model)
    assert loss(PeftModel.from_pretrained(model, str(adapter))) < untrained


def test_adapter_is_two_files_and_names_no_path(undisturbed, base):
    _, adapter = undisturbed
    assert sorted(content(adapter)) == FILES
    config = (adapter / "adapter_config.json").read_text()
    assert str(base.parent) not in config
    assert json.loads(config)["base_model_name_or_path"] == base.name


def test_who_watches_is_told_of_every_step_and_changes_nothing(
    undisturbed, examples, base, tmp_path
):
    log, adapter = undisturbed
    told = []
    watched = run(examples, base, tmp_path, watch=lambda *step: told.append(step))
    assert watched == log
    assert content(tmp_path / "adapter") == content(adapter)
    assert [(step, figures["loss"]) for step, figures in told] == list(log.curve)
    assert {frozenset(figures) for _, figures in told} == {
        frozenset({"loss", "learning_rate", "tokens_per_second"})
    }
    rates = [figures["learning_rate"] for _, figures in told]
    assert max(rates) == SETTINGS.distil.learning_rate
    assert all(figures["tokens_per_second"] > 0 for _, figures in told)


def test_same_seed_same_bytes_another_seed_others(undisturbed, examples, base, tmp_path):
    log, adapter = undisturbed
    again = run(examples, base, tmp_path / "again")
    assert again == log
    assert content(tmp_path / "again" / "adapter") == content(adapter)
    run(examples, base, tmp_path / "other", seed=1)
    assert content(tmp_path / "other" / "adapter") != content(adapter)


def test_checkpoints_are_gone_at_the_end(examples, base, tmp_path, monkeypatch):
    monkeypatch.setattr(sft, "SAVE_EVERY", 0.0)
    run(examples, base, tmp_path)
    assert list((tmp_path / "checkpoints").rglob("*")) == []


def test_accumulated_batches_train_as_one(examples, base, tmp_path):
    whole = run(examples, base, tmp_path / "whole", changed={"batch_size": 4})
    parts = run(
        examples, base, tmp_path / "parts", changed={"batch_size": 2, "gradient_accumulation": 2}
    )
    assert parts.steps == whole.steps
    assert parts.curve[0][1] == pytest.approx(whole.curve[0][1], rel=1e-3)
    assert parts.final_loss == pytest.approx(whole.final_loss, rel=0.02)


def test_a_start_is_gone_on_from(undisturbed, examples, base, tmp_path):
    log, adapter = undisturbed
    before = content(adapter)
    further = run(examples, base, tmp_path, start=adapter)
    assert further.curve[0][1] < log.curve[0][1]
    assert further.final_loss < log.final_loss
    assert content(adapter) == before


# Crashes


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 8])  # in the first epoch and in the second
def test_a_killed_training_ends_as_an_undisturbed_one(
    step, undisturbed, examples, base, tmp_path, monkeypatch
):
    log, adapter = undisturbed
    assert killed_at(step, signal.SIGKILL, base, tmp_path)[0] == -signal.SIGKILL
    assert not (tmp_path / "adapter").exists()
    (kept,) = (tmp_path / "checkpoints").iterdir()
    done = int(checkpoints.find_latest(kept).name.split("-")[1])
    assert done >= step
    taken = []
    whole_step = sft.Loop.training_step

    def counted(*arguments, **named):
        taken.append(1)
        return whole_step(*arguments, **named)

    monkeypatch.setattr(sft.Loop, "training_step", counted)
    assert run(examples, base, tmp_path) == log
    assert len(taken) == log.steps - done
    assert content(tmp_path / "adapter") == content(adapter)


@pytest.mark.slow
def test_interrupt_keeps_the_work(undisturbed, examples, base, tmp_path):
    log, adapter = undisturbed
    assert killed_at(3, signal.SIGINT, base, tmp_path)[0] == 130
    assert not (tmp_path / "adapter").exists()
    (kept,) = (tmp_path / "checkpoints").iterdir()
    assert int(checkpoints.find_latest(kept).name.split("-")[1]) >= 3
    assert run(examples, base, tmp_path) == log
    assert content(tmp_path / "adapter") == content(adapter)


def test_a_torn_checkpoint_is_passed_over(tmp_path):
    for step, state in ((10, '{"global_step": 10}'), (9, "{}"), (20, '{"global_'), (30, None)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
    assert checkpoints.find_latest(tmp_path) == tmp_path / "checkpoint-10"
    checkpoints.keep_latest(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-10"]


def test_checkpoints_of_another_job_are_not_taken(examples, base, undisturbed, tmp_path):
    _, adapter = undisturbed
    first = job(examples, base, tmp_path)
    others = [
        job(examples[:-1], base, tmp_path),
        job(examples[::-1], base, tmp_path),
        job(examples, base, tmp_path, weight_decay=0.0),
        job(examples, base, tmp_path, lora=SETTINGS.lora.model_copy(update={"rank": 8})),
        job(examples, build(tmp_path / "base", seed=1), tmp_path),
        Job(**vars(first) | {"seed": 1}),
        Job(**vars(first) | {"start": adapter}),
        Job(**vars(first) | {"schedule": Schedule(epochs=3, learning_rate=1e-2)}),
    ]
    folders = {checkpoints.choose_folder(one, PeftTrainer()) for one in (first, *others)}
    assert len(folders) == 1 + len(others)
    assert checkpoints.choose_folder(job(examples, base, tmp_path), PeftTrainer()) in folders


# Bad input


def test_no_examples(base, tmp_path):
    with pytest.raises(UserError, match="no examples"):
        run([], base, tmp_path)


def test_all_examples_too_long(examples, base, tmp_path):
    with pytest.raises(UserError, match=r"train\.max_length: all 24 examples .* than 8 tokens"):
        run(examples, base, tmp_path, changed={"max_length": 8})


def test_base_is_not_a_model(examples, tmp_path):
    with pytest.raises(UserError, match="no such model folder"):
        run(examples, tmp_path / "nothing", tmp_path)


def test_start_is_not_an_adapter(examples, base, tmp_path):
    with pytest.raises(UserError, match="is not an adapter folder"):
        run(examples, base, tmp_path, start=base)


def test_start_has_another_rank(undisturbed, examples, base, tmp_path):
    rank = SETTINGS.lora.model_copy(update={"rank": 8})
    with pytest.raises(UserError, match=r"train\.lora\.rank: is 8, but .* has 4"):
        run(examples, base, tmp_path, start=undisturbed[1], changed={"lora": rank})


def test_a_loss_that_is_no_number_stops_the_training(examples, tmp_path):
    folder = tmp_path / "broken"
    model = AutoModelForCausalLM.from_pretrained(build(folder))
    model.model.norm.weight.data.fill_(torch.nan)
    model.save_pretrained(folder)
    with pytest.raises(UserError, match="not a number at step 1: lower learning_rate"):
        run(examples, folder, tmp_path)
    assert not (tmp_path / "adapter").exists()
