"""An engine that asks its model only for samples that nobody has generated yet.

What decides a sample is its key: the model's and the adapter's files, the engine with device,
precision, library versions and code, the rendered prompt, the sampling settings, the seed and the
sample's number. The model is opened when the first sample is missing, and not before.

A sample's text may depend, in the last bits of a product, on what shares its batch. So that a run
that was killed goes on to the same bytes as one that was not, a request notes what was missing when
it began, and its batches are always made from that: one that was in flight is run again whole.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from siked.errors import UserError
from siked.files import hash_code, hash_files
from siked.generation.engine import Batched, Completion, Engine, Sampling
from siked.generation.journal.samples import Samples
from siked.prompts import Prompt
from siked.settings import LocalEngine, RaySettings

MODEL_FILES = ("*.json", "*.safetensors", "*.bin", "*.model", "*.txt", "*.jinja")
ADAPTER_FILES = ("adapter_config.json", "adapter_model.*")
LIBRARIES = ("torch", "transformers")
ENGINE_CODE = {
    "transformers": (
        "siked.prompts",
        "siked.models.loading",
        "siked.generation.transformers",
        "siked.generation.decoding",
    ),
    "vllm": (
        "siked.prompts",
        "siked.models.loading",
        "siked.generation.vllm",
        "siked.generation.vllm_package",
    ),
}
"""The modules and packages that decide an engine's samples."""


class Journal:
    """Completes prompts from samples on disk, and with an engine where they lack some.

    Args:
        samples: the model's.
        shown: what the model reads for a prompt, as JSON values.
        open_engine: loads the model.
    """

    def __init__(
        self,
        samples: Samples,
        shown: Callable[[Prompt], Any],
        open_engine: Callable[[], Engine],
    ) -> None:
        self._samples = samples
        self._shown = shown
        self._open = open_engine
        self._engine: Engine | None = None

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield ``sampling.samples`` completions for every prompt: those on disk first.

        Prompts that read the same have the same samples.

        Raises:
            UserError: the model cannot be opened, or the journal cannot be used.
        """
        count = sampling.samples
        places: dict[bytes, list[int]] = defaultdict(list)
        for index, prompt in enumerate(prompts):
            places[self._key(prompt, sampling)].append(index)
        keys = list(places)
        with self._samples as samples:
            missing: dict[bytes, set[int]] = {}
            for key in keys:
                found = samples.found(key, count)
                missing[key] = set(range(count)) - set(found)
                for one in found.values():
                    yield from _placed(one, places[key])
            if not any(missing.values()):
                return
            request = hashlib.blake2b(b"".join(keys) + b"%d" % count, digest_size=16).digest()
            firsts = samples.plan(request, [min(missing[key], default=count) for key in keys])
            engine = self._engine = self._engine or self._open()
            for first in sorted(set(firsts) - {count}):
                group = [key for key, one in zip(keys, firsts, strict=True) if one == first]
                asked = [prompts[places[key][0]] for key in group]
                wanted = dataclasses.replace(sampling, first_sample=first, samples=count - first)
                for one in _asked(engine, asked, wanted, [missing[key] for key in group]):
                    key = group[one.prompt]
                    if not first <= one.sample < count:
                        raise RuntimeError(f"the engine numbers a sample {one.sample}")
                    if one.sample in missing[key]:
                        missing[key].remove(one.sample)
                        yield from _placed(samples.add(key, one), places[key])
            samples.forget(request)

    def _key(self, prompt: Prompt, sampling: Sampling) -> bytes:
        how = dataclasses.asdict(sampling)
        del how["samples"], how["first_sample"]
        text = json.dumps([self._shown(prompt), how], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).digest()


def open_journaled(
    settings: LocalEngine,
    folder: Path,
    adapter: Path | None = None,
    *,
    journal: Path,
    ray: RaySettings | None = None,
) -> Journal:
    """The engine that the settings name, with a local model, behind its journal.

    Args:
        settings: which engine, and how it runs.
        folder: the model.
        adapter: what it learnt, or None; where it is a whole model, that runs instead.
        journal: the folder of all models' samples.
        ray: the cluster that the engine is spread over; this machine alone where None.

    Raises:
        UserError: the folder is not a model, the adapter is not one, the device is not there, or
            vLLM is not.
    """
    from siked.generation.opening import open_engine
    from siked.models.loading import ADAPTER, load_tokenizer, parts
    from siked.prompts import render

    folder, adapter = parts(folder, adapter)
    tokenizer = load_tokenizer(folder)
    if adapter is not None and not (adapter / ADAPTER).is_file():
        raise UserError(f"{adapter}: is not an adapter folder: it has no {ADAPTER}")
    model = {
        "model": _hash(folder, MODEL_FILES),
        "adapter": adapter and _hash(adapter, ADAPTER_FILES),
        "engine": settings.name,
        "code": hash_code(ENGINE_CODE[settings.name]),
        **_how_it_runs(settings, folder, ray),
        **{name: version(name) for name in LIBRARIES},
    }
    label = " + ".join(part.name for part in (folder, adapter) if part)
    here = partial(open_engine, settings, folder.resolve(), adapter and adapter.resolve())

    def opened() -> Engine:
        if ray is None:
            return here()
        from siked.generation.spread import RayEngine

        return RayEngine(ray, here)

    return Journal(
        Samples(journal, model, label),
        lambda prompt: [render(tokenizer, prompt), prompt.prefix],
        opened,
    )


def _how_it_runs(
    settings: LocalEngine, folder: Path, ray: RaySettings | None
) -> dict[str, str | None]:
    """What decides a sample of the device and the settings."""
    if settings.name == "vllm":
        from siked.generation.vllm_package import what_decides

        return what_decides(settings, folder)
    if ray is not None:  # what this machine has says nothing of the cluster's
        return {"device": "cuda" if ray.gpus else "cpu", "dtype": settings.dtype}
    from siked.models.loading import device_and_dtype

    device, dtype = device_and_dtype(settings)
    return {"device": device.type, "dtype": str(dtype).removeprefix("torch.")}


def _asked(
    engine: Engine, prompts: Sequence[Prompt], sampling: Sampling, missing: Sequence[set[int]]
) -> Iterator[Completion]:
    """What the engine writes where samples are missing: whole batches, where it makes some."""
    if isinstance(engine, Batched):
        batches = engine.batches(prompts, sampling)
        left = (batch for batch in batches if any(missing[index] for index in batch))
        yield from engine.complete(prompts, sampling, left)
        return
    lacking = [index for index in range(len(prompts)) if missing[index]]
    for one in engine.generate([prompts[index] for index in lacking], sampling):
        yield dataclasses.replace(one, prompt=lacking[one.prompt])


def _placed(one: Completion, places: Iterable[int]) -> Iterator[Completion]:
    for place in places:
        yield dataclasses.replace(one, prompt=place)


def _hash(folder: Path, patterns: Iterable[str]) -> str:
    """One hash of all files of a folder that fit a pattern, names included."""
    files = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    return hash_files(folder, files)
