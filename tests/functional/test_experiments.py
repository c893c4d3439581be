"""`docs/experiments.md` for real: queue, temporary copies, sweeps, and what becomes of them.

All run in the session's one finished checkout, which they leave as it was but for experiments, and
those they remove.
"""

import json
import time

import pytest

from siked.tracking import ENVIRONMENT
from tests.functional.checkout import Checkout, ran

pytestmark = pytest.mark.slow

ENDING = ["select", "cards", "report"]
QUEUE_SECONDS = 500


@pytest.fixture
def checkout(finished: Checkout):
    yield finished
    finished.dvc("exp", "remove", "--all-commits")
    assert finished.git("status", "--short") == ""
    assert finished.dvc("status").strip() == "Data and pipelines are up to date."


def times(clone: Checkout) -> dict[str, list[str]]:
    """The stages that each experiment ran, as the main checkout's `.siked` has it."""
    found: dict[str, list[str]] = {}
    for line in (clone.folder / ".siked" / "timings.jsonl").read_text().splitlines():
        entry = json.loads(line)
        found.setdefault(entry["experiment"], []).append(entry["stage"])
    return found


def tracked(clone: Checkout, monkeypatch) -> set[str]:
    """The names of the parent runs in the main checkout's MLflow store."""
    for name, value in ENVIRONMENT.items():  # read once, when MLflow is first imported
        monkeypatch.setenv(name, value)
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{clone.folder}/.siked/mlflow.db")
    group = client.get_experiment_by_name("siked")
    return {run.info.run_name for run in client.search_runs([group.experiment_id])}


def test_a_sweep_takes_up_the_journal_skips_what_is_there_and_leaves_the_workspace(
    checkout, monkeypatch
):
    output = checkout.run("siked", "sweep", "k", "3")
    # Two of three samples were drawn by the first run, in another folder.
    assert "of 54 samples came from the journal" in output
    assert "generate@it1" in times(checkout)["k-3"]
    assert "k-3" in tracked(checkout, monkeypatch)
    assert checkout.params()["generate"]["samples"] == 2

    again = checkout.run("siked", "sweep", "k", "3")
    assert ran(again) == []
    assert "k-3: is there already" in again
    table = [line.split() for line in again.splitlines() if line.startswith("k-3 ")]
    assert table[-1][1] in {"it0", "it1", "it2"}
    assert "generate.samples=3" in again
    assert max(map(len, again.splitlines())) <= 120

    checkout.set("mix.variant", "all")
    refused = checkout.run("siked", "sweep", "k", "3", fails=True)
    checkout.restore()
    assert "k-3: is there with another mix.variant" in refused
    assert "Traceback" not in refused


def test_a_sweep_with_a_value_that_cannot_be_runs_nothing(checkout):
    output = checkout.run("siked", "sweep", "generate.samples", "3", "none", fails=True)
    assert output.startswith("error: generate.samples=none: generate.samples: ")
    assert output.count("\n") == 1
    assert "no key" in checkout.run("siked", "sweep", "generate.sample", "3", fails=True)
    assert "is there" not in checkout.run("siked", "experiments")


def test_a_queue_runs_two_at_once_in_copies_and_main_has_what_they_found(checkout, monkeypatch):
    checkout.dvc("exp", "run", "--queue", "--name", "one-iteration", "-S", "~iterations.it2")
    queued = checkout.run("siked", "sweep", "variant", "all", "--queue")
    assert "dvc queue start" in queued
    states = [line.split()[:2] for line in checkout.run("siked", "experiments").splitlines()]
    assert ["variant-all", "queued"] in states

    checkout.dvc("queue", "start", "--jobs", "2")
    end = time.monotonic() + QUEUE_SECONDS
    while any(word in checkout.dvc("queue", "status") for word in ("Queued", "Running")):
        assert time.monotonic() < end, checkout.dvc("queue", "status")
        time.sleep(1)
    checkout.dvc("queue", "stop")
    done = checkout.dvc("queue", "status")
    assert done.count("Success") == 2, done

    found = times(checkout)
    # The run cache may know what the ending came to.
    assert set(found["one-iteration"]) <= {"settings", *ENDING}
    # A student that solved nothing is given the same rows by both variants.
    assert set(found["variant-all"]) <= {"settings", "mix@it1", "mix@it2", *ENDING}
    assert {"settings", "mix@it1"} <= set(found["variant-all"])
    if "report" in found["variant-all"]:
        assert "variant-all" in tracked(checkout, monkeypatch)

    shown = checkout.run("siked", "experiments", "variant-all", "one-iteration", "--stages")
    assert "mix.variant=all" in shown
    assert "generate@it1" in shown
    compared = json.loads(checkout.dvc("exp", "diff", "main", "variant-all", "--json"))
    assert list(compared["params"]["params.yaml"]) == ["mix.variant"]
    checkout.dvc("plots", "diff", "main", "one-iteration", "--out", ".siked/diff")
    assert "one-iteration" in (checkout.folder / ".siked" / "diff" / "index.html").read_text()

    checkout.dvc("exp", "branch", "variant-all", "try-all")
    assert "variant: all" in checkout.git("show", "try-all:params.yaml")
    checkout.git("branch", "--delete", "--force", "--quiet", "try-all")
    checkout.dvc("exp", "apply", "one-iteration")
    assert "it2" not in checkout.params()["iterations"]
    assert ran(checkout.dvc("repro")) == []
    checkout.restore()
