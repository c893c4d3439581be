"""CSV, Parquet and saved data sets are read as JSON Lines are, and say where a row is wrong."""

import json
from pathlib import Path

import pytest

from siked.errors import UserError
from siked.questions import sources
from siked.settings import Source

ROWS = [
    {"id": "a", "question": "Half of 5?", "answer": 2.5},
    {"id": "b", "question": "One, two or three?", "answer": 3.0},
    {"id": "c", "question": "A big one?", "answer": 1e17},
]


def read(path: Path, kind: str, **settings: object) -> sources.SourceContent:
    source = Source.model_validate({"format": kind, "path": path.name, **settings})
    return sources.read("own", source, path.parent, seed=0)


def found(reading: sources.SourceContent) -> list[tuple[str, str, str]]:
    return [(one.id, one.question, one.answer) for one in reading.questions]


def test_the_same_rows_are_the_same_questions_in_every_format(tmp_path: Path) -> None:
    import pyarrow as pa
    from datasets import Dataset, DatasetDict
    from pyarrow import parquet

    table = pa.Table.from_pylist(ROWS)
    parquet.write_table(table, tmp_path / "own.parquet")
    Dataset(table).save_to_disk(str(tmp_path / "one"))
    splits = {"train": Dataset(table.slice(0, 1)), "test": Dataset(table)}
    DatasetDict(splits).save_to_disk(str(tmp_path / "splits"))
    (tmp_path / "own.csv").write_text(
        '\ufeffid,question,answer\r\na,Half of 5?,2.5\r\nb,"One, two or three?",3\r\n'
        "c,A big one?,100000000000000000\r\n"
    )
    expected = [
        ("own-a", "Half of 5?", "2.5"),
        ("own-b", "One, two or three?", "3"),
        ("own-c", "A big one?", "100000000000000000"),
    ]
    assert found(read(tmp_path / "own.csv", "csv")) == expected
    assert found(read(tmp_path / "own.parquet", "parquet")) == expected
    assert found(read(tmp_path / "one", "dataset")) == expected
    assert found(read(tmp_path / "splits", "dataset", split="test")) == expected
    assert found(read(tmp_path / "splits", "dataset")) == expected[:1]


def test_csv_numbers_keep_their_digits_and_lines_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text('q,a\n"Two\nlines?",2.50\n\nWho?,Ann\nLast?,"1,000"\n')
    reading = read(path, "csv", question_field="q", answer_field="a")
    assert found(reading) == [("own-00000", "Two lines?", "2.50"), ("own-00002", "Last?", "1000")]
    assert reading.left_out == [("own.csv:5", "not one number: 'Ann'")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("question,answer\nOne, two?,3\n", "own.csv:2: 3 cells, but there are 2 columns"),
        ('question,answer\nWhat?,1\n"What?,3\n', "own.csv:3: not CSV"),
        ("question;answer\nWhat?;3\n", "own.csv:1: semicolons between its columns"),
        ("question,question\nWhat?,3\n", "own.csv:1: two columns have the same name"),
        ("question\tanswer\nWhat?\t3\n", "own.csv:1: tabs between its columns"),
        ("question,answer\n,3\n", "own.csv:2: `question` is empty"),
        ("", "own.csv: is empty"),
    ],
)
def test_a_wrong_csv_is_one_line_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        read(path, "csv")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_table_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "own.parquet").write_text(json.dumps(ROWS[0]))
    (tmp_path / "folder").mkdir()
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "train-00000-of-00002.parquet").write_text("")
    for path, kind, says in (
        (tmp_path / "own.parquet", "parquet", "not Parquet"),
        (tmp_path / "none.parquet", "parquet", "no such file"),
        (tmp_path / "folder", "dataset", "not a saved data set"),
        (tmp_path / "shards", "dataset", "name one of its files, such as train-00000-of-00002"),
        (tmp_path / "own.parquet", "dataset", "no such folder"),
    ):
        with pytest.raises(UserError, match=says) as error:
            read(path, kind)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


def test_a_missing_split_names_those_that_there_are(tmp_path: Path) -> None:
    from datasets import Dataset, DatasetDict

    DatasetDict({"train": Dataset.from_list(ROWS)}).save_to_disk(str(tmp_path / "splits"))
    with pytest.raises(UserError, match="has no split 'dev': there are train"):
        read(tmp_path / "splits", "dataset", split="dev")


def test_values_that_are_no_numbers_are_said(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    path = tmp_path / "own.parquet"
    rows = [{"question": "Nothing?", "answer": float("nan")}, {"question": "?", "answer": None}]
    parquet.write_table(pa.Table.from_pylist(rows), path)
    assert read(path, "parquet").left_out == [
        ("own.parquet: row 1", "not one number: 'nan'"),
        ("own.parquet: row 2", "no answer: None"),
    ]


@pytest.mark.parametrize("value", [None, ["4"], [], {}, {"value": 4}, True, "", "  "])
def test_a_row_without_an_answer_is_left_out_and_no_other(tmp_path: Path, value: object) -> None:
    rows = [{"question": "How many?", "answer": "12"}, {"question": "Two?", "answer": value}]
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    reading = read(path, "jsonl")
    assert [one.answer for one in reading.questions] == ["12"]
    ((where, reason),) = reading.left_out
    assert where == "own.jsonl:2"
    assert reason.startswith("no answer: ")


def test_the_answer_of_a_worked_solution_stands_behind_its_mark(tmp_path: Path) -> None:
    rows = [{"question": "How many?", "answer": "He has 3 + 4 = <<3+4=7>>7.\n" * 60 + "#### 1,007"}]
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps(rows[0]))
    assert [one.answer for one in read(path, "jsonl").questions] == ["1007"]
