"""The transformers engine: what a sample is made of, whatever shares its batch."""

import dataclasses
from itertools import groupby
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Gemma2Config,
    Gemma2ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from siked.errors import UserError
from siked.generation import auto
from siked.generation.decoding.loop import _branches
from siked.generation.engine import Sampling
from siked.generation.journal.engine import open_journaled
from siked.generation.transformers import CPU_TOKENS, TransformersEngine, _batches, _budget
from siked.prompts import encode, student_prompt, tokens
from siked.settings import AutoSettings, TransformersSettings, VllmSettings
from tests import tiny_student

SETTINGS = TransformersSettings(
    name="transformers", device="cpu", dtype="float32", batch_tokens=4000
)
QUESTIONS = [
    "How many?",
    "A baker sells 12 rolls for $3 each. How many dollars does she get?",
    "A baker sells 5 rolls for $4 each and 17 cakes for $2.50 each. How many dollars in all?",
    "Is 7 more than 3 x 2?",
    "Solve 1 + 1.",
]
FREE = [student_prompt(question, question_id=question) for question in QUESTIONS]
STRATEGIES = ("cot", "l2m", "pot")
PROMPTS = [*FREE, *(student_prompt(QUESTIONS[2], strategy=strategy) for strategy in STRATEGIES)]
"""A question's strategies are read as one beginning and a tag each."""
DRAWN = Sampling(samples=3, temperature=2.0, top_p=0.99, max_new_tokens=80, seed=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_student.build(tmp_path_factory.mktemp("tiny"))


def gemma(vocabulary):
    """Soft caps, and a window shorter than the prompts in every other layer."""
    return Gemma2ForCausalLM(
        Gemma2Config(
            vocab_size=vocabulary,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=8,
            sliding_window=16,
            attn_logit_softcapping=2.0,
            query_pre_attn_scalar=1,
            initializer_range=0.3,
            eos_token_id=2,
            pad_token_id=0,
            bos_token_id=1,
        )
    )


def qwen(vocabulary):
    """Biases on queries, keys and values; one key head for all."""
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=vocabulary,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=1,
            initializer_range=0.3,
            eos_token_id=2,
            pad_token_id=0,
            bos_token_id=1,
        )
    )


@pytest.fixture(params=["llama", gemma, qwen], ids=lambda one: getattr(one, "__name__", one))
def any_folder(request, folder, tmp_path):
    if request.param == "llama":
        return folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(0)
    request.param(len(tokenizer)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def engine(folder):
    return TransformersEngine(folder, None, SETTINGS)


def by_place(completions):
    return {(one.prompt, one.sample): one for one in completions}


def test_greedy_text_is_what_transformers_generates(any_folder):
    engine = TransformersEngine(any_folder, None, SETTINGS)
    ours = by_place(engine.generate(PROMPTS, Sampling(max_new_tokens=40)))
    model = AutoModelForCausalLM.from_pretrained(
        any_folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    tokenizer = AutoTokenizer.from_pretrained(any_folder)
    for index, prompt in enumerate(PROMPTS):
        ids = encode(tokenizer, prompt)
        out = model.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=40)
        theirs = out[0, len(ids) :].tolist()
        one = ours[index, 0]
        assert one.text == tokenizer.decode(theirs, skip_special_tokens=True)
        assert one.completion_tokens == len(theirs)
        assert one.prompt_tokens == len(ids)
    assert len({one.text for one in ours.values()}) > 1


def test_greedy_text_of_a_padded_batch_is_what_transformers_generates(engine, folder):
    ours = by_place(engine.generate(PROMPTS, Sampling(max_new_tokens=16)))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    batch = tokenizer.pad({"input_ids": [encode(tokenizer, one) for one in PROMPTS]})
    out = model.generate(
        torch.tensor(batch["input_ids"]),
        attention_mask=torch.tensor(batch["attention_mask"]),
        do_sample=False,
        max_new_tokens=16,
    )
    start = len(batch["input_ids"][0])
    texts = tokenizer.batch_decode(out[:, start:], skip_special_tokens=True)
    assert [ours[index, 0].text for index in range(len(PROMPTS))] == texts


def test_a_sample_does_not_depend_on_its_batch(any_folder):
    engine = TransformersEngine(any_folder, None, SETTINGS)
    together = by_place(engine.generate(PROMPTS, DRAWN))
    small = TransformersEngine(any_folder, None, SETTINGS.model_copy(update={"batch_tokens": 1}))
    assert by_place(small.generate(PROMPTS, DRAWN)) == together
    alone = by_place(engine.generate([PROMPTS[2]], DRAWN))
    assert [alone[0, k].text for k in range(3)] == [together[2, k].text for k in range(3)]
    assert len({one.text for one in together.values()}) > len(PROMPTS)
    lengths = {one.completion_tokens for one in together.values()}
    assert len(lengths) > 1, "rows must end at different steps for this test to mean anything"


def test_a_batch_that_a_card_has_no_room_for_goes_on_in_halves(engine, monkeypatch, capsys):
    whole = by_place(engine.generate(PROMPTS, DRAWN))
    run = engine._run
    tries = []

    def full_with_two_prompts(prompts, ids, sampling):
        tries.append(len(prompts))
        for step, written in enumerate(run(prompts, ids, sampling)):
            if len(prompts) > 2 and step > 4:
                raise torch.OutOfMemoryError("CUDA out of memory")
            yield written

    monkeypatch.setattr(engine, "_run", full_with_two_prompts)
    found = list(engine.generate(PROMPTS, DRAWN))
    assert by_place(found) == whole
    assert len(found) == len(whole), "none is given twice"
    assert tries[0] == len(PROMPTS)
    assert max(tries[1:]) < len(PROMPTS)
    assert "no room on the card" in capsys.readouterr().err


def test_one_prompt_that_a_card_has_no_room_for_is_one_line(engine, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")
        yield

    monkeypatch.setattr(engine, "_run", full)
    with pytest.raises(UserError, match="no room for 3 samples of one prompt: lower samples"):
        list(engine.generate(PROMPTS, DRAWN))


def test_more_samples_keep_the_first_ones(engine):
    few = by_place(engine.generate(PROMPTS, DRAWN))
    many = by_place(engine.generate(PROMPTS, dataclasses.replace(DRAWN, samples=7)))
    assert few.items() <= many.items()
    assert len(many) == 7 * len(PROMPTS)


def test_same_seed_same_samples_and_another_seed_others(engine):
    first = by_place(engine.generate(PROMPTS, DRAWN))
    assert by_place(engine.generate(PROMPTS, DRAWN)) == first
    assert by_place(engine.generate(PROMPTS, dataclasses.replace(DRAWN, seed=4))) != first


def test_samples_of_one_prompt_differ(engine):
    drawn = dataclasses.replace(DRAWN, samples=6)
    assert len({one.text for one in engine.generate([PROMPTS[1]], drawn)}) > 1


def test_truncation_is_told_from_an_end(engine):
    completions = list(engine.generate(PROMPTS, dataclasses.replace(DRAWN, samples=8)))
    cut = [one for one in completions if one.finish_reason == "length"]
    ended = [one for one in completions if one.finish_reason == "stop"]
    assert {one.completion_tokens for one in cut} == {DRAWN.max_new_tokens}
    assert ended
    assert "<|im_end|>" not in "".join(one.text for one in ended)


def test_a_stop_string_ends_the_text_before_it(engine):
    free = Sampling(max_new_tokens=40)
    whole = by_place(engine.generate(PROMPTS, free))
    text = whole[1, 0].text
    stop = text[len(text) // 2 :][:3]
    cut = by_place(engine.generate(PROMPTS, dataclasses.replace(free, stop=(stop,))))
    assert cut[1, 0].text == text[: text.index(stop)]
    assert cut[1, 0].finish_reason == "stop"
    assert cut[1, 0].completion_tokens < whole[1, 0].completion_tokens
    for index in range(len(PROMPTS)):
        assert cut[index, 0].text == whole[index, 0].text.split(stop)[0]


def test_a_forced_strategy_is_read_and_not_repeated(engine):
    forced = student_prompt(QUESTIONS[1], strategy="pot")
    free = student_prompt(QUESTIONS[1])
    one, other = engine.generate([forced, free], Sampling(max_new_tokens=12))
    assert {one.prompt, other.prompt} == {0, 1}
    assert one.text != other.text
    assert "[pot]" not in one.text + other.text


def test_streamed_pieces_make_up_the_text(engine):
    pieces = []
    sampling = Sampling(max_new_tokens=40)
    streamed = engine.stream(PROMPTS[2], sampling, pieces.append)
    assert "".join(pieces) == streamed.text
    assert len(pieces) > 1
    assert streamed.text == next(engine.generate([PROMPTS[2]], sampling)).text


def test_a_question_is_read_once_for_all_of_its_strategies(engine, monkeypatch):
    read = []
    forward = engine._decoder._forward

    def counted(store, tokens, positions, **more):
        read.append(len(tokens))
        return forward(store, tokens, positions, **more)

    monkeypatch.setattr(engine._decoder, "_forward", counted)
    asked = [student_prompt(text, strategy=one) for text in QUESTIONS for one in STRATEGIES]
    lengths = [one.prompt_tokens for one in engine.generate(asked, Sampling(max_new_tokens=1))]
    tokenizer = engine._tokenizer
    tags = sum(len(tokens(tokenizer, prompt.prefix)) for prompt in asked)
    questions = [encode(tokenizer, prompt) for prompt in FREE]
    assert sum(read) <= sum(map(len, questions)) + tags < sum(lengths) / 2


@given(st.lists(st.lists(st.integers(0, 2), min_size=1), min_size=1))
def test_parts_that_are_read_once_make_up_the_prompts(prompts):
    whole = [[]]
    for parents, parts in _branches(prompts):
        assert sum(map(len, parts)), "a pass over the model reads something"
        whole = [[*whole[parent], *part] for parent, part in zip(parents, parts, strict=True)]
    assert whole == prompts
    assert all(parts), "what a sample goes on from has been read last"


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 9)), max_size=40), st.integers(1, 400))
def test_batches_hold_every_prompt_once_within_the_budget(prompts, budget):
    lengths, stems = [length for length, _ in prompts], [stem for _, stem in prompts]
    sampling = Sampling(samples=2, max_new_tokens=5)
    batches = _batches(lengths, stems, sampling, budget)
    assert sorted(index for batch in batches for index in batch) == list(range(len(prompts)))
    order = [stems[index] for batch in batches for index in batch]
    assert len([stem for stem, _ in groupby(order)]) == len(set(stems)), "stems stay together"
    for batch in batches:
        assert len(batch) == 1 or sum(lengths[index] + 10 for index in batch) <= budget


def test_batches_are_even():
    sampling = Sampling(max_new_tokens=28)
    batches = _batches(128 * [100], range(128), sampling, 127 * 128)
    assert [len(batch) for batch in batches] == [64, 64], "not 127 and 1"


def test_no_prompts_no_completions(engine):
    assert list(engine.generate([], DRAWN)) == []


def test_a_prompt_too_long_for_the_model_names_its_question(engine):
    long = student_prompt("12 rolls " * 2000, question_id="gsm8k-train-00017")
    with pytest.raises(UserError, match="gsm8k-train-00017: its prompt of"):
        list(engine.generate([long], Sampling(max_new_tokens=8)))


def test_merged_adapter_answers_like_the_unmerged_one(folder, tmp_path):
    from peft import LoraConfig, PeftModel, get_peft_model

    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    torch.manual_seed(1)
    get_peft_model(base, config).save_pretrained(tmp_path)
    sampling = Sampling(max_new_tokens=20)
    merged = next(TransformersEngine(folder, tmp_path, SETTINGS).generate([PROMPTS[1]], sampling))
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, str(tmp_path)).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = encode(tokenizer, PROMPTS[1])
    out = model.generate(input_ids=torch.tensor([ids]), do_sample=False, max_new_tokens=20)
    assert merged.text == tokenizer.decode(out[0, len(ids) :], skip_special_tokens=True)
    plain = next(TransformersEngine(folder, None, SETTINGS).generate([PROMPTS[1]], sampling))
    assert plain.text != merged.text


def test_what_is_no_model_or_adapter_is_named(folder, tmp_path):
    with pytest.raises(UserError, match=r"it has no config\.json"):
        TransformersEngine(tmp_path, None, SETTINGS)
    with pytest.raises(UserError, match="no such model folder"):
        TransformersEngine(tmp_path / "none", None, SETTINGS)
    with pytest.raises(UserError, match=r"it has no adapter_config\.json"):
        TransformersEngine(folder, tmp_path, SETTINGS)


# What `auto` means


AUTO = AutoSettings(name="auto", dtype="float32", max_model_len=512)


def test_auto_is_transformers_without_a_card(folder, tmp_path):
    journal = open_journaled(AUTO, folder, journal=tmp_path)
    assert journal.name == "transformers"
    ours = by_place(journal.generate(PROMPTS, DRAWN))
    theirs = by_place(TransformersEngine(folder, None, SETTINGS).generate(PROMPTS, DRAWN))
    assert ours == theirs


def test_auto_is_vllm_where_a_card_and_the_package_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(auto, "find_spec", lambda name: name == "vllm")
    assert auto.choose(AUTO) == VllmSettings(name="vllm", dtype="float32", max_model_len=512)
    monkeypatch.setattr(auto, "find_spec", lambda name: None)
    assert auto.choose(AUTO).name == "transformers"


def test_an_automatic_budget_is_what_a_card_holds_and_the_same_every_time(monkeypatch):
    settings = SETTINGS.model_copy(update={"batch_tokens": "auto"})
    config = Qwen2Config(
        vocab_size=50_000,
        hidden_size=576,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
    )
    config.get_text_config = lambda: config
    model = SimpleNamespace(
        config=config,
        dtype=torch.bfloat16,
        device=torch.device("cuda"),
        parameters=lambda: [torch.empty(135_000_000, dtype=torch.bfloat16, device="meta")],
    )
    budgets = []
    for gib in (1, 16, 80):
        card = SimpleNamespace(total_memory=gib * 2**30)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device, card=card: card)
        budgets.append(_budget(settings, model))
    assert budgets[0] == CPU_TOKENS < budgets[1] < budgets[2]
    tokens = budgets[2]
    keys_and_values = tokens * 30 * 2 * 3 * 64 * 2
    logits = tokens / 64 * 50_000 * 20
    assert 0.7 < (keys_and_values + logits) / (80 * 2**30) < 0.9
    model.device = torch.device("cpu")
    assert _budget(settings, model) == CPU_TOKENS
