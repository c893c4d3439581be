"""siked data: what it says of published data sets and of a user's own file."""

import json
import shutil
from pathlib import Path

import pytest

from siked.commands.data import app
from siked.errors import UserError

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("here")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    app([str(one) for one in arguments], standalone_mode=False)
    return capsys.readouterr().out


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the import files of data/raw and no data."""
    for path in (ROOT / "data/raw").rglob("*.dvc"):
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copyfile(ROOT / ".dvcignore", tmp_path / ".dvcignore")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_list_says_what_is_here_and_under_which_terms(capsys):
    Path("data/raw/svamp/SVAMP.json").write_text("[]")
    shown = run(capsys, "list")
    assert "asdiv: ASDiv, licence: CC-BY-NC-4.0" in shown
    assert "multiarith: MultiArith, licence: none stated" in shown
    rows = {line.split()[0]: line for line in shown.splitlines() if "data/raw/" in line}
    assert rows["data/raw/gsm8k/test.jsonl"].endswith("1319 rows  0.7 MB  absent")
    assert rows["data/raw/svamp/SVAMP.json"].endswith("not the published file")


def test_add_names_the_known_ones():
    with pytest.raises(UserError, match="known are gsm8k, svamp, asdiv, multiarith"):
        app(["add", "gsm9k"], standalone_mode=False)


def test_check_says_what_would_be_read_and_what_not(capsys):
    lines = ["question,answer", "Half of 5?,2.5", "Who?,Ann", "half of 5,3", "2 plus 2?,4"]
    Path("own.csv").write_text("\n".join(lines) + "\n")
    shown = run(capsys, "check", "own.csv").splitlines()
    assert shown[:5] == [
        "own.csv: csv, rows: 4",
        "questions: 3, with a worked solution: 0",
        "  the `annotations` teacher needs those; docs/questions.md names the others",
        "rows left out: 1",
        "  own.csv:3: not one number: 'Ann'",
    ]
    assert shown[5:7] == [
        "questions that stand more than once: 1",
        "  own-00000, own-00002: answers differ: 2.5, 3",
    ]
    assert shown[7].startswith('example: {"id":"own-00000"')


@pytest.mark.parametrize(
    ("name", "text", "options", "says"),
    [
        ("own.jsonl", '{"question": "Who?"}\n', [], "own.jsonl:1: no field `answer`"),
        ("own.jsonl", '{"question": "Who?", "answer": "Ann"}\n', [], "no question can be read"),
        ("own.json", "[]", [], "its name does not say its format"),
        ("own.json", "[]", ["--format", "yaml"], "--format yaml: there are gsm8k, svamp"),
        ("own.json", "[{}]", ["--format", "svamp"], "own.json: row 1: no field `Body`"),
    ],
)
def test_what_would_stop_a_run_stops_the_check(name, text, options, says):
    Path(name).write_text(text)
    with pytest.raises(UserError) as error:
        app(["check", name, *options], standalone_mode=False)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_folders_are_known_by_what_they_hold(capsys):
    from datasets import Dataset

    Dataset.from_list([{"question": "1 plus 1?", "answer": 2}]).save_to_disk("saved")
    assert run(capsys, "check", "saved").startswith("saved: dataset, rows: 1")
    Path("gsm").mkdir()
    Path("gsm/train.jsonl").write_text('{"question": "1 plus 1?", "answer": "1+1=2\\n#### 2"}\n')
    assert run(capsys, "check", "gsm").startswith("gsm: gsm8k, rows: 1")


SVAMP = {"Body": "Ann has 3.", "Equation": "3 + 4", "Answer": 7.0, "Type": "Addition"}
MULTIARITH = {"lEquations": ["X=3+4"], "lSolutions": [7.0]}


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("svamp", [SVAMP | {"ID": "chal-1", "Question": ask} for ask in ("How many?", "Why?")]),
        ("multiarith", [MULTIARITH | {"iIndex": 1, "sQuestion": ask} for ask in ("How?", "Why?")]),
        ("jsonl", [{"id": 1, "question": ask, "answer": 7} for ask in ("How?", "Why?")]),
    ],
)
def test_check_refuses_an_id_that_a_run_would_refuse(kind, rows):
    file = Path("own.json")
    file.write_text(json.dumps(rows) if kind != "jsonl" else "\n".join(map(json.dumps, rows)))
    with pytest.raises(UserError, match=r"own\.json.*the id '"):
        app(["check", "own.json", "--format", kind], standalone_mode=False)


def test_check_says_how_worked_solutions_are_read(capsys):
    row = {"question": "How many?", "answer": "3 + 4 = <<3+4=7>>7\n#### 7"}
    Path("train.jsonl").write_text(json.dumps(row))
    assert "--format gsm8k" in run(capsys, "check", "train.jsonl")
    with pytest.raises(UserError, match="gsm8k reads the folder"):
        app(["check", "train.jsonl", "--format", "gsm8k"], standalone_mode=False)
