"""Estimates agree with what the pipeline's own parts do, and say how sure they are."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import typer
import yaml
from typer.testing import CliRunner

from siked.analysis.verdicts import VerdictCounts
from siked.commands.estimate import estimate
from siked.errors import UserError
from siked.estimating.counts import count_kept, count_parameters, read_size
from siked.estimating.estimate import TAUGHT, WRITTEN
from siked.estimating.last_run import LastRun, last_run
from siked.estimating.rates import MEASURED, TABLE, Machine, find_card
from siked.files import format_json
from siked.mixing import mix, order_strategies, select
from siked.records import VerifiedRationale
from siked.run.run import Run
from siked.settings import check_params

ROOT = Path(__file__).parents[2]
STRATEGIES = ("cot", "l2m", "pot")


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_writer_that_is_never_or_always_right_stays_so_with_more_samples(share):
    for samples in (1, 4, 100):
        assert count_kept(share, samples, keep=1) == share
        assert count_kept(share, samples, keep=None) == share * samples


def test_more_samples_solve_more_of_the_questions_but_not_as_if_they_were_independent():
    draw = np.random.default_rng(0)
    right = draw.random((20_000, 10)) < draw.beta(0.3, 0.7, size=(20_000, 1))
    for keep in (1, 3):
        kept = np.minimum(right.sum(axis=1), keep).mean()
        assert count_kept(0.3, 10, keep) == pytest.approx(kept, abs=0.05)


@pytest.mark.parametrize("bias", [None, ["pot", "cot"], "student"])
@pytest.mark.parametrize("scope", ["question", "strategy"])
@pytest.mark.parametrize("variant", ["all", "adaptive", "self", "teacher"])
def test_the_examples_foretold_are_those_that_mixing_makes(tmp_path, variant, scope, bias):
    teacher, student = verdicts(seed=1, samples=2, right=4), verdicts(seed=2, samples=4, right=1)
    keep = 1
    order = order_strategies(bias, student, STRATEGIES)
    made = mix(
        select(teacher, keep=keep),
        select(student, keep=keep),
        variant=variant,
        scope=scope,
        order=order,
    )
    raw = settings(tmp_path)
    raw["mix"] |= {"variant": variant, "scope": scope, "keep": keep, "bias": bias}
    raw["teacher"] = {"engine": "model", "model": model_teacher(samples=2)}
    recorded(tmp_path, raw, {"teacher": teacher, "it1": student})
    found = estimated(tmp_path, raw, "--card", "h100", "--teacher-size", "7B")
    foretold = stage(found, "train@it1", variant)["calls"]
    assert foretold == pytest.approx(len(made), rel=MEASURED - 1)


def test_another_number_of_samples_costs_in_proportion_and_adaptive_never_more_than_all(tmp_path):
    found = estimated(tmp_path, settings(tmp_path), "--card", "l4", "--samples", "12")
    assert {(one["variant"], one["samples"]) for one in found["estimates"]} == {
        (variant, count) for variant in ("all", "adaptive") for count in (4, 12)
    }
    four, twelve = (stage(found, "generate@it1", "all", count) for count in (4, 12))
    assert twelve["written"] == pytest.approx(3 * four["written"])
    for count in (4, 12):
        some, everything = (
            stage(found, "train@it2", variant, count)["hours"] for variant in ("adaptive", "all")
        )
        assert some <= everything


def test_a_run_is_estimated_from_the_rates_of_the_last_one(tmp_path):
    raw = settings(tmp_path)
    recorded(tmp_path, raw, {"it1": verdicts(seed=2, samples=4, right=1)})
    steps(tmp_path, "it1", generate={"rows": 100, "tokens": 5_000}, seconds=50)
    row = stage(estimated(tmp_path, raw), "generate@it1")
    calls = 240 * 3 * 4
    assert row["calls"] == calls
    assert row["hours"] * 3600 == pytest.approx(calls * 50 / 100)


def test_evaluations_have_their_own_rate_and_forced_answers_count(tmp_path):
    raw = settings(tmp_path)
    recorded(tmp_path, raw, {"it1": verdicts(seed=2, samples=4, right=1)})
    steps(tmp_path, "it1", generate={"rows": 100, "tokens": 5_000}, seconds=50)
    each = {"n": 100, "completion_tokens": 50}
    figures = {
        "it1": {"dev": each | {"forced": {"cot": {}, "l2m": {}, "pot": {}}}},
        "baseline-cot": {"dev": each},
        "it2": {"dev": each | {"samples": {}}},
    }
    for student, found in figures.items():
        folder = tmp_path / "metrics/students" / student
        folder.mkdir(exist_ok=True)
        (folder / "eval.json").write_text(json.dumps({"carried": False, "benchmarks": found}))
        with (tmp_path / ".siked/timings.jsonl").open("a") as file:
            entry = {"experiment": None, "stage": f"eval@{student}", "seconds": 100, "recalled": 0}
            file.write(json.dumps(entry) + "\n")
    assert read(tmp_path).machine.tokens["answering"] == 100, "the middle of 50 and 150"
    row = stage(estimated(tmp_path, raw), "eval@it1")
    assert row["calls"] == 3 * (60 + 140 + 60), "the free answer is one of the forced"
    assert row["hours"] * 3600 == pytest.approx(row["written"] / 100)


def test_rates_leave_out_what_a_run_did_not_do_itself(tmp_path):
    steps(tmp_path, "it1", generate={"rows": 100, "tokens": 5_000}, seconds=50)
    steps(tmp_path, "it2", generate={"rows": 100, "tokens": 6_000}, seconds=2, recalled=90)
    steps(tmp_path, "it3", generate={"rows": 0, "tokens": 0, "carried": True}, seconds=5)
    with (tmp_path / ".siked/timings.jsonl").open("a") as file:
        file.write('{"stage": "generate@it1", "sec')
    assert read(tmp_path).machine.tokens["generation"] == 100


def test_a_rival_costs_a_longer_training_and_says_nothing_of_the_others(tmp_path):
    raw = settings(tmp_path)
    raw["rivals"] = {"gkd": {"teacher": "it1", "lmbda": 1, "learning_rate": 1e-3, "epochs": 1}}
    plain, rival = (
        stage(estimated(tmp_path, raw, "--card", "h100"), f"train@{name}")
        for name in ("it0", "gkd")
    )
    assert rival["calls"] == plain["calls"]
    assert rival["hours"] == pytest.approx((TAUGHT + WRITTEN) * plain["hours"])
    for name, took in (("it1", 50), ("gkd", 500)):
        steps(tmp_path, name, generate={"rows": 100, "tokens": 5_000}, seconds=took)
    assert read(tmp_path).machine.tokens["training"] == 1_000 / 50


def test_an_empty_workspace_has_nothing_measured(tmp_path):
    assert read(tmp_path) == LastRun(Machine({}))


def test_rates_of_a_smaller_student_are_scaled_and_less_sure():
    machine = Machine({"training": 1_000}, parameters=135_000_000)
    own, larger = (machine.seconds("training", 0, 1e6, size) for size in (135e6, 1.35e9))
    assert larger == pytest.approx(10 * own)
    assert machine.factor(1.35e9) > machine.factor(135e6)


def test_the_last_runs_shares_count_for_the_same_questions_and_student_only(tmp_path):
    raw = settings(tmp_path)
    recorded(tmp_path, raw, {"it1": verdicts(seed=2, samples=4, right=1)})
    assert any("the last run" in fact for fact in facts_on_the_student(tmp_path, raw))
    other = raw | {"student": {"source": "hf:someone/other-1B"}}
    assert any("an assumption" in fact for fact in facts_on_the_student(tmp_path, other))
    more = raw | {"questions": raw["questions"] | {"seed": 99}}
    assert any("an assumption" in fact for fact in facts_on_the_student(tmp_path, more))
    told = estimated(tmp_path, other, "--card", "h100", "--acceptance", "0.25")["facts"]
    assert any("25%: as --acceptance says" in fact for fact in told)


def test_a_servers_teacher_is_billed_by_tokens_and_takes_no_card(tmp_path):
    raw = settings(tmp_path)
    engine = {"name": "openai", "url": "http://127.0.0.1:8000/v1"}
    raw["teacher"] = {"engine": "model", "model": model_teacher(samples=5, engine=engine)}
    raw["teacher"]["model"]["source"] = "served:large"
    free = stage(estimated(tmp_path, raw, "--card", "h100"), "teach@cot")
    assert free["money"] is None
    engine["prices"] = {"prompt": 2.0, "completion": 10.0}
    row = stage(estimated(tmp_path, raw, "--card", "h100", "--price", "3"), "teach@cot")
    assert row["hours"] == 0
    assert row["money"] == pytest.approx(2e-6 * row["read"] + 10e-6 * row["written"])


def test_the_currency_that_the_user_gave_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    raw = settings(tmp_path)
    prices = {"prompt": 2.0, "completion": 10.0}
    engine = {"name": "openai", "url": "http://127.0.0.1:8000/v1", "prices": prices}
    model = model_teacher(samples=5, engine=engine) | {"source": "served:large"}
    raw["teacher"] = {"engine": "model", "model": model}
    assert estimated(tmp_path, raw, "--card", "h100")["currency"] is None
    prices["currency"] = "EUR"
    assert estimated(tmp_path, raw, "--card", "h100")["currency"] == "EUR"
    assert run(tmp_path, "--card", "h100").count("money (EUR)") == 2


def test_the_price_by_the_batch_api_stands_beside_the_other(tmp_path):
    raw = settings(tmp_path)
    prices = {"prompt": 2.0, "completion": 10.0, "currency": "EUR"}
    engine = {"name": "openai", "url": "http://127.0.0.1:8000/v1", "prices": prices}
    model = model_teacher(samples=5, engine=engine) | {"source": "served:large"}
    raw["teacher"] = {"engine": "model", "model": model}
    live = estimated(tmp_path, raw, "--card", "h100")
    engine["batch"] = True
    batched = estimated(tmp_path, raw, "--card", "h100")
    whole, half = (stage(one, "teach@cot")["money"] for one in (live, batched))
    assert half == pytest.approx(whole / 2)
    (fact,) = (one for one in live["facts"] if "by the Batch API" in one)
    assert fact in batched["facts"]
    assert " EUR, by the Batch API " in fact
    prices["batch"] = 0.25
    quarter = stage(estimated(tmp_path, raw, "--card", "h100"), "teach@cot")["money"]
    assert quarter == pytest.approx(whole / 4)


def test_money_in_several_currencies_is_refused(tmp_path):
    raw = settings(tmp_path)
    raw["teacher"] = {}
    for strategy, currency in zip(STRATEGIES, ["EUR", "USD", "USD"], strict=True):
        prices = {"prompt": 2.0, "completion": 10.0, "currency": currency}
        engine = {"name": "openai", "url": "http://127.0.0.1:8000/v1", "prices": prices}
        model = model_teacher(samples=5, engine=engine) | {"source": "served:large"}
        raw["teacher"][strategy] = {"engine": "model", "model": model}
    with pytest.raises(UserError, match=r"several currencies \(EUR, USD\): use one"):
        check_params(raw, "params.yaml")


def test_each_strategys_own_teacher_is_counted_as_such(tmp_path):
    raw = settings(tmp_path)
    model = {"engine": "model", "model": model_teacher(samples=5)}
    raw["teacher"] = {
        "cot": {"engine": "annotations"},
        "l2m": {"engine": "annotations"},
        "pot": model,
    }
    found = estimated(tmp_path, raw, "--card", "h100", "--teacher-size", "7B")
    calls = {name: stage(found, f"teach@{name}")["calls"] for name in STRATEGIES}
    assert calls == {"cot": 240, "l2m": 240, "pot": 5 * 240}
    assert stage(found, "filter_teacher")["calls"] == 7 * 240
    assert stage(found, "teach@cot")["hours"] == 0
    assert stage(found, "teach@pot")["hours"] > 0


def test_an_hours_price_is_the_price_of_all_hours(tmp_path):
    found = estimated(tmp_path, settings(tmp_path), "--card", "a100", "--price", "1.5")
    for row in found["estimates"][0]["stages"]:
        if row["money"] is not None:
            assert row["money"] == 1.5 * row["hours"]
    assert stage(found, "train@it0")["money"] > 0


def test_published_questions_are_counted_without_their_files(tmp_path):
    raw = settings(tmp_path)
    (tmp_path / "raw" / "gsm8k").mkdir(parents=True)  # as it is before `siked data add`
    raw["questions"] |= {
        "root": "raw",
        "train": {"gsm8k": {"format": "gsm8k", "path": "gsm8k"}},
        "test": {"gsm8k-test": {"format": "gsm8k", "path": "gsm8k", "split": "test"}},
        "dev_fraction": 0.1,
    }
    counted = estimated(tmp_path, raw, "--card", "h100")["questions"]
    assert counted == {"train": 6_726, "dev": 747, "gsm8k-test": 1_319}
    raw["questions"]["train"] = {"own": {"format": "jsonl", "path": "none.jsonl"}}
    with pytest.raises(UserError, match=r"own: raw/none\.jsonl .*--questions"):
        estimated(tmp_path, raw, "--card", "h100")
    asked = estimated(tmp_path, raw, "--card", "h100", "--questions", "10000000")
    assert stage(asked, "generate@it1")["calls"] == 10_000_000 * 3 * 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--card", "h1000"], r"--card: .*'h1000': known are h100"),
        ([], r"no run to take rates from: .*--card"),
        (["--card", "h100", "--student-size", "big"], r"--student-size: 'big' is no size"),
    ],
)
def test_what_cannot_be_estimated_is_one_line(tmp_path, options, words):
    with pytest.raises(UserError, match=words):
        estimated(tmp_path, settings(tmp_path), *options)


def test_a_model_without_a_size_in_its_name_needs_one(tmp_path):
    raw = settings(tmp_path) | {"student": {"source": "hf:someone/small"}}
    with pytest.raises(UserError, match=r"hf:someone/small: .*--student-size"):
        estimated(tmp_path, raw, "--card", "h100")


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("hf:Qwen/Qwen2-1.5B-Instruct", 1.5e9),
        ("hf:google/gemma-7b-it", 7e9),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", 135e6),
        ("hf:meta-llama/Meta-Llama-3-70B-Instruct", 70e9),
        ("hf:someone/v2beta", None),
    ],
)
def test_a_size_is_read_off_a_models_name(name, size):
    assert read_size(name) == size


def test_parameters_are_counted_in_weight_files(tmp_path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros((3, 4)), "b": np.zeros(5)}, tmp_path / "1.safetensors")
    save_file({"c": np.zeros((2, 2, 2))}, tmp_path / "2.safetensors")
    assert count_parameters(tmp_path) == 25


def test_every_card_names_its_data_sheet_and_is_slower_for_larger_models():
    names = yaml.safe_load(TABLE.read_text())["cards"]
    for name in names:
        one = find_card(name)
        assert one.source
        few, many = (one.seconds("generation", 1e6, 1e6, size) for size in (1e9, 1e11))
        assert few < many
    assert find_card("h100").count_needed(7e9) == 1
    assert find_card("h100").count_needed(70e9) == 3


def test_the_table_shows_every_stage_and_both_variants(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(settings(tmp_path)))
    shown = run(tmp_path, "--file", str(path), "--card", "h100", "--price", "2")
    for text in ("teach@cot", "filter@it2", "train@baseline-pot", "adaptive, K = 4", "all, K = 4"):
        assert text in shown
    assert "not measured on the card" in shown


def settings(folder):
    del folder
    raw = yaml.safe_load((ROOT / "presets" / "demo.yaml").read_text())
    raw["generate"]["samples"] = 4
    raw["iterations"] = {"it1": {"previous": "it0"}, "it2": {"previous": "it1"}}
    return raw


def model_teacher(samples, engine=None):
    return {
        "source": "hf:someone/teacher",
        "seed": 1,
        "engine": engine
        or {"name": "transformers", "device": "auto", "dtype": "auto", "batch_tokens": 1},
        "sampling": {
            "samples": samples,
            "temperature": 0.7,
            "top_k": 0,
            "top_p": 1.0,
            "max_new_tokens": 256,
        },
    }


def verdicts(seed, samples, right):
    """Verdicts on distinct texts about 240 questions of different hardness."""
    draw = np.random.default_rng(seed)
    chances = draw.beta(0.5 * right, 1.0, size=(240, len(STRATEGIES)))
    return [
        VerifiedRationale(
            question_id=f"q-{question:03}",
            strategy=strategy,
            sample=sample,
            text=f"{seed} {sample}",
            predicted="1",
            correct=correct,
            failure=None if correct else "wrong",
        )
        for question in range(240)
        for place, strategy in enumerate(STRATEGIES)
        for sample in range(samples)
        for correct in [bool(draw.random() < chances[question, place])]
    ]


def recorded(folder, raw, seen):
    """What a run with these settings leaves behind: figures and a lock."""
    for name, rows in seen.items():
        counts = VerdictCounts(STRATEGIES)
        for one in rows:
            counts.add(one)
        path = folder / "metrics" / ("teacher.json" if name == "teacher" else f"students/{name}")
        if name != "teacher":
            path.mkdir(parents=True)
            path /= "filter.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(counts.figures(questions=240)))
    params = {key: raw[key] for key in ("student", "questions")}
    taught = [
        {"path": f"data/teacher/settings/{name}.json", "md5": hashlib.md5(text).hexdigest()}
        for name, one in check_params(raw, "params.yaml").describe_teachers().items()
        for text in [format_json(one).encode()]
    ]
    lock = {"stages": {"some": {"params": {"params.yaml": params}, "deps": taught}}}
    (folder / "dvc.lock").write_text(yaml.safe_dump(lock))


def steps(folder, student, *, seconds, recalled=0, generate):
    """What a stage left behind: figures and seconds; and its training the same."""
    path = folder / "metrics" / "students" / student
    path.mkdir(parents=True, exist_ok=True)
    (path / "generate.json").write_text(json.dumps({"carried": False} | generate))
    training = {"carried": False, "rows": 10, "tokens": 1_000, "completion_tokens": 400}
    (path / "train.json").write_text(json.dumps(training))
    (folder / ".siked").mkdir(exist_ok=True)
    with (folder / ".siked" / "timings.jsonl").open("a") as file:
        for stage in ("generate", "train"):
            entry = {
                "experiment": None,
                "stage": f"{stage}@{student}",
                "seconds": seconds,
                "recalled": recalled,
            }
            file.write(json.dumps(entry) + "\n")


def read(folder):
    params = check_params(settings(folder), "params.yaml")
    return last_run(Run(folder), params)


def facts_on_the_student(folder, raw):
    found = estimated(folder, raw, "--card", "h100")
    return [fact for fact in found["facts"] if "of the student's rationales" in fact]


def estimated(folder, raw, *options):
    (folder / "params.yaml").write_text(yaml.safe_dump(raw))
    return json.loads(run(folder, "--json", *options))


def run(folder, *options):
    app = typer.Typer()
    app.command()(estimate)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = CliRunner().invoke(app, options)
    if done.exception is not None:
        raise done.exception
    return done.stdout


def stage(found, name, variant=None, samples=None):
    for one in found["estimates"]:
        if variant in (None, one["variant"]) and samples in (None, one["samples"]):
            return next(row for row in one["stages"] if row["stage"] == name)
    raise AssertionError(name)
