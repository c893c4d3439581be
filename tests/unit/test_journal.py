"""The journal: no sample is generated twice, none is lost, none is wrong."""

import dataclasses
import hashlib
import multiprocessing
import random
import shutil
import signal
import sqlite3
import time
from pathlib import Path
from zlib import crc32

import pytest

from siked.generation.ask import collect
from siked.generation.engine import Completion, Sampling, open_engine
from siked.generation.journal import engine as journal_engine
from siked.generation.journal.engine import ROOT, Journal, find_code, open_journaled
from siked.generation.journal.samples import SAMPLES, SampleStore, contents, prune
from siked.prompts import Prompt, student_prompt
from siked.settings import TransformersSettings
from tests import tiny_student

SETTINGS = TransformersSettings(
    name="transformers", device="cpu", dtype="bfloat16", batch_tokens=1500
)
PROMPTS = [
    student_prompt(f"How many are {n} x {n % 7}" + " and one more" * (n % 5), strategy="cot")
    for n in range(16)
]
DRAWN = Sampling(samples=3, temperature=2.0, top_p=0.99, max_new_tokens=60, seed=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_student.build(tmp_path_factory.mktemp("tiny") / "base")


def places(completions):
    return {(one.prompt, one.sample): one.text for one in completions}


def no_model():
    raise AssertionError("the model is opened")


class Composed:
    """An engine with what no real one here has for sure: each text tells what shared its batch."""

    def __init__(self):
        self.written = 0

    def batches(self, prompts, sampling):
        size = 2 + sampling.samples % 3
        return [
            list(range(start, min(start + size, len(prompts))))
            for start in range(0, len(prompts), size)
        ]

    def complete(self, prompts, sampling, batches):
        for batch in batches:
            company = [prompts[index].user for index in batch], sampling
            drawn = [(index, n) for index in batch for n in range(sampling.samples)]
            for index, n in sorted(drawn, key=lambda one: crc32(repr((one, company)).encode()) % 7):
                self.written += 1
                sample = sampling.first_sample + n
                text = hashlib.sha256(repr((company, index, sample)).encode()).hexdigest()
                yield Completion(index, sample, text, 1, 1, "stop")

    def generate(self, prompts, sampling):
        yield from self.complete(prompts, sampling, self.batches(prompts, sampling))


def composed(folder, engine=None):
    return Journal(
        SampleStore(folder, {"engine": "composed"}, "composed"),
        lambda prompt: prompt.user,
        lambda: engine or Composed(),
        "composed",
    )


ASKED = [Prompt("", None, "", f"question {n % 7}") for n in range(9)]


@pytest.mark.parametrize("before", [0, 2], ids=["empty journal", "two samples each before"])
def test_a_run_stopped_anywhere_goes_on_to_what_an_undisturbed_one_writes(tmp_path, before):
    few = dataclasses.replace(DRAWN, samples=before)
    many = dataclasses.replace(DRAWN, samples=5)

    def started(name):
        journal = composed(tmp_path / name)
        if before:
            list(journal.generate(ASKED, few))
        return journal

    whole = places(started("whole").generate(ASKED, many))
    assert len(whole) == len(ASKED) * 5
    for stop in range(0, len(whole), 2):
        journal = started(f"stopped-{stop}")
        run = journal.generate(ASKED, many)
        for _ in range(stop):
            next(run)
        run.close()
        again = composed(tmp_path / f"stopped-{stop}").generate(ASKED, many)
        assert places(again) == whole, stop


def test_what_was_finished_is_not_generated_again(tmp_path):
    engine = Composed()
    run = composed(tmp_path, engine).generate(ASKED, DRAWN)
    for _ in range(20):
        next(run)
    run.close()
    first, engine.written = engine.written, 0
    list(composed(tmp_path, engine).generate(ASKED, DRAWN))
    prompts = len({prompt.user for prompt in ASKED})
    batch = 2 * DRAWN.samples
    assert first + engine.written < prompts * DRAWN.samples + batch
    assert list(composed(tmp_path, engine).generate([], DRAWN)) == []


def test_prompts_that_read_the_same_have_the_same_samples(tmp_path):
    engine = Composed()
    found = places(composed(tmp_path, engine).generate(ASKED, DRAWN))
    assert [found[0, k] for k in range(3)] == [found[7, k] for k in range(3)]
    assert engine.written == 7 * DRAWN.samples


def test_a_second_request_needs_no_model(folder, tmp_path, monkeypatch):
    first = list(open_journaled(SETTINGS, folder, journal=tmp_path).generate(PROMPTS, DRAWN))
    monkeypatch.setattr(journal_engine, "open_engine", lambda *_: no_model())
    second = list(open_journaled(SETTINGS, folder, journal=tmp_path).generate(PROMPTS, DRAWN))
    assert not any(one.recalled for one in first)
    assert all(one.recalled for one in second)
    fresh = {dataclasses.replace(one, recalled=False) for one in second}
    assert fresh == set(first)
    fewer = dataclasses.replace(DRAWN, samples=2)
    list(open_journaled(SETTINGS, folder, journal=tmp_path).generate(PROMPTS[3:9], fewer))


def test_the_journal_changes_nothing(folder, tmp_path):
    plain = places(open_engine(SETTINGS, folder).generate(PROMPTS, DRAWN))
    assert places(open_journaled(SETTINGS, folder, journal=tmp_path).generate(PROMPTS, DRAWN)) == (
        plain
    )


def test_more_samples_generate_only_those_that_are_new(folder, tmp_path):
    exact = SETTINGS.model_copy(update={"dtype": "float32"})
    ten = dataclasses.replace(DRAWN, samples=10)
    four = dataclasses.replace(DRAWN, samples=4)
    list(open_journaled(exact, folder, journal=tmp_path / "one").generate(PROMPTS, four))
    grown = list(open_journaled(exact, folder, journal=tmp_path / "one").generate(PROMPTS, ten))
    new = {(one.prompt, one.sample) for one in grown if not one.recalled}
    assert new == {(prompt, k) for prompt in range(len(PROMPTS)) for k in range(4, 10)}
    fresh = open_journaled(exact, folder, journal=tmp_path / "other").generate(PROMPTS, ten)
    assert places(grown) == places(fresh)


def test_whatever_decides_a_sample_asks_for_another(folder, tmp_path):
    def recalled(settings=SETTINGS, model=folder, adapter=None, prompts=PROMPTS[:2], **sampling):
        journal = open_journaled(settings, model, adapter, journal=tmp_path / "journal")
        how = dataclasses.replace(DRAWN, max_new_tokens=4, **sampling)
        return sum(one.recalled for one in journal.generate(prompts, how))

    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    adapted = get_peft_model(
        AutoModelForCausalLM.from_pretrained(folder), LoraConfig(target_modules="all-linear")
    )
    adapted.save_pretrained(tmp_path / "adapter")
    assert recalled() == 0
    assert recalled() == 6
    assert recalled(seed=4) == 0
    assert recalled(temperature=1.0) == 0
    assert recalled(top_k=5) == 0
    assert recalled(stop=("x",)) == 0
    assert recalled(prompts=[student_prompt("Why?"), PROMPTS[0]]) == 3
    assert recalled(settings=SETTINGS.model_copy(update={"dtype": "float32"})) == 0
    assert recalled(settings=SETTINGS.model_copy(update={"batch_tokens": 99})) == 6
    assert recalled(adapter=tmp_path / "adapter") == 0
    assert recalled(model=tiny_student.build(tmp_path / "other", seed=1)) == 0
    copied = shutil.copytree(folder, tmp_path / "copy")
    assert recalled(model=copied) == 6, "content counts, not where it lies"


def test_how_many_samples_were_found_is_said(tmp_path, capfd):
    def run(samples):
        how = dataclasses.replace(DRAWN, samples=samples)
        return collect(composed(tmp_path), ASKED, how, what="generate it1", strategies=())

    run(2)
    assert capfd.readouterr().err == ""
    assert len(run(3)) == 27
    assert capfd.readouterr().err == "generate it1: 18 of 27 samples came from the journal\n"


# --- processes that die, and processes at once ---


def work(folder: str, journal: str, out: str | None) -> None:
    """What a process of its own does."""
    run = open_journaled(SETTINGS, Path(folder), journal=Path(journal))
    rationales = collect(run, PROMPTS, DRAWN, what="work", strategies=())
    if out is not None:
        Path(out).write_text("\n".join(one.model_dump_json() for one in rationales))


@pytest.fixture(scope="module")
def processes():
    """Processes that have torch loaded when they start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["siked.generation.transformers", "peft", __name__])
    return context


def written(journal):
    return sum(held.samples or 0 for held in contents(journal))


@pytest.mark.slow
def test_killed_runs_go_on_to_the_bytes_of_an_undisturbed_one(folder, tmp_path, processes):
    work(str(folder), str(tmp_path / "whole"), str(tmp_path / "whole.jsonl"))
    total = len(PROMPTS) * DRAWN.samples
    moments = random.Random(5)
    kills = 0
    for attempt in range(3):
        journal = tmp_path / f"journal-{attempt}"
        while (seen := written(journal)) < total:
            goal = moments.randint(seen + 1, min(total, seen + total // 2))
            process = processes.Process(target=work, args=(str(folder), str(journal), None))
            process.start()
            while process.is_alive() and written(journal) < goal:
                time.sleep(0.001)
            process.kill()  # or it has ended by itself
            process.join()
            kills += process.exitcode == -signal.SIGKILL
            assert written(journal) >= seen, "what was finished is lost"
        work(str(folder), str(journal), str(tmp_path / "resumed.jsonl"))
        assert (tmp_path / "resumed.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert kills >= 3


@pytest.mark.slow
def test_two_runs_at_once_write_the_same(folder, tmp_path, processes):
    outs = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    both = [
        processes.Process(target=work, args=(str(folder), str(tmp_path / "journal"), str(out)))
        for out in outs
    ]
    for process in both:
        process.start()
    for process in both:
        process.join()
        assert process.exitcode == 0
    work(str(folder), str(tmp_path / "alone"), str(tmp_path / "alone.jsonl"))
    assert {out.read_bytes() for out in outs} == {(tmp_path / "alone.jsonl").read_bytes()}
    assert written(tmp_path / "journal") == len(PROMPTS) * DRAWN.samples


def test_no_prompt_and_no_secret_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-to-be-seen")
    list(composed(tmp_path).generate(ASKED, DRAWN))
    everything = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"sk-not" not in everything
    assert b"question" not in everything


def test_a_pruned_journal_is_filled_again(folder, tmp_path):
    journal = open_journaled(SETTINGS, folder, journal=tmp_path)
    first = places(journal.generate(PROMPTS, DRAWN))
    prune(tmp_path, 0)
    assert places(journal.generate(PROMPTS, DRAWN)) == first
    with sqlite3.connect(next(tmp_path.glob(f"*/{SAMPLES}"))) as db:
        assert db.execute("SELECT count(*) FROM plans").fetchone() == (0,)


def test_the_code_that_decides_an_engine_s_samples_is_found_by_its_imports():
    def found(module):
        return {str(path.relative_to(ROOT / "siked")) for path in find_code(module)}

    ours = found("siked.generation.transformers")
    assert {
        "prompts.py",
        "models/loading.py",
        "generation/transformers.py",
        "generation/decoding/loop.py",
        "generation/decoding/keys_values.py",
    } <= ours
    assert "generation/vllm.py" not in ours
    assert not any(name.startswith(("generation/journal", "settings", "run")) for name in ours)
    assert {"prompts.py", "generation/vllm.py"} <= found("siked.generation.vllm")
    with pytest.raises(FileNotFoundError):
        find_code("siked.generation.moved")
