"""The trainer that runs everywhere: transformers' model, adapted by peft, or trained whole.

An adapter is in float32 on base weights in bfloat16 where the processor computes in it. Examples of
a batch stand one behind the other without padding.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import BitsAndBytesConfig

from siked.errors import UserError
from siked.models import loading as models
from siked.settings import Lora
from siked.terminal.console import say
from siked.training import lean, students
from siked.training.job import Job


class PeftTrainer:
    """Fine-tunes on a CPU or a GPU."""

    name = "peft"
    libraries: tuple[str, ...] = ()
    patches_trl = False

    def student(self, job: Job, device: torch.device, dtype: torch.dtype) -> Any:
        """Return the model with its adapter, or all of it, ready to be trained.

        Raises:
            UserError: ``base`` is not a model, ``start`` is not a student as the settings say, or
                the settings ask for what is not there.
        """
        settings = job.settings
        if settings.gradient_checkpointing == "unsloth":
            raise UserError("train.gradient_checkpointing: unsloth needs trainer: unsloth")
        lora = settings.lora
        if lora is None:
            return _load(students.find_weights(job.base, job.start), device, dtype, {})
        if job.start is not None:
            students.check_adapter(job.start, lora)
        model = _load(job.base, device, dtype, _quantized(lora, device, dtype))
        if device.type == "cpu" and lean.fits(model.config, settings.max_length):
            model.set_attn_implementation(lean.ATTENTION)
        student = students.begin_adapter(model, lora)
        if job.start is not None:
            students.fill_adapter(student, job.start)
        lean.slim(student)
        return student


def _load(folder: Path, device: torch.device, dtype: torch.dtype, quantized: dict[str, Any]) -> Any:
    models.check_model_folder(folder)
    model = models.load_weights(folder, dtype=dtype, attn_implementation="eager", **quantized)
    if device.type == "cuda":
        flash = dtype == torch.bfloat16 and _has_flash_attention()
        model.set_attn_implementation("flash_attention_2" if flash else "sdpa")
    return model if quantized else model.to(device)


def _has_flash_attention() -> bool:
    """Whether the package is here and fits this PyTorch: one built for another does not import."""
    if find_spec("flash_attn") is None:
        return False
    try:
        import_module("flash_attn")
    except (ImportError, OSError) as error:
        say(f"train: flash_attn is left out, it does not load: {error}", file=sys.stderr)
        return False
    return True


def _quantized(lora: Lora, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    if lora.base_bits is None:
        return {}
    students.check_bits(device)
    return {
        "device_map": {"": device},
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        ),
    }
