r"""siked serve: a trained student behind an OpenAI-compatible endpoint, served by vLLM.

siked serve
siked serve --student it1 --port 8001 -- --enforce-eager --max-model-len 2048
siked serve --python ~/vllm/bin/python      where vLLM has a virtual environment of its own

Whoever asks needs to send the question alone; the student's prompt is in its chat template:

curl http://127.0.0.1:8000/v1/chat/completions -H 'Content-Type: application/json' \
  -d '{"messages": [{"role": "user", "content": "Tom has 3 apples and buys 4. How many?"}]}'
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

import siked
from siked.commands.students import BEST, Chosen, StudentName, choose
from siked.errors import UserError
from siked.files import replace_folder, sha256
from siked.generation.vllm import INSTALL, variables
from siked.run import layout
from siked.settings import Params, load_params


def serve(
    student: StudentName = BEST,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    python: Annotated[
        Path, typer.Option(help="Interpreter of the environment that has vLLM.", show_default=False)
    ] = Path(sys.executable),
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="-- VLLM-OPTIONS", help="Handed to vLLM.")
    ] = None,
) -> None:
    """Serve a student with vLLM until Ctrl-C; `siked solve --server URL` asks it."""
    python = check_vllm(python)
    folder = merge_weights(choose(student), load_params(layout.PARAMS))
    # Started as a module: the `vllm` command of the CPU package looks for a package that is not it.
    command = [str(python), "-m", "vllm.entrypoints.openai.api_server"]
    command += ["--model", str(folder), "--served-model-name", student]
    # vLLM samples unless told otherwise; a student is evaluated, and answers best, greedily.
    command += ["--override-generation-config", '{"temperature": 0}']
    command += ["--host", host, "--port", str(port), *(arguments or [])]
    # No shell: Ctrl-C reaches it. What the user has set stays.
    os.execve(python, command, {**variables(), **os.environ})


def check_vllm(python: Path) -> Path:
    """Return the whole path of an interpreter whose environment has vLLM.

    Raises:
        UserError: it has not, or it is none.
    """
    found_at = shutil.which(python)
    if found_at is None:
        raise UserError(f"--python {python}: no such interpreter")
    python = Path(found_at).absolute()  # a link of a virtual environment stays one
    code = "import sys; from importlib.util import find_spec; sys.exit(find_spec('vllm') is None)"
    try:
        found = subprocess.run([python, "-c", code], check=False).returncode == 0
    except OSError as error:
        raise UserError(f"--python {python}: {error.strerror}") from None
    if not found:
        raise UserError(
            f"{python} has no vLLM: make an environment for it and name its interpreter with "
            f"--python: {INSTALL}"
        )
    return python


def merge_weights(chosen: Chosen, settings: Params) -> Path:
    """Return the folder of a student's merged weights, written where it is not there yet."""
    made_of = {
        "siked": siked.__version__,
        "student": chosen.student.model_dump(mode="json"),
        "weights": {
            path.name: sha256(path) for path in sorted(chosen.adapter.iterdir()) if path.is_file()
        },
        "engine": settings.engine.model_dump(mode="json"),
        "max_new_tokens": settings.eval.max_new_tokens,
    }
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
    folder = layout.SERVED / digest[:16]
    if not folder.is_dir():
        with replace_folder(folder) as partial:
            chosen.exporter(settings).merge(partial)
    os.utime(folder)  # `siked cache` says when it was served last
    return folder
