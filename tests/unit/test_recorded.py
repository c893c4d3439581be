"""A recorded teacher gives what its file says, for the questions that are asked."""

from pathlib import Path

import pytest

from siked.errors import UserError
from siked.generation.ask import collect
from siked.generation.engine import Sampling
from siked.generation.recorded import RecordedEngine
from siked.prompts import Prompt
from siked.records import Question, VerifiedRationale, write_records
from siked.settings import TeacherSettings

ASKED = [
    Question(id="a-1", source="a", question="Ann has 3 bags of 4 figs. How many?", answer="12"),
    Question(id="a-2", source="a", question="Bob has 5 figs. How many?", answer="5"),
]


def recording(folder: Path, *lines: str) -> Path:
    path = folder / "bought.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def told(path: Path, strategy: str = "cot", **sampling: int) -> list[tuple[str, int, str]]:
    engine = RecordedEngine(path, ASKED)
    prompts = [Prompt(question_id=one.id, strategy=strategy, system="", user="") for one in ASKED]
    samples = sampling.get("samples", engine.samples(strategy))
    rows = collect(engine, prompts, Sampling(samples=samples), what="teach", strategies=())
    return [(one.question_id, one.sample, one.text) for one in rows]


def test_samples_are_numbered_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = recording(
        tmp_path,
        '{"question_id": "a-2", "strategy": "cot", "text": "five", "model": "big", "sample": 7}',
        '{"question": "Ann has 3 bags\\nof 4 figs.  How many?", "strategy": "cot", "text": "x"}',
        '{"question_id": "a-1", "strategy": "pot", "text": "answer = 12"}',
        '{"question_id": "a-1", "strategy": "cot", "text": "y"}',
    )
    assert told(path) == [("a-1", 0, "x"), ("a-1", 1, "y"), ("a-2", 0, "five")]
    assert told(path, samples=1) == [("a-1", 0, "x"), ("a-2", 0, "five")]
    assert told(path, "pot") == [("a-1", 0, "answer = 12")]
    assert told(path, "l2m") == []


def test_the_text_decides_which_question_it_is(tmp_path: Path) -> None:
    path = recording(
        tmp_path,
        '{"question": "Bob has 5 figs. How many?", "question_id": "a-1", "strategy": "cot", '
        '"text": "five"}',
        '{"question": "Who?", "question_id": "a-1", "strategy": "cot", "text": "nobody"}',
    )
    assert told(path) == [("a-2", 0, "five")]
    assert RecordedEngine(path, ASKED).unknown == 1


def test_the_pipelines_own_rationales_are_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "verified.jsonl"
    row = VerifiedRationale(
        question_id="a-1",
        strategy="cot",
        sample=3,
        text="12",
        completion_tokens=9,
        truncated=True,
        predicted="12",
        rule="last-number",
        correct=True,
    )
    write_records(path, [row])
    engine = RecordedEngine(path, ASKED)
    prompt = Prompt(question_id="a-1", strategy="cot", system="", user="")
    (kept,) = collect(engine, [prompt], Sampling(), what="teach", strategies=())
    wanted = row.model_copy(update={"sample": 0}).model_dump(include=set(type(kept).model_fields))
    assert kept.model_dump() == wanted


def test_a_rows_teacher_and_source_are_kept_and_may_be_missing(tmp_path: Path) -> None:
    row = '{"question_id": "a-1", "strategy": "cot", "text": "x"'
    path = recording(
        tmp_path, row + ', "teacher": " Big ", "source": "lab"}', row + ', "teacher": null}'
    )
    prompt = Prompt(question_id="a-1", strategy="cot", system="", user="")
    engine = RecordedEngine(path, ASKED)
    named, bare = collect(engine, [prompt], Sampling(samples=2), what="teach", strategies=())
    assert (named.teacher, named.source) == ("Big", "lab")
    assert bare.model_dump_json(exclude_defaults=True) == (
        '{"question_id":"a-1","strategy":"cot","sample":1,"text":"x"}'
    )
    again = tmp_path / "again.jsonl"
    write_records(again, [named])
    (kept,) = collect(RecordedEngine(again, ASKED), [prompt], Sampling(), what="", strategies=())
    assert kept == named


def test_what_a_recorded_teacher_thought_is_kept_apart(tmp_path: Path) -> None:
    text = "<think>\\nMaybe 9?\\n</think>\\n\\nIt is 7.\\nFinal Answer: 7"
    row = f'{{"question_id": "a-1", "strategy": "cot", "text": "{text}"}}'
    engine = RecordedEngine(recording(tmp_path, row), ASKED)
    prompt = Prompt("a-1", "cot", "", ASKED[0].question)
    (one,) = collect(engine, [prompt], Sampling(), what="", strategies=(), thinks=True)
    assert (one.thinking, one.text) == ("Maybe 9?", "It is 7.\nFinal Answer: 7")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            '{"question_id": "a-1", "strategy": "cot", "text": "x", "teacher": ["Big"]}',
            "teacher: Input should be a valid string",
        ),
        ('{"question_id": "a-1", "strategy": "cot"}', "text: Field required"),
        (
            '{"question_id": "a-1", "strategy": "tot", "text": "x"}',
            "strategy: there are cot, l2m, pot",
        ),
        ('{"strategy": "cot", "text": "x"}', "neither `question` nor `question_id`"),
        ("x", "Invalid JSON"),
    ],
)
def test_a_malformed_row_is_one_line_with_its_place(tmp_path: Path, line: str, says: str) -> None:
    good = '{"question_id": "a-1", "strategy": "cot", "text": "x"}'
    path = recording(tmp_path, good, line)
    with pytest.raises(UserError) as error:
        RecordedEngine(path, ASKED)
    assert str(error.value).startswith(f"{path}:2: ")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_recording_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file: put the recording there"):
        RecordedEngine(tmp_path / "none.jsonl", ASKED)


@pytest.mark.parametrize("path", ["/tmp/x.jsonl", "../x.jsonl", "a/../../x.jsonl", ""])
def test_a_recording_lies_below_its_folder(path: str) -> None:
    with pytest.raises(ValueError, match="a path below data/recorded"):
        TeacherSettings.model_validate({"engine": "recorded", "recorded": path})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"engine": "recorded"}, "`engine: recorded` needs `recorded`"),
        (
            {"engine": "annotations", "recorded": "x.jsonl"},
            "`recorded` is for `engine: recorded` alone: drop it",
        ),
    ],
)
def test_a_recording_and_its_engine_go_together(settings: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TeacherSettings.model_validate(settings)


def test_the_stage_asks_for_all_that_the_recording_has(tmp_path, monkeypatch, capsys):
    from stages.teach import open_teacher

    folder = tmp_path / "data/recorded/lab"
    folder.mkdir(parents=True)
    row = '{"question_id": "a-1", "strategy": "cot", "text": "x"}'
    recording(folder, row, row, row.replace("a-1", "b-1"))
    monkeypatch.chdir(tmp_path)
    settings = TeacherSettings(engine="recorded", recorded="lab/bought.jsonl")
    _, sampling = open_teacher(settings, "cot", ASKED)
    assert sampling.samples == 2
    shown = capsys.readouterr().out
    assert "1 of 2 questions have a cot rationale; rows about other questions: 1" in shown
