"""`docs/experiments.md` for real: queue, temporary copies, sweeps, and what becomes of them.

Each runs in a copy of its own of the finished checkout.
"""

import json
import re
import time

import pytest

from siked.tracking import ENVIRONMENT
from tests.functional.checkout import ALWAYS, Clone, ran

pytestmark = pytest.mark.slow

ENDING = ["select", "cards", "report"]
QUEUE_SECONDS = 500


def times(clone: Clone) -> dict[str, list[str]]:
    """The stages that each experiment ran, as the main checkout's `.siked` has it."""
    found: dict[str, list[str]] = {}
    for line in (clone.folder / ".siked" / "timings.jsonl").read_text().splitlines():
        entry = json.loads(line)
        found.setdefault(entry["experiment"], []).append(entry["stage"])
    return found


def tracked(clone: Clone, monkeypatch) -> set[str]:
    """The names of the parent runs in the main checkout's MLflow store."""
    for name, value in ENVIRONMENT.items():  # read once, when MLflow is first imported
        monkeypatch.setenv(name, value)
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{clone.folder}/.siked/mlflow.db")
    group = client.get_experiment_by_name("siked")
    return {run.info.run_name for run in client.search_runs([group.experiment_id])}


def test_a_sweep_takes_up_the_journal_skips_what_is_there_and_leaves_the_workspace(
    own, monkeypatch
):
    output = own.run("siked", "sweep", "k", "3")
    # Two of three samples were drawn by the first run, in another folder.
    questions = (own.folder / "data/questions/train.jsonl").read_text().count("\n")
    assert f"of {questions * 2 * 3} samples came from the journal" in output
    assert "generate@it1" in times(own)["k-3"]
    assert "k-3" in tracked(own, monkeypatch)
    assert own.params()["generate"]["samples"] == 2

    again = own.run("siked", "sweep", "k", "3")
    assert ran(again) == []
    assert "k-3: is there already" in again
    table = [line.split() for line in again.splitlines() if line.startswith("k-3 ")]
    assert table[-1][1] in {"it0", "it1", "it2"}
    assert "generate.samples=3" in again
    assert max(map(len, again.splitlines())) <= 120

    own.set("mix.variant", "all")
    refused = own.run("siked", "sweep", "k", "3", fails=True)
    own.restore()
    assert "k-3: is there with another mix.variant" in refused
    assert "Traceback" not in refused


def test_a_run_of_the_workspace_that_no_commit_has_stands_beside_the_commit(own):
    def rows() -> list[list[str]]:
        """Name, best iteration, accuracies and tokens of each run; times are the machine's."""
        table = own.run("siked", "experiments")
        return [row.split()[:6] for row in re.findall(r"^\S+ +it\d .*$", table, re.MULTILINE)]

    before = rows()
    own.set("mix.variant", "teacher")
    own.dvc("repro")
    commit, workspace = rows()
    assert [commit] == before, "the commit's own figures"
    assert workspace[0] == "workspace"
    own.commit("another run")
    assert [row[1:] for row in rows()] == [workspace[1:]]


def test_a_sweep_with_a_value_that_cannot_be_runs_nothing(own):
    output = own.run("siked", "sweep", "generate.samples", "3", "none", fails=True)
    assert output.startswith("error: generate.samples=none: generate.samples: ")
    assert output.count("\n") == 1
    assert "no key" in own.run("siked", "sweep", "generate.sample", "3", fails=True)
    assert "is there" not in own.run("siked", "experiments")


def test_an_experiment_up_to_a_stage_is_not_shown_with_the_figures_of_the_commit(own):
    own.dvc("exp", "run", "--temp", "--name", "seed-2", "-S", "seed=2", "train_it0")
    shown = own.run("siked", "experiments")
    rows = [line.split() for line in shown.splitlines()]
    assert any(row[:3] == ["seed-2", "no", "report"] for row in rows)
    assert "`siked compare seed-2:it0 seed-2:it1`" in " ".join(shown.split())
    refused = own.run("siked", "sweep", "seed", "2", fails=True)
    assert "`dvc exp remove seed-2` makes room" in refused
    assert refused.count("\n") == 1


def test_a_queue_runs_two_at_once_in_copies_and_main_has_what_they_found(own, monkeypatch):
    own.dvc("exp", "run", "--queue", "--name", "one-iteration", "-S", "~iterations.it2")
    queued = own.run("siked", "sweep", "variant", "all", "--queue")
    assert "dvc queue start" in queued
    states = [line.split()[:2] for line in own.run("siked", "experiments").splitlines()]
    assert ["variant-all", "queued"] in states

    own.dvc("queue", "start", "--jobs", "2")
    end = time.monotonic() + QUEUE_SECONDS
    while any(word in own.dvc("queue", "status") for word in ("Queued", "Running")):
        assert time.monotonic() < end, own.dvc("queue", "status")
        time.sleep(1)
    own.dvc("queue", "stop")
    done = own.dvc("queue", "status")
    assert done.count("Success") == 2, done

    found = times(own)
    # The run cache may know what the ending came to.
    assert set(found["one-iteration"]) <= {"settings", *ENDING}
    # A student that solved nothing is given the same rows by both variants.
    assert set(found["variant-all"]) <= {"settings", "mix@it1", "mix@it2", *ENDING}
    assert {"settings", "mix@it1"} <= set(found["variant-all"])
    if "report" in found["variant-all"]:
        assert "variant-all" in tracked(own, monkeypatch)

    shown = own.run("siked", "experiments", "variant-all", "one-iteration", "--stages")
    assert "mix.variant=all" in shown
    assert "generate@it1" in shown
    compared = json.loads(own.dvc("exp", "diff", "main", "variant-all", "--json"))
    assert list(compared["params"]["params.yaml"]) == ["mix.variant"]
    own.dvc("plots", "diff", "main", "one-iteration", "--out", ".siked/diff")
    assert "one-iteration" in (own.folder / ".siked" / "diff" / "index.html").read_text()

    own.dvc("exp", "branch", "variant-all", "try-all")
    assert "variant: all" in own.git("show", "try-all:params.yaml")
    own.git("branch", "--delete", "--force", "--quiet", "try-all")
    own.dvc("exp", "apply", "one-iteration")
    assert "it2" not in own.params()["iterations"]
    assert ran(own.dvc("repro")) == [ALWAYS]
