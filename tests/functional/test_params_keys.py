"""Which stages a change of each settings key reruns: every key of params.yaml has a row here.

The rows are written by hand and say what ought to be; DVC says what is, for a finished run in which
that key alone has changed. A row names the stages that depend on the key itself; what they write
reruns the stages after them, by DVC's graph. `settings` always runs: it takes no time, and it is
what stops a run whose params.yaml has a key that no stage reads.
"""

import copy
import functools
import json
import pickle
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml
from dvc.dependency import ParamsDependency
from dvc.repo import Repo
from ruamel.yaml import YAML

from siked.settings import document_keys
from tests.functional.checkout import ALWAYS, Clone, ran

EVERY_EVAL = {"eval_it0", "eval", "baseline_eval", "rival_eval"}
OF_THE_LOOP = {"train_it0", "train", "baseline_train"}
EVERY_TRAINING = {*OF_THE_LOOP, "rival_train"}

RERUN_BY = {
    "seed": {*EVERY_TRAINING, "generate", "eval_it0", "eval", "cards"},
    "strategies": {
        *EVERY_TRAINING,
        *EVERY_EVAL,
        *("filter_teacher", "filter", "generate", "mix_it0", "mix", "select", "cards"),
    },
    "baselines": {"select", "cards"},
    "rivals.*": {"rival_train", "select", "cards"},
    "questions.seed": {"questions", "cards"},
    "questions.root": {"questions", "cards"},
    "questions.train.*": {"questions", "select", "cards"},
    "questions.test.*": {"questions", "select", "cards"},
    "questions.dev_fraction": {"questions", "cards"},
    "questions.overlap.*": {"questions", "cards"},
    "questions.exclude_known_errors": {"questions", "cards"},
    "student.source": {*EVERY_TRAINING, "base", "select"},
    "student.revision": {"base"},
    "student.gguf": {"base"},
    "student.sha256": {"base"},
    "student.split_digits": {"base"},
    # `teach` depends on a file that `settings` writes: see test_pipeline.py.
    "teacher.*": {"select", "cards"},
    "iterations.*.previous": {
        *("generate@it2", "mix@it2", "train@it2", "eval@it2", "select", "cards"),
    },
    "engine.*": {*EVERY_EVAL, "generate"},
    "generate.*": {"generate", "cards"},
    "verify.ignore_rules": {*EVERY_EVAL, "filter_teacher", "filter", "cards"},
    "verify.isolation": {*EVERY_EVAL, "filter_teacher", "filter", "cards"},
    "verify.memory_mb": {*EVERY_EVAL, "filter_teacher", "filter", "cards"},
    "verify.output_kb": {*EVERY_EVAL, "filter_teacher", "filter", "cards"},
    "verify.seconds": {*EVERY_EVAL, "filter_teacher", "filter", "cards"},
    "verify.workers": set(),
    "mix.variant": {"mix", "cards"},
    "mix.scope": {"mix", "cards"},
    "mix.keep": {"mix_it0", "mix", "cards"},
    "mix.bias": {"mix_it0", "mix", "cards"},
    "mix.require_sub_questions": {"mix_it0", "mix", "cards"},
    "mix.drop_hollow": {"mix_it0", "mix", "cards"},
    "train.trainer": OF_THE_LOOP,
    "train.processes": OF_THE_LOOP,
    "train.gradient_checkpointing": OF_THE_LOOP,
    "train.policy": {"train"},
    "train.distil.*": {"train_it0", "baseline_train"},
    "train.iterate.*": {"train"},
    "train.scheduler": EVERY_TRAINING,
    "train.warmup_steps": EVERY_TRAINING,
    "train.weight_decay": EVERY_TRAINING,
    "train.batch_size": EVERY_TRAINING,
    "train.gradient_accumulation": EVERY_TRAINING,
    "train.max_length": EVERY_TRAINING,
    "train.lora.*": EVERY_TRAINING | {"base"},
    "eval.max_new_tokens": {*EVERY_EVAL, "cards"},
    "eval.forced": {"eval_it0", "eval", "cards"},
    "eval.sampling.*": {"eval_it0", "eval", "cards"},
    "plateau.*": {"eval_it0", "eval"},
    "ray.*": set(),
    "tracking.*": set(),
}
"""By key (`*`: all below it), the stages that depend on it; a name without `@` stands for all.
`report` is added to all that have any: its page prints the settings of the run."""

NAMES = {"questions.train": "demo", "questions.test": "tiny", "iterations": "it2", "rivals": "gkd"}
"""The tiny pipeline's names where the schema has a name of the user's."""


def keys() -> list[str]:
    """Every key that holds a value, with the tiny pipeline's names."""
    every = list(dict.fromkeys(key for key, _ in document_keys()))
    leaves = [key for key in every if not any(one.startswith(f"{key}.") for one in every)]
    for section, name in NAMES.items():
        leaves = [leaf.replace(f"{section}.*", f"{section}.{name}") for leaf in leaves]
    return leaves


def rows(key: str) -> list[str]:
    return [pattern for pattern in RERUN_BY if fnmatchcase(key, pattern)]


def another(value: object) -> object:
    """A value that differs; DVC does not ask whether it makes sense."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return f"{value}-changed"
    return (value[::-1] or ["changed"]) if isinstance(value, list) else 7


def with_another(raw: dict, key: str) -> dict:
    """Settings in which one key has another value."""
    changed = copy.deepcopy(raw)
    *parents, last = key.split(".")
    inner = changed
    for part in parents:
        if inner.get(part) is None:
            inner[part] = {}
        inner = inner[part]
    inner[last] = another(inner.get(last))
    return changed


PARSE = YAML.load


@functools.cache
def parsed(text: str) -> bytes:
    return pickle.dumps(PARSE(YAML(typ="safe"), text))


@pytest.fixture
def parsed_once(monkeypatch):
    """DVC parses a YAML text once, and not 25 texts, dvc.lock among them, for every key."""

    def load(self, text):
        return pickle.loads(parsed(text)) if self.typ == ["safe"] else PARSE(self, text)

    monkeypatch.setattr(YAML, "load", load)


def depends(folder: Path) -> tuple[set[str], set[str]]:
    """The stages whose own settings, command or paths are not those of dvc.lock, and all stages.

    As `dvc status`, without hashing the files of the finished run once more for every key.
    """
    with Repo(str(folder)) as repo, repo.lock:
        stages = list(repo.index.stages)
        changed = {
            stage.name
            for stage in stages
            if stage.changed_stage()
            or any(
                dep.status()
                for dep in stage.deps
                if isinstance(dep, ParamsDependency) or not dep.hash_info
            )
        }
        return changed, {stage.name for stage in stages}


def test_every_key_has_one_row_and_every_row_a_key():
    found = {key: rows(key) for key in keys()}
    assert not {key: patterns for key, patterns in found.items() if len(patterns) != 1}
    assert {pattern for patterns in found.values() for pattern in patterns} == set(RERUN_BY)


@pytest.mark.slow
@pytest.mark.usefixtures("parsed_once")
@pytest.mark.parametrize("key", keys())
def test_a_key_reruns_exactly_the_stages_that_depend_on_it(finished, key):
    file = finished.folder / "params.yaml"
    before = file.read_text()
    raw = yaml.safe_load(before)
    try:
        file.write_text(yaml.safe_dump(with_another(raw, key), sort_keys=False))
        changed, stages = depends(finished.folder)
    finally:
        file.write_text(before)
    (row,) = rows(key)
    named = {*RERUN_BY[row], "report"} if RERUN_BY[row] else set()
    expected = {stage for stage in stages if {stage, stage.partition("@")[0]} & named}
    assert changed == expected


@pytest.mark.slow
def test_dvc_agrees_with_the_quick_look(own):
    """The same question put to `dvc status`, and a real run of what a key changes."""
    assert depends(own.folder)[0] == set()
    own.set("verify.seconds", 9)
    status = set(json.loads(own.dvc("status", "--json")))
    assert status == {*depends(own.folder)[0], ALWAYS}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "value", "stages"),
    [
        ("tracking.experiment", "other", []),
        # The tiny student's answers are worth nothing, and end as they were.
        ("plateau.min_gain", 0.5, ["eval_it0", "eval@it1", "eval@it2", "report"]),
    ],
)
def test_a_real_run_takes_these_stages_and_no_others(
    own: Clone, key: str, value: object, stages: list[str]
):
    own.set(key, value)
    assert ran(own.dvc("repro")) == [ALWAYS, *stages]
