"""The tables that an engine, a question format and a trainer are added to.

On the left stands the name that ``params.yaml`` uses, on the right where the code is, as
``module:name``. Code is imported when it is used and not before: torch, vLLM and Unsloth take
seconds. Strategies have a table of their own, ``siked.strategies.STRATEGIES``. CONTRIBUTING.md has
a recipe for each.
"""

from typing import NamedTuple


class EngineEntry(NamedTuple):
    """Where an engine is written."""

    engine: str
    """Its class; see ``siked.generation.engine.ModelEngine``."""
    settings: str
    """The class of its settings."""
    served: bool = False
    """It asks a server for a model by name, where the others run a model's folder. Its settings
    are ``OpenAISettings`` or derive from them, and only a teacher can be such a model."""


ENGINES = {
    "transformers": EngineEntry(
        engine="siked.generation.transformers:TransformersEngine",
        settings="siked.settings.engines:TransformersSettings",
    ),
    "vllm": EngineEntry(
        engine="siked.generation.vllm:VllmEngine",
        settings="siked.settings.engines:VllmSettings",
    ),
    "openai": EngineEntry(
        engine="siked.generation.openai.engine:OpenAIEngine",
        settings="siked.settings.engines:OpenAISettings",
        served=True,
    ),
    "auto": EngineEntry(
        engine="siked.generation.auto:AutoEngine",
        settings="siked.settings.engines:AutoSettings",
    ),
}
"""Who completes prompts: ``engine.name``."""

FORMATS = {
    "gsm8k": "siked.questions.readers.gsm8k:read",
    "svamp": "siked.questions.readers.school:read_svamp",
    "asdiv": "siked.questions.readers.asdiv:read",
    "multiarith": "siked.questions.readers.school:read_multiarith",
    "jsonl": "siked.questions.readers.own:read_jsonl",
    "csv": "siked.questions.readers.own:read_csv",
    "parquet": "siked.questions.readers.own:read_parquet",
    "dataset": "siked.questions.readers.own:read_saved",
    "demo": "siked.questions.demo:write",  # the one that reads no file
}
"""What reads a source's questions, as ``read(name, path, source)``: a source's ``format``."""

TRAINERS = {
    "peft": "siked.training.peft:PeftTrainer",
    "unsloth": "siked.training.unsloth:UnslothTrainer",
}
"""Who makes a model ready to be trained: ``train.trainer``."""
