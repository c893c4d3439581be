"""GSM8K's solutions become rationales of all three strategies that give the gold answer."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from siked.errors import UserError
from siked.generation import worked
from siked.questions import sources
from siked.questions.worked.visible import find
from siked.records import Question
from siked.settings import Source

WENG = {
    "question": "Weng earns $12 an hour for babysitting. Yesterday, she just did 50 minutes of "
    "babysitting. How much did she earn?",
    "answer": "Weng earns 12/60 = $<<12/60=0.2>>0.2 per minute.\n"
    "Working 50 minutes, she earned 0.2 x 50 = $<<0.2*50=10>>10.\n#### 10",
}
WENG_ASKED = {
    "question": WENG["question"],
    "answer": "How much does she earn per minute? ** Weng earns 12/60 = $<<12/60=0.2>>0.2 per "
    "minute.\nHow much did she earn? ** Working 50 minutes, she earned 0.2 x 50 = "
    "$<<0.2*50=10>>10.\n#### 10",
}


def write(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def read(root: Path, **settings: object) -> sources.SourceContent:
    source = Source.model_validate({"format": "gsm8k", "path": "gsm8k", **settings})
    return sources.read("gsm8k", source, root, seed=0)


def one(tmp_path: Path, question: str, *steps: str, answer: str) -> Question:
    write(
        tmp_path / "gsm8k" / "train.jsonl",
        [{"question": question, "answer": "\n".join([*steps, f"#### {answer}"])}],
    )
    (row,) = read(tmp_path).questions
    return row


def test_a_question_with_its_twin(tmp_path: Path) -> None:
    write(tmp_path / "gsm8k" / "train.jsonl", [WENG])
    write(tmp_path / "gsm8k" / "train_socratic.jsonl", [WENG_ASKED])
    (question,) = read(tmp_path).questions
    assert question.id == "gsm8k-train-00000"
    assert question.answer == "10"
    assert worked.write(question, "cot") == (
        "Weng earns 12/60 = $0.2 per minute.\n"
        "Working 50 minutes, she earned 0.2 x 50 = $10.\nFinal Answer: 10"
    )
    assert worked.write(question, "l2m") == (
        "How much does she earn per minute? Weng earns 12/60 = $0.2 per minute.\n"
        "How much did she earn? Working 50 minutes, she earned 0.2 x 50 = $10.\nFinal Answer: 10"
    )
    assert (
        worked.write(question, "pot") == "earn_per_minute = 12 / 60\nanswer = earn_per_minute * 50"
    )


def test_without_the_twin_every_step_still_asks_something(tmp_path: Path) -> None:
    write(tmp_path / "gsm8k" / "train.jsonl", [WENG])
    (question,) = read(tmp_path).questions
    assert all(step.ask.endswith("?") for step in question.solution)
    assert question.solution[-1].ask == "How much did she earn?"


def test_the_test_file_is_chosen_by_split(tmp_path: Path) -> None:
    write(tmp_path / "gsm8k" / "test.jsonl", [WENG])
    (question,) = read(tmp_path, split="test").questions
    assert question.id == "gsm8k-test-00000"


def test_calculations_after_the_answer_and_those_it_does_not_need_are_not_in_the_program(
    tmp_path: Path,
) -> None:
    question = one(
        tmp_path,
        "Ann picks 5 figs an hour for 3 hours. How many figs is that?",
        "She works 3*60=<<3*60=180>>180 minutes.",
        "She picks 5*3=<<5*3=15>>15 figs.",
        "To check, 15/3=<<15/3=5>>5 figs an hour.",
        answer="15",
    )
    assert worked.write(question, "pot") == "answer = 5 * 3"


def test_a_solution_that_never_gives_the_answer_is_no_solution(tmp_path: Path) -> None:
    question = one(
        tmp_path, "Ann has 5 figs and 4 nuts. How many?", "5+4=<<5+4=9>>9", answer="1,035"
    )
    assert question.solution == ()
    assert question.answer == "1035"
    assert [worked.write(question, name) for name in ("cot", "l2m", "pot")] == [None] * 3


def test_a_solution_without_arithmetic_has_no_program(tmp_path: Path) -> None:
    question = one(tmp_path, "How old is Ann?", "Ann is 9 years old.", answer="9")
    assert worked.write(question, "cot") == "Ann is 9 years old.\nFinal Answer: 9"
    assert worked.write(question, "pot") is None


@pytest.mark.parametrize(
    ("sentence", "expression", "value"),
    [
        ("Kate has $68 \u2212 $54 = $14 left.", "68 - 54", 14),
        ("40% * 25% = 10%", "40 / 100 * 25 / 100 * 100", 10),
        ("He keeps 100% - 10% = 90%", "100 - 10", 90),
        ("There were 35 people \u2013 8 who got off = 27 people.", "35 - 8", 27),
        ("46 bags weigh 46*7kg = 322kg", "46 * 7", 322),
        ("14 / 1 / 4 = 14 * 4 = 56 washes", "14 * 4", 56),
        ("600/weekday * 5 weekdays = $3,000", "600 * 5", 3000),
        ("Under 30: 40(.10)=4", "40 * 0.1", 4),
        ("so 1/4 of 20 = 5 are red", "1 / 4 * 20", 5),
    ],
)
def test_unmarked_arithmetic_is_found(sentence: str, expression: str, value: int) -> None:
    (found,) = find(sentence)
    assert (found.expression, found.value) == (expression, Fraction(value))


@pytest.mark.parametrize(
    "sentence", ["5 + 6 = 12", "x = 9", "6A - 110 = 250", "3 * 4 = 12 * 2 = 25", "2 figs = 4 nuts"]
)
def test_what_is_not_true_is_not_found(sentence: str) -> None:
    assert list(find(sentence)) == []


def test_an_equation_in_one_unknown_is_solved_by_division(tmp_path: Path) -> None:
    question = one(
        tmp_path,
        "Ann and Ben have 90 figs, Ann 5 times as many as Ben. How many has Ben?",
        "Let b be Ben's figs, so 5b + b = 90",
        "Combining like terms, we get 6b = 90",
        "Dividing both sides by 6, we get b = <<15=15>>15",
        answer="15",
    )
    assert worked.write(question, "pot") == "answer = 90 / 6"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"question": "q"}', "no field `answer` (has question)"),
        ('{"question": "q", "answer": "5"}', "does not end with a line"),
        ('{"question": "", "answer": "#### 5"}', "`question` is empty"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, line: str, what: str) -> None:
    path = tmp_path / "gsm8k" / "train.jsonl"
    write(path, [WENG])
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(UserError) as error:
        read(tmp_path)
    assert str(error.value).startswith(f"{path}:2: ")
    assert what in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\.jsonl: no such file: .*questions\.root=FOLDER"):
        read(tmp_path)


def test_a_twin_of_other_questions_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "gsm8k" / "train.jsonl", [WENG, WENG])
    other = {**WENG_ASKED, "answer": WENG_ASKED["answer"].replace("Working", "Sitting")}
    write(tmp_path / "gsm8k" / "train_socratic.jsonl", [WENG_ASKED, other])
    with pytest.raises(UserError, match=r"train_socratic\.jsonl:2: not the same solution"):
        read(tmp_path)
    write(tmp_path / "gsm8k" / "train_socratic.jsonl", [WENG_ASKED])
    with pytest.raises(UserError, match=r"train\.jsonl:2: the socratic file ends"):
        read(tmp_path)


def answers(programs: list[str]) -> list[float]:
    """What the programs' ``answer`` is, by a plain Python of its own."""
    script = (
        "import json, sys\n"
        "for program in json.load(sys.stdin):\n"
        "    names = {}\n"
        "    exec(program, {'__builtins__': {}}, names)\n"
        "    print(json.dumps(names['answer']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", script],
        input=json.dumps(programs),
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.raw
@pytest.mark.parametrize(
    ("name", "source", "counts"),
    [
        ("gsm8k", {"format": "gsm8k", "path": "gsm8k"}, (7473, 7473, 7300)),
        ("gsm8k", {"format": "gsm8k", "path": "gsm8k", "split": "test"}, (1319, 1319, 1280)),
        ("svamp", {"format": "svamp", "path": "svamp/SVAMP.json"}, (1000, 1000, 998)),
        ("svamp", {"format": "svamp", "path": "svamp/split_train.json"}, (700, 700, 698)),
        (
            "multiarith",
            {"format": "multiarith", "path": "multiarith/MultiArith.json"},
            (600, 600, 600),
        ),
        ("asdiv", {"format": "asdiv", "path": "asdiv/ASDiv.xml"}, (2305, 2097, 1750)),
    ],
)
def test_published_files(
    raw: Path, name: str, source: dict[str, str], counts: tuple[int, int, int]
) -> None:
    rows, usable, floor = counts
    reading = sources.read(name, Source.model_validate(source), raw, seed=0)
    assert (reading.rows, len(reading.questions)) == (rows, usable)
    assert len({question.id for question in reading.questions}) == usable
    assert len(reading.left_out) == rows - usable
    written = [(one, program) for one in reading.questions if (program := worked.write(one, "pot"))]
    assert len(written) >= floor
    values = answers([program for _, program in written])
    for (question, program), value in zip(written, values, strict=True):
        assert value == pytest.approx(float(Fraction(question.answer)), rel=1e-9), program
        for text in (worked.write(question, "cot"), worked.write(question, "l2m")):
            assert text is not None
            assert text.endswith(f"\nFinal Answer: {question.answer}")
            assert "<<" not in text
