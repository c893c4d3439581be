"""Plain files, hub data sets, and how many rows are drawn from any source."""

import json
from pathlib import Path

import pytest

from siked.errors import UserError
from siked.questions import sources
from siked.settings import Source

GSM8K = {
    "question": "Ann picks 5 figs an hour for 3 hours. How many figs is that?",
    "answer": "She picks 5*3=<<5*3=15>>15 figs.\n#### 15",
}
SOCRATIC = {**GSM8K, "answer": "How many figs does she pick? ** " + GSM8K["answer"]}


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(root: Path, path: str = "own.jsonl", **settings: object) -> sources.SourceContent:
    source = Source.model_validate({"format": "jsonl", "path": path, **settings})
    return sources.read("own", source, root, seed=0)


def numbered(count: int) -> list[dict[str, object]]:
    return [{"question": f"What is {n} plus 1?", "answer": n + 1} for n in range(count)]


def test_jsonl_rows_with_and_without_ids(tmp_path: Path) -> None:
    write(
        tmp_path / "own.jsonl",
        [
            {"id": "a", "question": "Half of 5?", "answer": 2.5},
            {"question": "Two  thirds?", "answer": "2/3"},
            {"question": "Who?", "answer": "Ann"},
        ],
    )
    reading = read(tmp_path)
    found = [(one.id, one.question, one.answer) for one in reading.questions]
    assert found == [("own-a", "Half of 5?", "2.5"), ("own-00001", "Two thirds?", "2/3")]
    (left_out,) = reading.left_out
    assert left_out == ("own.jsonl:3", "not one number: 'Ann'")


def test_jsonl_numbers_keep_their_digits(tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_text('{"question": "q", "answer": 0.30000000000000000001}\n')
    assert read(tmp_path).questions[0].answer == "0.30000000000000000001"


def test_jsonl_fields_have_the_names_that_the_source_says(tmp_path: Path) -> None:
    write(tmp_path / "own.jsonl", [{"q": "What is 1 plus 1?", "a": "2"}])
    assert read(tmp_path, question_field="q", answer_field="a").questions[0].answer == "2"
    with pytest.raises(UserError, match=r"1: no field `question` \(has q, a\): set question_field"):
        read(tmp_path)


def test_an_id_that_is_used_twice_is_refused(tmp_path: Path) -> None:
    row: dict[str, object] = {"id": 1, "question": "q", "answer": 1}
    write(tmp_path / "own.jsonl", [row, row])
    with pytest.raises(UserError, match=r"own\.jsonl:2: the id '1' is already used at .*jsonl:1"):
        read(tmp_path)


def test_drawn_rows_keep_their_order_and_more_rows_keep_the_drawn_ones(tmp_path: Path) -> None:
    write(tmp_path / "own.jsonl", numbered(50))
    few = [one.id for one in read(tmp_path, rows=10).questions]
    more = [one.id for one in read(tmp_path, rows=20).questions]
    assert len(few) == 10
    assert few == sorted(few)
    assert set(few) < set(more)
    assert few != [f"own-{n:05}" for n in range(10)], "not simply the first ones"
    assert read(tmp_path, rows=10).rows == 50


def test_more_rows_than_there_are_takes_all(tmp_path: Path) -> None:
    write(tmp_path / "own.jsonl", numbered(3))
    assert len(read(tmp_path, rows=10).questions) == 3


def test_max_steps_leaves_out_longer_solutions_before_rows_are_drawn(tmp_path: Path) -> None:
    long = {**GSM8K, "answer": "Ann works.\n" + GSM8K["answer"]}
    rows: list[dict[str, object]] = [dict(long) for _ in range(5)] + [dict(GSM8K)]
    write(tmp_path / "train.jsonl", rows)
    source = Source(format="gsm8k", path=".", max_steps=1, rows=1)
    reading = sources.read("g", source, tmp_path, seed=0)
    assert [one.id for one in reading.questions] == ["g-train-00005"]
    assert (reading.rows, reading.left_out) == (6, [])


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder in which ``datasets`` finds data sets before it asks the hub."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path


def test_hub_data_set_of_gsm8k_with_its_twin(hub: Path) -> None:
    from datasets import Dataset

    for name, row in (("main", GSM8K), ("socratic", SOCRATIC)):
        (hub / "someone/sums" / name).mkdir(parents=True)
        Dataset.from_list([row]).to_parquet(hub / "someone/sums" / name / "train-0.parquet")
    (hub / "someone/sums/README.md").write_text(
        "---\nconfigs:\n- config_name: main\n  data_files: main/*.parquet\n"
        "- config_name: socratic\n  data_files: socratic/*.parquet\n---\n"
    )
    source = Source(format="gsm8k", path="hf:someone/sums")
    (question,) = sources.read("g", source, hub / "elsewhere", seed=0).questions
    assert (question.id, question.answer) == ("g-train-00000", "15")
    assert question.solution[0].ask == "How many figs does she pick?"


def test_hub_data_set_of_columns(hub: Path) -> None:
    write(hub / "someone/own/test.jsonl", [{"q": "One plus one?", "a": 2}, {"q": "Who?", "a": 1}])
    source = Source(
        format="jsonl", path="hf:someone/own", split="test", question_field="q", answer_field="a"
    )
    found = sources.read("own", source, hub, seed=0).questions
    assert [(one.id, one.answer) for one in found] == [("own-00000", "2"), ("own-00001", "1")]
    with pytest.raises(UserError, match=r"^hf:someone/own/test: row 1: no field `question`"):
        sources.read("own", source.model_copy(update={"question_field": "question"}), hub, 0)


def test_hub_mistakes_are_one_line(hub: Path) -> None:
    write(hub / "someone/own/test.jsonl", [{"q": "One plus one?", "a": 2}])
    for settings, what in (
        ({"format": "jsonl", "path": "hf:someone/own", "split": "nosuch"}, "cannot be loaded"),
        ({"format": "svamp", "path": "hf:someone/own"}, "are read as `gsm8k` or `jsonl`"),
    ):
        with pytest.raises(UserError) as error:
            sources.read("x", Source.model_validate(settings), hub, seed=0)
        assert str(error.value).startswith("hf:someone/own: ")
        assert what in str(error.value)
        assert "\n" not in str(error.value)
