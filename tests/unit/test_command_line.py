"""``siked --help`` imports no command, and a command waits for no library that it may not use."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from siked.__main__ import COMMANDS, app

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
