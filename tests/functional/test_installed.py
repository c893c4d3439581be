"""The package as `pip install .` leaves it, used from a folder that is no checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.functional.checkout import ROOT

pytestmark = pytest.mark.slow

STUDENTS = ROOT / "tests" / "data" / "students"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that a wheel of this repository was unpacked to."""
    source = tmp_path_factory.mktemp("source")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in listed:
        if name.startswith(("siked/", "prompts/", "pyproject", "README", "LICENSE")):
            if not (ROOT / name).exists():
                continue
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name, follow_symlinks=False)
    wheels = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(wheels), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    target = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(next(wheels.glob("siked-*.whl"))) as wheel:
        wheel.extractall(target)
    return target


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with settings, a base model and a student, and none of the repository's code."""
    shutil.copyfile(ROOT / "presets/demo.yaml", tmp_path / "params.yaml")
    shutil.copytree(STUDENTS / "base", tmp_path / "models/base")
    shutil.copytree(STUDENTS / "format-1", tmp_path / "models/best")
    return tmp_path


def siked(installed: Path, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "siked", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


def test_the_package_has_every_prompt(installed):
    texts = {path.relative_to(ROOT / "prompts") for path in (ROOT / "prompts").rglob("*.txt")}
    folder = installed / "siked" / "settings" / "prompts"
    assert {path.relative_to(folder) for path in folder.rglob("*.txt")} == texts
    assert {path.name for path in installed.iterdir() if "dist-info" not in path.name} == {"siked"}


def test_it_shows_and_asks_from_any_folder(installed, elsewhere):
    question = "Tom has 3 apples and buys 4. How many has he?"
    shown = siked(installed, elsewhere, "prompt", "--question", question)
    assert (ROOT / "prompts/student/system.txt").read_text().strip() in shown
    asked = ("prompt", "--teacher", "--strategy", "pot", "--question", question)
    instruction = (ROOT / "prompts/teacher/pot.txt").read_text().partition("\n")[0]
    assert instruction in siked(installed, elsewhere, *asked)
    assert "strategy:" in siked(installed, elsewhere, "solve", question)


def test_a_checkout_s_own_prompts_come_first(installed, elsewhere):
    shutil.copytree(ROOT / "prompts", elsewhere / "prompts")
    (elsewhere / "prompts/student/system.txt").write_text("Think hard.")
    shown = siked(installed, elsewhere, "prompt", "--question", "How many?")
    assert "Think hard." in shown
