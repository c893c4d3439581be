"""Students of every format load, and answer as they did; what cannot fit is refused in a line."""

import json
import shutil
from pathlib import Path

import pytest

import siked
from siked import prompts
from siked.commands.students import choose
from siked.errors import UserError
from siked.exporting.exporter import answer_all
from siked.models import student_format
from siked.settings import TransformersSettings

FROZEN = Path(__file__).parents[1] / "data/students"
SETTINGS = TransformersSettings(
    name="transformers", device="cpu", dtype="float32", batch_tokens=4000
)


@pytest.fixture
def changed_prompts(tmp_path, monkeypatch):
    """The project's prompts are other ones by now."""
    folder = tmp_path / "prompts"
    (folder / "student").mkdir(parents=True)
    (folder / "student/system.txt").write_text("Think hard.\n")
    (folder / "student/user.txt").write_text("Problem: {question}\n\nGo!\n")
    monkeypatch.setattr(prompts, "FOLDERS", (folder,))


@pytest.mark.usefixtures("changed_prompts")
@pytest.mark.parametrize("name", ["format-0", "format-1"])
def test_an_old_student_answers_as_it_did(name):
    frozen = json.loads((FROZEN / "answers.json").read_text())
    student = student_format.read(FROZEN / name)
    student_format.check_base(student, FROZEN / "base")
    asked = [student.ask(question) for question in frozen["questions"]]
    given = answer_all(FROZEN / "base", FROZEN / name, asked, SETTINGS, 24)
    assert given == frozen[name]


@pytest.mark.usefixtures("changed_prompts")
def test_what_is_written_is_read_again_and_asks_as_in_training(tmp_path):
    adapter = shutil.copytree(FROZEN / "format-0", tmp_path / "adapter")
    student_format.write(adapter, FROZEN / "base", "path:here", ["cot", "pot"])
    first = (adapter / "student.json").read_bytes()
    student_format.write(adapter, FROZEN / "base", "path:here", ["cot", "pot"])
    assert (adapter / "student.json").read_bytes() == first
    student = student_format.read(adapter)
    assert student.strategies == ("cot", "pot")
    assert student.siked == siked.__version__
    for strategy in (None, "pot"):
        asked = student.ask(" How many {question}s? ", strategy)
        assert asked == prompts.student_prompt(" How many {question}s? ", strategy=strategy)


def test_a_newer_format_says_to_update(tmp_path):
    adapter = shutil.copytree(FROZEN / "format-1", tmp_path / "adapter")
    newer = {"format": student_format.FORMAT + 1, "something": "new"}
    (adapter / "student.json").write_text(json.dumps(newer))
    with pytest.raises(UserError, match=r"student\.json: is of format 2.*update siked"):
        student_format.read(adapter)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "Input should be"),
        ('{"format": 1}', "strategies: Field required"),
    ],
)
def test_a_damaged_file_is_named(text, message, tmp_path):
    adapter = shutil.copytree(FROZEN / "format-1", tmp_path / "adapter")
    (adapter / "student.json").write_text(text)
    with pytest.raises(UserError, match=rf"student\.json: .*{message}"):
        student_format.read(adapter)


def test_a_folder_without_an_adapter_is_no_student():
    with pytest.raises(UserError, match=r"base: is not an adapter folder"):
        student_format.read(FROZEN / "base")


def test_another_base_is_refused(tmp_path):
    other = shutil.copytree(FROZEN / "base", tmp_path / "other")
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (other / "model.safetensors").write_bytes(weights)
    student = student_format.read(FROZEN / "format-1")
    with pytest.raises(UserError, match=r"other: is not the model.*path:tests/data/students/base"):
        student_format.check_base(student, other)
    with pytest.raises(UserError, match=r"has no .* weights"):
        student_format.check_base(student, FROZEN / "format-0" / "none")


def test_every_shard_of_a_base_counts(tmp_path):
    for name in ("model-1-of-2", "model-2-of-2"):
        (tmp_path / f"{name}.safetensors").write_bytes(name.encode())
    whole = student_format.weights_sha256(tmp_path)
    (tmp_path / "model-2-of-2.safetensors").write_bytes(b"other")
    assert student_format.weights_sha256(tmp_path) != whole


def test_a_student_is_named_or_given_by_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(FROZEN / "base", "models/base")
    shutil.copytree(FROZEN / "format-1", "models/students/it1")
    shutil.copytree(FROZEN / "format-1", "bought")
    assert choose("it1").student == choose("./bought").student
    with pytest.raises(UserError, match=r"models/best: no such student \(there are best, it1\)"):
        choose("best")
    with pytest.raises(UserError, match="nowhere: no such student"):
        choose("./nowhere")
