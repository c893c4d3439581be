"""dvc.yaml tells the truth: what a stage uses is what it depends on."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from siked.settings import NO_EFFECT, documented, load_params

ROOT = Path(__file__).parents[2]
PRESETS = sorted((ROOT / "presets").glob("*.yaml"))

PLUMBING = {
    "siked/__init__.py",
    *(
        str(path.relative_to(ROOT))
        for folder in ("cluster", "tracking")
        for path in (ROOT / "siked" / folder).glob("*.py")
    ),
    "siked/errors.py",
    "siked/files.py",
    "siked/kept.py",
    "siked/progress.py",
    "siked/running.py",
    "siked/timings.py",
    "siked/settings/__init__.py",
    "stages/__init__.py",
    "stages/common.py",
    "stages/layout.py",
}
"""Modules that bring values to a stage or report on it, and do not decide what it writes."""

ANSWERS = {str(path.relative_to(ROOT)) for path in (ROOT / "siked/answers").glob("*.py")}
SANDBOX = {str(path.relative_to(ROOT)) for path in (ROOT / "siked/sandbox").rglob("*.py")}
UNUSED_HALVES = {"teach": {*ANSWERS, *SANDBOX, "siked/programs.py"}}
"""A teacher writes by strategies and never solves, and is too dear to rerun for a new rule."""


def stages() -> dict[str, dict]:
    found = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    return {name: stage.get("do", stage) for name, stage in found.items()}


def module_files(name: str) -> list[Path]:
    """The files of a module of ours; all of a package's that loads its modules by name."""
    path = ROOT / Path(*name.split("."))
    if (init := path / "__init__.py").exists():
        return sorted(path.rglob("*.py")) if "importlib" in init.read_text() else [init]
    return [path.with_suffix(".py")] if path.with_suffix(".py").exists() else []


def imported(file: Path) -> set[str]:
    """What a file imports from the project, apart from imports for type checking alone."""
    names: set[str] = set()
    tree = ast.parse(file.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] in {"siked", "stages"}}


def used_files(script: Path) -> set[str]:
    """All files of the project that a script uses, directly or not."""
    seen: set[Path] = set()
    waiting = [script]
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        if str(file.relative_to(ROOT)) in PLUMBING:
            continue
        for name in imported(file):
            parts = name.split(".")
            for end in range(1, len(parts) + 1):
                waiting += module_files(".".join(parts[:end]))
    names = {str(file.relative_to(ROOT)) for file in seen if does_something(file)}
    return names - PLUMBING


def does_something(file: Path) -> bool:
    """Whether a file holds more than its docstring."""
    return len(ast.parse(file.read_text()).body) > 1


def script_of(stage: dict) -> Path:
    words = stage["cmd"].split()
    assert words[:2] == ["python", "-m"]
    return ROOT / Path(*words[2].split(".")).with_suffix(".py")


def covers(dep: str, file: str) -> bool:
    return file == dep or file.startswith(dep.rstrip("/") + "/")


@pytest.mark.parametrize("name", stages())
def test_a_stage_depends_on_the_code_that_it_uses_and_on_no_other(name):
    stage = stages()[name]
    code = [dep for dep in stage["deps"] if dep.startswith(("siked/", "stages/"))]
    used = used_files(script_of(stage)) - UNUSED_HALVES.get(name, set())
    missing = [file for file in sorted(used) if not any(covers(dep, file) for dep in code)]
    assert not missing, missing
    modules = [dep for dep in code if any((ROOT / dep).parent.glob("*.py"))]
    assert not [dep for dep in modules if not any(covers(dep, file) for file in used)]


def test_every_setting_belongs_to_a_stage():
    params = {key for stage in stages().values() for key in stage.get("params", [])}
    params |= {"iterations"}
    idle = {key for key, inner in NO_EFFECT.items() if inner is True}
    idle |= {f"{key}.{one}" for key in NO_EFFECT.keys() - idle for one in NO_EFFECT[key]}
    for key, _ in documented():
        top = key.split(".*")[0]
        owned = any(top == one or top.startswith(one + ".") for one in params)
        section = any(one.startswith(top + ".") for one in params)
        assert owned or section or any(top == one or top.startswith(one + ".") for one in idle), key


def test_every_setting_is_documented():
    assert not [key for key, what in documented() if len(what) < 10]


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
