"""Small trainings for tests, in this process or in one of their own that can be killed.

python -m tests.training_jobs '{"base": "...", "folder": "...", "start": null, "changed": {}}'
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from siked.errors import report_errors
from siked.models.loading import load_tokenizer
from siked.prompts import completion, render, student_prompt
from siked.records import Example
from siked.settings import Lora, Schedule, TrainSettings
from siked.training.checkpoints import find_latest
from siked.training.job import Job, TrainingLog
from siked.training.train import train

ROOT = Path(__file__).parents[1]
SCHEDULE = Schedule(epochs=2, learning_rate=1e-2)
SETTINGS = TrainSettings(
    policy="on-policy",
    distil=SCHEDULE,
    iterate=SCHEDULE,
    scheduler="cosine",
    warmup_steps=2,
    weight_decay=0.01,
    batch_size=4,
    gradient_accumulation=1,
    max_length=256,
    lora=Lora(rank=4, alpha=8, dropout=0.0, target_modules="all-linear"),
)


def examples_of(tokenizer, count=24):
    made = []
    for i in range(count):
        strategy = ("cot", "pot")[i % 2]
        text = f"answer = {i} + 2" if strategy == "pot" else f"{i} + 2 = {i + 2}. " * (i % 5 + 1)
        prompt = student_prompt(f"Ada has {i} pens and gets 2. How many pens has she?")
        made.append(
            Example(
                question_id=f"q{i}",
                strategy=strategy,
                origin="teacher",
                prompt=render(tokenizer, prompt),
                completion=completion(strategy, text),
            )
        )
    return made


def changed_settings(changed):
    return TrainSettings(**(SETTINGS.model_dump() | (changed or {})))


def run(examples, base, folder, *, start=None, changed=None, seed=0, watch=None):
    return train(
        examples,
        base=base,
        start=start,
        settings=changed_settings(changed),
        schedule=SCHEDULE,
        seed=seed,
        out=folder / "adapter",
        checkpoints=folder / "checkpoints",
        watch=watch,
    )


def job(examples, base, folder, **changed):
    return Job(
        examples=tuple(examples),
        base=base,
        start=None,
        settings=changed_settings(changed),
        schedule=SCHEDULE,
        seed=0,
        out=folder / "adapter",
        checkpoints=folder / "checkpoints",
    )


def content(adapter):
    return {path.name: path.read_bytes() for path in sorted(adapter.iterdir())}


def begin(base, folder, *, python=sys.executable, start=None, changed=None, slow=False):
    """Train in a process of its own, which prints the log."""
    told = {
        "base": str(base),
        "folder": str(folder),
        "start": start and str(start),
        "changed": changed or {},
    }
    return subprocess.Popen(
        [python, "-m", "tests.training_jobs", json.dumps(told)],
        cwd=ROOT,
        env=os.environ | {"SLOW_STEPS": "1" if slow else "", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process):
    """The log of a training in a process of its own."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return TrainingLog.model_validate_json(out.splitlines()[-1])


def has_saved(folder, step):
    """Whether a whole checkpoint of this step, or a later one, is there."""
    found = [find_latest(one) for one in folder.glob("checkpoints/*")]
    return any(one and int(one.name.split("-")[1]) >= step for one in found)


def killed_at(step, signal_number, base, folder, *, child=None, **how):
    """Train in a process of its own and send it a signal when it has saved this step.

    ``child`` picks the process to send it to, of those that it started.
    """
    process = begin(base, folder, slow=True, **how)
    deadline = time.monotonic() + 300
    while not has_saved(folder, step):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    if child is None:
        process.send_signal(signal_number)
    else:
        workers = [
            one
            for one in psutil.Process(process.pid).children()
            if "spawn_main" in " ".join(one.cmdline())
        ]
        workers[child].send_signal(signal_number)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def slow_steps(trainer):
    """Save after every step, and let a step take its time."""
    if trainer == "unsloth":
        import siked.training.unsloth  # noqa: F401 - before TRL
    from siked.training import sft

    sft.SAVE_EVERY = 0.0
    quick = sft.Clock.on_step_end

    def on_step_end(self, *arguments, **named):
        time.sleep(0.2)
        return quick(self, *arguments, **named)

    sft.Clock.on_step_end = on_step_end


def main():
    told = json.loads(sys.argv[1])
    with report_errors():
        base, folder, start = (told[key] and Path(told[key]) for key in ("base", "folder", "start"))
        examples = examples_of(load_tokenizer(base))
        log = run(examples, base, folder, start=start, changed=told["changed"])
        print(log.model_dump_json())


if __name__ in {"__main__", "__mp_main__"} and os.environ["SLOW_STEPS"]:
    slow_steps(json.loads(sys.argv[1])["changed"].get("trainer"))
if __name__ == "__main__":
    main()
