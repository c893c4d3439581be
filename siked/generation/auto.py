"""The engine for this machine: vLLM where there is a card and the package, else transformers.

engine: {name: auto, dtype: auto, batch_tokens: auto, max_model_len: 2048}
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from siked.generation.engine import Engine, find_engine
from siked.settings import AutoSettings, EngineSettings, RaySettings, VllmSettings, as_transformers


def choose(settings: AutoSettings) -> EngineSettings:
    """Return the settings of the engine that runs here."""
    import torch

    if torch.cuda.is_available() and find_spec("vllm") is not None:
        return VllmSettings(name="vllm", dtype=settings.dtype, max_model_len=settings.max_model_len)
    return as_transformers(settings)


class AutoEngine:
    """Opens another engine, which takes its place."""

    def __new__(cls, folder: Path, adapter: Path | None, settings: AutoSettings) -> Engine:  # type: ignore[misc]
        """Open the engine of ``choose``."""
        chosen = choose(settings)
        return find_engine(chosen)(folder, adapter, chosen)

    @staticmethod
    def decides(settings: AutoSettings, folder: Path, ray: RaySettings | None) -> dict[str, Any]:
        """Return the engine's name, and what decides its samples."""
        chosen = choose(settings)
        return {"engine": chosen.name, **find_engine(chosen).decides(chosen, folder, ray)}
