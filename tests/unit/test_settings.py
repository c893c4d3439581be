"""A wrong setting stops at once, with one line that names the key."""

from pathlib import Path

import pytest
import yaml

from siked.errors import UserError
from siked.settings import (
    AutoSettings,
    OpenAISettings,
    TransformersSettings,
    VllmSettings,
    as_transformers,
    check_params,
    document_keys,
    load_params,
)

SAME = {"samples": 4, "temperature": 0, "top_k": 0, "top_p": 1.0, "max_new_tokens": 9}
DEMO = Path(__file__).parents[2] / "presets" / "demo.yaml"
UNSEEN = {"format": "demo", "split": "unseen", "rows": 5}
GKD = {"teacher": "it1", "epochs": 1, "learning_rate": 0.001}
VLLM = {"name": "vllm", "dtype": "auto", "max_model_len": 1024}


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
        ("questions.train.demo.format", "gsm9k", "demo.format: 'gsm9k': there are gsm8k, svamp, "),
        ("train.trainer", "peff", "train.trainer: 'peff': there are auto, peft, unsloth"),
        ("seed", "one", "seed: 'one'"),
        ("strategies", ["cot", "tot"], "strategies.1: 'tot': there are cot, l2m, pot"),
        ("strategies", ["cot", "cot"], "strategies: a strategy is named twice"),
        ("strategies", ["cot", "l2m"], "baselines: pot is not taught: it is not in `strategies`"),
        ("baselines", ["cot", "cot"], "baselines: a strategy is named twice"),
        ("engine.name", "vlm", "engine.name: 'vlm': there are 'transformers', 'vllm'"),
        ("engine.name", "openai", "engine.name: 'openai'"),
        ("engine.batch_token", 1, "did you mean `engine.batch_tokens`?"),
        ("engine.enforce_eager", True, "engine.enforce_eager: is for `name: vllm`, not for tr"),
        ("engine", {"dtype": "auto"}, "engine.name: is missing"),
        ("engine", {**VLLM, "tensor_paralel": 2}, "did you mean `engine.tensor_parallel`?"),
        ("engine", {**VLLM, "tensor_parallel": 0}, "engine.tensor_parallel: 0"),
        ("engine", {"name": "vllm", "dtype": "auto"}, "engine.max_model_len: is missing"),
        ("teacher.engine", "anotations", "teacher.engine: 'anotations'"),
        ("teacher.engine", "model", "teacher: `engine: model` needs `model`"),
        ("generate", SAME, "generate: `samples` above 1 at `temperature` 0"),
        ("student.sha256", None, "student: a wheel needs"),
        ("student.source", "SmolLM", "student.source: 'SmolLM': must match ^(path|hf|wheel)"),
        ("student.source", "SmolLM", "(`path:FOLDER`, `hf:OWNER/NAME`, or `wheel:"),
        ("questions.test", {"My_Set": UNSEEN}, "questions.test.My_Set: 'My_Set': a name has lower"),
        ("plateau", None, "plateau: must be a section"),
        ("iterations", ["it1"], "iterations: must be a section"),
        ("strategies", [], "strategies: is empty"),
        ("seed", 1.5, "seed: 1.5: must be a whole number"),
        ("mix.variant", 9999 * "x", f"mix.variant: '{99 * 'x'} ...: must be 'all'"),
        ("mix.bias", ["pot", "l2m", "cot", "x"], "mix.bias.3: 'x': there are cot, l2m, pot"),
        ("mix.bias", "teacher", "mix.bias: 'teacher': must be 'student'"),
        ("train.lora.target_modules", "all", "train.lora.target_modules: 'all': must be"),
        ("train.lora.target_modules", ["q", 1], "train.lora.target_modules.1: 1: must be"),
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
        ("iterations", {"best": {"previous": "it0"}}, "best: means another student"),
        ("iterations", {"baseline-cot": {"previous": "it0"}}, "baseline-cot: means another"),
        ("rivals", {"it1": GKD}, "rivals.it1: means another student or a test set: name the rival"),
        ("rivals", {"baseline-a": GKD}, "rivals.baseline-a: means another student"),
        ("rivals", {"demo-seen": GKD}, "rivals.demo-seen: means another student or a test set"),
        ("rivals", {"G": GKD}, "rivals.G"),
        ("rivals", {"gkd": {**GKD, "teacher": "it7"}}, "gkd.teacher: there is no iteration 'it7'"),
        (
            "rivals",
            {"gkd": {**GKD, "teacher": "it0"}},
            "gkd.teacher: it0 is where the rival starts",
        ),
        ("rivals", {"gkd": {**GKD, "lambda": 1}}, "did you mean `rivals.gkd.lmbda`?"),
        ("rivals", {"gkd": {**GKD, "beta": 2}}, "rivals.gkd.beta: 2"),
        ("rivals", {"gkd": {"teacher": "it1"}}, "rivals.gkd.epochs: is missing"),
        *(
            ("questions.test", {name: UNSEEN}, f"questions.test.{name}: every run has questions")
            for name in ("dev", "train")
        ),
        ("train", None, "train: "),
        ("train.lora.dropout", 1.0, "train.lora.dropout: "),
        ("train.lora.target_modules", [], "train.lora.target_modules: "),
        ("train.weight_decay", float("inf"), "train.weight_decay: "),
        ("train.distil.learning_rate", float("nan"), "train.distil.learning_rate: "),
        ("seed", 2**32, "seed: "),
        ("student.gguf", None, "student: "),
        ("student", {"source": "path:a", "sha256": 64 * "a"}, "student: `sha256` is the hash"),
        ("student", {"source": "hf:a/b", "split_digits": True}, "student: `split_digits` is for"),
        ("student", {"source": "path:a", "revision": "main"}, "student: `revision` is a commit"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_the_key(key, value, says):
    with pytest.raises(UserError) as error:
        check_params(changed(key, value), "params.yaml")
    text = str(error.value)
    assert text.startswith("params.yaml: ")
    assert says in text
    assert "\n" not in text


ANNOTATIONS = {"engine": "annotations"}
EACH = dict.fromkeys(("cot", "l2m", "pot"), ANNOTATIONS)


def test_each_strategy_may_have_a_teacher_of_its_own():
    one = check_params(changed("teacher", ANNOTATIONS), "params.yaml")
    several = check_params(changed("teacher", EACH), "params.yaml")
    assert list(several.teachers()) == list(one.teachers()) == ["cot", "l2m", "pot"]
    assert several.describe_teachers() == one.describe_teachers() == EACH
    shown = one.model_dump(mode="json")["teacher"]
    assert shown == {"engine": "annotations", "model": None, "recorded": None}


@pytest.mark.parametrize(
    ("teacher", "says"),
    [
        ({"cot": ANNOTATIONS, "pot": ANNOTATIONS}, "teacher.l2m: is missing: `strategies` has cot"),
        ({**EACH, "pot": None}, "teacher.pot: is missing"),
        ({**EACH, "tot": ANNOTATIONS}, "teacher.tot: unknown key; did you mean `teacher."),
        (
            {**EACH, **ANNOTATIONS},
            "teacher: `engine` is for all strategies: drop it, or drop `cot`",
        ),
        ({**EACH, "pot": {"engine": "recorded"}}, "teacher.pot: `engine: recorded` needs"),
        ({**EACH, "pot": {"engin": "model"}}, "did you mean `teacher.pot.engine`?"),
        ({**EACH, "pot": {**ANNOTATIONS, "modl": 1}}, "did you mean `teacher.pot.model`?"),
        ({**EACH, "pot": {**ANNOTATIONS, "cot": ANNOTATIONS}}, "teacher.pot.cot: unknown key"),
        ({}, "teacher: names no `engine`, and no teacher for each strategy"),
    ],
)
def test_a_wrong_teacher_of_a_strategy_is_one_line(teacher, says):
    with pytest.raises(UserError) as error:
        check_params(changed("teacher", teacher), "params.yaml")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_batches_have_no_rate():
    server = {"name": "openai", "url": "http://127.0.0.1:8000/v1", "batch": True}
    sampling = {"samples": 1, "temperature": 0, "top_k": 0, "top_p": 1, "max_new_tokens": 8}
    model = {"source": "served:m", "seed": 1, "engine": server, "sampling": sampling}
    raw = changed("teacher", {"engine": "model", "model": model})
    check_params(raw, "params.yaml")
    server["requests_per_minute"] = 60
    with pytest.raises(UserError, match="`requests_per_minute` is not for `batch: true`"):
        check_params(raw, "params.yaml")


def test_a_teacher_of_a_strategy_that_is_not_taught_is_dropped_by_hand():
    raw = changed("teacher", EACH)
    raw["strategies"] = raw["baselines"] = ["cot", "pot"]
    with pytest.raises(UserError, match=r"teacher.l2m: drop it: `strategies` has cot, pot"):
        check_params(raw, "params.yaml")


def test_a_missing_key_is_named():
    raw = demo()
    del raw["mix"]["keep"]
    with pytest.raises(UserError, match=r"params.yaml: mix.keep: is missing"):
        check_params(raw, "params.yaml")


def test_a_misspelt_key_is_named_before_the_one_that_is_missing_for_it():
    raw = demo()
    raw["mix"]["kep"] = raw["mix"].pop("keep")
    with pytest.raises(UserError, match=r"mix.kep: unknown key; did you mean `mix.keep`\?"):
        check_params(raw, "params.yaml")


@pytest.mark.parametrize("raw", [None, [], "text"])
def test_a_file_without_keys_is_one_line(raw):
    with pytest.raises(UserError, match=r"^params.yaml: holds no settings: `siked preset demo`"):
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


def test_keys_of_a_teachers_engine_are_named_without_its_kind():
    raw = demo()
    sampling = {"samples": 1, "temperature": 0, "top_k": 0, "top_p": 1, "max_new_tokens": 8}
    server = {"name": "openai", "url": "http://127.0.0.1:8000/v1"}
    model = {"source": "served:m", "seed": 1, "engine": server, "sampling": sampling}
    raw["teacher"] = {"engine": "model", "model": model}
    check_params(raw, "params.yaml")
    for key, value, says in [
        (
            "dtype",
            "auto",
            "teacher.model.engine.dtype: is for `name: transformers or vllm or auto`",
        ),
        ("prices", {"prompt": 1, "completions": 1}, "teacher.model.engine.prices.completion"),
    ]:
        model["engine"] = {**server, key: value}
        with pytest.raises(UserError) as error:
            check_params(raw, "params.yaml")
        assert str(error.value).startswith(f"params.yaml: {says}")


def test_every_key_of_every_engine_is_documented_at_its_place():
    keys = dict.fromkeys(key for key, _ in document_keys())
    engines = {
        "engine": [TransformersSettings, VllmSettings, AutoSettings],
        "teacher.model.engine": [TransformersSettings, VllmSettings, OpenAISettings, AutoSettings],
    }
    for place, kinds in engines.items():
        for kind in kinds:
            assert {f"{place}.{key}" for key in kind.model_fields} <= set(keys)
    assert "teacher.model.engine.prices.prompt" in keys
    told = [what for key, what in document_keys() if key == "engine.dtype"]
    assert [what.split(":")[0] for what in told] == ["`transformers`", "`vllm`", "`auto`"]
    assert [what for key, what in document_keys() if key == "engine.name"] == [
        "Which: transformers, vllm or auto."
    ]


def test_another_engine_leaves_the_number_type_to_the_same_setting():
    vllm = VllmSettings(**{**VLLM, "dtype": "float16"})
    assert as_transformers(vllm).dtype == "float16"
    params = load_params(DEMO)
    assert as_transformers(params.engine) is params.engine


def test_it0_may_teach_a_rival_that_does_not_see_the_solutions_it_sees():
    own = {**GKD, "teacher": "it0", "sees_solution": True}
    rivals = check_params(changed("rivals", {"gkd": GKD, "own": own}), "params.yaml").rivals
    assert [(one.teacher, one.sees_solution) for one in rivals.values()] == [
        ("it1", False),
        ("it0", True),
    ]
