"""What `siked serve` starts: a whole model that asks as in training, with the user's options."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from siked.commands.serve import check_vllm
from siked.errors import UserError
from siked.models.loading import load_tokenizer
from siked.models.student_format import read
from siked.prompts import Prompt, render

ROOT = Path(__file__).parents[2]
FROZEN = ROOT / "tests/data/students"


def test_without_vllm_one_line_says_how_to_get_it():
    with pytest.raises(UserError, match=r"has no vLLM: .*vllm==0\.32\.0"):
        check_vllm(Path(sys.executable))
    with pytest.raises(UserError, match="--python none: no such interpreter"):
        check_vllm(Path("none"))


def test_vllm_gets_a_merged_model_the_options_and_the_cores(tmp_path):
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    shutil.copytree(FROZEN / "base", tmp_path / "models/base")
    shutil.copytree(FROZEN / "format-1", tmp_path / "models/students/it1")
    # Stands for an environment with vLLM: says yes when asked for it, and shows what it is to run.
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && exit 0\nexec {sys.executable} -c "import json, os, sys; '
        'print(json.dumps([sys.argv[1:], dict(os.environ)]))" "$@"\n'
    )
    python.chmod(0o755)
    code = (
        "import sys; from pathlib import Path; from siked.commands.serve import serve\n"
        "serve('it1', '127.0.0.1', 8001, Path('python'), ['--max-model-len', '64'])"
    )
    before = None
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={
                **os.environ,
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
                "VLLM_CPU_KVCACHE_SPACE": "7",
            },
        )
        assert done.returncode == 0, done.stderr
        arguments, variables = json.loads(done.stdout.splitlines()[-1])
        folder = tmp_path / arguments[arguments.index("--model") + 1]
        made = (folder, (folder / "model.safetensors").stat().st_mtime_ns)
        assert before in (None, made)  # merged once
        before = made
    assert arguments[:2] == ["-m", "vllm.entrypoints.openai.api_server"]
    assert arguments[-2:] == ["--max-model-len", "64"]
    assert arguments[arguments.index("--served-model-name") + 1] == "it1"
    assert variables["VLLM_CPU_KVCACHE_SPACE"] == "7"
    bare = Prompt(question_id="", strategy=None, system="", user="How many?")
    trained = render(load_tokenizer(FROZEN / "base"), read(FROZEN / "format-1").ask("How many?"))
    assert render(load_tokenizer(folder), bare) == trained
