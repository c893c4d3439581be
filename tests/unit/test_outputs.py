"""`siked verify`: anybody's outputs are judged as a run's own rationales are."""

import json

import pytest
from typer.testing import CliRunner

from siked.__main__ import app
from siked.errors import UserError
from siked.records import read_records
from siked.settings import VerifySettings
from siked.verification.outputs import Output, checked
from siked.verification.sandbox import Sandbox

ROWS = [
    {"strategy": "cot", "output": "9 * 2 = $18\nFinal Answer: 18", "gold": "18", "id": "a"},
    {"strategy": "cot", "output": "9 * 2 = $18\nFinal Answer: 18", "gold": 18.0, "model": "x"},
    {"strategy": "cot", "output": "Final Answer: 17.5", "gold": 17.5},
    {
        "strategy": "l2m",
        "output": {"sub_questions": "Q1: Eggs? Q2: Dollars?", "sub_answers": "A1: 9\nA2: 18"},
        "gold": "18",
    },
    {"strategy": "l2m", "output": {"sub_answers": ["9 eggs", "Final answer: 18"]}, "gold": 18},
    {"strategy": "pot", "output": "answer = 18", "gold": "18"},
    {"strategy": "pot", "output": "answer = 1\nx = 18", "gold": "18", "answer_var": "x"},
    {"strategy": "pot", "output": "answer = 1\nx = 18", "gold": "18"},
    {"strategy": "pot", "output": "answer = 1 / 0", "gold": "18"},
]
FAILURES = [None] * 7 + ["wrong", "runtime-error"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "outputs.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)) + "\n")
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["verify", *map(str, arguments)])


def test_every_row_gets_its_verdict_in_order(file):
    limits = VerifySettings(seconds=3, memory_mb=512, output_kb=64, workers=1)
    with Sandbox(limits) as sandbox:
        verdicts = list(checked(read_records(file, Output), sandbox))
    assert [one.failure for one in verdicts] == FAILURES
    assert [one.row for one in verdicts] == list(range(1, len(ROWS) + 1))
    assert verdicts[0].id == "a"


def test_the_command_counts_and_writes(file, tmp_path):
    out = tmp_path / "verdicts.jsonl"
    result = run(file, "--out", out, "--workers", 1)
    assert result.exit_code == 0, result.output
    verdicts = [json.loads(line) for line in out.read_text().splitlines()]
    assert [one.get("failure") for one in verdicts] == FAILURES
    shown = {line.split()[0]: line.split()[1:] for line in result.output.splitlines() if line}
    assert shown["outputs"] == ["3", "2", "4", "9"]
    assert shown["wrong"] == ["1", "1"]
    assert "9 outputs in" in result.output


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"strategy": "tot", "output": "x", "gold": "1"}', ":2: strategy"),
        ('{"strategy": "cot", "gold": "1"}', ":2: output"),
        ('{"strategy": "cot", "output": "x"}', ":2: gold"),
        ('{"strategy": "cot", "output": "x", "gold": true}', ":2: gold"),
        ('{"strategy": "l2m", "output": {"answers": "1"}, "gold": "1"}', ":2: output"),
        ("not JSON", ":2: Invalid JSON"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_written(file, tmp_path, row, said):
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], row, *lines[1:]]) + "\n")
    out = tmp_path / "verdicts.jsonl"
    result = run(file, "--out", out, "--workers", 1)
    assert isinstance(result.exception, UserError)
    assert f"{file}{said}" in str(result.exception)
    assert not out.exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--seconds", "-1"),
        ("--memory-mb", "0"),
        ("--workers", "0"),
        ("--isolation", "none"),
        ("--ignore-rule", "guess"),
    ],
)
def test_a_bad_option_is_one_line(file, option, value):
    result = run(file, option, value)
    assert isinstance(result.exception, UserError)
    assert str(result.exception).startswith(f"{option}: ")
    assert value in str(result.exception)


def test_a_rule_can_be_switched_off(file):
    result = run(file, "--workers", 1, "--ignore-rule", "answer-variable")
    shown = {line.split()[0]: line.split()[1:] for line in result.output.splitlines() if line}
    assert shown["correct"] == ["3", "2", "0", "5"]
    assert "answer-variable" not in shown


def test_bad_files_are_named(file, tmp_path):
    missing = run(tmp_path / "none.jsonl")
    assert str(missing.exception) == f"{tmp_path / 'none.jsonl'}: no such file"
    same = run(file, "--out", file)
    assert "is the file that is read" in str(same.exception)
    assert len(file.read_text().splitlines()) == len(ROWS)
