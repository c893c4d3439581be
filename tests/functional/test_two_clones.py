"""Two people, two clones, one git server and one DVC remote: `docs/sharing.md` as a story."""

import csv
import json
from pathlib import Path

import pytest
import yaml

from tests.functional import remotes
from tests.functional.checkout import ALWAYS, CLEAN, Clone, ran

pytestmark = pytest.mark.slow

ENDING = ("select", "cards", "report")


def test_two_people_share_data_models_and_experiments(finished, tmp_path):
    store = tmp_path / "store"
    server = tmp_path / "siked.git"
    finished.git("clone", "--quiet", "--bare", ".", str(server))
    ada = finished.clone_with_data(tmp_path / "ada", "Ada")
    ada.git("remote", "set-url", "origin", str(server))
    shares_a_run_and_two_experiments(ada, store)
    ben = Clone(tmp_path / "ben", "Ben")
    ada.git("clone", "--quiet", str(server), str(ben.folder))
    gets_everything_and_runs_nothing(ben)
    takes_an_experiment_over_and_adds_one(ben)
    compares_and_applies_it(ada)


def shares_a_run_and_two_experiments(ada: Clone, store: Path) -> None:
    remotes.folder(store).become_default_of(ada)
    ada.git("push", "--quiet", "origin", "main")
    ada.dvc("push")
    assert objects(store) <= outputs(ada.folder), "nothing but outputs travels"

    shorter = ada.dvc("exp", "run", "--name", "one-iteration", "-S", "~iterations.it2")
    # DVC may remember what the ending came to in an earlier run.
    assert set(ran(shorter)) <= {"settings", *ENDING}
    everything = ada.dvc("exp", "run", "--name", "everything", "-S", "mix.variant=all")
    # To a student that solved nothing it is the same mix, and then nothing after it runs.
    assert ran(everything)[:2] == ["settings", "mix@it1"]
    assert not [name for name in ran(everything) if name.startswith(("train", "eval", "generate"))]
    ada.dvc("exp", "push", "origin", "one-iteration", "everything")
    ada.restore()


def gets_everything_and_runs_nothing(ben: Clone) -> None:
    ben.dvc("pull")
    assert ran(ben.dvc("repro")) == [ALWAYS]
    assert ben.git("status", "--short") == ""


def takes_an_experiment_over_and_adds_one(ben: Clone) -> None:
    assert "everything" not in experiments(ben)
    ben.dvc("exp", "pull", "origin", "one-iteration", "everything")
    assert experiments(ben)["everything"]["mix.variant"] == "all"
    assert experiments(ben)["one-iteration"]["iterations"] == "1"

    ben.dvc("exp", "apply", "one-iteration")
    assert ran(ben.dvc("repro")) == [ALWAYS]
    ben.commit("One iteration is enough")
    changed = ben.dvc("exp", "run", "--name", "off-policy", "-S", "train.policy=off-policy")
    assert ran(changed)[:2] == ["settings", "train@it1"]
    assert set(ran(changed)) <= {"settings", "train@it1", "eval@it1", *ENDING}
    ben.git("push", "--quiet", "origin", "main")
    ben.dvc("push")
    ben.dvc("exp", "push", "origin", "off-policy")


def compares_and_applies_it(ada: Clone) -> None:
    ada.git("pull", "--quiet", "origin", "main")
    ada.dvc("pull")
    ada.dvc("exp", "pull", "origin", "off-policy")
    compared = json.loads(ada.dvc("exp", "diff", "main", "off-policy", "--json"))
    assert compared["params"]["params.yaml"] == {
        "train.policy": {"old": "on-policy", "new": "off-policy"}
    }
    figures = json.loads(ada.dvc("metrics", "diff", "main", "off-policy", "--all", "--json"))
    assert figures["metrics/summary.json"]["test.tiny.accuracy"]["diff"] == 0.0

    ada.dvc("exp", "apply", "off-policy")
    assert ada.params()["train"]["policy"] == "off-policy"
    assert ada.dvc("status").strip() == CLEAN
    assert ran(ada.dvc("repro")) == [ALWAYS]


def objects(cache: Path) -> set[str]:
    """The names of what lies in a cache or a folder remote; each name is its content's md5."""
    return {path.parent.name + path.name for path in (cache / "files" / "md5").glob("*/*")}


def outputs(folder: Path) -> set[str]:
    """The same of what a repository's outputs consist of."""
    cache = folder / ".dvc" / "cache" / "files" / "md5"
    stages = yaml.safe_load((folder / "dvc.lock").read_text())["stages"].values()
    found = {output["md5"] for stage in stages for output in stage.get("outs", [])}
    kept = {name for name in found if (cache / name[:2] / name[2:]).exists()}
    folders = [cache / name[:2] / name[2:] for name in kept if name.endswith(".dir")]
    return kept | {entry["md5"] for path in folders for entry in json.loads(path.read_text())}


def experiments(clone: Clone) -> dict[str, dict[str, str]]:
    """The rows of `dvc exp show` by the experiment's name."""
    shown = clone.dvc("exp", "show", "--csv")
    return {row["Experiment"]: row for row in csv.DictReader(shown.splitlines())}
