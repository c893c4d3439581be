"""What all settings share, and the names that they use."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from siked.strategies import STRATEGIES


@dataclass(frozen=True)
class OneOf:
    """Marks a text that must be one of a table's names; an error lists them."""

    names: tuple[str, ...]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return pydantic's schema of the text with the check behind it."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, value: str) -> str:
        if value not in self.names:
            known = {"known": ", ".join(self.names)}
            raise PydanticCustomError("unknown_name", "there are {known}", known)
        return value


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
"""Lower-case letters, digits and dashes: part of file and stage names."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""What PyTorch, NumPy and vLLM all take."""
Fraction01 = Annotated[float, Field(ge=0, le=1)]
StrategyName = Annotated[str, OneOf(tuple(STRATEGIES))]
RuleName = Literal[
    "final-answer", "hash-marks", "boxed", "the-answer-is", "answer-letter", "answer-equals",
    "answer-tag", "last-number", "answer-variable", "solution-function", "last-printed",
    "last-value",
]  # fmt: skip
"""The rules that find an answer: of a text, then of a program."""
FIRST_ITERATION = "it0"


class Settings(BaseModel):
    """What all settings share: unknown keys are refused, values never change."""

    # Built when first used: then an engine's module, which may have its settings, can be imported.
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        defer_build=True,
        allow_inf_nan=False,
    )
