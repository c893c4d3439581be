"""A copy of this repository as it stands, as a git and DVC repository of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.tiny_student import build

ROOT = Path(__file__).parents[2]
ALWAYS = "settings"
"""The stage that DVC runs each time."""
CLEAN = f"{ALWAYS}:\n\talways changed"
"""What `dvc status` says of a run to which nothing has happened since."""


class Clone:
    """A git and DVC repository on this machine, with someone who works in it."""

    def __init__(self, folder: Path, name: str = "Test") -> None:
        self.folder = folder
        home = folder.with_name(f"{folder.name}-home")
        home.mkdir(parents=True, exist_ok=True)
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": "",
            "HOME": str(home),
            "DVC_NO_ANALYTICS": "1",
            **{f"GIT_{role}_NAME": name for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_EMAIL": "test@example.org" for role in ("AUTHOR", "COMMITTER")},
        }

    def clone(self, folder: Path, name: str = "Test") -> "Clone":
        """A git clone of the last commit, without any of DVC's data."""
        self.git("clone", "--quiet", ".", str(folder))
        return Clone(folder, name)

    def clone_with_data(self, folder: Path, name: str = "Test") -> "Clone":
        """A git clone of the last commit in which everything that it made is there."""
        made = self.clone(folder, name)
        shutil.copytree(self.folder / ".dvc" / "cache", folder / ".dvc" / "cache")
        made.dvc("checkout", "--quiet")
        return made

    def copy(self, folder: Path) -> "Clone":
        """A clone with data that also knows the journal and the times of what was run here.

        Its data came by DVC, which so knows what to remove when an experiment is applied. It has
        not MLflow's store, which names the folder that it is in.
        """
        made = self.clone_with_data(folder)
        ignored = shutil.ignore_patterns("mlflow.db*", "mlartifacts")
        shutil.copytree(self.folder / ".siked", folder / ".siked", ignore=ignored)
        return made

    def run(self, *command: str, fails: bool = False) -> str:
        """Run a command in the clone; return what it printed."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        output = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, output[-6000:]
        return output

    def dvc(self, *arguments: str, fails: bool = False) -> str:
        return self.run("dvc", *arguments, fails=fails)

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments)

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def restore(self) -> None:
        """Go back to the last commit, data included."""
        self.git("checkout", "--", ".")
        self.git("clean", "--force", "-d", "--quiet")
        self.dvc("checkout", "--quiet")

    def stage(self, name: str, *arguments: str, fails: bool = False) -> str:
        return self.run("python", "-m", f"stages.{name}", *arguments, fails=fails)

    def params(self) -> dict:
        return yaml.safe_load((self.folder / "params.yaml").read_text())

    def set(self, key: str, value: object) -> None:
        """Change one setting."""
        raw = self.params()
        *parents, last = key.split(".")
        inner = raw
        for part in parents:
            inner = inner[part]
        inner[last] = value
        (self.folder / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))


class Checkout(Clone):
    """A temporary copy of this repository with the tiny pipeline's settings."""

    def __init__(self, folder: Path, student: Path) -> None:
        super().__init__(folder)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")
        produced = ("dvc.lock", "metrics/", "plots/")
        for name in listed:
            if name and not name.startswith(produced) and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, folder / name)
        shutil.rmtree(folder / "tests")
        tiny(folder / "params.yaml", student)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("as it stands")


def tiny(params: Path, student: Path) -> None:
    """Turn the demo's settings into a pipeline of seconds: a random student, a few questions."""
    raw = yaml.safe_load(params.read_text())
    raw["student"] = {"source": f"path:{student}"}
    raw["strategies"] = raw["baselines"] = ["cot", "pot"]
    raw["iterations"] = {"it1": {"previous": "it0"}, "it2": {"previous": "it1"}}
    raw["rivals"] = {
        "gkd": {
            "teacher": "it0",  # so that no later iteration trains it again
            "sees_solution": True,
            "lmbda": 0.5,
            "beta": 0.5,
            "temperature": 0.9,
            "max_new_tokens": 8,
            "epochs": 1,
            "learning_rate": 0.001,
        }
    }
    raw["questions"]["train"]["demo"]["rows"] = 12
    raw["questions"]["test"] = {"tiny": {"format": "demo", "split": "unseen", "rows": 5}}
    raw["generate"] |= {"samples": 2, "max_new_tokens": 8}
    raw["eval"] |= {"max_new_tokens": 8}
    raw["train"] |= {"batch_size": 4, "max_length": 1024, "warmup_steps": 1}
    params.write_text(yaml.safe_dump(raw, sort_keys=False))


def student(folder: Path, seed: int = 0) -> Path:
    """A random Llama of a few thousand parameters."""
    return build(folder, seed)


def ran(output: str) -> list[str]:
    """The stages that a DVC command ran, in order."""
    return re.findall(r"Running stage '([^']+)'", output)
