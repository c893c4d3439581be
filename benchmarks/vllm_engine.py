"""How fast the vLLM engine generates, against raw ``LLM.generate`` and the transformers engine.

Same model, prompts, samples and number of new tokens, in an environment that has vLLM:

- ``engine`` and ``raw`` take turns in one process, with one model: the vLLM engine of this project,
  and its ``LLM.generate`` called once for all prompts, without seeds;
- ``defaults``, in a process of its own: ``LLM.generate`` of a model that was opened with vLLM's
  defaults, which puts it in a further process;
- ``transformers``, in a process of its own: the transformers engine.

    OMP_WAIT_POLICY=passive ~/vllm/bin/python benchmarks/vllm_engine.py models/base --prompts 24

All run to the length limit. ``--adapter`` compares greedy answers instead: how many of the engine's
are the transformers engine's, word for word.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from siked.generation.engine import Sampling, open_engine
from siked.generation.vllm import variables
from siked.models.loading import load_tokenizer
from siked.prompts import Prompt, encode, student_prompt
from siked.questions.sources import read
from siked.settings import Source, VllmSettings, as_transformers

SIDES = ("engine", "defaults", "transformers")


def main() -> None:
    """Print tokens a second of every side, run by run, and the ratios of their medians."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("--adapter", type=Path, help="adapter folder: compare greedy answers")
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--samples", type=int, default=10, help="samples a prompt (K)")
    parser.add_argument("--new-tokens", type=int, default=96)
    parser.add_argument("--batch-samples", type=int, default=512)
    parser.add_argument("--dtype", default="auto", choices=["auto", "bfloat16", "float32"])
    parser.add_argument("--compile", action="store_true", help="slower to start, faster after")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side is not None:
        print(json.dumps(one_side(options)))
        return
    medians: dict[str, float] = {}
    answers: dict[str, list[str]] = {}
    compared = [side for side in options.sides if side != "defaults" or options.adapter is None]
    for side in compared:
        for name, found in in_a_process(side).items():
            if options.adapter is not None:
                answers[name] = found
                continue
            medians[name] = statistics.median(found)
            runs = ", ".join(f"{rate:.0f}" for rate in found)
            print(f"{name}: median {medians[name]:.0f} tokens/s ({runs})", flush=True)
    for one, other in [("engine", "raw"), ("engine", "defaults"), ("transformers", "engine")]:
        if {one, other} <= set(medians):
            print(f"{one} / {other}: {medians[one] / medians[other]:.2f}")
    if len(answers) > 1:
        pairs = list(zip(answers["engine"], answers["transformers"], strict=True))
        print(f"greedy: {sum(a == b for a, b in pairs)} of {len(pairs)} answers the same")


def in_a_process(side: str) -> dict[str, list]:
    """What one side answers or how fast it is, by name."""
    done = subprocess.run(
        [sys.executable, *sys.argv, "--side", side], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def one_side(options: argparse.Namespace) -> dict[str, list]:
    """Tokens a second of every run; with an adapter, the greedy answers."""
    settings = VllmSettings(
        name="vllm",
        dtype=options.dtype,
        max_model_len=1024,
        batch_samples=options.batch_samples,
        enforce_eager=not options.compile,
    )
    source = Source(format="demo", split="train", rows=options.prompts)
    questions = read("demo", source, Path(), 0).questions
    strategy = "cot" if options.adapter is None else None
    prompts = [student_prompt(one.question, strategy=strategy) for one in questions]
    sampling = Sampling(
        samples=options.samples, temperature=0.7, top_k=50, max_new_tokens=options.new_tokens
    )
    if options.side == "defaults":
        run = raw(with_defaults(options.model, settings), options.model, prompts, sampling)
        return rates({"defaults": run}, options.runs)
    chosen = settings if options.side == "engine" else as_transformers(settings)
    engine = open_engine(chosen, options.model, options.adapter)
    if options.adapter is not None:
        answers = engine.generate(prompts, Sampling(max_new_tokens=options.new_tokens))
        return {options.side: [one.text for one in sorted(answers, key=lambda one: one.prompt)]}
    holder = engine if options.side == "engine" else engine._decoder  # noqa: SLF001
    holder._ends = frozenset()  # noqa: SLF001 - equal work for all

    def ours() -> int:
        return sum(one.completion_tokens for one in engine.generate(prompts, sampling))

    runs = {options.side: ours}
    if options.side == "engine":
        runs["raw"] = raw(engine._llm, options.model, prompts, sampling)  # noqa: SLF001
    return rates(runs, options.runs)


def with_defaults(model: Path, settings: VllmSettings) -> Any:
    """A model opened as one does first."""
    os.environ.update(variables() | {"VLLM_LOGGING_LEVEL": "ERROR"})
    from vllm import LLM

    return LLM(
        str(model),
        dtype=settings.dtype,
        max_model_len=settings.max_model_len,
        enforce_eager=settings.enforce_eager,
    )


def raw(llm: Any, model: Path, prompts: list[Prompt], sampling: Sampling) -> Callable[[], int]:
    """All prompts in one call; nothing is cached from the call before."""
    from vllm import SamplingParams, TokensPrompt

    tokenizer = load_tokenizer(model)
    asked = [TokensPrompt(prompt_token_ids=encode(tokenizer, one)) for one in prompts]
    drawn = SamplingParams(
        n=sampling.samples,
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        max_tokens=sampling.max_new_tokens,
        ignore_eos=True,
    )

    def run() -> int:
        llm.reset_prefix_cache()
        outputs = llm.generate(asked, drawn, use_tqdm=False)
        return sum(len(one.token_ids) for output in outputs for one in output.outputs)

    return run


def rates(sides: dict[str, Callable[[], int]], runs: int) -> dict[str, list[float]]:
    """Tokens a second of every run; sides take turns, and the first turn does not count."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(runs + 1):
        for name, run in sides.items():
            start = time.perf_counter()
            tokens = run()
            found[name].append(tokens / (time.perf_counter() - start))
    return {name: one[1:] for name, one in found.items()}


if __name__ == "__main__":
    main()
