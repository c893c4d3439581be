"""What the journal costs while a model generates, and what it saves when it has the samples.

Same model, prompts and length limit, with and without the journal by turns in one run; each turn
with it begins with an empty one. On a busy machine the turns differ by more than the journal costs:
its own share is the time of a turn in which the engine is not at work.

    python benchmarks/journal.py models/base --prompts 24 --samples 10
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from siked.generation.engine import Completion, Engine, Sampling
from siked.generation.journal.engine import Journal
from siked.generation.journal.samples import SampleStore
from siked.generation.transformers import TransformersEngine
from siked.models.loading import load_tokenizer
from siked.prompts import Prompt, render, student_prompt
from siked.questions.sources import read
from siked.settings import Source, TransformersSettings


def main() -> None:
    """Print the seconds of every pair, their median ratio, and how fast samples are recalled."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--samples", type=int, default=10, help="samples a prompt (K)")
    parser.add_argument("--new-tokens", type=int, default=96)
    parser.add_argument("--batch-tokens", type=int, default=32768)
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()

    settings = TransformersSettings(
        name="transformers", device="auto", dtype="auto", batch_tokens=options.batch_tokens
    )
    sampling = Sampling(
        samples=options.samples, temperature=0.7, top_k=50, max_new_tokens=options.new_tokens
    )
    source = Source(format="demo", split="train", rows=options.prompts)
    questions = read("demo", source, Path(), 0).questions
    prompts = [student_prompt(one.question, strategy="cot") for one in questions]
    engine = Timed(TransformersEngine(options.model, None, settings))
    tokenizer = load_tokenizer(options.model)
    seconds_of(engine, prompts, sampling)  # to warm up
    ratios, shares = [], []
    for pair in range(options.pairs):
        with tempfile.TemporaryDirectory() as folder:
            journal = Journal(
                SampleStore(Path(folder), {"engine": "benchmark"}, "benchmark"),
                lambda prompt: [render(tokenizer, prompt), prompt.prefix],
                lambda: engine,
            )
            sides: list[tuple[str, Engine]] = [("without", engine), ("with", journal)]
            taken, own = {}, {}
            for name, side in sides if pair % 2 else reversed(sides):
                engine.seconds = 0.0
                taken[name] = seconds_of(side, prompts, sampling)
                own[name] = taken[name] - engine.seconds
            recalled = seconds_of(journal, prompts, sampling)
        ratios.append(taken["with"] / taken["without"])
        shares.append((own["with"] - own["without"]) / taken["with"])
        print(
            f"without {taken['without']:.2f} s, with {taken['with']:.2f} s, ratio "
            f"{ratios[-1]:.3f}, own share {shares[-1]:.3%}; recalled in {recalled * 1000:.1f} ms",
            flush=True,
        )
    print(
        f"median ratio: {statistics.median(ratios):.3f}, "
        f"median own share: {statistics.median(shares):.3%}"
    )


class Timed:
    """An engine that notes how long it is at work."""

    def __init__(self, engine: TransformersEngine) -> None:
        self._engine = engine
        self.seconds = 0.0

    def batches(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[list[int]]:
        """The engine's batches; the journal asks for them as the engine itself does."""
        start = time.perf_counter()
        found = self._engine.batches(prompts, sampling)
        self.seconds += time.perf_counter() - start
        return found

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, batches: Iterable[Sequence[int]]
    ) -> Iterator[Completion]:
        """The engine's completions."""
        completions = self._engine.complete(prompts, sampling, batches)
        start = time.perf_counter()
        for one in completions:
            self.seconds += time.perf_counter() - start
            yield one
            start = time.perf_counter()
        self.seconds += time.perf_counter() - start

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """All of the engine's batches."""
        yield from self.complete(prompts, sampling, self.batches(prompts, sampling))


def seconds_of(engine: Engine, prompts: Sequence[Prompt], sampling: Sampling) -> float:
    """How long a whole request takes."""
    start = time.perf_counter()
    for _ in engine.generate(prompts, sampling):
        pass
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
