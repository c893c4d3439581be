"""How fast the transformers engine generates, against plain ``model.generate`` in small batches.

Same model, prompts (each question with every strategy) and length limit in one run. The baseline
is what one writes first, and what the method's authors ran: K copies of each prompt, in batches of
a few prompts, until the longest sample of the batch has ended.

    python benchmarks/generation.py models/base --prompts 24 --samples 10

llama.cpp joins with the interpreter of an environment that has its wheel, and weights in its
format: its server answers the same prompts, a request a sample, as many at once as it has slots.

    python -m venv llama && llama/bin/pip install xllamacpp
    python benchmarks/generation.py models/base --llama llama/bin/python --gguf student.gguf

All run to the length limit unless ``--stop-early`` lets samples end by themselves.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from siked.generation.engine import Sampling
from siked.generation.transformers import TransformersEngine
from siked.models.loading import load, load_tokenizer
from siked.prompts import Prompt, encode, render, student_prompt
from siked.questions.sources import read
from siked.settings import Source, TransformersSettings
from siked.strategies import STRATEGIES
from siked.terminal.progress import track


def main() -> None:
    """Print tokens a second of both, run by run, and the ratio of their medians."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("--adapter", type=Path, help="adapter folder, merged in memory")
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--samples", type=int, default=10, help="samples a prompt (K)")
    parser.add_argument("--new-tokens", type=int, default=96)
    parser.add_argument("--batch-tokens", type=int, default=32768)
    parser.add_argument("--baseline-prompts", type=int, default=4, help="prompts in its batch")
    parser.add_argument("--baseline-batches", type=int, default=1, help="0 leaves it out")
    parser.add_argument("--dtype", default="auto", choices=["auto", "bfloat16", "float32"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--stop-early", action="store_true")
    parser.add_argument("--llama", type=Path, help="interpreter with xllamacpp")
    parser.add_argument("--gguf", type=Path, nargs="+", default=[], help="weights for it")
    parser.add_argument("--slots", type=int, nargs="+", default=[16, 64])
    options = parser.parse_args()

    settings = TransformersSettings(
        name="transformers",
        device="auto",
        dtype=options.dtype,
        batch_tokens=options.batch_tokens,
    )
    sampling = Sampling(
        samples=options.samples, temperature=0.7, top_k=50, max_new_tokens=options.new_tokens
    )
    source = Source(format="demo", split="train", rows=-(-options.prompts // len(STRATEGIES)))
    questions = read("demo", source, Path(), 0).questions
    prompts = [
        student_prompt(one.question, strategy=strategy)
        for one in questions
        for strategy in STRATEGIES
    ][: options.prompts]

    engine = TransformersEngine(options.model, options.adapter, settings)
    if not options.stop_early:
        engine._decoder._ends = frozenset()  # noqa: SLF001 - equal work for both
    ours = [run_engine(engine, prompts, sampling) for _ in range(options.runs)]
    report("engine", ours)
    if options.baseline_batches:
        del engine
        loaded = load(options.model, options.adapter, settings)
        loaded.model.set_attn_implementation("sdpa")  # its own default
        some = prompts[: options.baseline_prompts * options.baseline_batches]
        plain = [
            run_baseline(loaded, some, sampling, options.baseline_prompts, options.stop_early)
            for _ in range(options.runs)
        ]
        report("model.generate", plain)
        print(f"ratio of medians: {statistics.median(ours) / statistics.median(plain):.1f}")
    texts = [render(load_tokenizer(options.model), one) + one.prefix for one in prompts]
    for gguf, slots in itertools.product(options.gguf, options.slots):
        with serve_llama(options.llama, gguf, slots) as url:
            theirs = [
                run_llama(url, texts, sampling, slots, options.stop_early)
                for _ in range(options.runs)
            ]
        report(f"llama.cpp, {gguf.name}, {slots} slots", theirs)
        print(f"ratio of medians: {statistics.median(ours) / statistics.median(theirs):.1f}")


def report(name: str, rates: list[float]) -> None:
    """One line of rates."""
    runs = ", ".join(f"{rate:.0f}" for rate in rates)
    print(f"{name}: median {statistics.median(rates):.0f} tokens/s ({runs})", flush=True)


def run_engine(engine: TransformersEngine, prompts: list[Prompt], sampling: Sampling) -> float:
    """Tokens a second of one run."""
    start, tokens = time.perf_counter(), 0
    with track(len(prompts) * sampling.samples, "engine") as progress:
        for one in engine.generate(prompts, sampling):
            tokens += one.completion_tokens
            progress.advance(tokens=one.completion_tokens)
    return tokens / (time.perf_counter() - start)


def run_baseline(
    loaded: tuple, prompts: list[Prompt], sampling: Sampling, batch: int, stop_early: bool
) -> float:
    """Tokens a second of one run; padding after a sample's end does not count."""
    import torch  # after siked, which sets how its threads wait

    model, tokenizer = loaded
    tokenizer.padding_side = "left"
    start, tokens = time.perf_counter(), 0
    for first in range(0, len(prompts), batch):
        ids = [encode(tokenizer, one) for one in prompts[first : first + batch]]
        copies = [prompt for prompt in ids for _ in range(sampling.samples)]
        padded = tokenizer.pad({"input_ids": copies}, return_tensors="pt").to(model.device)
        with torch.inference_mode():
            out = model.generate(
                **padded,
                do_sample=True,
                temperature=sampling.temperature,
                top_k=sampling.top_k,
                max_new_tokens=sampling.max_new_tokens,
                min_new_tokens=None if stop_early else sampling.max_new_tokens,
            )
        new = out[:, padded.input_ids.shape[1] :]
        ended = (new == tokenizer.eos_token_id).cumsum(1)
        # Up to and with the first token that ends a sample.
        tokens += int((ended - (new == tokenizer.eos_token_id).long() == 0).sum())
    return tokens / (time.perf_counter() - start)


SERVER = """
import sys, time, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, slots = sys.argv[1], int(sys.argv[2])
params.port, params.n_parallel, params.n_ctx = 0, slots, 512 * slots
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = int(sys.argv[3])
server = xllamacpp.Server(params)
print("at", server.listening_address, flush=True)
time.sleep(1e6)
"""


@contextlib.contextmanager
def serve_llama(python: Path, gguf: Path, slots: int) -> Iterator[str]:
    """Run llama.cpp's server; give its address."""
    cores = str(len(os.sched_getaffinity(0)))
    command = [str(python), "-c", SERVER, str(gguf), str(slots), cores]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield next(line.split()[1] for line in server.stdout if line.startswith("at "))
        finally:
            server.kill()


def run_llama(
    url: str, texts: list[str], sampling: Sampling, slots: int, stop_early: bool
) -> float:
    """Tokens a second of one run."""
    asked = {
        "n_predict": sampling.max_new_tokens,
        "temperature": sampling.temperature,
        "top_k": sampling.top_k,
        "top_p": 1.0,
        "min_p": 0.0,
        "ignore_eos": not stop_early,
        "cache_prompt": True,
    }
    samples = itertools.product(texts, range(sampling.samples))
    start, tokens = time.perf_counter(), 0
    with (
        httpx.Client(timeout=600) as client,
        ThreadPoolExecutor(slots) as pool,
        track(len(texts) * sampling.samples, "llama.cpp") as progress,
    ):

        def ask(sample: tuple[str, int]) -> int:
            text, seed = sample
            answer = client.post(f"{url}/completion", json={**asked, "prompt": text, "seed": seed})
            answer.raise_for_status()
            return answer.json()["tokens_predicted"]

        for count in pool.map(ask, samples):
            tokens += count
            progress.advance(tokens=count)
    return tokens / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
