"""Students that are whole models: what full fine-tuning starts from and writes.

Training keeps the weights in float32, where small steps are not lost; the student's folder has
them in the number type of the base model's, beside that model's own configuration and tokenizer.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from transformers import AutoConfig

from siked.errors import UserError
from siked.files import replacing_folder
from siked.models import loading as models

WEIGHTS = ("*.safetensors", "*.bin", "*.index.json")
ABOUT_THE_STUDENT = ("student.json", "README.md")
"""What other stages put beside the weights; it is not the next student's."""


def source(base: Path, start: Path | None) -> Path:
    """The folder of the weights to train.

    Raises:
        UserError: ``start`` is an adapter.
    """
    if start is None:
        return base
    if not models.is_whole(start):
        raise UserError(
            f"train.lora: is null, but the student to go on from, {start}, is an adapter: train "
            "it again, or set policy to off-policy"
        )
    return start


def save(model: Any, source: Path, folder: Path) -> None:
    """Write a trained model, whole or not at all; the same weights give the same bytes.

    Args:
        model: the model; it is converted in place.
        source: folder of the weights that it started from, whose other files are taken over.
        folder: where to write it.
    """
    dtype = AutoConfig.from_pretrained(source, local_files_only=True, trust_remote_code=False).dtype
    with replacing_folder(folder) as partial:
        model.to("cpu", dtype).save_pretrained(partial)
        for path in source.iterdir():
            weights = any(path.match(pattern) for pattern in WEIGHTS)
            if path.is_file() and not weights and path.name not in ABOUT_THE_STUDENT:
                shutil.copyfile(path, partial / path.name)
        for path in partial.iterdir():
            path.chmod(0o644)  # safetensors leaves its file to its owner alone
