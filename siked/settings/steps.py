"""Settings of the loop's steps: verification, mixing, training, evaluation, the end."""

from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from siked.mixing import Variant
from siked.settings.base import Fraction01, Name, OneOf, RuleName, Settings, StrategyName
from siked.settings.models import SamplingSettings
from siked.settings.tables import TRAINERS


class VerifySettings(Settings):
    """How answers are found, and the limits of one program in the sandbox."""

    seconds: PositiveFloat
    """Processor time of a program; wall time is three times as much."""
    memory_mb: Annotated[int, Field(ge=64)]
    """Address space, in MiB."""
    output_kb: PositiveInt
    """Printed output, in KiB."""
    workers: PositiveInt
    """Programs run at once."""
    isolation: Literal["auto", "rlimits"] = "auto"
    """`auto`: the strongest isolation that the kernel offers, else nothing is run. `rlimits`: where
    none is to be had, run programs all the same, with limits and whatever else there is, and say so
    on every run."""
    ignore_rules: tuple[RuleName, ...] = ()
    """Rules that do not count, of those in docs/verification.md: a text is read by the next rule, a
    program whose answer was found by one has no answer."""


class Iteration(Settings):
    """One turn of the loop."""

    previous: Name
    """The iteration whose student generates; `it0` is plain distillation."""


Bias = tuple[StrategyName, ...] | Literal["student"]


class MixSettings(Settings):
    """How D_self and D_LLM become the next training set."""

    variant: Variant
    """`all`: D_self and all of D_LLM. `adaptive`: D_self and the D_LLM rows of what D_self does
    not solve. Two controls: `self`, D_self alone (self-training), and `teacher`, D_LLM alone (plain
    distillation for longer), which uses samples only for `bias: student`: set generate.samples to 1
    without it."""
    scope: Literal["question", "strategy"]
    """What counts as solved in `adaptive`: a `question` by any strategy (the paper's text), or
    each question and `strategy` by itself (its authors' code)."""
    keep: PositiveInt | None
    """How many distinct right rationales to keep for each question and strategy, from each of D_LLM
    and D_self; null keeps all. The paper keeps 1."""
    bias: Bias | None = None
    """Keep one strategy's rationales for each question in the mix. A list: the first strategy in it
    that solves the question (the paper's biased variants). `student`: the strategy with which most
    of the student's samples solve the question; on a tie, or where none does, the one with which
    most samples of all questions are right (iteration 0 keeps all). null keeps every strategy."""
    require_sub_questions: bool = False
    """Leave out right rationales of a least-to-most strategy that ask no sub-question: a chain of
    thought under the wrong tag. The authors do so; filter's figures count them
    (`no-sub-questions`)."""
    drop_hollow: bool = False
    """Leave out right rationales that state their answer without having come to it: its number
    stands nowhere before, or the program computes nothing. filter counts them (`hollow`)."""


class Lora(Settings):
    """The adapter's shape."""

    rank: PositiveInt
    """Rank of the update."""
    alpha: PositiveFloat
    """The update is scaled by alpha / rank."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Dropout on the adapter's input."""
    target_modules: Literal["all-linear"] | Annotated[tuple[str, ...], Field(min_length=1)]
    """Modules that get an adapter; `all-linear` is every linear layer but the output."""
    dora: bool = False
    """Learn the weights' lengths apart from their directions (DoRA)."""
    rslora: bool = False
    """Scale the update by alpha / sqrt(rank) instead (rsLoRA)."""
    base_bits: Literal[4] | None = None
    """Hold the base model's weights in 4 bits while training (QLoRA; needs CUDA and bitsandbytes);
    null as they are."""


class Schedule(Settings):
    """How long and how fast one training runs."""

    epochs: PositiveFloat
    """Passes over the examples."""
    learning_rate: PositiveFloat
    """Peak learning rate."""


class Rival(Schedule):
    """A student that goes on from `it0` by on-policy distillation (GKD, arXiv 2306.13649).

    It is trained on the questions that `it0` was. At each token it learns the teacher's
    distribution over the vocabulary. What is not set here is as in `train`.
    """

    teacher: Name
    """The iteration whose student teaches: a later one than `it0`, or any that sees solutions."""
    sees_solution: bool = False
    """Show the teacher a right rationale of D_LLM in its prompt, which the rival does not see. Then
    `it0` can teach itself."""
    lmbda: Fraction01 = 0.5
    """Share of the batches whose texts the rival writes itself; the others are D_LLM."""
    beta: Fraction01 = 0.5
    """Which divergence it lowers: 0 is KL(teacher ‖ rival), 1 is KL(rival ‖ teacher), and what lies
    between is the generalised Jensen-Shannon divergence."""
    temperature: PositiveFloat = 0.9
    """Sampling temperature of the texts that the rival writes."""
    max_new_tokens: PositiveInt = 128
    """Length limit of those texts, in tokens."""


class TrainSettings(Settings):
    """How the student is fine-tuned."""

    trainer: Annotated[str, OneOf(("auto", *TRAINERS))] = "auto"
    """Who makes the model ready: `auto` is `unsloth` where it is installed and there is CUDA, else
    `peft`. Another one gives another student, about as good."""
    processes: PositiveInt = 1
    """Processes that share each optimiser step, one a GPU: `batch_size` counts for each."""
    gradient_checkpointing: Literal["auto", "none", "full", "unsloth"] = "auto"
    """Compute activations again instead of keeping them: never (`none`), all (`full`), or in
    Unsloth's way (`unsloth`), which moves them to the computer's memory. `auto` does it, in the
    trainer's own way, only on a GPU whose memory is too small."""
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
    """Examples a device and forward pass; a GPU with room takes several such batches at once."""
    gradient_accumulation: PositiveInt
    """Forward passes an optimiser step."""
    max_length: PositiveInt
    """Longest example in tokens; longer ones are left out and counted."""
    lora: Lora | None
    """The adapter's shape; null trains all weights, and each student is a whole model."""

    @model_validator(mode="after")
    def _trainer_can(self) -> Self:
        if self.gradient_checkpointing == "unsloth" and self.trainer == "peft":
            raise ValueError("gradient_checkpointing: unsloth needs trainer: unsloth")
        return self


class EvalSettings(Settings):
    """How a student is evaluated: greedily, free to choose its strategy."""

    max_new_tokens: PositiveInt
    """Length limit of an answer, in tokens."""
    forced: bool = True
    """Let each iteration answer with every strategy forced too: what the student's choice costs
    against the best one (its regret)."""
    sampling: SamplingSettings | None = None
    """Let each iteration also write several samples for each question and strategy, for pass@k and
    majority@k on the benchmarks; null writes none."""


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
