"""A student that later stages would choke on is refused at once, in a line that names the fault."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from siked.errors import UserError
from siked.generation.transformers import TransformersEngine
from siked.models.fetch import fetch
from siked.models.loading import check_model, check_targets, load_weights
from siked.settings import StudentSettings, TransformersSettings
from tests.tiny_student import build
from tests.training_jobs import examples_of, run

SETTINGS = TransformersSettings(
    name="transformers", device="cpu", dtype="float32", batch_tokens=1000
)
WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return build(tmp_path_factory.mktemp("whole") / "student")


def with_tensors(change):
    def damage(folder):
        tensors = change(load_file(folder / WEIGHTS))
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})

    return damage


def with_config(**changed):
    def damage(folder):
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changed))

    return damage


def without_a_shard(folder):
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    first, second = (f"model-0000{part}-of-00002.safetensors" for part in (1, 2))
    some = list(tensors)[:5]
    save_file({name: tensors[name] for name in some}, folder / first, metadata={"format": "pt"})
    places = {name: first if name in some else second for name in tensors}
    (folder / f"{WEIGHTS}.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": places})
    )


def with_a_pointer(folder):
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 269060552\n"
    (folder / WEIGHTS).write_text(text)


def with_half_its_weights(folder):
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])


def with_a_token_too_many(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<|new|>"])
    tokenizer.save_pretrained(folder)


FAULTS = {
    "missing": (
        with_tensors(lambda all_: {k: v for k, v in all_.items() if "layers.1.mlp" not in k}),
        r"tensors 3 missing \(model\.layers\.1\.mlp\.down_proj\.weight, \.\.\.\)",
    ),
    "extra": (
        with_tensors(lambda all_: {**all_, "vision.weight": torch.zeros(3)}),
        r"tensors 1 unknown \(vision\.weight",
    ),
    "renamed": (
        with_tensors(lambda all_: {f"base_model.model.{k}": v for k, v in all_.items()}),
        r"missing \(.*unknown \(base_model\.model\.",
    ),
    "another size": (with_config(intermediate_size=96), "of another shape"),
    "fewer layers": (with_config(num_hidden_layers=1), r"unknown \(model\.layers\.1\."),
    "pointer": (with_a_pointer, "is a git-LFS pointer"),
    "shard": (without_a_shard, "model-00002-of-00002.safetensors"),
    "cut": (with_half_its_weights, "damaged or cut"),
    "no decoder": (with_config(model_type="t5"), "cannot be loaded: Unrecognized"),
    "unknown kind": (with_config(model_type="nobodys"), "`nobodys`"),
    "token too many": (with_a_token_too_many, "token '<|new|>' of number"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_base_names_the_fault(fault, whole, tmp_path):
    damage, says = FAULTS[fault]
    folder = shutil.copytree(whole, tmp_path / "student")
    damage(folder)
    with pytest.raises(UserError, match=says.replace("|", r"\|")) as error:
        fetch(StudentSettings(source=f"path:{folder}"), tmp_path / "base", tmp_path / "cache")
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)
    assert not (tmp_path / "base").exists()


def test_nobody_computes_with_random_weights(whole, tmp_path):
    folder = shutil.copytree(whole, tmp_path / "student")
    FAULTS["missing"][0](folder)
    examples = examples_of(AutoTokenizer.from_pretrained(whole), 4)
    for use in (
        lambda: TransformersEngine(folder, None, SETTINGS),
        lambda: load_weights(folder),
        lambda: run(examples, folder, tmp_path / "trained"),
    ):
        with pytest.raises(UserError, match="3 missing"):
            use()


def test_a_whole_model_is_taken(whole):
    check_model(whole)
    check_targets(whole, "all-linear")
    check_targets(whole, ("q_proj", "down_proj"))


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (("q_projj",), "no such modules: the model has down_proj, gate_proj, k_proj"),
        (("q_proj", "lm_head"), "the output layer cannot be trained"),
        (("q_proj", "embed_tokens"), "the model's embeddings are its output layer too"),
    ],
)
def test_an_adapter_that_cannot_be_merged_is_refused(targets, says, whole):
    with pytest.raises(UserError, match=rf"^train\.lora\.target_modules: .*{says}"):
        check_targets(whole, targets)
