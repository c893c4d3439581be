"""How fast the transformers engine generates, against plain ``model.generate`` in small batches.

Same model, prompts (each question with every strategy) and length limit in one run. The baseline
is what one writes first, and what the method's authors ran: K copies of each prompt, in batches of
a few prompts, until the longest sample of the batch has ended.

    python benchmarks/generation.py models/base --prompts 24 --samples 10

Both run to the length limit unless ``--stop-early`` lets samples end by themselves.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from siked.generation.engine import Sampling
from siked.generation.transformers import TransformersEngine
from siked.models.loading import load
from siked.progress import track
from siked.prompts import Prompt, encode, student_prompt
from siked.questions.sources import read
from siked.settings import Source, TransformersSettings
from siked.strategies import STRATEGIES


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
        some = prompts[: options.baseline_prompts * options.baseline_batches]
        plain = [
            run_baseline(loaded, some, sampling, options.baseline_prompts, options.stop_early)
            for _ in range(options.runs)
        ]
        report("model.generate", plain)
        print(f"ratio of medians: {statistics.median(ours) / statistics.median(plain):.1f}")


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


if __name__ == "__main__":
    main()
