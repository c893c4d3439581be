"""``siked --help`` imports no command, and a command waits for no library that it may not use."""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from typer.testing import CliRunner

from siked.__main__ import COMMANDS, app
from siked.commands.settings import params, preset
from siked.commands.sweep import _change
from siked.errors import UserError

ROOT = Path(__file__).parents[2]
SLOW = {"torch", "transformers", "datasets", "mlflow", "dvc.repo", "sympy", "pandas", "scipy.stats"}
"""Each takes a second or more to import."""


@functools.cache
def run(*arguments):
    """Run ``siked``; return its output and the modules that it loaded."""
    code = (
        "import sys; from siked.__main__ import app\n"
        "try: app(sys.argv[1:])\n"
        "finally: print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "300", "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout, set(done.stderr.splitlines())


def test_help_lists_every_command_with_its_first_sentence_and_imports_none():
    shown, loaded = run("--help")
    for name in COMMANDS:
        whole, _ = run(name, "--help")
        _, sentence, *_ = filter(None, map(str.strip, whole.splitlines()))
        assert any(f"│ {name} " in line and sentence in line for line in shown.splitlines())
    assert not {one for one in loaded if one.startswith("siked.commands.")}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_starts_without_what_is_slow_to_import(name):
    _, loaded = run(name, "--help")
    assert f"siked.commands.{COMMANDS[name]}" in loaded
    assert not SLOW & loaded


def test_a_misspelt_command_is_answered_with_the_right_one():
    assert "Did you mean 'solve'?" in CliRunner().invoke(app, ["solv"]).output


def test_presets_are_listed_with_whole_sentences():
    shown, _ = run("preset")
    listed = " ".join(shown.split())
    for file in (ROOT / "presets").glob("*.yaml"):
        comment = " ".join(line.removeprefix("# ") for line in file.read_text().splitlines()[:4])
        assert f"{file.stem} {comment.partition('. ')[0]}." in listed


def test_params_shows_one_section_or_one_key_alone():
    whole, _ = run("params")
    section, _ = run("params", "mix")
    key, _ = run("params", "mix.variant")
    assert section in whole
    assert section.startswith("mix\n")
    assert all(line.startswith(("mix", "    ")) for line in section.splitlines())
    assert key in section
    assert key.startswith('mix.variant = "adaptive"\n')
    with pytest.raises(UserError, match=r"mix\.v: no key or section of"):
        params("mix.v", file=ROOT / "params.yaml")


STUDENTS = sorted(path.stem for path in (ROOT / "presets/students").glob("*.yaml"))


@pytest.mark.parametrize("student", STUDENTS)
@pytest.mark.parametrize("base", ["paper", "demo"])
def test_a_preset_takes_another_student_and_keeps_its_comments(
    base, student, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    preset(base, student=student, folder=ROOT / "presets")
    written = Path("params.yaml").read_text()
    other = yaml.safe_load((ROOT / f"presets/students/{student}.yaml").read_text())
    raw = yaml.safe_load(written)
    assert raw["student"] == other["student"], "nothing of the preset's own student is left"
    assert raw["train"]["distil"]["learning_rate"] == other["train"]["distil"]["learning_rate"]
    assert raw["train"]["distil"]["epochs"] >= 1, "what the student's preset leaves open stays"
    comment = (ROOT / f"presets/{base}.yaml").read_text().splitlines()[0]
    assert written.startswith(comment)


@pytest.mark.parametrize("student", STUDENTS)
def test_a_sweep_makes_of_a_student_s_preset_what_dvc_sets(student, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    wanted, overrides = _change("student", student)
    file = tmp_path / "params.yaml"
    shutil.copyfile(ROOT / "params.yaml", file)
    apply_overrides(file, overrides)
    assert yaml.safe_load(file.read_text()) == wanted


def test_an_unknown_student_names_those_that_there_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no preset of a student 'gemma': known are gemma-2b-it"):
        preset("paper", student="gemma", folder=ROOT / "presets")
    assert not Path("params.yaml").exists()
