"""The trainer for NVIDIA cards: Unsloth's model and kernels, in the loop of all trainers.

Unsloth changes TRL, peft and transformers when it is imported, so it comes before them, and the
process that has it trains with it alone. Its release 2026.10.9 also trains on a CPU, with padding
and TRL's loss instead of the kernels; this is where it can be tested without a card.
"""

from __future__ import annotations

import contextlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from siked.errors import UserError
from siked.training.job import Job

INSTALL = "pip install unsloth==2026.10.9"

if find_spec("unsloth") is None:
    raise UserError(
        f"train.trainer: unsloth is not installed here: `{INSTALL}` (without a GPU: `pip install "
        "--no-deps unsloth==2026.10.9 unsloth-zoo cut_cross_entropy`), or set it to peft"
    )
# It fetches a file to count its users, and writes code that it has made into the current folder.
os.environ.setdefault("UNSLOTH_DISABLE_STATISTICS", "1")
os.environ.setdefault(
    "UNSLOTH_COMPILE_LOCATION", str(Path.home() / ".cache" / "siked" / "unsloth_compiled_cache")
)
with contextlib.redirect_stdout(sys.stderr):
    try:
        from unsloth import FastLanguageModel
    except (ImportError, NotImplementedError, RuntimeError) as error:
        _LINE = str(error).strip().split("\n", maxsplit=1)[0]
        raise UserError(f"train.trainer: unsloth cannot be loaded: {_LINE}") from None

from siked.models import loading as models  # noqa: E402 - after Unsloth
from siked.training import memory, students  # noqa: E402


class UnslothTrainer:
    """Fine-tunes with Unsloth, as fast as an NVIDIA card allows."""

    name = "unsloth"
    libraries: tuple[str, ...] = ("unsloth", "unsloth_zoo")
    patches_trl = True

    def student(self, job: Job, device: Any, dtype: Any) -> Any:
        """Return Unsloth's model with its adapter, or all of it, ready to be trained.

        Raises:
            UserError: ``base`` is not a model, ``start`` is not a student as the settings say, or
                the settings ask for what is not there.
        """
        lora = job.settings.lora
        source = job.base
        if lora is None:
            source = students.find_weights(job.base, job.start)
        elif job.start is not None:
            students.check_adapter(job.start, lora)
        if lora is not None and lora.base_bits is not None:
            students.check_bits(device)
        models.check_model(source)  # Unsloth would fill what is missing with random numbers
        # Unsloth's own way keeps what is not computed anew in the machine's memory.
        asked = job.settings.gradient_checkpointing
        recomputes = memory.plan(job, device).recomputes
        checkpointing = "unsloth" if recomputes and asked != "full" else recomputes
        with contextlib.redirect_stdout(sys.stderr):
            try:
                model, _ = FastLanguageModel.from_pretrained(
                    model_name=str(source),
                    max_seq_length=job.settings.max_length,
                    dtype=dtype,
                    load_in_4bit=lora is not None and lora.base_bits is not None,
                    full_finetuning=lora is None,
                    use_gradient_checkpointing=checkpointing,
                    random_state=job.seed,
                    local_files_only=True,
                    trust_remote_code=False,
                    # On a CPU it takes half as long again with PyTorch's own attention.
                    **({"attn_implementation": "eager"} if device.type == "cpu" else {}),
                )
                if lora is None:
                    return model
                student = FastLanguageModel.get_peft_model(
                    model,
                    **students.lora_arguments(lora),
                    use_gradient_checkpointing=checkpointing,
                    random_state=job.seed,
                )
            except (ImportError, ValueError, NotImplementedError) as error:
                line = str(error).strip().split("\n", maxsplit=1)[0]
                raise UserError(f"{source}: Unsloth cannot train it: {line}") from None
        if job.start is not None:
            students.fill_adapter(student, job.start)
        return student
