"""All of ``params.yaml``, and what must hold between its sections."""

import re
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from siked.settings.base import FIRST_ITERATION, Name, Seed, Settings, StrategyName
from siked.settings.engines import (
    AutoSettings,
    LocalEngine,
    OpenAISettings,
    RaySettings,
    TransformersSettings,
)
from siked.settings.models import (
    SamplingSettings,
    StudentSettings,
    TeacherSettings,
    TeachersSettings,
)
from siked.settings.questions import QuestionSettings
from siked.settings.steps import (
    EvalSettings,
    Iteration,
    MixSettings,
    Plateau,
    Rival,
    TrackingSettings,
    TrainSettings,
    VerifySettings,
)

NO_EFFECT: dict[str, Any] = {"ray": True, "tracking": True, "verify": {"workers"}}
"""Settings that change no output, as pydantic's ``exclude``: no cached file may show them."""

NOT_A_TEST_SET = {"train", "dev"}
"""Names of question files that every run has; a test set of such a name would replace them."""
NOT_AN_ITERATION = re.compile(r"best|workspace|teacher|baseline(-.*)?")
"""Names by which a student is asked for who is neither an iteration nor a rival."""


class Params(Settings):
    """All of ``params.yaml``."""

    seed: Seed
    """Seed of the student's samples and trainings."""
    strategies: Annotated[tuple[StrategyName, ...], Field(min_length=1)]
    """The strategies that the teacher shows and the student chooses from."""
    baselines: tuple[StrategyName, ...]
    """Strategies that a student of its own is distilled with alone, beside the loop."""
    rivals: dict[Name, Rival]
    """Students that another method trains beside the loop, by name; `{}` for none."""
    questions: QuestionSettings
    """What to learn from and what to test on."""
    student: StudentSettings
    """The small model that learns."""
    teacher: TeachersSettings
    """Who writes D_LLM: one for all strategies, or a section for each (`teacher.cot`)."""
    iterations: dict[Name, Iteration]
    """The turns of the loop, each with its predecessor."""
    engine: LocalEngine
    """How the student generates."""
    generate: SamplingSettings
    """How the student writes D_self."""
    verify: VerifySettings
    """Limits of one program in the sandbox."""
    mix: MixSettings
    """How D_self and D_LLM become the next training set."""
    train: TrainSettings
    """How the student is fine-tuned."""
    eval: EvalSettings
    """How a student is evaluated."""
    plateau: Plateau
    """When the loop stops."""
    ray: RaySettings | None = None
    """Spread generation and verification over a Ray cluster; null runs them here."""
    tracking: TrackingSettings
    """Where runs are recorded."""

    @field_validator("strategies", "baselines")
    @classmethod
    def _strategies_differ(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("a strategy is named twice")
        return value

    @field_validator("iterations")
    @classmethod
    def _iterations_chain(cls, value: dict[str, Iteration]) -> dict[str, Iteration]:
        if FIRST_ITERATION in value:
            raise ValueError(f"{FIRST_ITERATION} is plain distillation and always there: drop it")
        if taken := [name for name in value if NOT_AN_ITERATION.fullmatch(name)]:
            raise ValueError(f"{taken[0]}: means another student: name the iteration otherwise")
        followed: dict[str, str] = {}
        for name, iteration in value.items():
            if iteration.previous not in value and iteration.previous != FIRST_ITERATION:
                known = ", ".join([FIRST_ITERATION, *value])
                raise ValueError(
                    f"{name}.previous: there is no iteration {iteration.previous!r} (has {known})"
                )
            if iteration.previous in followed:
                raise ValueError(
                    f"{name}.previous: {iteration.previous} is already followed by "
                    f"{followed[iteration.previous]}; iterations form one chain"
                )
            followed[iteration.previous] = name
        reached, name = set(), FIRST_ITERATION
        while name in followed:
            name = followed[name]
            reached.add(name)
        if cycle := sorted(set(value) - reached):
            raise ValueError(f"{', '.join(cycle)}: form a cycle that never reaches it0")
        return value

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        for name in set(self.baselines) - set(self.strategies):
            raise ValueError(f"baselines: {name} is not taught: it is not in `strategies`")
        named = () if self.mix.bias == "student" else self.mix.bias or ()
        if extra := set(named) - set(self.strategies):
            raise ValueError(f"mix.bias names strategies that are not taught: {sorted(extra)}")
        if taken := sorted(NOT_A_TEST_SET & set(self.questions.test)):
            raise ValueError(
                f"questions.test.{taken[0]}: every run has questions of that name: name the "
                "test set otherwise"
            )
        if both := sorted(set(self.questions.train) & set(self.questions.test)):
            raise ValueError(f"questions.train and questions.test share the names {both}")
        return self

    @model_validator(mode="after")
    def _rivals_fit(self) -> Self:
        chain = self.chain()
        for name, rival in self.rivals.items():
            if name in {*chain, *self.questions.test} or NOT_AN_ITERATION.fullmatch(name):
                raise ValueError(
                    f"rivals.{name}: means another student or a test set: name the rival otherwise"
                )
            if rival.teacher not in chain:
                raise ValueError(
                    f"rivals.{name}.teacher: there is no iteration {rival.teacher!r} "
                    f"(has {', '.join(chain)})"
                )
            if rival.teacher == FIRST_ITERATION and not rival.sees_solution:
                raise ValueError(
                    f"rivals.{name}.teacher: {FIRST_ITERATION} is where the rival starts, and has "
                    "nothing to teach it: name a later iteration, or set sees_solution"
                )
        return self

    @model_validator(mode="after")
    def _every_strategy_has_a_teacher(self) -> Self:
        named = self.teacher.by_strategy()
        taught = ", ".join(self.strategies)
        for name in self.strategies if named else ():
            if name not in named:
                raise ValueError(f"teacher.{name}: is missing: `strategies` has {taught}")
        if extra := sorted(set(named) - set(self.strategies)):
            raise ValueError(f"teacher.{extra[0]}: drop it: `strategies` has {taught}")
        if len(several := sorted(one or "none named" for one in self.currencies())) > 1:
            raise ValueError(
                f"teacher: prices are in several currencies ({', '.join(several)}): use one"
            )
        return self

    @model_validator(mode="after")
    def _replicas_compute_alike(self) -> Self:
        engine = self.engine
        if self.ray and isinstance(engine, AutoSettings):
            raise ValueError(
                "engine.name: name an engine where `ray` spreads it: `auto` may differ between "
                "machines"
            )
        if self.ray and isinstance(engine, TransformersSettings) and engine.dtype == "auto":
            raise ValueError(
                "engine.dtype: name a type where `ray` spreads the engine: `auto` may differ "
                "between machines"
            )
        return self

    def teachers(self) -> dict[str, TeacherSettings]:
        """Return who writes with each strategy."""
        named = self.teacher.by_strategy()
        return {name: named.get(name, self.teacher) for name in self.strategies}

    def currencies(self) -> set[str | None]:
        """Return what the teachers' prices are in; None where some do not say."""
        engines = [one.model.engine for one in self.teachers().values() if one.model]
        return {
            one.prices.currency
            for one in engines
            if isinstance(one, OpenAISettings) and one.prices is not None
        }

    def describe_teachers(self) -> dict[str, dict[str, Any]]:
        """Return for each strategy what is set of its teacher, and nothing that is not set."""
        return {
            name: one.model_dump(mode="json", exclude_unset=True)
            for name, one in self.teachers().items()
        }

    def chain(self) -> list[str]:
        """Return the iterations from the first to the last: ``["it0", "it1", ...]``."""
        follower = {iteration.previous: name for name, iteration in self.iterations.items()}
        names = [FIRST_ITERATION]
        while names[-1] in follower:
            names.append(follower[names[-1]])
        return names
