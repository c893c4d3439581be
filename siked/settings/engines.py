"""Settings of the engines: how whoever writes is run."""

import pkgutil
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    JsonValue,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from siked.settings.base import Fraction01, Settings
from siked.settings.tables import ENGINES

Dtype = Literal["auto", "bfloat16", "float16", "float32"]
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,60}_(?:KEY|TOKEN)")
BatchTokens = PositiveInt | Literal["auto"]


class EngineSettings(Settings):
    """What all engines' settings have."""

    name: str
    """The engine that runs the model."""


class TransformersSettings(EngineSettings):
    """A local model with transformers, on a CPU or one GPU."""

    name: Literal["transformers"]
    """The engine that runs the model."""
    device: Literal["auto", "cpu", "cuda"]
    """`auto` takes CUDA where there is one."""
    dtype: Dtype
    """`auto` takes bfloat16 where the device computes in it, else float32."""
    batch_tokens: BatchTokens
    """Budget of a batch in tokens, prompts and completions together; decides its rows. `auto` is
    what a card's memory holds, and 32768 on a CPU."""


class VllmSettings(EngineSettings):
    """A local model with vLLM in this process."""

    name: Literal["vllm"]
    """The engine that runs the model."""
    dtype: Dtype
    """`auto` takes bfloat16 where the device computes in it, else float32; quantised weights
    decide for themselves."""
    max_model_len: PositiveInt
    """Longest prompt and completion in tokens; decides how much memory a sequence may need."""
    batch_samples: PositiveInt = 512
    """Samples that vLLM gets at once, and that a crash may cost; a large GPU stays full with
    thousands."""
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of the GPU's memory that vLLM takes; on a CPU, `VLLM_CPU_KVCACHE_SPACE` (GiB) in the
    environment says how much is for keys and values."""
    tensor_parallel: PositiveInt = 1
    """GPUs that hold one copy of the model together."""
    quantization: str | None = None
    """vLLM's name of a method that quantises the weights on loading (`fp8`, `bitsandbytes`); null
    takes the weights as they are, quantised ones too."""
    enforce_eager: bool = False
    """Skip compilation: ready sooner, slower after."""


class AutoSettings(EngineSettings):
    """vLLM where there are CUDA and the package, else transformers."""

    name: Literal["auto"]
    """The engine that runs the model."""
    dtype: Dtype
    """As for the transformers engine and for vLLM."""
    batch_tokens: BatchTokens = "auto"
    """As for the transformers engine."""
    max_model_len: PositiveInt
    """As for vLLM."""


class Prices(Settings):
    """What a server's tokens cost."""

    currency: Annotated[str, Field(pattern=r"^(?:[A-Za-z]{1,8}|[$€£¥₹])$")] | None = None
    """What the prices are in: `USD`; named where money is shown, and never converted."""
    prompt: NonNegativeFloat
    """A million prompt tokens."""
    completion: NonNegativeFloat
    """A million completion tokens."""
    batch: Fraction01 = 0.5
    """Share of these prices that the Batch API takes."""


class OpenAISettings(EngineSettings):
    """A model behind an OpenAI-compatible server; its key comes from the environment alone."""

    name: Literal["openai"]
    """The engine that asks the server."""
    url: Annotated[str, Field(pattern=r"^https?://[^/@?#\s]+(/[^?#\s]*)?$")]
    """The server with its version prefix: `http://127.0.0.1:8000/v1`."""
    key_from: str = "OPENAI_API_KEY"
    """Name of the environment's variable that holds the server's key, never the key itself; it ends
    in `_KEY` or `_TOKEN`. Teachers at several servers need a name each."""
    api: Literal["chat", "completions"] = "chat"
    """`chat` sends messages, which the server renders; `completions` sends plain text. Neither
    sends a `top_k` of 0, which some servers refuse: they then take what they are set to."""
    batch: bool = False
    """Ask by the Batch API, as OpenAI has it: for half the price, but an answer may take a day. A
    run that is stopped goes on with the batches that it sent."""
    concurrency: PositiveInt = 16
    """Requests under way at once."""
    timeout: PositiveFloat = 120
    """Seconds that one request may take."""
    requests_per_minute: PositiveInt | None = None
    """The server's limit, where it has one. What its headers say (`retry-after`, `x-ratelimit-*`,
    `ratelimit-*`) is honoured without it."""
    tokens_per_minute: PositiveInt | None = None
    """The server's limit of tokens; a request counts with its prompt and `max_new_tokens` for each
    sample until its answer says what it took."""
    reasoning_effort: Annotated[str, Field(pattern=r"^[a-z]+$")] | None = None
    """How long a thinking model thinks (`low`, `none`, what the server knows); null sends nothing.
    Thinking counts as part of `max_new_tokens`, is kept apart and never trained on."""
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    """Further fields of a request, as the server has them:
    `{chat_template_kwargs: {enable_thinking: false}}`."""
    send_seed: bool = True
    """Send a seed with each request; false for servers that refuse it."""
    retries: NonNegativeInt = 6
    """Further tries of a request that the server refused for now (429, 5xx), cut or garbled."""
    stop_after: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of the questions that the server may refuse for good (its content filter, too long);
    they are left out, and more of them, but one at least, end the stage."""
    prices: Prices | None = None
    """To tell what a run cost; null where the server is yours."""

    @field_validator("key_from")
    @classmethod
    def _key_is_named_only(cls, value: str) -> str:
        # No pattern of the field: its error would repeat a key that stands here by mistake.
        if not _VARIABLE.fullmatch(value):
            raise ValueError(
                "is the name of a variable that holds the key, and ends in _KEY or _TOKEN"
            )
        return value

    @model_validator(mode="after")
    def _batches_have_no_rate(self) -> Self:
        for name in ("requests_per_minute", "tokens_per_minute"):
            if self.batch and getattr(self, name) is not None:
                raise ValueError(f"`{name}` is not for `batch: true`, which has no rate: drop it")
        return self


class RaySettings(Settings):
    """A Ray cluster that generation and verification are spread over; outputs stay the same.

    The repository and its environment lie at the same path on every node.
    """

    address: str = "auto"
    """`auto` is the cluster that this machine belongs to (or `RAY_ADDRESS`), `HOST:PORT` another,
    `local` one of this machine alone."""
    replicas: PositiveInt
    """Copies of the engine, or of the verification."""
    cpus: PositiveFloat = 1
    """Cores of a copy of the engine; one of the verification takes `verify.workers`."""
    gpus: NonNegativeFloat = 0
    """GPUs of a copy of the engine."""


@dataclass(frozen=True)
class OfEngine:
    """Marks settings that are those of one of the engines, which their ``name`` says."""

    served: bool
    """Whether engines that ask a server count too."""

    def kinds(self) -> dict[str, type[EngineSettings]]:
        """Return the classes of the settings by the engines' names."""
        return {
            name: pkgutil.resolve_name(one.settings)
            for name, one in ENGINES.items()
            if self.served or not one.served
        }

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return pydantic's schema of the classes, told apart by ``name``."""
        kinds = {name: handler.generate_schema(kind) for name, kind in self.kinds().items()}
        return core_schema.tagged_union_schema(kinds, "name")


LocalEngine = Annotated[EngineSettings, OfEngine(served=False)]
"""What runs a model from a folder."""
AnyEngine = Annotated[EngineSettings, OfEngine(served=True)]
"""What runs a teacher."""


def as_transformers(engine: EngineSettings) -> TransformersSettings:
    """Return how transformers runs the same model: to answer one question, to merge, to compare."""
    if isinstance(engine, TransformersSettings):
        return engine
    dtype: Any = getattr(engine, "dtype", "auto")  # not every engine has a choice
    budget: Any = getattr(engine, "batch_tokens", "auto")
    return TransformersSettings(
        name="transformers", device="auto", dtype=dtype, batch_tokens=budget
    )
