"""A trace names every step and raw file behind an output, and what has changed since."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from siked.commands.trace import trace
from siked.errors import UserError
from siked.run.dvc import Lineage, Workspace

PIPELINE = {
    "split": {
        "cmd": "mkdir -p data/parts && cp data/raw/numbers.txt data/parts/a.txt",
        "deps": ["data/raw", "siked/split.py"],
        "outs": ["data/parts"],
    },
    "double": {
        "cmd": "mkdir -p models && cat data/parts/a.txt data/parts/a.txt > models/one",
        "params": ["seed"],
        "deps": ["data/parts/a.txt"],
        "outs": ["models/one"],
    },
    "old": {"cmd": "echo old > models/old", "outs": ["models/old"]},
    "pick": {"cmd": "cp models/one best", "deps": ["models"], "outs": ["best"]},
}


def dvc(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A repository whose raw file is imported, run twice: the second time without `old`."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "elsewhere.txt").write_text("1 2 3\n")
    (folder / "siked").mkdir()
    (folder / "siked" / "split.py").write_text("")
    (folder / "params.yaml").write_text("seed: 7\n")
    (folder / "data" / "raw").mkdir(parents=True)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    dvc(folder, "init", "-q")
    dvc(folder, "import-url", "-q", "elsewhere.txt", "data/raw/numbers.txt")
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": PIPELINE}))
    dvc(folder, "repro", "-q")
    rest = {name: stage for name, stage in PIPELINE.items() if name != "old"}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": rest}))
    (folder / "models" / "old").unlink()
    dvc(folder, "repro", "-q")
    return folder


@pytest.fixture
def repository(made, tmp_path, monkeypatch) -> Path:
    shutil.copytree(made, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


def steps(target: str) -> list[str]:
    root = Path()
    return [link.made.name for link in Lineage(root).chain(target, Workspace(root))]


def traced(*arguments: str) -> str:
    import typer

    app = typer.Typer()
    app.command()(trace)
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("target", ["best", "./best", "pick", "best/"])
@pytest.mark.usefixtures("repository")
def test_the_chain_reaches_the_import_and_each_step_stands_once(target):
    assert steps(target) == ["pick", "double", "split", "data/raw/numbers.txt.dvc"]


@pytest.mark.usefixtures("repository")
def test_a_stage_that_the_pipeline_no_longer_has_is_not_in_the_chain():
    assert "old" in Lineage(Path()).made, "the lock keeps it"
    assert "old" not in steps("best")


@pytest.mark.usefixtures("repository")
def test_a_file_in_an_output_and_a_folder_above_outputs_can_be_traced():
    assert steps("data/parts/a.txt") == ["split", "data/raw/numbers.txt.dvc"]
    assert set(steps("data")) == {"split", "data/raw/numbers.txt.dvc"}


def test_the_hashes_are_those_of_the_lock_and_nothing_has_changed(repository):
    lock = yaml.safe_load((repository / "dvc.lock").read_text())["stages"]
    shown = {step["name"]: step for step in json.loads(traced("best", "--json"))["steps"]}
    for name in ("pick", "double", "split"):
        for kind in ("deps", "outs"):
            recorded = {one["path"]: one["md5"] for one in lock[name][kind]}
            assert {one["path"]: one["md5"] for one in shown[name][kind]} == recorded
            assert {one["workspace"] for one in shown[name][kind]} == {"same"}
    assert shown["double"]["params"] == {"params.yaml: seed": 7}


def test_the_tree_names_every_step_with_hashes(repository):
    tree = traced("best", "--params")
    lock = yaml.safe_load((repository / "dvc.lock").read_text())["stages"]
    for name in ("pick", "double", "split"):
        assert name in tree
        assert lock[name]["outs"][0]["md5"][:12] in tree
    assert "elsewhere.txt" in tree
    assert "params.yaml: seed = 7" in tree
    assert "+ 1 code files" in tree
    assert "is as recorded" in tree
    assert "siked/split.py" in traced("best", "--code")


@pytest.mark.parametrize(
    ("path", "state"),
    [("data/raw/numbers.txt", "changed"), ("siked/split.py", "changed"), ("best", "missing")],
)
def test_what_differs_from_the_lock_is_said(repository, path, state):
    place = repository / path
    place.unlink()
    if state == "changed":
        place.write_text("something else\n")
    tree = traced("best")
    assert "changed since" in tree if path.startswith("siked") else f"{state} in the" in tree
    assert "is as recorded" not in tree


def test_an_input_that_its_maker_has_written_anew_is_said(repository):
    (repository / "data" / "raw" / "numbers.txt").unlink()
    (repository / "data" / "raw" / "numbers.txt").write_text("4 5 6\n")
    dvc(repository, "repro", "-q", "double")
    assert "another version since" not in traced("double")
    lock = yaml.safe_load((repository / "dvc.lock").read_text())
    lock["stages"]["pick"]["deps"] = [{"path": "models/one", "hash": "md5", "md5": "0" * 32}]
    (repository / "dvc.lock").write_text(yaml.safe_dump(lock))
    assert "another version since" in traced("best")


def test_errors_say_what_to_do(repository, tmp_path):
    with pytest.raises(UserError, match=r"bets: .* did you mean best\?"):
        steps("bets")
    (repository / "dvc.lock").write_text("stages: [")
    with pytest.raises(UserError, match="damaged"):
        steps("best")
    (repository / "dvc.lock").unlink()
    with pytest.raises(UserError, match=r"dvc\.lock: no such file: `dvc repro`"):
        steps("best")
    with pytest.raises(UserError, match="not a repository of git and DVC"):
        Workspace(tmp_path)
    (repository / ".git").rename(tmp_path / "git")
    with pytest.raises(UserError, match="not a repository of git and DVC"):
        Workspace(repository)
