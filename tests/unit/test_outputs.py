"""`siked verify`: anybody's outputs are judged as a run's own rationales are."""

import csv
import gzip
import json
import signal
import subprocess
import sys
import time
from datetime import date

import pytest
from typer.testing import CliRunner

from siked.__main__ import app
from siked.errors import UserError
from siked.settings import VerifySettings
from siked.verification.outputs import FIELDS, check_outputs, read_output
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
        outputs = (read_output("", row, {}, None) for row in ROWS)
        verdicts = list(check_outputs(enumerate(outputs, start=1), sandbox))
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


BROKEN = [
    ('{"strategy": "tot", "output": "x", "gold": "1"}', "strategy: there are cot"),
    ('{"strategy": "cot", "gold": "1"}', "output: is not among strategy, gold"),
    ('{"strategy": "cot", "output": null, "gold": "1"}', "output: is empty"),
    ('{"strategy": "cot", "output": "x"}', "gold: is not among"),
    ('{"output": "x", "gold": "1"}', "strategy: is not among"),
    ('{"strategy": "cot", "output": "x", "gold": true}', "gold"),
    ('{"strategy": "l2m", "output": {"answers": "1"}, "gold": "1"}', "output"),
    ("not JSON", "not JSON"),
    ("[1]", "not a JSON object"),
    ("[" * 200_000, "not JSON"),
    ('{"strategy": "\\u001b[2J", "output": "x", "gold": "1"}', "strategy: there are"),
    ("x" * 2_000_000, "not JSON"),
]


@pytest.mark.parametrize(("row", "said"), BROKEN)
def test_a_bad_row_is_shown_and_skipped_and_strict_stops_there(file, tmp_path, row, said):
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], row, *lines[1:]]) + "\n")
    out = tmp_path / "verdicts.jsonl"
    strict = run(file, "--out", out, "--workers", 1, "--strict")
    assert isinstance(strict.exception, UserError)
    assert str(strict.exception).startswith(f"{file}:2: {said}")
    assert not out.exists()
    result = run(file, "--out", out, "--workers", 1)
    assert result.exit_code == 0, result.output
    assert f"left out: {file}:2: {said}" in result.stderr
    assert "\x1b" not in result.output
    assert "1 of 10 rows left out" in result.stdout
    verdicts = [json.loads(line) for line in out.read_text().splitlines()]
    assert [one["row"] for one in verdicts] == [1, *range(3, 11)]
    assert [one.get("failure") for one in verdicts] == FAILURES


def test_of_many_bad_rows_the_first_are_shown(file):
    file.write_text(file.read_text() + "no\n" * 9)
    result = run(file, "--workers", 1)
    assert result.stderr.count("not JSON") == 5
    assert "left out: 4 more" in result.stderr


@pytest.mark.parametrize("value", ["7" * 6000, "1e999", "NaN", "-" + "1" * 999, '"\\ud83d"'])
def test_no_value_of_a_row_ends_the_rest(file, tmp_path, value):
    row = f'{{"strategy": "cot", "output": "Final Answer: 1", "gold": {value}, "id": {value}}}'
    file.write_text(f"{row}\n{file.read_text()}")
    out = tmp_path / "verdicts.jsonl"
    result = run(file, "--out", out, "--workers", 1)
    assert result.exit_code == 0, result.output
    first, *others = [json.loads(line) for line in out.read_text().splitlines()]
    assert not first["correct"]
    assert [one.get("failure") for one in others] == FAILURES


TEXTS = [
    {"strategy": one["strategy"], "output": one["output"], "gold": one["gold"], "id": at}
    for at, one in enumerate(ROWS)
    if isinstance(one["output"], str) and "answer_var" not in one
]


def as_lines(path, rows):
    path.write_text("\ufeff" + "\r\n".join(map(json.dumps, rows)))


def as_list(path, rows):
    path.write_text(json.dumps(rows, indent=1))


def as_csv(path, rows):
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)


def as_parquet(path, rows):
    from datasets import Dataset

    rows = [{**row, "the answer": float(row["the answer"])} for row in rows]
    Dataset.from_list(rows).to_parquet(path)


FORMATS = {
    "own.jsonl": as_lines,
    "own": as_lines,
    "own.json": as_list,
    "own.csv": as_csv,
    "own.parquet": as_parquet,
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_the_same_rows_have_the_same_verdicts_in_every_format(tmp_path, name, zipped):
    path = tmp_path / name
    called = {"output": "completion", "gold": "the answer"}
    FORMATS[name](path, [{called.get(key, key): one[key] for key in one} for one in TEXTS])
    if zipped:
        path = path.with_name(f"{name}.gz")
        path.write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    out = tmp_path / "verdicts.jsonl"
    pairs = ",".join(f"{ours}={theirs}" for ours, theirs in called.items())
    result = run(path, "--fields", pairs, "--out", out, "--workers", 1)
    assert result.exit_code == 0, result.output
    verdicts = [json.loads(line) for line in out.read_text().splitlines()]
    assert [one.get("failure") for one in verdicts] == [None] * 4 + ["wrong", "runtime-error"]
    assert [one["row"] for one in verdicts] == list(range(1, 7))
    assert [str(one["id"]) for one in verdicts] == [str(one["id"]) for one in TEXTS]


@pytest.mark.parametrize(
    "value", [17, 1.5, "a", "😀", [1, {"a": None}], {"set": "x", "row": 3}, False]
)
def test_an_id_of_any_kind_is_repeated(file, tmp_path, value):
    file.write_text(json.dumps({**ROWS[0], "id": value}))
    out = tmp_path / "verdicts.jsonl"
    assert run(file, "--out", out, "--workers", 1).exit_code == 0
    assert json.loads(out.read_text())["id"] == value


def test_ids_of_tables_that_json_has_not_are_texts(tmp_path):
    from datasets import Dataset

    rows = [{**TEXTS[0], "id": {"day": date(2026, 11, 27), "key": b"\xff"}}]
    Dataset.from_list(rows).to_parquet(tmp_path / "own.parquet")
    out = tmp_path / "verdicts.jsonl"
    result = run(tmp_path / "own.parquet", "--out", out, "--workers", 1)
    assert result.exit_code == 0, result.output
    assert json.loads(out.read_text())["id"] == {"day": "2026-11-27", "key": "_w=="}


def test_rows_without_a_strategy_take_the_given_one(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("output,gold,strategy\nanswer = 18,18,\nFinal Answer: 18,18,cot\n")
    result = run(path, "--strategy", "pot", "--json", "--workers", 1)
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["outputs"] == figures["correct"] == 2
    assert list(figures["strategies"]) == ["cot", "pot"]
    unknown = run(path, "--strategy", "tot")
    assert "unknown strategy 'tot'" in str(unknown.exception)


def test_json_says_what_the_tables_say(file):
    file.write_text(file.read_text() + "no\n")
    result = run(file, "--json", "--workers", 1)
    figures = json.loads(result.stdout)
    assert (figures["outputs"], figures["correct"], figures["left_out"]) == (9, 7, 1)
    assert figures["strategies"]["pot"] == {
        "outputs": 4,
        "correct": 2,
        "failures": {"wrong": 1, "runtime-error": 1},
    }
    assert figures["rules"]["answer-variable"] == {"outputs": 3, "correct": 2}


WHOLE = gzip.compress("\n".join(map(json.dumps, ROWS)).encode())


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("cut.jsonl.gz", WHOLE[:-20], "damaged gzip"),
        ("bad.jsonl.gz", WHOLE[:20] + b"\xff" * 20 + WHOLE[40:], "damaged gzip"),
        ("own.parquet", b"PAR1 but none", "not Parquet"),
        ("own.parquet", b"", "not Parquet"),
        ("own.csv", b"a,b\n1,2\n", "no row can be judged"),
        ("own.csv", b'output,gold\n"x,1\n', ":2: not CSV"),
        ("own.csv", b"", "is empty"),
        ("own.json", b"[{", "not JSON"),
        ("own.json", b"[" * 200_000, "not JSON"),
        ("own.json", b"[]", "no rows"),
        ("own.jsonl", b"", "no rows"),
        ("own.jsonl", b"\xff\xfe{\x00}\x00", "is UTF-16: save it as UTF-8"),
    ],
)
def test_a_file_that_is_none_is_one_line(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    out = tmp_path / "verdicts.jsonl"
    result = run(path, "--out", out, "--workers", 1)
    assert isinstance(result.exception, UserError), result.output
    assert str(result.exception).startswith(str(path))
    assert says in str(result.exception)
    assert not list(tmp_path.glob("verdicts*"))


@pytest.mark.parametrize("pairs", ["output", "answer=x", "gold=", "=x"])
def test_fields_that_are_none_are_one_line(file, pairs):
    result = run(file, "--fields", pairs)
    assert str(result.exception) == (
        f"--fields: '{pairs}': write NAME=COLUMN; the names are {', '.join(FIELDS)}"
    )


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_what_is_done_stays_where_the_command_is_stopped(tmp_path, end):
    quick = {"strategy": "pot", "output": "answer = 18", "gold": 18}
    endless = {"strategy": "pot", "output": "while True: pass", "gold": 18}
    path, out = tmp_path / "own.jsonl", tmp_path / "verdicts.jsonl"
    path.write_text("\n".join(map(json.dumps, [quick] * 256 + [endless] * 64)))
    out.write_text("an earlier run's\n")
    command = [sys.executable, "-m", "siked", "verify", path, "--out", out]
    process = subprocess.Popen(
        [*map(str, command), "--seconds", "60", "--workers", "1"], stderr=subprocess.PIPE, text=True
    )
    partial = tmp_path / "verdicts.jsonl.partial"
    while process.poll() is None:
        if partial.exists() and partial.read_text().count("\n") >= 32:
            break
        time.sleep(0.05)
    process.send_signal(end)
    _, said = process.communicate(timeout=30)
    assert out.read_text() == "an earlier run's\n"
    verdicts = [json.loads(line) for line in partial.read_text().splitlines()]
    assert [one["row"] for one in verdicts] == list(range(1, len(verdicts) + 1))
    assert all(one["correct"] for one in verdicts)
    if end is signal.SIGINT:
        assert f"{len(verdicts)} of 320 looked at; their verdicts are in {partial}" in said


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
    folder = run(tmp_path)
    assert str(folder.exception).startswith(f"{tmp_path}: not a file")
    assert str(run(file, "--out", tmp_path).exception).startswith(f"{tmp_path}: is a folder")
    assert len(file.read_text().splitlines()) == len(ROWS)


@pytest.mark.parametrize("gold", ["abc", "A", "3:30", "18 or 19"])
def test_golds_that_cannot_be_read_are_said_once(tmp_path, gold):
    path = tmp_path / "outputs.jsonl"
    row = {"strategy": "cot", "output": "Final Answer: 18"}
    rows = [row | {"gold": "18"}, row | {"gold": gold}, row | {"gold": gold}]
    path.write_text("\n".join(map(json.dumps, rows)))
    result = run(path, "--json")
    assert result.exit_code == 0
    said = [line for line in result.stderr.splitlines() if "unreadable-gold" in line]
    assert len(said) == 1
    assert f"{path}: unreadable golds: 2 (row 2, row 3)" in said[0]
    assert json.loads(result.stdout)["strategies"]["cot"]["failures"] == {"unreadable-gold": 2}
