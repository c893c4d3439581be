"""Every family of models that people distil into, from `base` to an export: docs/models.md's table.

Each is a random model of a few thousand parameters with its family's own kind of chat template. A
row of the table is what its test sees; `make models-page` writes the page anew.
"""

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from peft import PeftModel
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from siked.errors import UserError
from siked.exporting.exporter import Exporter
from siked.generation.engine import Sampling
from siked.generation.transformers import TransformersEngine
from siked.models import student_format
from siked.models.fetch import fetch
from siked.models.loading import check_targets, end_tokens, load, load_tokenizer, load_weights
from siked.prompts import Prompt, encode, render, student_prompt
from siked.settings import StudentSettings, TransformersSettings
from siked.training import examples as training_examples
from siked.training.examples import IGNORED
from tests import tiny_student
from tests.training_jobs import SETTINGS as TRAINING
from tests.training_jobs import examples_of, run

PAGE = Path(__file__).parents[2] / "docs/models.md"
REWRITES = os.environ.get("SIKED_WRITE_MODELS_PAGE")
SEEN: dict[str, str] = {}
"""Rows of the table, by their families' names."""
TRL = Path(find_spec("trl").origin).parent / "chat_templates"
SETTINGS = TransformersSettings(
    name="transformers", device="cpu", dtype="float32", batch_tokens=4000
)
QUESTIONS = ["How many?", "A baker sells 12 rolls for $3 each. How many dollars does she get?"]
NEW_TOKENS = 10
DRAWN = Sampling(samples=3, temperature=2.0, top_p=0.99, max_new_tokens=30, seed=3)


class Template(NamedTuple):
    """A kind of chat template, and the tokens that it begins and ends with."""

    text: str | None
    bos: str
    eos: str
    """Ends the assistant's turn."""


def of_trl(name: str, bos: str, eos: str) -> Template:
    return Template((TRL / f"{name}.jinja").read_text(), bos, eos)


TURNS = (
    "{% for m in messages %}{% if m.role == 'user' %}{{ USER }}{% elif m.role == 'system' %}"
    "{{ SYSTEM }}{% else %}{{ ANSWER }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ BEGIN }}{% endif %}"
)


def of_turns(bos: str, eos: str, **parts: str) -> Template:
    text = TURNS
    for name, part in parts.items():
        text = text.replace(name, part)
    return Template(text, bos, eos)


TEMPLATES = {
    "Llama 3.2": of_trl("llama3_2", "<|begin_of_text|>", "<|eot_id|>"),
    "Qwen2.5": of_trl("qwen2_5", "<|endoftext|>", "<|im_end|>"),
    "Qwen3": of_trl("qwen3", "<|endoftext|>", "<|im_end|>"),
    "Qwen3.5": of_trl("qwen3_5_think", "<|endoftext|>", "<|im_end|>"),
    "ChatML": Template(tiny_student.TEMPLATE, "<|endoftext|>", "<|im_end|>"),
    "Gemma": of_trl("gemma", "<bos>", "<end_of_turn>"),
    "Gemma 3": of_trl("gemma3", "<bos>", "<end_of_turn>"),
    "Phi-3": of_trl("phi3", "<s>", "<|end|>"),
    "Cohere": of_trl("cohere", "<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>"),
    "GLM-4": of_trl("glm4moe", "[gMASK]", "<|user|>"),
    "gpt-oss": of_trl("gptoss", "<|startoftext|>", "<|return|>"),
    "LFM2": of_trl("lfm2", "<|startoftext|>", "<|im_end|>"),
    "Nemotron": of_trl("nemotron_3_nano", "<s>", "<|im_end|>"),
    "Mistral": of_turns(
        *("<s>", "</s>"),
        SYSTEM="raise_exception('no system role')",
        USER="(bos_token if loop.first else '') + '[INST] ' + m.content + ' [/INST]'",
        ANSWER="' ' + m.content + eos_token",
        BEGIN="''",
    ),
    "Granite": of_turns(
        *("<|begin_of_text|>", "<|end_of_text|>"),
        SYSTEM="'<|start_of_role|>system<|end_of_role|>' + m.content + eos_token",
        USER="'<|start_of_role|>user<|end_of_role|>' + m.content + eos_token",
        ANSWER="'<|start_of_role|>assistant<|end_of_role|>' + m.content + eos_token",
        BEGIN="'<|start_of_role|>assistant<|end_of_role|>'",
    ),
    "OLMo 2": of_turns(
        *("<|startoftext|>", "<|endoftext|>"),
        SYSTEM="'<|system|>\n' + m.content + '\n'",
        USER="'<|user|>\n' + m.content + '\n'",
        ANSWER="'<|assistant|>\n' + m.content + eos_token",
        BEGIN="'<|assistant|>\n'",
    ),
    "Falcon": of_turns(
        *("<|startoftext|>", "<|endoftext|>"),
        SYSTEM="m.content + '\n\n'",
        USER="'User: ' + m.content",
        ANSWER="'\n\nAssistant: ' + m.content + eos_token",
        BEGIN="'\n\nAssistant:'",
    ),
    "none": Template(None, "<s>", "</s>"),
}
SPECIAL = re.compile(r"<\|\w+\|>|<(?:start|end)_of_turn>|\[/?INST\]")

SIZE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
LAYERS = SIZE | {"intermediate_size": 64}
SHARED = LAYERS | {"num_key_value_heads": 2, "head_dim": 8}
WINDOW = SHARED | {"sliding_window": 16}
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
MAMBA_2 = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8}
LINEAR = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}


class Family(NamedTuple):
    """A family of models."""

    name: str
    template: str
    """Its kind, of ``TEMPLATES``."""
    shape: dict
    """Of a small one."""
    targets: tuple[str, ...] = ()
    """The modules to adapt, where peft does not adapt all linear ones."""


FAMILIES = {
    "llama": Family("Llama 3", "Llama 3.2", SHARED),
    "qwen2": Family("Qwen2", "Qwen2.5", LAYERS | {"num_key_value_heads": 2}),
    "qwen3": Family("Qwen3", "Qwen3", SHARED),
    "qwen3_5_text": Family("Qwen3.5", "Qwen3.5", SHARED | LINEAR),
    "qwen3_next": Family(
        "Qwen3-Next",
        "Qwen3",
        SHARED
        | LINEAR
        | {"num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 16}
        | {"shared_expert_intermediate_size": 16},
    ),
    "gemma": Family("Gemma", "Gemma", SHARED),
    "gemma2": Family("Gemma 2", "Gemma", WINDOW),
    "gemma3_text": Family("Gemma 3", "Gemma 3", WINDOW),
    "phi": Family("Phi", "none", LAYERS),
    "phi3": Family("Phi-3", "Phi-3", LAYERS | {"num_key_value_heads": 2, "pad_token_id": 0}),
    "mistral": Family("Mistral", "Mistral", WINDOW),
    "mixtral": Family("Mixtral", "Mistral", SHARED | EXPERTS),
    "smollm3": Family("SmolLM3", "ChatML", LAYERS | {"num_key_value_heads": 2}),
    "olmo2": Family("OLMo 2", "OLMo 2", LAYERS | {"num_key_value_heads": 2}),
    "granite": Family("Granite", "Granite", LAYERS | {"num_key_value_heads": 2}),
    "granitemoehybrid": Family(
        "Granite 4",
        "Granite",
        LAYERS
        | {"num_key_value_heads": 2, "layer_types": ["mamba", "attention"]}
        | MAMBA_2
        | {"num_local_experts": 0},
    ),
    "cohere": Family("Cohere", "Cohere", LAYERS | {"num_key_value_heads": 2}),
    "starcoder2": Family("Starcoder2", "none", LAYERS | {"num_key_value_heads": 2}),
    "stablelm": Family("StableLM", "OLMo 2", LAYERS | {"num_key_value_heads": 4}),
    "glm4": Family("GLM-4", "GLM-4", SHARED),
    "gpt_oss": Family("gpt-oss", "gpt-oss", WINDOW | EXPERTS),
    "falcon": Family("Falcon", "Falcon", SIZE),
    "falcon_h1": Family(
        "Falcon-H1",
        "ChatML",
        SHARED | MAMBA_2 | {"mamba_d_ssm": 64},
        ("q_proj", "v_proj", "in_proj", "up_proj"),
    ),
    "lfm2": Family(
        "LFM2",
        "LFM2",
        LAYERS | {"num_key_value_heads": 2, "layer_types": ["conv", "full_attention"]},
    ),
    "nemotron_h": Family(
        "Nemotron-H",
        "Nemotron",
        SHARED
        | {"mamba_num_heads": 8, "mamba_head_dim": 8, "ssm_state_size": 8, "n_groups": 2}
        | {"moe_intermediate_size": 16, "moe_shared_expert_intermediate_size": 16},
        ("q_proj", "v_proj", "in_proj"),
    ),
    "jamba": Family(
        "Jamba",
        "ChatML",
        LAYERS
        | {"num_key_value_heads": 2, "attn_layer_period": 2, "attn_layer_offset": 1}
        | {"num_experts": 2, "use_mamba_kernels": False},
    ),
    "gpt2": Family(
        "GPT-2",
        "none",
        {"n_embd": 32, "n_layer": 2, "n_head": 4}
        | dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
    ),
    "gpt_neox": Family("GPT-NeoX, Pythia", "none", LAYERS),
    "gptj": Family("GPT-J", "none", {"n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4}),
    "opt": Family(
        "OPT",
        "none",
        SIZE | {"ffn_dim": 64, "word_embed_proj_dim": 32, "init_std": 0.3, "dropout": 0.0},
    ),
    "mpt": Family("MPT", "none", {"d_model": 32, "n_layers": 2, "n_heads": 4}),
    "bloom": Family("Bloom", "none", {"hidden_size": 32, "n_layer": 2, "n_head": 4}),
    "mamba": Family(
        *("Mamba", "none", {"hidden_size": 32, "num_hidden_layers": 2}, ("in_proj", "x_proj"))
    ),
}
QUICK = {"llama", "qwen2", "gemma2", "granitemoehybrid"}
"""Dense, with a window and capped logits, a hybrid with Mamba: what the fast tests see."""


def build(family: str, folder: Path) -> Path:
    """Save a random model of a family with a tokenizer of its kind of chat template."""
    template = TEMPLATES[FAMILIES[family].template]
    tokenizer = tiny_student.make_tokenizer(
        template.text,
        bos=template.bos,
        eos=template.eos,
        special=SPECIAL.findall(template.text or ""),
    )
    ends = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id")}
    shape = {"initializer_range": 0.3, "pad_token_id": 0} | FAMILIES[family].shape
    config = AutoConfig.for_model(family, vocab_size=len(tokenizer), **shape, **ends)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def mean_loss(base: Path, rows: list[dict[str, list[int]]]) -> float:
    """The loss of examples, each read alone: nats a completion token."""
    model = load_weights(base, attn_implementation="eager").eval()
    total = count = 0.0
    for row in rows:
        ids, labels = (torch.tensor([row[key]]) for key in ("input_ids", "labels"))
        scored = int((labels != IGNORED).sum())
        with torch.no_grad():
            total += scored * float(model(input_ids=ids, labels=labels).loss)
        count += scored
    return total / count


@pytest.mark.parametrize(
    "family",
    [one if one in QUICK else pytest.param(one, marks=pytest.mark.slow) for one in FAMILIES],
)
def test_a_family_goes_from_base_to_export(family, tmp_path, capsys):
    source, base = build(family, tmp_path / "source"), tmp_path / "base"
    fetch(StudentSettings(source=f"path:{source}"), base, tmp_path / "cache")
    targets = FAMILIES[family].targets or "all-linear"
    check_targets(base, targets)

    tokenizer = load_tokenizer(base)
    asked = [student_prompt(question) for question in QUESTIONS]
    for prompt in asked:
        assert encode(tokenizer, prompt).count(tokenizer.bos_token_id) <= 1
        text = render(tokenizer, prompt)
        assert text.count(prompt.system) == text.count(prompt.user) == 1
        assert len(text) < len(prompt.user) + 1500

    # The first step is one of no size: its loss is that of the base, over a batch.
    examples = examples_of(tokenizer, 4)
    lora = TRAINING.lora.model_copy(update={"target_modules": targets}).model_dump()
    changed = {"warmup_steps": 1, "max_length": 1024, "lora": lora}
    log = run(examples, base, tmp_path, changed=changed)
    assert log.steps == 2
    rows = training_examples.encode(tokenizer, examples, 1024).rows
    assert log.curve[0][1] == pytest.approx(mean_loss(base, rows), rel=0.02)  # in bfloat16, maybe
    packs = "batches are padded instead" not in capsys.readouterr().err

    # What was merged computes what the adapter does beside the base.
    adapter = tmp_path / "adapter"
    loaded = load(base, adapter, SETTINGS)
    beside = PeftModel.from_pretrained(load_weights(base, attn_implementation="eager"), adapter)
    ids = torch.tensor([encode(tokenizer, asked[1])])
    with torch.no_grad():
        ours, theirs = (model.eval()(input_ids=ids).logits for model in (loaded.model, beside))
        with beside.disable_adapter():
            before = beside(input_ids=ids).logits
    assert (ours - theirs).norm() < 1e-3 * theirs.norm() < (theirs - before).norm()

    # Training ends an answer with what generation ends at.
    assert all(row["input_ids"][-1] in end_tokens(loaded) for row in rows)

    # The exported student says alone, to plain transformers, what the engine says in a batch.
    student_format.write(adapter, base, family, ["cot", "pot"])
    student = student_format.read(adapter)
    out = tmp_path / "out"
    exporter = Exporter(base, adapter, student, SETTINGS, NEW_TOKENS)
    assert exporter.export(out, "merged", QUESTIONS) == len(QUESTIONS)
    fast = "its own is used, which takes longer" not in capsys.readouterr().err
    engine = TransformersEngine(out, None, SETTINGS)
    bare = [Prompt(question_id="", strategy=None, system="", user=one) for one in QUESTIONS]
    answers = write(engine, bare, Sampling(max_new_tokens=NEW_TOKENS))
    model = AutoModelForCausalLM.from_pretrained(out, attn_implementation="eager").eval()
    exported = AutoTokenizer.from_pretrained(out)
    for place, question in enumerate(QUESTIONS):
        sent = [{"role": "user", "content": question}]
        ids = exported.apply_chat_template(
            sent, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )["input_ids"]
        with torch.no_grad():
            written = model.generate(ids, attention_mask=torch.ones_like(ids))[0, ids.shape[1] :]
        assert exported.decode(written, skip_special_tokens=True) == answers[place, 0]

    # What is drawn does not depend on what is drawn beside it.
    together, alone = write(engine, bare, DRAWN), write(engine, bare[1:], DRAWN)
    assert [alone[0, k] for k in range(DRAWN.samples)] == [
        together[1, k] for k in range(DRAWN.samples)
    ]

    one = FAMILIES[family]
    SEEN[one.name] = (
        f"| {one.name} | {one.template} "
        f"| {'fast' if fast else 'plain'} | {'packs' if packs else 'pads'} |"
    )
    told = page_rows()[1]
    assert REWRITES or SEEN[one.name] in told, "`make models-page` writes docs/models.md anew"


def write(
    engine: TransformersEngine, prompts: list[Prompt], sampling: Sampling
) -> dict[tuple[int, int], str]:
    """The engine's texts, by prompt and sample."""
    return {(one.prompt, one.sample): one.text for one in engine.generate(prompts, sampling)}


def page_rows() -> tuple[str, list[str], str]:
    """The page: what stands before the table's rows, the rows, and what stands after them."""
    before, head, rest = PAGE.read_text(encoding="utf-8").partition("|---|---|---|---|\n")
    rows, blank, after = rest.partition("\n\n")
    return before + head, rows.splitlines(), blank + after


def test_the_page_has_these_families_and_no_others():
    names = [family.name for family in FAMILIES.values()]
    before, rows, after = page_rows()
    if REWRITES:
        rows = [SEEN[name] for name in names]
        PAGE.write_text(before + "\n".join(rows) + after, encoding="utf-8")
    assert [row.split("|")[1].strip() for row in rows] == names


@pytest.mark.parametrize("family", [name for name, one in FAMILIES.items() if one.targets])
def test_modules_that_peft_does_not_adapt_are_named_at_once(family, tmp_path):
    with pytest.raises(UserError, match=r"^train\.lora\.target_modules: all-linear: .*'out_proj'"):
        check_targets(build(family, tmp_path), "all-linear")


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("rwkv", {"hidden_size": 32, "num_hidden_layers": 2}),
        ("xlstm", {"hidden_size": 32, "num_hidden_layers": 2, "num_heads": 4}),
    ],
)
def test_base_refuses_what_no_decoder_can_run(kind, shape, tmp_path):
    tokenizer = tiny_student.make_tokenizer()
    config = AutoConfig.for_model(kind, vocab_size=len(tokenizer), **shape)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "source")
    tokenizer.save_pretrained(tmp_path / "source")
    settings = StudentSettings(source=f"path:{tmp_path / 'source'}")
    with pytest.raises(UserError, match=f"source: {kind} models cannot be students") as error:
        fetch(settings, tmp_path / "base", tmp_path / "cache")
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match=f"cannot run {kind} models"):
        TransformersEngine(tmp_path / "source", None, SETTINGS)
