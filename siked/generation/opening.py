"""Which engine runs a local model."""

from __future__ import annotations

from pathlib import Path

from siked.generation.engine import Engine
from siked.generation.transformers import TransformersEngine
from siked.generation.vllm import VllmEngine
from siked.settings import LocalEngine, TransformersSettings


def open_engine(settings: LocalEngine, folder: Path, adapter: Path | None = None) -> Engine:
    """The engine that the settings name, with a model folder and an adapter.

    Raises:
        UserError: the folder is not a model, the adapter does not fit it, the device is not there,
            or vLLM is not.
    """
    if isinstance(settings, TransformersSettings):
        return TransformersEngine(folder, adapter, settings)
    return VllmEngine(folder, adapter, settings)
