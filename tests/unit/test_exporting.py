"""An exported student is asked as it was trained and answers as it does here, or is not written."""

import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tokenizers import decoders
from transformers import AutoModelForCausalLM, AutoTokenizer

from siked.commands.export import export
from siked.errors import UserError
from siked.exporting import hub
from siked.exporting.exporter import Exporter, answer_all
from siked.exporting.merged import check_prompt, make_template
from siked.models import student_format
from siked.models.fetch import fetch
from siked.models.loading import load_tokenizer
from siked.models.student_format import PromptTexts, Student
from siked.prompts import render
from siked.settings import Schedule, TransformersSettings, load_params
from siked.training.train import train
from tests import tiny_student
from tests.training_jobs import SETTINGS as TRAINING
from tests.training_jobs import examples_of

ROOT = Path(__file__).parents[2]
FROZEN = ROOT / "tests/data/students"
SETTINGS = TransformersSettings(
    name="transformers", device="cpu", dtype="float32", batch_tokens=4000
)
TOKENS = 12
QUESTIONS = [
    "A baker sells 12 rolls for $3 each. How many dollars does she get?",
    " How many {question}s cost $3? ",
    'Who said "3 x 12"?',
]

DEFAULT_SYSTEM = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are kind<|im_end|>\n' }}"
    "{% endif %}" + tiny_student.TEMPLATE
)
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    + tiny_student.TEMPLATE
)
TEMPLATES = {
    "system": tiny_student.TEMPLATE,
    "default": DEFAULT_SYSTEM,
    "no system": NO_SYSTEM,
    "none": None,
}
PROMPTS = {
    "bare": PromptTexts(system="Solve the problem.", user="{question}"),
    "around": PromptTexts(system="Be a USER of SYSTEM.", user="Q: {question}\nNow {question}!"),
    "signs": PromptTexts(
        system='Say "é", \\n, {{ x }}\nand \U0001f600.', user="{% x %}{question}'"
    ),
    "no system text": PromptTexts(system="", user="{question} AFTER"),
}


def exporter(name="format-1", base=FROZEN / "base"):
    adapter = FROZEN / name
    return Exporter(base, adapter, student_format.read(adapter), SETTINGS, TOKENS)


@pytest.fixture(scope="module")
def ours():
    student = student_format.read(FROZEN / "format-1")
    asked = [student.ask(question) for question in QUESTIONS]
    return answer_all(FROZEN / "base", FROZEN / "format-1", asked, SETTINGS, TOKENS)


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
@pytest.mark.parametrize("chat", TEMPLATES.values(), ids=TEMPLATES)
def test_a_bare_question_becomes_the_prompt_of_the_training(chat, prompt):
    student = Student(format=1, strategies=("pot",), prompt=prompt, base=None, siked=None)
    trained, asked = load_tokenizer(FROZEN / "base"), load_tokenizer(FROZEN / "base")
    trained.chat_template = chat
    asked.chat_template = make_template(trained, student)
    check_prompt(asked, trained, student, QUESTIONS)
    begun = [{"role": "user", "content": "How many?"}, {"role": "assistant", "content": "[pot]:\n"}]
    text = asked.apply_chat_template(begun, tokenize=False, continue_final_message=True)
    assert text == render(trained, student.ask("How many?")) + "[pot]:\n"
    if chat is not None:
        sent = [{"role": "system", "content": "Mine."}, {"role": "user", "content": " x "}]
        if chat != NO_SYSTEM:
            said = [one.apply_chat_template(sent, tokenize=False) for one in (asked, trained)]
            assert said[0] == said[1]


@pytest.mark.parametrize(
    ("more", "ends"),
    [
        ("{% if enable_thinking is not false %}<think>{% endif %}", "assistant\n"),
        ("{% if add_generation_prompt %}<think>\n{% endif %}\n", "<think>\n\n</think>\n\n"),
        ("{{ strftime_now('%d %b %Y') }}", "26 Jul 2024"),
    ],
)
def test_who_sends_a_bare_question_gets_thinking_and_dates_of_the_training(more, ends):
    student = student_format.read(FROZEN / "format-1")
    trained, asked = load_tokenizer(FROZEN / "base"), load_tokenizer(FROZEN / "base")
    trained.chat_template = tiny_student.TEMPLATE + more
    asked.chat_template = make_template(trained, student)
    check_prompt(asked, trained, student, QUESTIONS)
    sent = [{"role": "user", "content": "How many?"}]
    text = asked.apply_chat_template(sent, tokenize=False, add_generation_prompt=True)
    assert text.endswith(ends)


def test_a_template_that_loses_the_prompt_is_refused():
    tokenizer = load_tokenizer(FROZEN / "base")
    student = student_format.read(FROZEN / "format-1")
    with pytest.raises(UserError, match="cannot carry the student's prompt"):
        check_prompt(tokenizer, tokenizer, student, QUESTIONS)


def test_an_adapter_goes_with_its_card_and_format(tmp_path):
    adapter = shutil.copytree(FROZEN / "format-1", tmp_path / "adapter")
    (adapter / "README.md").write_text("A card.\n")
    one = Exporter(FROZEN / "base", adapter, student_format.read(adapter), SETTINGS, TOKENS)
    assert one.export(tmp_path / "out", "adapter", QUESTIONS) == len(QUESTIONS)
    for path in adapter.iterdir():
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    assert one.export(tmp_path / "merged", "merged", QUESTIONS) == len(QUESTIONS)
    assert (tmp_path / "merged/README.md").read_text() == "A card.\n"
    assert student_format.NAME in {path.name for path in (tmp_path / "merged").iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["format-0", "format-1"])
def test_plain_transformers_answers_with_the_merged_model_as_the_engine_does(name, tmp_path):
    one = exporter(name)
    assert one.export(tmp_path / "out", "merged", QUESTIONS) == len(QUESTIONS)
    asked = [one.student.ask(question) for question in QUESTIONS]
    wanted = answer_all(one.base, one.adapter, asked, SETTINGS, TOKENS)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    for question, text in zip(QUESTIONS, wanted, strict=True):
        asked = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        written = model.generate(**asked)[0, asked["input_ids"].shape[1] :]
        assert tokenizer.decode(written, skip_special_tokens=True) == text


def test_the_same_student_exports_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        exporter().export(tmp_path / name, "merged", QUESTIONS[:1])
    for path in (tmp_path / "a").iterdir():
        assert (tmp_path / "b" / path.name).read_bytes() == path.read_bytes(), path.name
        assert str(tmp_path).encode() not in path.read_bytes()


def converter(folder, model="sys.argv[1]", more=""):
    """A converter on the PATH that knows the tiny student, as llama.cpp's knows real ones."""
    program = folder / "convert_hf_to_gguf.py"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\nfrom tests.unit.test_student import write_gguf\n"
        f"{more}\n"
        f"write_gguf({model}, Path(sys.argv[sys.argv.index('--outfile') + 1]))\n"
    )
    program.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.slow
def test_gguf_gives_the_same_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", converter(tmp_path))
    assert exporter().export(tmp_path / "out", "gguf", QUESTIONS, "f32") == len(QUESTIONS)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"student-f32.gguf", student_format.NAME}


LLAMA_CPP = """
import json, sys, urllib.request, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel, params.port = sys.argv[1], 1024, 1, 0
params.use_jinja = True
server = xllamacpp.Server(params)
for question in json.loads(sys.argv[2]):
    sent = [{"role": "user", "content": question}]
    asked = json.dumps({"messages": sent, "temperature": 0, "max_tokens": int(sys.argv[3])})
    address = server.listening_address + "/v1/chat/completions"
    head = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(address, asked.encode(), head)) as answer:
        print("said", json.dumps(json.load(answer)["choices"][0]["message"]["content"]))
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.engines("llama")
def test_llama_cpp_answers_a_bare_question_as_the_demo_s_student_does(tmp_path, monkeypatch):
    """Its own converter, its own reading of weights, tokenizer and chat template."""
    python = os.environ["SIKED_LLAMA_PYTHON"]
    monkeypatch.setenv("PATH", f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}")
    base, adapter, tokens = tmp_path / "base", tmp_path / "adapter", 24
    fetch(load_params(ROOT / "presets/demo.yaml").student, base, tmp_path / "cache")
    train(
        examples_of(load_tokenizer(base), 16),
        base=base,
        start=None,
        settings=TRAINING,
        schedule=Schedule(epochs=1, learning_rate=1e-3),
        seed=0,
        out=adapter,
        checkpoints=tmp_path / "checkpoints",
    )
    student_format.write(adapter, base, "demo", ["cot", "pot"])
    one = Exporter(base, adapter, student_format.read(adapter), SETTINGS, tokens)
    assert one.export(tmp_path / "out", "gguf", QUESTIONS[:2], "f32") == 2
    asked = [one.student.ask(question) for question in QUESTIONS[:2]]
    ours = answer_all(base, adapter, asked, SETTINGS, tokens)
    command = [python, "-c", LLAMA_CPP, tmp_path / "out/student-f32.gguf"]
    done = subprocess.run(
        [*command, json.dumps(QUESTIONS[:2]), str(tokens)],
        capture_output=True,
        text=True,
        check=True,
    )
    said = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("said ")]
    assert said == ours
    assert ours[0] != ours[1]


@pytest.mark.slow
def test_an_export_that_answers_otherwise_is_not_written(tmp_path, monkeypatch):
    other = tiny_student.build(tmp_path / "other", seed=1)
    monkeypatch.setenv("PATH", converter(tmp_path, model=repr(str(other))))
    with pytest.raises(UserError, match="answers 3 of 3 questions otherwise than the student"):
        exporter().export(tmp_path / "out", "gguf", QUESTIONS, "f32")
    assert {path.name for path in tmp_path.iterdir()} == {"other", "convert_hf_to_gguf.py"}


@pytest.mark.slow
def test_a_gguf_file_with_another_tokenizer_is_not_written(tmp_path, monkeypatch):
    # What llama.cpp's converter makes of a tokenizer that it takes for SentencePiece's.
    other = "import gguf; gguf.GGUFWriter.add_tokenizer_model = "
    other += "lambda self, _: self.add_string('tokenizer.ggml.model', 'llama')"
    monkeypatch.setenv("PATH", converter(tmp_path, more=other))
    with pytest.raises(UserError, match="its tokenizer came out as of kind 'llama'"):
        exporter().export(tmp_path / "out", "gguf", QUESTIONS, "f32")
    assert not (tmp_path / "out").exists()


def test_a_tokenizer_from_a_gguf_file_is_exported_as_the_byte_level_one_it_is(tmp_path):
    base = shutil.copytree(FROZEN / "base", tmp_path / "base")
    tokenizer = load_tokenizer(base)
    backend = tokenizer.backend_tokenizer
    backend.model.byte_fallback = True
    backend.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.ByteLevel()])
    tokenizer.save_pretrained(base)
    exporter("format-0", base).merge(tmp_path / "out")
    made = json.loads((tmp_path / "out/tokenizer.json").read_text())
    assert made["model"]["byte_fallback"] is False
    assert made["decoder"]["type"] == "ByteLevel"
    exported = load_tokenizer(tmp_path / "out")
    for text in ["12 rolls\n\tfor $3 é \U0001f600 \x00\x01", *QUESTIONS]:
        ids = tokenizer(text).input_ids
        assert exported(text).input_ids == ids
        assert exported.decode(ids) == tokenizer.decode(ids) == text


def test_a_converter_that_is_missing_or_fails_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="converter is not on the PATH"):
        exporter().export(tmp_path / "out", "gguf", QUESTIONS)
    program = tmp_path / "convert-hf-to-gguf"
    program.write_text("#!/bin/sh\necho reading >&2\necho 'unknown tokenizer' >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(UserError, match="failed on the merged model: unknown tokenizer"):
        exporter().export(tmp_path / "out", "gguf", QUESTIONS)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="holds something already"):
        exporter().export(tmp_path, "adapter", QUESTIONS)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository's root with a base, a student and questions."""
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    shutil.copytree(FROZEN / "base", tmp_path / "models/base")
    shutil.copytree(FROZEN / "format-1", tmp_path / "models/best")
    (tmp_path / "data/questions").mkdir(parents=True)
    rows = [
        {"id": f"q-{at}", "source": "q", "question": text, "answer": "1"}
        for at, text in enumerate(QUESTIONS)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "data/questions/dev.jsonl").write_text(lines)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return tmp_path


@pytest.mark.usefixtures("checkout")
def test_the_command_says_how_many_answers_are_the_same(capsys):
    export("merged", Path("out"))
    assert capsys.readouterr().out == "out: merged of models/best: 3 of 3 answers the same\n"


def test_what_the_command_lacks_is_one_line_before_any_work(checkout):
    with pytest.raises(UserError, match="no token: set HF_TOKEN"):
        export("merged", Path("out"), push="me/student")
    with pytest.raises(UserError, match="is no OWNER/NAME"):
        export("merged", Path("out"), push="student")
    with pytest.raises(UserError, match=r"models/students/it7: no such student"):
        export("merged", Path("out"), student="it7")
    (checkout / "data/questions/dev.jsonl").unlink()
    with pytest.raises(UserError, match=r"dev\.jsonl: no such file: `dvc repro questions`"):
        export("merged", Path("out"))
    assert not (checkout / "out").exists()


@contextmanager
def fake_hub(status=200):
    """A server with the hub's three calls for small files; yields its URL and what it was sent."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.path, self.headers["Authorization"], body))
            if self.path.endswith("/create"):
                said = {"url": f"{address}/me/student", "name": "me/student"}
            elif "/preupload/" in self.path:
                files = json.loads(body)["files"]
                mode = {"uploadMode": "regular", "shouldIgnore": False}
                said = {"files": [{"path": file["path"], **mode} for file in files]}
            else:
                said = {
                    "commitUrl": f"{address}/me/student/commit/1",
                    "commitOid": "1",
                    "success": True,
                }
            answer = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self):
            self.rfile.read(0)
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        address = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            yield address, seen
        finally:
            http.shutdown()
            thread.join()


def push(address):
    # In a process of its own: the hub's library reads its address once.
    code = (
        "import sys; from pathlib import Path; from siked.errors import report_errors\n"
        "from siked.exporting import hub\n"
        "with report_errors():\n"
        "    print(hub.push(Path(sys.argv[1]), 'me/student', hub.find_token('a/b')))"
    )
    variables = {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0", "HF_TOKEN": "hf_mine"}
    return subprocess.run(
        [sys.executable, "-c", code, str(FROZEN / "format-1")],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )


def test_a_push_makes_a_private_repository_and_sends_every_file():
    with fake_hub() as (address, seen):
        done = push(address)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{address}/me/student"
    assert {key for _, key, _ in seen} == {"Bearer hf_mine"}
    made = next(json.loads(body) for path, _, body in seen if path.endswith("/create"))
    assert made["visibility"] == "private"
    (commit,) = (body for path, _, body in seen if "/commit/" in path)
    rows = [json.loads(line) for line in commit.splitlines()]
    sent = {row["value"]["path"] for row in rows if row["key"] == "file"}
    assert sent == {path.name for path in (FROZEN / "format-1").iterdir()}


def test_a_hub_that_refuses_is_one_line():
    with fake_hub(status=403) as (address, _):
        done = push(address)
    assert done.returncode == 1
    assert "--push me/student: the hub did not take it" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "hf_mine" not in done.stderr


def test_a_token_is_taken_from_the_environment(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    assert hub.find_token("me/student") == "hf_mine"
