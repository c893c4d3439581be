"""What every stage that runs no model costs as questions grow: measured here, drawn on from there.

    python benchmarks/scale.py --rows 10000 100000
    python benchmarks/scale.py --rows 100000 1000000 --parts mix generate cards --memory 64

A row is what the part goes through: a question for ``questions``, an example for ``train``, a
rationale for all others. Each part runs on synthetic rows in a process of its own, and its seconds
and peak memory are printed. A line through the two largest sizes then says what a run of 7,473 to
10 million questions would take (3 strategies, K = 10), and at how many questions it needs more than
``--memory`` GB. Parts that are stages run whole; the others are the work of a stage that grows:

    generate   samples collected and written, from an engine that answers at once
    train      examples tokenised and handed to the trainer, before the first step
    report     pass@k and majority@k counted from verdicts
    cards      one file of verdicts measured
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
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import yaml

from siked.generation.engine import Completion, Sampling
from siked.prompts import Prompt
from siked.questions import demo
from siked.records import Example, Question, Rationale, VerifiedRationale, write_records

ROOT = Path(__file__).parents[1]
STRATEGIES = ("cot", "l2m", "pot")
SAMPLES = 10
A_QUESTION = len(STRATEGIES) * SAMPLES
TEXTS = {
    "cot": "The garden has 18 * {n} = {m} m in all.\nThe width is {m} - 18 = {k} m.\n"
    "So the answer is found after both steps.\nFinal Answer: {k}",
    "l2m": "How long is it? It is 18 * {n} = {m} m.\nHow wide is it? It is {m} - 18 = {k} m.\n"
    "Final Answer: {k}",
    "pot": "length = 18 * {n}\nwidth = length - 18\nanswer = width",
}
QUESTIONS = (7_473, 100_000, 1_000_000, 10_000_000)
ROWS = {"questions": 1, "train": len(STRATEGIES)}
"""Rows a question of the parts that do not go through every rationale."""
BASE = ROOT / "models" / "base"


class Cost(NamedTuple):
    """What one part took with so many rows."""

    rows: int
    seconds: float
    gigabytes: float


def main() -> None:
    """Measure, print, and draw the lines on."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--memory", type=float, default=64, help="GB that a machine has")
    parser.add_argument("--inside", nargs=2, metavar=("PART", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        inside(given.inside[0], Path(given.inside[1]))
        return
    measured: dict[str, list[Cost]] = {part: [] for part in given.parts}
    for part in given.parts:
        for rows in sorted(given.rows):
            cost = measure(part, rows)
            measured[part].append(cost)
            print(
                f"{part:10} {cost.rows:>9,} rows {cost.seconds:8.1f} s {cost.gigabytes:7.2f} GB",
                flush=True,
            )
    if len(given.rows) > 1:
        drawn_on(measured, given.memory)


def measure(part: str, rows: int) -> Cost:
    """Run one part on so many synthetic rows, or a few more, in a process of its own."""
    if ROWS.get(part, A_QUESTION) == A_QUESTION:
        rows = asked(rows) * A_QUESTION  # whole questions
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        PREPARE[part](folder, rows)
        command = [sys.executable, __file__, "--inside", part, str(folder)]
        if part in STAGES:
            command = [sys.executable, "-m", *STAGES[part].split()]
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DVC_ROOT": str(folder)},
            stdout=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{part}: failed with status {process.returncode}")
        return Cost(rows, time.perf_counter() - started, usage.ru_maxrss * 1024 / 1e9)


def drawn_on(measured: dict[str, list[Cost]], memory: float) -> None:
    """Print what the lines through the two largest sizes say of larger runs."""
    print(f"\n{'':10}" + "".join(f"{count:>12,} questions" for count in QUESTIONS), end="")
    print(f"   over {memory:g} GB from")
    for part, costs in measured.items():
        (small, large), each = list(pairwise(costs))[-1], ROWS.get(part, A_QUESTION)
        seconds = max(0.0, large.seconds - small.seconds) / (large.rows - small.rows)
        gigabytes = max(0.0, large.gigabytes - small.gigabytes) / (large.rows - small.rows)
        cells = ""
        for count in QUESTIONS:
            more = count * each - large.rows
            took = max(large.seconds + more * seconds, 0)
            held = max(large.gigabytes + more * gigabytes, 0)
            cells += f"{took / 60:>9.1f} min {held:>6.1f} GB"
        limit = (large.rows + (memory - large.gigabytes) / gigabytes) / each if gigabytes else 1e12
        print(f"{part:10}{cells}   {f'{limit:,.0f}' if limit < 1e9 else 'never'}")


def questions(count: int) -> Iterator[Question]:
    """So many different problems: a demo problem's text with a sentence of random words."""
    draw = random.Random(0)
    some = list(demo.write("train", 5_000, 0, "demo", None))
    words = sorted({word for one in some for word in one.question.split() if word.isalpha()})
    for number in range(count):
        one = some[number % len(some)]
        more = " ".join(draw.choices(words, k=12))
        yield one.model_copy(
            update={"id": f"demo-{number:08}", "question": f"{one.question} {more}."}
        )


def texts(rows: int) -> Iterator[tuple[str, str, int, str]]:
    """Question id, strategy, sample and text of so many rationales."""
    for row in range(rows):
        question, place = divmod(row, A_QUESTION)
        strategy, sample = STRATEGIES[place // SAMPLES], place % SAMPLES
        text = TEXTS[strategy].format(n=row % 97, m=18 * (row % 97), k=18 * (row % 97) - 18)
        yield f"demo-{question:08}", strategy, sample, text


def prepare_questions(folder: Path, rows: int) -> None:
    """The inputs of the stage ``questions``."""
    data = folder / "data"
    write_records(data / "own.jsonl", map(plain, questions(rows)))
    params = settings(folder)
    params["questions"] |= {
        "root": "data",
        "train": {"own": {"format": "jsonl", "path": "own.jsonl"}},
        "test": {"test": {"format": "demo", "split": "unseen", "rows": 1_319}},
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")


def plain(question: Question) -> Question:
    """A question without its worked solution."""
    return question.model_copy(update={"solution": ()})


def prepare_rationales(folder: Path, rows: int) -> None:
    """Questions and what a student wrote about them."""
    settings(folder)
    write_records(folder / "data/questions/train.jsonl", map(plain, questions(asked(rows))))
    write_records(folder / "data/students/it1/generated.jsonl", rationales(rows))


def prepare_verified(folder: Path, rows: int) -> None:
    """The inputs of ``mix``: verdicts on the student's rationales and on the teacher's."""
    settings(folder)
    write_records(folder / "data/questions/train.jsonl", map(plain, questions(asked(rows))))
    write_records(folder / "data/students/it1/verified.jsonl", verified(rows))
    write_records(folder / "data/teacher/verified.jsonl", verified(rows))
    (folder / "data/students/it0").mkdir(parents=True)
    (folder / "data/students/it0/plateau.json").write_text('{"stopped": false}')
    (folder / "models").mkdir()
    (folder / "models/base").symlink_to(BASE)


def prepare_examples(folder: Path, rows: int) -> None:
    """A mix."""
    prompts = [one.question for one in questions(1_000)]
    write_records(
        folder / "mix.jsonl",
        (
            Example(
                question_id=question,
                strategy=strategy,
                origin="student",
                prompt=f"<|im_start|>user\n{prompts[number % 1_000]}<|im_end|>\n",
                completion=f"[{strategy}]:\n{text}",
            )
            for number, (question, strategy, _, text) in enumerate(texts(rows))
        ),
    )


def settings(folder: Path) -> dict:
    """The demo's settings, as the folder's."""
    shutil.copyfile(ROOT / "presets" / "demo.yaml", folder / "params.yaml")
    params: dict = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    return params


def asked(rows: int) -> int:
    """Questions of so many rationales."""
    return -(-rows // A_QUESTION)


def rationales(rows: int) -> Iterator[Rationale]:
    """What a student wrote."""
    for question, strategy, sample, text in texts(rows):
        yield Rationale(
            question_id=question,
            strategy=strategy,
            sample=sample,
            text=text,
            prompt_tokens=60,
            completion_tokens=45,
        )


def verified(rows: int) -> Iterator[VerifiedRationale]:
    """The same with verdicts: of ten samples three are right."""
    for one in rationales(rows):
        right = one.sample % 10 < 3
        yield VerifiedRationale(
            **one.model_dump(),
            predicted=str(one.sample),
            rule="final-answer",
            correct=right,
            failure=None if right else "wrong",
        )


def inside(part: str, folder: Path) -> None:
    """The work of a part that is no whole stage."""
    INSIDE[part](folder)


def collect_all(folder: Path) -> None:
    """What ``generate`` does besides the model's work."""
    from siked.generation.ask import collect
    from stages.generate import count

    rows = int((folder / "rows").read_text())
    prompts = [
        Prompt(question_id=f"demo-{number:08}", strategy=strategy, system="", user=QUESTION)
        for number in range(asked(rows))
        for strategy in STRATEGIES
    ]
    found = collect(Instant(), prompts, Sampling(samples=SAMPLES), what="", strategies=())
    write_records(folder / "generated.jsonl", found)
    count(found)


QUESTION = "A garden is 18 m long and five times as wide. How much fence does it need? " * 3


class Instant:
    """An engine that answers at once."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield the same few texts with other numbers in them."""
        for number, prompt in enumerate(prompts):
            for sample in range(sampling.samples):
                text = TEXTS[str(prompt.strategy)].format(n=number, m=18 * number, k=sample)
                yield Completion(number, sample, text, 60, 45, "stop")


def prepare_collect(folder: Path, rows: int) -> None:
    """The number of rows; prompts are made inside."""
    (folder / "rows").write_text(str(rows))


def encode_all(folder: Path) -> None:
    """What ``train`` does before its first step."""
    import datasets

    from siked.models.loading import load_tokenizer
    from siked.records import read_records
    from siked.training.examples import encode

    examples = list(read_records(folder / "mix.jsonl", Example))
    datasets.Dataset.from_list(encode(load_tokenizer(BASE), examples, 512).rows)


def count_all(folder: Path) -> None:
    """What ``report`` does with every rationale of an iteration."""
    from siked.analysis.samples import count_samples, majority_at_k, measure_forced, pass_at_k
    from siked.records import read_records

    path = folder / "data/students/it1/verified.jsonl"
    several = count_samples(read_records(path, VerifiedRationale), STRATEGIES)
    measure_forced(several), pass_at_k(several), majority_at_k(several)


def measure_all(folder: Path) -> None:
    """What ``cards`` does with one file."""
    from siked.report.cards.facts import measure as facts

    facts(folder / "data/students/it1/verified.jsonl", VerifiedRationale, "")


PREPARE = {
    "questions": prepare_questions,
    "filter": prepare_rationales,
    "mix": prepare_verified,
    "generate": prepare_collect,
    "train": prepare_examples,
    "report": prepare_verified,
    "cards": prepare_verified,
}
PARTS = tuple(PREPARE)
STAGES = {
    "questions": "stages.questions",
    "filter": "stages.filter --iteration it1",
    "mix": "stages.mix --student it1 --previous it0",
}
INSIDE = {
    "generate": collect_all,
    "train": encode_all,
    "report": count_all,
    "cards": measure_all,
}

if __name__ == "__main__":
    main()
