"""An engine that asks its model only for samples that nobody has generated yet.

What decides a sample is its key: the model's and the adapter's files, the engine with device,
precision, library versions and code, the rendered prompt, the sampling settings, the seed and the
sample's number. The model is opened when the first sample is missing, and not before.

A sample's text may depend, in the last bits of a product, on what shares its batch. So that a run
that was killed goes on to the same bytes as one that was not, a request notes what was missing when
it began, and its batches are always made from that: one that was in flight is run again whole.
"""

import ast
import dataclasses
import hashlib
import json
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from siked.errors import UserError
from siked.files import hash_files
from siked.generation.engine import (
    Batched,
    Completion,
    Engine,
    Sampling,
    find_engine,
    open_engine,
)
from siked.generation.journal.samples import SampleStore
from siked.generation.openai.requests import body
from siked.models.loading import ADAPTER, find_parts, load_tokenizer
from siked.prompts import Prompt, render
from siked.settings import ENGINES, EngineSettings, OpenAISettings, RaySettings

MODEL_FILES = ("*.json", "*.safetensors", "*.bin", "*.model", "*.txt", "*.jinja")
ADAPTER_FILES = ("adapter_config.json", "adapter_model.*")
LIBRARIES = ("torch", "transformers")
ROOT = Path(__file__).resolve().parents[3]
DECIDES = ("siked.generation", "siked.models", "siked.prompts")
"""Where the code lies that decides what an engine writes; the rest only brings values to it."""


class Journal:
    """Completes prompts from samples on disk, and with an engine where they lack some.

    Args:
        samples: the model's.
        shown: what the model reads for a prompt, as JSON values.
        open_engine: loads the model.
        name: the engine's.
    """

    def __init__(
        self,
        samples: SampleStore,
        shown: Callable[[Prompt], Any],
        open_engine: Callable[[], Engine],
        name: str,
    ) -> None:
        self.name = name
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
        if not sampling.unsent:  # samples that were bought before this field was there stay known
            del how["unsent"]
        text = json.dumps([self._shown(prompt), how], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).digest()


def open_journaled(
    settings: EngineSettings,
    folder: Path,
    adapter: Path | None = None,
    *,
    journal: Path,
    ray: RaySettings | None = None,
) -> Journal:
    """Open the engine that the settings name, with a local model, behind its journal.

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
    folder, adapter = find_parts(folder, adapter)
    tokenizer = load_tokenizer(folder)
    if adapter is not None and not (adapter / ADAPTER).is_file():
        raise UserError(f"{adapter}: is not an adapter folder: it has no {ADAPTER}")
    kind = find_engine(settings)
    model = {
        "model": _hash(folder, MODEL_FILES),
        "adapter": adapter and _hash(adapter, ADAPTER_FILES),
        "engine": settings.name,
        "code": hash_files(ROOT, find_code(kind.__module__)),
        **kind.decides(settings, folder, ray),
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
        SampleStore(journal, model, label),
        lambda prompt: [render(tokenizer, prompt), prompt.prefix],
        opened,
        str(model["engine"]),
    )


def open_served(settings: OpenAISettings, model: str, *, journal: Path) -> Journal:
    """Open the engine of a model behind a server, by its name there, behind its journal.

    Nobody here can see its weights. Its samples are those of a name at a URL, and of the very
    requests that would be sent: another URL is another model, since names such as ``default`` say
    little. The server's key is no part of it.
    """
    url = settings.url.rstrip("/")
    served = {"engine": settings.name, "url": url, "api": settings.api, "model": model}
    drawn = Sampling(temperature=1, top_k=1, stop=("",))  # names all fields; values are in the key
    engine = ENGINES[settings.name].engine
    samples = SampleStore(journal, served, model)
    return Journal(
        samples,
        lambda prompt: body(settings, model, prompt, drawn, range(1)),
        lambda: pkgutil.resolve_name(engine)(settings, model, samples.folder),
        settings.name,
    )


def find_code(module: str) -> list[Path]:
    """Return the files that decide what an engine's module writes, sorted.

    They are the module itself and all that it imports, at whatever distance, of ``DECIDES``.

    Raises:
        FileNotFoundError: the module has no file.
    """
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        place = ROOT.joinpath(*name.split("."))
        path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if path in found or not name.startswith(DECIDES):
            continue
        if not path.is_file():
            if name == module:
                raise FileNotFoundError(f"{path}: no such code")
            continue  # a name in a module
        found.add(path)
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
            elif isinstance(node, ast.Import):
                waiting += [one.name for one in node.names]
    return sorted(found)


def _asked(
    engine: Engine, prompts: Sequence[Prompt], sampling: Sampling, missing: Sequence[set[int]]
) -> Iterator[Completion]:
    """Yield what the engine writes where samples are missing: whole batches, if it makes any."""
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
    """Return one hash of all files of a folder that fit a pattern, names included."""
    files = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    return hash_files(folder, files)
