"""No half file ever stands under its final name."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from siked import files
from siked.errors import UserError, report_errors
from siked.files import (
    check_target,
    hash_code,
    read_json,
    read_yaml,
    replace_file,
    replace_folder,
    write_json,
)
from siked.records import Question, read_records, write_records
from stages.filter import CODE


def question(number: int) -> Question:
    return Question(id=f"q{number}", source="s", question="What?", answer=str(number))


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.jsonl"
    write_records(path, [question(1)])
    before = path.read_bytes()

    def rows():
        yield question(2)
        raise KeyboardInterrupt

    broken = rows()
    with pytest.raises(KeyboardInterrupt):
        write_records(path, broken)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_folder_leaves_the_old_folder(tmp_path):
    path = tmp_path / "folder"
    with replace_folder(path) as folder:
        (folder / "a").write_text("1")
    with pytest.raises(FileNotFoundError), replace_folder(path) as folder:
        (folder / "b" / "c").write_text("2")
    assert [file.name for file in path.iterdir()] == ["a"]
    assert list(tmp_path.iterdir()) == [path]


def test_records_survive_a_round_trip(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [question(number) for number in range(3)]
    assert write_records(path, rows) == 3
    assert list(read_records(path, Question)) == rows


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"id": "q", "source": "s", "question": "?"}', "answer: Field required"),
        ('{"id": "q", "source": "s", "question": "?", "answer": "1", "x": 1}', "x: Extra"),
        ("{", "Invalid JSON"),
        ("\xff", "Invalid JSON"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path, line, says):
    path = tmp_path / "a.jsonl"
    good = question(1).model_dump_json()
    path.write_text(f"{good}\n\n{line}\n")
    with pytest.raises(UserError) as error:
        list(read_records(path, Question))
    assert str(error.value).startswith(f"{path}:3: {says}")


def test_bytes_that_are_not_utf8_are_a_user_error(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xff\xfe\n")
    with pytest.raises(UserError, match=r"a\.jsonl:1: Invalid JSON"):
        list(read_records(path, Question))


def test_json_that_cannot_be_read_is_a_user_error(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_json(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UserError, match="not JSON"):
        read_json(tmp_path / "bad.json")


def test_a_key_that_stands_twice_is_a_user_error_as_it_is_with_dvc(tmp_path):
    (tmp_path / "a.yaml").write_text("a: &a {b: 1}\nc: {<<: *a, b: 2}\nd: {b: 3}\n")
    assert read_yaml(tmp_path / "a.yaml")["c"] == {"b": 2}
    (tmp_path / "a.yaml").write_text("a: {b: 1}\nc: 2\na:\n  b: 3\n")
    with pytest.raises(UserError, match=r"a\.yaml: .*'a' stands here a second time.* line 3"):
        read_yaml(tmp_path / "a.yaml")


def test_what_is_no_file_is_not_replaced(tmp_path):
    (tmp_path / "link").symlink_to("file")
    check_target(tmp_path / "file")
    (tmp_path / "file").touch()
    check_target(tmp_path / "file")
    for path in (tmp_path, tmp_path / "link", Path(os.devnull)):
        with pytest.raises(UserError, match="name a file"):
            check_target(path)
    check_target(tmp_path / "new" / "newer" / "file")
    with pytest.raises(UserError, match="file: is no folder"):
        check_target(tmp_path / "file" / "new" / "file")


def test_a_name_that_the_file_system_refuses_is_one_line(tmp_path, capsys):
    (tmp_path / "loop").symlink_to("loop")
    for name, why in ((300 * "x", "name too long"), ("loop", "symbolic links")):
        with pytest.raises(SystemExit), report_errors():
            (tmp_path / name).read_bytes()
        assert why in capsys.readouterr().err


def test_json_refuses_what_json_has_not(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", float("nan"))
    assert not (tmp_path / "a.json").exists()


def test_a_full_disk_is_one_line_and_leaves_no_half_file(tmp_path):
    """On a real file system of 64 KiB, mounted in a mount namespace of the test's own."""
    unshare = shutil.which("unshare")
    probe = [unshare or "unshare", "--user", "--map-root-user", "--mount"]
    if not unshare or subprocess.run([*probe, "true"], capture_output=True).returncode:
        pytest.skip("this machine forbids mount namespaces, so no small disk can be made")
    program = textwrap.dedent(
        """
        import pathlib, sys
        from siked.errors import report_errors
        from siked.files import replace_file
        with report_errors(), replace_file(pathlib.Path(sys.argv[1]) / "out.jsonl") as file:
            file.write("x" * 200_000)
        """
    )
    script = 'mount -t tmpfs -o size=64k tmpfs "$1" && "$2" -c "$3" "$1"; s=$?; ls -A "$1"; exit $s'
    done = subprocess.run(
        [*probe, "sh", "-c", script, "sh", str(tmp_path), sys.executable, program],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no space left on the disk" in done.stderr
    assert "out.jsonl" in done.stderr
    assert done.stdout == ""


def test_replacing_writes_line_feeds_only(tmp_path):
    with replace_file(tmp_path / "a") as file:
        file.write("a\nb\n")
    assert (tmp_path / "a").read_bytes() == b"a\nb\n"


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A copy of the library whose code is hashed."""
    copy = tmp_path / "siked"
    shutil.copytree(files.LIBRARY, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(files, "LIBRARY", copy)
    return copy


def test_only_code_that_decides_a_verdict_is_in_the_key_of_verdicts(library):
    before = hash_code(CODE)
    for name in ("report/run.py", "generation/engine.py", "files.py"):
        with (library / name).open("a") as file:
            file.write("# a comment\n")
        assert hash_code(CODE) == before, name
    for name in ("verification/words.py", "verification/sandbox/pool.py", "records.py"):
        before = hash_code(CODE)
        with (library / name).open("a") as file:
            file.write("# a comment\n")
        assert hash_code(CODE) != before, name


@pytest.mark.parametrize("name", ["siked.verification.moved", "siked.empty"])
def test_a_name_that_is_no_code_does_not_leave_code_out_of_a_key(library, name):
    (library / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=name):
        hash_code(["siked.records", name])
