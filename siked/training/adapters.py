"""LoRA adapters as folders: ``adapter_model.safetensors`` and ``adapter_config.json``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils import CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME

from siked.errors import UserError
from siked.files import read_json, replacing_folder, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from siked.settings import Lora

BASE_NAME = "models/base"
"""What an adapter calls its base model: no path of the machine it was trained on."""


def begin(model: Any, settings: Lora) -> Any:
    """Put a new adapter on a model; torch's random state decides its weights."""
    targets = settings.target_modules
    return get_peft_model(
        model,
        LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=settings.dropout,
            target_modules=targets if isinstance(targets, str) else list(targets),
            task_type="CAUSAL_LM",
        ),
    )


def resume(model: Any, folder: Path, settings: Lora) -> Any:
    """Put a saved adapter on a model, to be trained on.

    Raises:
        UserError: the folder holds no adapter, or one that is not as ``settings`` say.
    """
    if not (folder / CONFIG_NAME).is_file() or not (folder / SAFETENSORS_WEIGHTS_NAME).is_file():
        raise UserError(f"{folder}: is not an adapter folder: {CONFIG_NAME} or weights are missing")
    config = read_json(folder / CONFIG_NAME)
    for key, ours in (("r", settings.rank), ("lora_alpha", settings.alpha)):
        if config.get(key) != ours:
            name = {"r": "rank", "lora_alpha": "alpha"}[key]
            raise UserError(
                f"train.lora.{name}: is {ours}, but the adapter to go on from, {folder}, has "
                f"{config.get(key)}: train it again, or set policy to off-policy"
            )
    try:
        return PeftModel.from_pretrained(model, str(folder), is_trainable=True)
    except (RuntimeError, ValueError) as error:
        line = str(error).strip().split("\n", maxsplit=1)[0]
        raise UserError(f"{folder}: does not fit the model: {line}") from None


def save(model: Any, folder: Path) -> None:
    """Write a model's adapter, whole or not at all; the same weights give the same bytes."""
    with replacing_folder(folder) as partial:
        # Without False, peft looks the base model up to see whether its vocabulary has grown.
        model.save_pretrained(str(partial), save_embedding_layers=False)
        for path in sorted(partial.iterdir()):
            if path.name not in {CONFIG_NAME, SAFETENSORS_WEIGHTS_NAME}:
                path.unlink()
        (partial / SAFETENSORS_WEIGHTS_NAME).chmod(
            0o644
        )  # safetensors leaves it to its owner alone
        config = json.loads((partial / CONFIG_NAME).read_text(encoding="utf-8"))
        config["base_model_name_or_path"] = BASE_NAME
        for key, value in config.items():
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                config[key] = sorted(value)  # peft keeps module names in sets
        write_json(partial / CONFIG_NAME, dict(sorted(config.items())))
