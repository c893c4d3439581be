"""dvc.yaml tells the truth: what a stage uses is what it depends on."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.fs import LocalFileSystem
from dvc.ignore import DvcIgnoreFilter

from siked.files import partial_of
from siked.run.layout import StudentFiles
from siked.settings import ENGINES, FORMATS, NO_EFFECT, TRAINERS, document_keys, load_params

ROOT = Path(__file__).parents[2]
SIKED = ROOT / "siked"
PRESETS = sorted((ROOT / "presets").glob("*.yaml"))

PLUMBING = {"cluster", "run", "settings", "terminal", "tracking"} | {
    "__init__.py",
    "errors.py",
    "files.py",
}
"""What brings values to a stage or reports on it, and decides nothing of what it writes."""
VERIFIES = {"teach": ("siked/verification",)}
"""A teacher only writes: what judges its rationales later must not make it write them again."""

BY_NAME = {
    "generation/engine.py": [one.engine for one in ENGINES.values()],
    "questions/sources.py": FORMATS.values(),
    "training/train.py": TRAINERS.values(),
}
"""What these files import by a name in the settings."""


def stages() -> dict[str, dict]:
    found = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    return {name: stage.get("do", stage) for name, stage in found.items()}


def imported(file: Path) -> set[Path]:
    """The files of this project that a file imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    if file.is_relative_to(SIKED):
        places = BY_NAME.get(str(file.relative_to(SIKED)), ())
        names |= {place.partition(":")[0] for place in places}
    # A package's own module runs when anything in it is imported.
    parts = [name.split(".") for name in names if name.startswith("siked.")]
    files = {file_of(".".join(one[:end])) for one in parts for end in range(1, len(one) + 1)}
    return {path for path in files if path.is_file()}


def file_of(module: str) -> Path:
    path = ROOT / Path(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def used_files(script: Path) -> set[str]:
    """The files of ``siked`` that decide what a script writes."""
    seen: set[Path] = set()
    waiting = [script]
    while waiting:
        file = waiting.pop()
        if file not in seen and not is_plumbing(file):
            seen.add(file)
            waiting += imported(file)
    return {str(file.relative_to(ROOT)) for file in seen if does_something(file)}


def is_plumbing(file: Path) -> bool:
    return file.is_relative_to(SIKED) and file.relative_to(SIKED).parts[0] in PLUMBING


def does_something(file: Path) -> bool:
    """Whether a file holds more than its docstring."""
    return len(ast.parse(file.read_text()).body) > 1


def script_of(stage: dict) -> Path:
    words = stage["cmd"].split()
    assert words[:2] == ["python", "-m"]
    return ROOT / Path(*words[2].split(".")).with_suffix(".py")


def covers(dep: str, file: str) -> bool:
    return file == dep or file.startswith(dep.rstrip("/") + "/")


@pytest.mark.parametrize("room", sorted(BY_NAME))
def test_what_a_table_names_is_there_and_in_its_room(room):
    for place in BY_NAME[room]:
        module, _, name = place.partition(":")
        assert module.startswith(f"siked.{Path(room).parent}.")
        tree = ast.parse(file_of(module).read_text())
        assert name in {node.name for node in tree.body if hasattr(node, "name")}


@pytest.mark.parametrize("name", stages())
def test_what_a_stage_uses_lies_below_what_it_depends_on(name):
    stage = stages()[name]
    deps = [dep for dep in stage["deps"] if dep.startswith(("siked/", "stages/"))]
    used = used_files(script_of(stage))
    missing = [file for file in used if not any(covers(dep, file) for dep in deps)]
    assert not [file for file in missing if not file.startswith(VERIFIES.get(name, ()))], missing
    assert not [dep for dep in deps if not any(covers(dep, file) for file in used)]


def test_every_setting_belongs_to_a_stage():
    params = {key for stage in stages().values() for key in stage.get("params", [])}
    params |= {"iterations"}
    idle = {key for key, inner in NO_EFFECT.items() if inner is True}
    idle |= {f"{key}.{one}" for key in NO_EFFECT.keys() - idle for one in NO_EFFECT[key]}
    for key, _ in document_keys():
        top = key.split(".*")[0]
        owned = any(top == one or top.startswith(one + ".") for one in params)
        section = any(one.startswith(top + ".") for one in params)
        assert owned or section or any(top == one or top.startswith(one + ".") for one in idle), key


def test_every_setting_is_documented():
    assert not [key for key, what in document_keys() if len(what) < 10]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_presets_are_valid_and_dvc_reads_the_pipeline_with_them(preset, tmp_path):
    params = load_params(preset)
    for name in ("dvc.yaml", ".dvc"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, tmp_path / name)
    shutil.copyfile(preset, tmp_path / "params.yaml")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    dvc = [sys.executable, "-m", "dvc"]
    done = subprocess.run(
        [*dvc, "stage", "list", "--name-only"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    names = done.stdout.split()
    assert f"eval@{params.chain()[-1]}" in names
    assert {f"teach@{strategy}" for strategy in params.strategies} <= set(names)
    assert len(names) < 100


def test_the_demo_is_the_default():
    assert (ROOT / "params.yaml").read_text() == (ROOT / "presets/demo.yaml").read_text()


def test_what_a_killed_stage_left_half_written_is_no_dependency():
    """`report` depends on data/students whole: the next run would be told as another one."""
    ignore = DvcIgnoreFilter(LocalFileSystem(), str(ROOT))
    answers = StudentFiles("it1").answers
    assert ignore.is_ignored_dir(str(ROOT / partial_of(answers)))
    assert ignore.is_ignored_file(str(ROOT / partial_of(answers.parent / "mix.jsonl")))
    assert not ignore.is_ignored_dir(str(ROOT / answers))
