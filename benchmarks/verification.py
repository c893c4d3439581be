"""How many verdicts a second: programs in the sandbox, answers in text, and what they beat.

    python benchmarks/verification.py
    python benchmarks/verification.py --outputs llm_outputs.jsonl

The second form takes real outputs (JSON Lines with ``strategy``, ``output`` and ``gold``) in place
of the made-up texts. The baselines are one fresh interpreter a program behind the same walls, and
Math-Verify alone on the same texts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from siked.records import Question, Rationale
from siked.sandbox import Sandbox
from siked.settings import VerifySettings
from siked.verify import verify

ARITHMETIC = "eggs = {n} - 3 - 4\nprice = 2\nanswer = eggs * price"
SYMPY = (
    "from sympy import Eq, Symbol, solve\nx = Symbol('x')\nanswer = solve(Eq(2 * x + 1, {n}), x)"
)
TEXT = (
    "She sells {n} - 3 - 4 eggs at $2.\nThat makes <<({n}-7)*2>>$1,2{n:03d}.\n"
    "Final Answer: $1,2{n:03d}.00"
)


def main() -> None:
    """Measure and print one line a measurement."""
    parser = argparse.ArgumentParser(description="Measure verification.")
    parser.add_argument("--outputs", type=Path, help="JSON Lines of strategy, output and gold")
    parser.add_argument("--workers", type=int, default=2, help="programs run at once")
    given = parser.parse_args()
    limits = VerifySettings(seconds=3, memory_mb=512, output_kb=64, workers=given.workers)
    with Sandbox(limits) as sandbox:
        for name, program, count in (("arithmetic", ARITHMETIC, 3000), ("sympy", SYMPY, 600)):
            list(sandbox.run([program.format(n=9)] * given.workers))
            programs = [program.format(n=n) for n in range(count)]
            rate = per_second(lambda programs=programs: len(list(sandbox.run(programs))))
            fresh = per_second(lambda program=program: one_by_one(program, limits))
            print(f"{name} programs: {rate:.0f}/s; a fresh interpreter each: {fresh:.1f}/s")
        texts = [(TEXT.format(n=n), f"12{n:03d}") for n in range(1000)] * 20
        if given.outputs is not None:
            texts = list(texts_of(given.outputs))
        rate = per_second(lambda: len(judged(texts, sandbox)))
        print(f"texts: {rate:.0f}/s ({len(texts)}); Math-Verify alone: {math_verify(texts):.0f}/s")


def per_second(work: Callable[[], int]) -> float:
    """How many things a second some work does that returns their number."""
    start = time.perf_counter()
    count = work()
    return count / (time.perf_counter() - start)


def one_by_one(program: str, limits: VerifySettings) -> int:
    """Run a few programs, each in a sandbox and an interpreter of its own."""
    alone = limits.model_copy(update={"workers": 1})
    count = 10
    for n in range(count):
        with Sandbox(alone) as sandbox:
            list(sandbox.run([program.format(n=n)]))
    return count


def texts_of(path: Path) -> Iterator[tuple[str, str]]:
    """The outputs that are text, with their gold answers."""
    with path.open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            output = row["output"]
            if row["strategy"] != "pot":
                yield (output if isinstance(output, str) else output["sub_answers"]), row["gold"]


def judged(texts: list[tuple[str, str]], sandbox: Sandbox) -> list[bool]:
    """The verdicts on texts, by the whole of the verification."""
    questions = {
        str(at): Question(id=str(at), source="benchmark", question="", answer=gold)
        for at, (_, gold) in enumerate(texts)
    }
    rationales = (
        Rationale(question_id=str(at), strategy="cot", sample=0, text=text)
        for at, (text, _) in enumerate(texts)
    )
    return [one.correct for one in verify(rationales, questions, sandbox)]


def math_verify(texts: list[tuple[str, str]]) -> float:
    """Verdicts a second of Math-Verify on up to 300 of the texts."""
    from math_verify import parse, verify  # noqa: PLC0415 - slow to load, and one of two sides

    logging.disable(logging.ERROR)
    step = max(1, len(texts) // 300)
    some = list(itertools.islice(texts, 0, None, step))

    def work() -> int:
        for text, gold in some:
            verify(parse(gold), parse(text))
        return len(some)

    return per_second(work)


if __name__ == "__main__":
    main()
