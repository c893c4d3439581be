"""The filter stage at the paper's size: time, memory, and what a kill costs.

    python benchmarks/filtering.py                      # 7,473 questions x 3 strategies x 10
    python benchmarks/filtering.py --questions 500 --kills 3

The rationales are those of the demo's teacher, three in ten with a wrong number in them. With
``--kills N`` the stage is killed (SIGKILL) N times at random moments and started again, and its
output is held against that of an undisturbed run.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from siked.files import sha256
from siked.generation import worked
from siked.questions import demo
from siked.records import Question, Rationale, write_records

ROOT = Path(__file__).parents[1]
ITERATION = "it1"
SAMPLES = 10


def main() -> None:
    """Measure and print one line a measurement."""
    parser = argparse.ArgumentParser(description="Measure the filter stage.")
    parser.add_argument("--questions", type=int, default=7473)
    parser.add_argument("--kills", type=int, default=0, help="how often to kill the stage")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = prepare(folder, given.questions)
        print(f"{rows} rationales, {os.cpu_count()} processors", flush=True)
        seconds, peak = run(folder)
        print(f"undisturbed: {seconds:.1f} s, {rows / seconds:.0f}/s, peak {peak / 2**20:.0f} MiB")
        if given.kills:
            killed(folder, seconds, given.kills, random.Random(given.seed))


def prepare(folder: Path, count: int) -> int:
    """Write the inputs of a filter stage; return how many rationales they hold."""
    questions = list(demo.write("train", count, 0, "demo", None))
    rationales = (
        Rationale(question_id=question.id, strategy=name, sample=sample, text=text)
        for question in questions
        for name in ("cot", "l2m", "pot")
        for sample in range(SAMPLES)
        if (text := written(name, question, sample)) is not None
    )
    shutil.copyfile(ROOT / "presets" / "demo.yaml", folder / "params.yaml")
    write_records(folder / "data" / "questions" / "train.jsonl", questions)
    generated = folder / "data" / "students" / ITERATION / "generated.jsonl"
    return write_records(generated, rationales)


def written(strategy: str, question: Question, sample: int) -> str | None:
    """A rationale of the demo's teacher; three in ten are made wrong."""
    text = worked.write(question, strategy)
    if text is None or sample % 10 < 7:
        return text
    if strategy == "pot":
        return f"{text}\nanswer = answer + {sample}"
    return text.rpartition(" ")[0] + f" {sample}{sample}{sample}.5"


def run(folder: Path, seconds: float | None = None) -> tuple[float, int]:
    """Run the stage, for so many seconds at most; seconds and the peak of all its processes."""
    started, peak = time.perf_counter(), 0
    stage = subprocess.Popen(
        [sys.executable, "-m", "stages.filter", "--iteration", ITERATION],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(folder)},
    )
    while stage.poll() is None:
        if seconds is not None and time.perf_counter() - started > seconds:
            stage.kill()
            stage.wait()
            break
        peak = max(peak, memory(stage.pid))
        time.sleep(0.1)
    if stage.returncode > 0:
        sys.exit(f"the stage failed with status {stage.returncode}")
    return time.perf_counter() - started, peak


def memory(process: int) -> int:
    """Bytes that a process and everything below it hold, shared pages counted once."""
    total = 0
    try:
        every = [psutil.Process(process), *psutil.Process(process).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for one in every:
        try:
            total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def killed(folder: Path, undisturbed: float, kills: int, draw: random.Random) -> None:
    """Run again with kills; print what they cost and whether the output is the same."""
    output = folder / "data" / "students" / ITERATION / "verified.jsonl"
    expected = sha256(output)
    output.unlink()
    total, done = 0.0, 0
    while not output.exists():
        limit = draw.uniform(0, undisturbed / (kills + 1)) if done < kills else None
        total += run(folder, limit)[0]
        done += 1
    same = "the same bytes" if sha256(output) == expected else "OTHER BYTES"
    print(
        f"{done - 1} kills: {total:.1f} s in all, {(total - undisturbed) / max(done - 1, 1):.1f} s "
        f"a kill with the start; {same}"
    )


if __name__ == "__main__":
    main()
