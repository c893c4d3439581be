"""Does an exported student still say what the student says?

Both answer the same questions greedily with the engine of this project, from what lies on disk.
The reference is the engine's own way: the base model with the adapter merged into it in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from siked.generation.engine import Sampling
from siked.generation.transformers import TransformersEngine
from siked.models.student_format import Student
from siked.settings import TransformersSettings


def answers(
    folder: Path,
    adapter: Path | None,
    student: Student,
    questions: Sequence[str],
    *,
    settings: TransformersSettings,
    max_new_tokens: int,
) -> list[str]:
    """A student's greedy answers, in the questions' order.

    Raises:
        UserError: the folders hold no model or no adapter that fits it.
    """
    engine = TransformersEngine(folder, adapter, settings)
    prompts = [student.ask(question) for question in questions]
    completions = engine.generate(prompts, Sampling(max_new_tokens=max_new_tokens))
    return [one.text for one in sorted(completions, key=lambda one: one.prompt)]


def same(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """How many answers are the same text."""
    return sum(a == b for a, b in zip(ours, theirs, strict=True))
