"""The whole pipeline, for real: `dvc repro` and `dvc exp` in temporary clones."""

import json
import re
import shutil
import signal
import subprocess
import time

import pytest

from siked.run.results import Results, gather, to_text
from siked.run.run import Revision, Run
from tests.functional.checkout import ALWAYS, Checkout, ran
from tests.functional.checkout import student as random_student

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ITERATION = ["generate", "filter", "mix", "train", "eval"]
ENDING = ["select", "cards", "report"]


def test_a_second_clone_gets_the_same_bytes(finished, tmp_path, tiny_student):
    second = Checkout(tmp_path, tiny_student)
    output = second.dvc("repro")
    assert re.search(r"eval it0: dev \S+% of \d+ \(\S+ to \S+\), ", output)
    lock = "dvc.lock"
    assert (second.folder / lock).read_text() == (finished.folder / lock).read_text()


def test_nothing_changed_runs_nothing(finished):
    assert ran(finished.dvc("repro")) == [ALWAYS]
    assert finished.git("status", "--short") == ""


def test_the_results_for_git_say_what_the_metrics_say(finished, tmp_path):
    path = tmp_path / "tiny.json"
    path.write_text(to_text(gather(Run(finished.folder))))
    with Revision(finished.folder, "HEAD") as committed:
        assert to_text(gather(committed)) == path.read_text()
    found = Results(path)
    assert list(found.students) == ["it0", "it1", "it2", "baseline-cot", "baseline-pot", "gkd"]
    for name in found.students:
        metrics = finished.folder / "metrics" / "iterations" / f"{name}.json"
        steps = json.loads(metrics.read_text())
        assert found.students[name]["tokens"] == steps["train"]["tokens"]
        for benchmark, answers in found.answered(name).answers.items():
            right = sum(answer.correct for answer in answers)
            figures = steps["eval"]["benchmarks"][benchmark]
            assert right == round(figures["accuracy"] * figures["n"])
            assert len(answers) == figures["n"]


def test_a_student_that_was_changed_in_place_is_read_again(tmp_path):
    """A folder outside the repository, as DVC itself does not see it."""
    source = random_student(tmp_path / "student")
    clone = Checkout(tmp_path / "clone", source)
    clone.dvc("repro", "base")
    assert ran(clone.dvc("repro", "base")) == [ALWAYS]
    for change in (lambda: random_student(source, seed=1), (source / "more.jinja").touch):
        change()
        assert ran(clone.dvc("repro", "base")) == [ALWAYS, "base"]
        for file in source.iterdir():
            read = clone.folder / "models" / "base" / file.name
            assert read.read_bytes() == file.read_bytes()
    source.rename(tmp_path / "away")
    assert ran(clone.dvc("repro", "base")) == [ALWAYS], "a colleague need not have the folder"


def test_every_iteration_left_its_metrics(finished):
    for name in ("it0", "it1", "it2", "baseline-cot", "baseline-pot", "gkd"):
        path = finished.folder / "metrics" / "iterations" / f"{name}.json"
        figures = json.loads(path.read_text())["eval"]["benchmarks"]["tiny"]
        assert figures["n"] == 5
        assert 0 <= figures["low"] <= figures["accuracy"] <= figures["high"] <= 1
    steps = json.loads((finished.folder / "metrics/iterations/it1.json").read_text())
    assert list(steps) == ["eval", "filter", "generate", "mix", "train"]
    assert "bubblewrap" in steps["filter"]["isolation"]
    assert steps["mix"]["alpha"] == 1.0, "a student that solves nothing falls back to D_LLM"


def test_after_the_plateau_an_iteration_carries_on_what_it_got(finished):
    """A random student does not get better, so that the loop stops after iteration 1."""
    folder = finished.folder
    steps = {
        name: json.loads((folder / f"metrics/iterations/{name}.json").read_text())
        for name in ("it1", "it2")
    }
    for step in ("eval", "generate", "mix", "train"):
        assert not steps["it1"][step]["carried"]
        assert steps["it2"][step]["carried"]
    for place in (
        "models/students/{}/adapter_model.safetensors",
        "data/students/{}/answers/dev.jsonl",
    ):
        first, second = (folder / place.format(name) for name in ("it1", "it2"))
        assert first.read_bytes() == second.read_bytes()


def test_dvc_shows_metrics_plots_and_experiments(finished, tmp_path):
    shown = finished.dvc("metrics", "show", "--json")
    assert json.loads(shown)[""]["data"]["metrics/summary.json"]["data"]["selected"]
    finished.dvc("plots", "show", "--out", str(tmp_path))
    page = (tmp_path / "index.html").read_text()
    assert "tiny" in page
    columns = finished.dvc("exp", "show", "--csv").splitlines()[0].split(",")
    assert {"selected", "dev", "test.tiny.accuracy", "test.tiny.gain"} <= set(columns)


def test_test_questions_carry_no_solution_and_never_train(finished):
    folder = finished.folder / "data" / "questions"
    rows = {
        path.stem: [json.loads(line) for line in path.read_text().splitlines()]
        for path in folder.glob("*.jsonl")
    }
    for name in ("dev", "test-tiny"):
        assert rows[name]
        assert not any(row.get("solution") for row in rows[name])
    held_out = {row["id"] for name in ("dev", "test-tiny") for row in rows[name]}
    trained = {
        json.loads(line)["question_id"]
        for path in (finished.folder / "data" / "students").glob("*/mix.jsonl")
        for line in path.read_text().splitlines()
    }
    assert trained == {row["id"] for row in rows["train"]}
    assert not trained & held_out


def test_a_change_of_params_reruns_what_depends_on_it(own):
    output = own.dvc("exp", "run", "-S", "train.iterate.learning_rate=0.002")
    expected = [
        *(f"{stage}@it1" for stage in ("train", "eval")),
        *(f"{stage}@it2" for stage in ITERATION),
        *ENDING,
    ]
    # What a changed student writes may stay the same, and then nothing after it runs.
    assert ran(output)[:2] == ["settings", "train@it1"]
    assert set(ran(output)[2:]) <= set(expected)


def test_a_dropped_and_an_added_iteration_rerun_nothing_earlier(own):
    dropped = own.dvc("exp", "run", "-S", "~iterations.it2")
    assert ran(dropped) == ["settings", *ENDING]
    assert not (own.folder / "models" / "students" / "it2").exists()
    added = own.dvc(
        "exp",
        "run",
        "-S",
        "+iterations.it2={previous: it1}",
        "-S",
        "+iterations.it3={previous: it2}",
    )
    assert ran(added) == ["settings", *(f"{stage}@it3" for stage in ITERATION), *ENDING]


def test_a_student_that_solved_nothing_cannot_train_itself(own):
    own.set("mix.variant", "self")
    output = own.dvc("repro", fails=True)
    assert "error: mix.variant: self has nothing to train it1 on: it0 solved no train" in output
    assert "Traceback" not in output


def test_a_students_bias_is_one_strategy_a_question_from_iteration_1_on(own):
    own.set("mix.variant", "all")
    own.set("mix.bias", "student")
    path = own.folder / "data/students/it1/verified.jsonl"
    samples = [json.loads(line) for line in path.read_text().splitlines()]
    first, second = list(dict.fromkeys(sample["question_id"] for sample in samples))[:2]
    for sample in samples:
        one = (sample["question_id"], sample["strategy"])
        sample["correct"] = (*one, sample["sample"]) == (first, "cot", 0) or one == (second, "pot")
        sample["failure"] = None if sample["correct"] else "wrong"
        sample["predicted"] = "1"  # a verdict is about an answer
    path.unlink()  # It may be a link to DVC's cache.
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))

    def mixed(student, *previous):
        (own.folder / f"data/students/{student}/mix.jsonl").unlink()
        own.stage("mix", "--student", student, *previous)
        text = (own.folder / f"data/students/{student}/mix.jsonl").read_text()
        rows = [json.loads(line) for line in text.splitlines()]
        return sorted((row["origin"], row["question_id"], row["strategy"]) for row in rows)

    start = mixed("it0")
    assert {strategy for _, _, strategy in start} == {"cot", "pot"}
    expected = [("student", first, "cot"), ("student", second, "pot")]
    asked = {question for _, question, _ in start}
    taught = [("teacher", one, "cot" if one == first else "pot") for one in asked]
    assert mixed("it1", "--previous", "it0") == sorted([*expected, *taught])


def test_every_data_set_has_a_card_and_the_model_can_be_traced(finished):
    cards = {path.name for path in (finished.folder / "data" / "cards").iterdir()}
    for name in (
        "questions",
        "teacher",
        "it0",
        "it1",
        "it2",
        "baseline-cot",
        "baseline-pot",
        "gkd",
    ):
        assert {f"{name}.md", f"{name}.croissant.json"} <= cards
    assert "model-index" in (finished.folder / "models" / "best" / "README.md").read_text()
    assert "is as recorded" in finished.run("siked", "trace", "models/best")


def test_the_selected_student_solves(finished):
    output = finished.run("siked", "solve", "Tom has 3 apples and buys 4. How many has he?")
    assert "strategy" in output


def test_an_interrupted_training_exits_with_130_and_goes_on(own):
    own.set("train.distil", {"epochs": 300, "learning_rate": 0.001})
    adapter = own.folder / "models" / "students" / "it0"
    shutil.rmtree(adapter)  # as DVC does before it starts the stage
    command = ["python", "-m", "stages.train", "--student", "it0"]
    running = subprocess.Popen(
        command, cwd=own.folder, env=own.environment, stderr=subprocess.PIPE, text=True
    )
    checkpoints = own.folder / ".siked" / "checkpoints"
    while running.poll() is None and not list(checkpoints.glob("*")):
        time.sleep(0.2)
    time.sleep(2)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 130, errors[-3000:]
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert not adapter.exists()
    assert list(checkpoints.rglob("*.safetensors")), "the work so far is kept"
    own.stage("train", "--student", "it0")
    assert (adapter / "adapter_model.safetensors").exists()


@pytest.mark.parametrize(
    ("key", "value", "command", "says"),
    [
        ("student.source", "path:nowhere", "base", "nowhere"),
        ("student.source", "path:data/raw", "base", "data/raw"),
        ("questions.root", "no-such-folder", "questions", "no-such-folder"),
        ("strategies", ["cot", "tot"], "questions", "strategies.1"),
    ],
)
def test_bad_input_is_one_line(tmp_path, key, value, command, says):
    clone = Checkout(tmp_path, tmp_path)
    clone.set("questions.train", {"mine": {"format": "jsonl", "path": "mine.jsonl"}})
    clone.set(key, value)
    output = clone.stage(command, fails=True)
    assert output.startswith("error: ")
    assert output.count("\n") == 1
    assert says in output


def test_a_teacher_that_is_never_right_is_said_so(tmp_path):
    clone = Checkout(tmp_path, tmp_path)
    rows = [{"question": f"What is {n} + {n}?", "answer": str(2 * n)} for n in range(20)]
    path = clone.folder / "data" / "own" / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    clone.set("questions.train", {"mine": {"format": "jsonl", "path": "mine.jsonl"}})
    clone.stage("questions")
    output = clone.stage("teach", "--strategy", "cot", fails=True)
    assert "no question has a worked solution" in output
    texts = {"cot": "Final Answer: 999", "pot": "answer = 999"}
    wrong = [
        {"question": row["question"], "strategy": strategy, "text": text}
        for row in rows
        for strategy, text in texts.items()
    ]
    recording = clone.folder / "data" / "recorded" / "wrong.jsonl"
    recording.parent.mkdir(exist_ok=True)
    recording.write_text("".join(json.dumps(row) + "\n" for row in wrong))
    clone.set("teacher", {"engine": "recorded", "recorded": "wrong.jsonl"})
    for strategy in texts:
        clone.stage("teach", "--strategy", strategy)
    output = clone.stage("filter", "--teacher", fails=True)
    assert "nothing to distil" in output
    assert "Traceback" not in output


def test_a_malformed_row_is_named_by_file_and_line(tmp_path):
    clone = Checkout(tmp_path, tmp_path)
    rows = [{"question": "What is 1 + 1?", "answer": "2"}, {"question": "What is 2 + 2?"}]
    path = clone.folder / "data" / "own" / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    clone.set("questions.train", {"mine": {"format": "jsonl", "path": "mine.jsonl"}})
    output = clone.stage("questions", fails=True)
    assert "mine.jsonl:2:" in output
    assert "Traceback" not in output
    assert not (clone.folder / "data" / "questions").exists()


def test_each_strategy_reruns_for_its_own_teacher_alone(own):
    """A recording in place of the worked solutions, for one of two strategies."""
    told = own.folder / "data/teacher/rationales/pot.jsonl"
    rows = [json.loads(line) for line in told.read_text().splitlines()]
    recording = own.folder / "data/recorded/bought.jsonl"
    recording.write_text("".join(json.dumps({**one, "teacher": "Big"}) + "\n" for one in rows))
    annotations = {"engine": "annotations"}
    own.dvc("repro", "filter_teacher")  # a new recording is a change for all
    own.set("teacher", {"cot": annotations, "pot": annotations})
    assert ran(own.dvc("repro", "filter_teacher")) == ["settings"], "both have whom they had"
    own.set("teacher.pot", {"engine": "recorded", "recorded": "bought.jsonl"})
    assert ran(own.dvc("repro", "filter_teacher")) == ["settings", "teach@pot", "filter_teacher"]
    figures = json.loads((own.folder / "metrics/teacher.json").read_text())
    assert figures["teachers"]["Big"]["pot"]["rows_in"] == len(rows)
    assert list(figures["teachers"]) == ["Big", "not named"]
    own.dvc("repro")
    card = (own.folder / "data/cards/teacher.md").read_text()
    assert "with pot by someone else, in the recording `bought.jsonl`" in card


def test_a_model_can_teach(tmp_path, tiny_student):
    clone = Checkout(tmp_path, tiny_student)
    raw = clone.params()
    sampling = raw["generate"] | {"samples": 2, "max_new_tokens": 4}
    model = {"source": f"path:{tiny_student}", "seed": 3, "engine": raw["engine"]}
    clone.set("teacher", {"engine": "model", "model": model | {"sampling": sampling}})
    clone.stage("questions")
    clone.stage("teach", "--strategy", "pot")
    asked = (clone.folder / "data/questions/train.jsonl").read_text().splitlines()
    written = (clone.folder / "data/teacher/rationales/pot.jsonl").read_text().splitlines()
    assert len(written) == 2 * len(asked)
    assert all(json.loads(row)["completion_tokens"] <= 4 for row in written)
