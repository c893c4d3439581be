"""Students on disk: what a training goes on from, and what it writes.

A student is a LoRA adapter (``adapter_model.safetensors`` and ``adapter_config.json``), or a whole
model after full fine-tuning. That keeps the weights in float32, where small steps are not lost; the
student's folder has them in the number type of the base model's, beside that model's own
configuration and tokenizer.
"""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from peft import LoraConfig, get_peft_model
from peft.utils import (
    CONFIG_NAME,
    SAFETENSORS_WEIGHTS_NAME,
    load_peft_weights,
    set_peft_model_state_dict,
)
from transformers import AutoConfig

from siked.errors import UserError
from siked.files import read_json, replace_folder, write_json
from siked.models.loading import is_whole
from siked.settings import Lora

SHAPE = {"rank": "r", "alpha": "lora_alpha", "dora": "use_dora", "rslora": "use_rslora"}
"""What decides what an adapter's weights mean: our settings, and peft's names of them."""
WEIGHTS = ("*.safetensors", "*.bin", "*.index.json")
ABOUT_THE_STUDENT = ("student.json", "README.md")
"""What other stages put beside the weights; it is not the next student's."""


def begin_adapter(model: Any, settings: Lora) -> Any:
    """Put a new adapter on a model; torch's random state decides its weights."""
    return get_peft_model(model, LoraConfig(**lora_arguments(settings), task_type="CAUSAL_LM"))


def lora_arguments(settings: Lora) -> dict[str, Any]:
    """Return an adapter's shape in peft's words, which are Unsloth's too."""
    targets = settings.target_modules
    return {
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "lora_dropout": settings.dropout,
        "target_modules": targets if isinstance(targets, str) else list(targets),
        "use_dora": settings.dora,
        "use_rslora": settings.rslora,
    }


def check_adapter(folder: Path, settings: Lora) -> None:
    """See that a folder holds an adapter of the shape that is asked for.

    Raises:
        UserError: it holds none, or one of another shape.
    """
    if not (folder / CONFIG_NAME).is_file() or not (folder / SAFETENSORS_WEIGHTS_NAME).is_file():
        raise UserError(f"{folder}: is not an adapter folder: {CONFIG_NAME} or weights are missing")
    config = read_json(folder / CONFIG_NAME)
    for name, key in SHAPE.items():
        ours, theirs = getattr(settings, name), config.get(key)
        if ours != theirs:
            raise UserError(
                f"train.lora.{name}: is {ours}, but the adapter to go on from, {folder}, has "
                f"{theirs}: train it again, or set policy to off-policy"
            )


def check_bits(device: Any) -> None:
    """See that weights in 4 bits can be trained on.

    Raises:
        UserError: there is no GPU, or no bitsandbytes.
    """
    if device.type != "cuda":
        raise UserError("train.lora.base_bits: 4 needs CUDA, which is not here: set it to null")
    if find_spec("bitsandbytes") is None:
        raise UserError(
            "train.lora.base_bits: 4 needs bitsandbytes: `pip install bitsandbytes`, or set it to "
            "null"
        )


def fill_adapter(model: Any, folder: Path) -> None:
    """Give a model's adapter the weights of a saved one, to be trained on.

    Raises:
        UserError: they do not fit.
    """
    try:
        found = set_peft_model_state_dict(model, load_peft_weights(str(folder), device="cpu"))
    except RuntimeError as error:
        line = " ".join(str(error).strip().splitlines()[:2])
        raise UserError(f"{folder}: does not fit the model: {line}") from None
    missing = [name for name in found.missing_keys if "lora_" in name]
    if odd := sorted([*missing, *found.unexpected_keys]):
        raise UserError(
            f"train.lora.target_modules: the adapter to go on from, {folder}, is of other modules "
            f"({odd[0]}): train it again, or set policy to off-policy"
        )


def save_adapter(model: Any, base: Path, folder: Path) -> None:
    """Write a model's adapter, whole or not at all; the same weights give the same bytes.

    Args:
        model: with an adapter.
        base: the base model's folder, which the adapter names; of one that lies outside of the
            repository, only the last part: no path of this machine.
        folder: to be written.
    """
    with replace_folder(folder) as partial:
        # Without False, peft looks the base model up to see whether its vocabulary has grown.
        model.save_pretrained(str(partial), save_embedding_layers=False)
        for path in sorted(partial.iterdir()):
            if path.name not in {CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME}:
                path.unlink()
        (partial / SAFETENSORS_WEIGHTS_NAME).chmod(
            0o644
        )  # safetensors leaves it to its owner alone
        config = json.loads((partial / CONFIG_NAME).read_text(encoding="utf-8"))
        config["base_model_name_or_path"] = base.name if base.is_absolute() else base.as_posix()
        for key, value in config.items():
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                config[key] = sorted(value)  # peft keeps module names in sets
        write_json(partial / CONFIG_NAME, dict(sorted(config.items())))


def find_weights(base: Path, start: Path | None) -> Path:
    """Return the folder of the weights to train.

    Raises:
        UserError: ``start`` is an adapter.
    """
    if start is None:
        return base
    if not is_whole(start):
        raise UserError(
            f"train.lora: is null, but the student to go on from, {start}, is an adapter: train "
            "it again, or set policy to off-policy"
        )
    return start


def save_whole(model: Any, source: Path, folder: Path) -> None:
    """Write a trained model, whole or not at all; the same weights give the same bytes.

    Args:
        model: the model; it is converted in place.
        source: folder of the weights that it started from, whose other files are taken over.
        folder: where to write it.
    """
    dtype = AutoConfig.from_pretrained(source, local_files_only=True, trust_remote_code=False).dtype
    with replace_folder(folder) as partial:
        model.to("cpu", dtype).save_pretrained(partial)
        for path in source.iterdir():
            weights = any(path.match(pattern) for pattern in WEIGHTS)
            if path.is_file() and not weights and path.name not in ABOUT_THE_STUDENT:
                shutil.copyfile(path, partial / path.name)
        for path in partial.iterdir():
            path.chmod(0o644)  # safetensors leaves its file to its owner alone
