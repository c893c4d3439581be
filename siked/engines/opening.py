"""Which engine runs a local model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siked.engines.transformers_engine import TransformersEngine
from siked.engines.vllm_engine import VllmEngine
from siked.settings import TransformersSettings

if TYPE_CHECKING:
    from pathlib import Path

    from siked.engines.protocol import Engine
    from siked.settings import LocalEngine


def open_engine(settings: LocalEngine, folder: Path, adapter: Path | None = None) -> Engine:
    """The engine that the settings name, with a model folder and an adapter.

    Raises:
        UserError: the folder is not a model, the adapter does not fit it, the device is not there,
            or vLLM is not.
    """
    if isinstance(settings, TransformersSettings):
        return TransformersEngine(folder, adapter, settings)
    return VllmEngine(folder, adapter, settings)
