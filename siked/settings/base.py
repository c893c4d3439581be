"""What all settings share, and the names that they use."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
"""Lower-case letters, digits and dashes: part of file and stage names."""
Fraction01 = Annotated[float, Field(ge=0, le=1)]
StrategyName = Literal["cot", "l2m", "pot"]
RuleName = Literal[
    "final-answer", "hash-marks", "boxed", "the-answer-is", "answer-letter", "answer-equals",
    "last-number", "answer-variable", "solution-function", "last-printed", "last-value",
]  # fmt: skip
"""The rules that find an answer: of a text, then of a program."""
FIRST_ITERATION = "it0"


class Settings(BaseModel):
    """What all settings share: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
