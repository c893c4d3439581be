"""How many verdicts a second: programs in the sandbox, answers in text, and what they beat.

    python benchmarks/verification.py
    python benchmarks/verification.py --outputs llm_outputs.jsonl

The second form takes real outputs (JSON Lines with ``strategy``, ``output`` and ``gold``; where
there is one, the publisher's verdict as ``recorded_correct``). The baselines are one fresh
interpreter a program behind the same walls, and Math-Verify alone on the same texts: it can't judge
programs, so the whole of a file that holds some is timed by itself. Text is timed on one core, five
times each side in turn, and the median counts.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from siked.records import Question, Rationale, VerifiedRationale
from siked.settings import VerifySettings
from siked.verification.sandbox import Sandbox, isolation
from siked.verification.verify import verify

ARITHMETIC = "eggs = {n} - 3 - 4\nprice = 2\nanswer = eggs * price"
SYMPY = (
    "from sympy import Eq, Symbol, solve\nx = Symbol('x')\nanswer = solve(Eq(2 * x + 1, {n}), x)"
)
FRESH = """
import sys
from inside import harness, landlock, privileges, seccomp
privileges.drop()
if landlock.version():
    landlock.Landlock(["/"]).apply()
seccomp.Filter().apply()
sys.path.append("/sandbox/packages")
result = harness.run([{program!r}], ["answer"], harness.space(harness.MODULES))
assert result["rule"] == "answer-variable", result
"""
TEXT = (
    "She sells {n} - 3 - 4 eggs at $2.\nThat makes <<({n}-7)*2>>${n}.\nFinal Answer: $12{n:05d}.00"
)
REPEATS = 5


def main() -> None:
    """Measure and print one line a measurement."""
    parser = argparse.ArgumentParser(description="Measure verification.")
    parser.add_argument("--outputs", type=Path, help="JSON Lines of strategy, output and gold")
    parser.add_argument("--workers", type=int, default=2, help="programs run at once")
    given = parser.parse_args()
    limits = VerifySettings(seconds=3, memory_mb=512, output_kb=64, workers=given.workers)
    with Sandbox(limits) as sandbox:
        print(f"programs behind {sandbox.isolation}, {given.workers} at once")
        for name, program, count, library in (
            ("arithmetic", ARITHMETIC, 3000, None),
            ("sympy", SYMPY, 600, "sympy"),
        ):
            list(sandbox.run([program.format(n=9)] * given.workers))
            programs = [program.format(n=n) for n in range(count)]
            rates = [
                per_second(lambda programs=programs: len(list(sandbox.run(programs))))
                for _ in range(3)
            ]
            rate, text = median(rates), program.format(n="NUMBER")
            alone, together = (fresh(text, library, many) for many in (1, given.workers))
            print(
                f"{name} programs: {rate:.0f}/s; a fresh interpreter each: {alone:.1f}/s one by "
                f"one ({rate / alone:.0f}x), {together:.1f}/s at once ({rate / together:.0f}x)"
            )
        numeric = prepared([Output("cot", TEXT.format(n=n), f"12{n:05d}") for n in range(100_000)])
        rates = [per_second(lambda: len(judged(numeric, sandbox))) for _ in range(REPEATS)]
        print(f"plain numeric verdicts, all different: {median(rates):.0f}/s")
        if given.outputs is not None:
            compare(read(given.outputs), sandbox)


@dataclass(frozen=True)
class Output:
    """A real output."""

    strategy: str
    text: str
    gold: str
    recorded: bool | None = None
    """The publisher's own verdict."""


def compare(outputs: list[Output], sandbox: Sandbox) -> None:
    """Print how fast and how right the verdicts on real outputs are, beside Math-Verify's."""
    texts = [one for one in outputs if one.strategy != "pot"]
    records = prepared(texts)
    judged(records, sandbox)  # starts the worker for expressions
    ours, theirs = [], []
    for _ in range(REPEATS):
        ours.append(per_second(lambda: len(judged(records, sandbox))))
        theirs.append(per_second(lambda: len(math_verify(texts))))
    print(
        f"real texts: {median(ours):.0f}/s of {len(texts)}; Math-Verify alone: "
        f"{median(theirs):.0f}/s; ratio {median(ours) / median(theirs):.1f}"
    )
    known = [one for one in texts if one.recorded is not None]
    wanted = [one.recorded for one in known]
    mine = [one.correct for one in judged(prepared(known), sandbox)]
    agree, other = (
        sum(a == b for a, b in zip(verdicts, wanted, strict=True))
        for verdicts in (mine, math_verify(known))
    )
    print(f"recorded verdicts: {agree} of {len(known)} agree; Math-Verify alone: {other}")
    everything = prepared(outputs)
    rate = per_second(lambda: len(judged(everything, sandbox)))
    programs = len(outputs) - len(texts)
    print(f"the whole file, with {programs} programs: {rate:.0f}/s of {len(outputs)}")


def per_second(work: Callable[[], int]) -> float:
    """How many things a second some work does that returns their number."""
    start = time.perf_counter()
    count = work()
    return count / (time.perf_counter() - start)


def fresh(program: str, library: str | None, at_once: int) -> float:
    """Programs a second, each in a fresh interpreter behind the same walls.

    The interpreter does the same job: it knows the same names and finds the answer by the same
    rules. It has no limits, and loads a library where the program imports it.
    """
    (way, *_), _ = isolation.ways()
    command = way.command((library,) if library else ())
    command[command.index("-m") :] = ["-c", FRESH.format(program=program)]

    def one(n: int) -> None:
        given = [text.replace("NUMBER", str(n)) for text in command]
        subprocess.run(given, env=way.environment(), check=True, capture_output=True)

    with ThreadPoolExecutor(at_once) as pool:
        return per_second(lambda: len(list(pool.map(one, range(12 * at_once)))))


def read(path: Path) -> list[Output]:
    """The outputs of a file."""
    outputs = []
    with path.open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            output = row["output"]
            text = output if isinstance(output, str) else output["sub_answers"]
            outputs.append(Output(row["strategy"], text, row["gold"], row.get("recorded_correct")))
    return outputs


def prepared(outputs: list[Output]) -> tuple[list[Rationale], dict[str, Question]]:
    """Outputs as the records that are verified: what reading a file gives."""
    rationales, questions = [], {}
    for at, one in enumerate(outputs):
        name = str(at)
        questions[name] = Question(id=name, source="benchmark", question="", answer=one.gold)
        rationales.append(
            Rationale(question_id=name, strategy=one.strategy, sample=0, text=one.text)
        )
    return rationales, questions


def judged(
    records: tuple[list[Rationale], dict[str, Question]], sandbox: Sandbox
) -> list[VerifiedRationale]:
    """The verdicts, by the whole of the verification."""
    return list(verify(*records, sandbox))


def math_verify(texts: list[Output]) -> list[bool]:
    """The verdicts of Math-Verify alone, as its documentation uses it."""
    from math_verify import parse, verify

    logging.disable(logging.ERROR)
    return [bool(verify(parse(one.gold), parse(one.text))) for one in texts]


if __name__ == "__main__":
    main()
