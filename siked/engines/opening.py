"""Which engine runs a local model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siked.engines.transformers_engine import TransformersEngine

if TYPE_CHECKING:
    from pathlib import Path

    from siked.engines.protocol import Engine
    from siked.settings import EngineSettings


def open_engine(settings: EngineSettings, folder: Path, adapter: Path | None = None) -> Engine:
    """The engine that the settings name, with a model folder and an adapter.

    Raises:
        UserError: the folder is not a model, the adapter does not fit it, the device is not there.
    """
    engines = {"transformers": TransformersEngine}
    return engines[settings.name](folder, adapter, settings)
