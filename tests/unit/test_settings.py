"""A wrong setting stops at once, with one line that names the key."""

from pathlib import Path

import pytest
import yaml

from siked.errors import UserError
from siked.settings import check_params, load_params

DEMO = Path(__file__).parents[2] / "presets" / "demo.yaml"


def demo() -> dict:
    return yaml.safe_load(DEMO.read_text())


def changed(key: str, value: object) -> dict:
    raw = demo()
    *parents, last = key.split(".")
    inner = raw
    for part in parents:
        inner = inner[part]
    inner[last] = value
    return raw


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("train.learning_rat", 1, "train.learning_rat: unknown key; did you mean"),
        ("generate.sample", 4, "generate.sample: unknown key; did you mean `generate.samples`?"),
        ("questions.train.demo.row", 4, "did you mean `questions.train.demo.rows`?"),
        ("questions.train.demo", {"format": "demo", "rows": 4, "path": "x"}, "drop `path`"),
        ("questions.train.demo", {"format": "gsm8k"}, "questions.train.demo: the gsm8k format"),
        ("questions.train.demo.format", "gsm9k", "questions.train.demo.format: 'gsm9k'"),
        ("seed", "one", "seed: 'one'"),
        ("strategies", ["cot", "tot"], "strategies.1: 'tot'"),
        ("strategies", ["cot", "cot"], "strategies: a strategy is named twice"),
        ("engine.name", "vlm", "engine.name: 'vlm'"),
        ("teacher.engine", "anotations", "teacher.engine: 'anotations'"),
        ("teacher.engine", "model", "teacher: `model` is for `engine: model`"),
        ("generate.temperature", 0, "generate: `samples` above 1 at `temperature` 0"),
        ("student.sha256", None, "student: a wheel needs"),
        ("student.source", "SmolLM", "student.source: 'SmolLM'"),
        ("mix.bias", ["pot", "l2m", "cot", "x"], "mix.bias"),
        ("iterations", {"it1": {"previous": "it7"}}, "iterations: it1.previous: there is no"),
        (
            "iterations",
            {"it1": {"previous": "it2"}, "it2": {"previous": "it1"}},
            "iterations: it1, it2: form a cycle",
        ),
        (
            "iterations",
            {"it1": {"previous": "it0"}, "it2": {"previous": "it0"}},
            "it0 is already followed by it1",
        ),
        ("iterations", {"it0": {"previous": "it0"}}, "it0 is plain distillation"),
        ("train", None, "train: "),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_the_key(key, value, says):
    with pytest.raises(UserError) as error:
        check_params(changed(key, value), "params.yaml")
    text = str(error.value)
    assert text.startswith("params.yaml: ")
    assert says in text
    assert "\n" not in text


def test_a_missing_key_is_named():
    raw = demo()
    del raw["mix"]["keep"]
    with pytest.raises(UserError, match=r"params.yaml: mix.keep: is missing"):
        check_params(raw, "params.yaml")


def test_test_and_train_sources_must_not_share_a_name():
    raw = demo()
    raw["questions"]["test"]["demo"] = raw["questions"]["train"]["demo"]
    with pytest.raises(UserError, match="share the names"):
        check_params(raw, "params.yaml")


@pytest.mark.parametrize("text", ["a: [", "- 1", "", "\t"])
def test_a_file_that_is_not_params_is_one_line(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        load_params(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(UserError, match="siked preset demo"):
        load_params(tmp_path / "params.yaml")


def test_iterations_chain_in_any_order_of_writing():
    raw = demo()
    raw["iterations"] = {"b": {"previous": "a"}, "a": {"previous": "it0"}}
    assert check_params(raw, "params.yaml").chain() == ["it0", "a", "b"]


def test_settings_are_frozen():
    params = load_params(DEMO)
    with pytest.raises(ValueError, match="frozen"):
        params.seed = 2
