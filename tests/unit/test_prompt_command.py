"""`siked prompt` prints what a model reads, to the letter."""

import shutil
from pathlib import Path

import pytest
import yaml

from siked.commands.prompt import prompt
from siked.errors import UserError
from siked.generation.engine import Sampling
from siked.generation.transformers import TransformersEngine
from siked.models.loading import load_tokenizer
from siked.prompts import encode, render, student_prompt, teacher_prompt
from siked.settings import TransformersSettings
from tests import tiny_student

ROOT = Path(__file__).parents[2]
QUESTION = "Tom has 3 apples and buys 4. How many has he?"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A checkout with the demo's settings and no model."""
    shutil.copyfile(ROOT / "presets/demo.yaml", tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def teach_with(folder, source, **engine):
    raw = yaml.safe_load((folder / "params.yaml").read_text())
    model = {"source": source, "seed": 1, "engine": engine, "sampling": raw["generate"]}
    raw["teacher"] = {"engine": "model", "model": model}
    (folder / "params.yaml").write_text(yaml.safe_dump(raw))


@pytest.mark.parametrize("strategy", [None, "pot"])
def test_the_students_prompt_is_what_its_engine_reads(repository, strategy, capsys):
    base = tiny_student.build(repository / "models/base")
    prompt(QUESTION, strategy=strategy)
    shown = capsys.readouterr()
    asked, tokenizer = student_prompt(QUESTION, strategy=strategy), load_tokenizer(base)
    ids = encode(tokenizer, asked)
    assert shown.out == tokenizer.decode(ids)
    assert "<|im_start|>user" in shown.out
    assert shown.out.endswith("assistant\n" if strategy is None else "assistant\n[pot]:\n")
    engine = TransformersEngine(
        base,
        None,
        TransformersSettings(name="transformers", device="cpu", dtype="float32", batch_tokens=999),
    )
    (one,) = engine.generate([asked], Sampling(max_new_tokens=1))
    assert f"{one.prompt_tokens} tokens" in shown.err


def test_a_local_teachers_prompt_goes_through_its_template(repository, capsys):
    folder = tiny_student.build(repository / "teacher")
    local = {"device": "cpu", "dtype": "float32", "batch_tokens": 999}
    teach_with(repository, f"path:{folder}", name="transformers", **local)
    prompt(QUESTION, strategy="l2m", teacher=True)
    expected = render(load_tokenizer(folder), teacher_prompt(QUESTION, "l2m"))
    assert capsys.readouterr().out == expected
    shutil.rmtree(folder)
    with pytest.raises(UserError, match="no such model folder"):
        prompt(QUESTION, strategy="l2m", teacher=True)


def test_a_served_teachers_prompt_is_what_is_sent(repository, capsys):
    asked = teacher_prompt(QUESTION, "cot")
    teach_with(repository, "served:m", name="openai", url="http://127.0.0.1:9/v1")
    prompt(QUESTION, strategy="cot", teacher=True)
    shown = capsys.readouterr()
    assert shown.out == f"{asked.system}\n{asked.user}\n"
    assert "http://127.0.0.1:9/v1 (chat)" in shown.err
    assert shown.err.splitlines()[-2:] == ["--- system", "--- user"]
    completions = {"url": "http://127.0.0.1:9/v1", "api": "completions"}
    teach_with(repository, "served:m", name="openai", **completions)
    prompt(QUESTION, strategy="cot", teacher=True)
    assert capsys.readouterr().out == f"{asked.system}\n\n{asked.user}\nAnswer:\n"


def test_a_teacher_that_reads_no_prompt_is_said_so(repository, capsys):
    assert (repository / "params.yaml").is_file()
    prompt(QUESTION, strategy="cot", teacher=True)
    shown = capsys.readouterr()
    assert "teacher.engine is annotations, which reads no prompt" in shown.err
    assert f"Question: {QUESTION}" in shown.out


@pytest.mark.parametrize(
    ("config", "advice"),
    [
        ("['remote \"team\"']\nurl = /srv/siked\n", "makes it, `dvc pull` gets it"),
        ("[core]\nanalytics = false\n", "makes it"),
        ("no settings of DVC\n", "makes it"),
    ],
)
def test_a_pull_is_advised_where_there_is_a_remote(repository, config, advice):
    (repository / ".dvc").mkdir()
    (repository / ".dvc/config").write_text(config)
    with pytest.raises(UserError) as error:
        prompt(QUESTION)
    assert str(error.value) == f"models/base: is not there: `dvc repro base` {advice}"


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"models/base: is not there: `dvc repro base` makes it$"),
        ({"strategy": "bot"}, "--strategy bot: params.yaml has cot, l2m, pot"),
        ({"teacher": True}, "--strategy: is missing"),
    ],
)
def test_what_is_missing_is_one_line(given, message):
    with pytest.raises(UserError, match=message) as error:
        prompt(QUESTION, **given)
    assert "\n" not in str(error.value)
