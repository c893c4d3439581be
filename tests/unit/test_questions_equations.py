"""SVAMP, MultiArith and ASDiv: read in their own layouts, solved from their equations."""

import json
from pathlib import Path
from typing import Any

import pytest

from siked.errors import UserError
from siked.generation.worked import write
from siked.questions import sources
from siked.questions.worked import naming
from siked.questions.worked.equations import build_solution
from siked.settings import Source

BALLOONS = {
    "ID": "chal-103",
    "Body": "Allan brought 6 balloons and Jake brought 3 balloons to the park. Jake then bought 4 "
    "more balloons at the park.",
    "Question": "How many more balloons did Jake have than Allan in the park?",
    "Equation": "( ( 3.0 + 4.0 ) - 6.0 )",
    "Answer": 1.0,
    "Type": "Subtraction",
}
CATS = {
    "iIndex": 1,
    "lAlignments": [17, 37, 75],
    "lEquations": ["X=((13.0+5.0)-10.0)"],
    "lSolutions": [8.0],
    "sQuestion": " A pet store had 13 siamese cats and 5 house cats. During a sale they sold 10 "
    "cats. How many cats do they have left? ",
}


def read(path: Path, form: str) -> sources.SourceContent:
    source = Source.model_validate({"format": form, "path": path.name})
    return sources.read(form, source, path.parent, seed=0)


def asdiv(tmp_path: Path, *problems: tuple[str, str, str, str]) -> Path:
    path = tmp_path / "ASDiv.xml"
    body = "".join(
        f'<Problem ID="nluds-{number:04}"><Body>{story}</Body><Question>{ask}</Question>'
        f"<Solution-Type>X</Solution-Type><Answer>{answer}</Answer><Formula>{formula}</Formula>"
        "</Problem>"
        for number, (story, ask, answer, formula) in enumerate(problems, start=1)
    )
    path.write_text(f"<Corpus><ProblemSet>{body}</ProblemSet></Corpus>", encoding="utf-8")
    return path


def test_svamp(tmp_path: Path) -> None:
    path = tmp_path / "SVAMP.json"
    path.write_text(json.dumps([BALLOONS]), encoding="utf-8")
    (question,) = read(path, "svamp").questions
    assert question.id == "svamp-chal-103"
    assert question.answer == "1"
    assert write(question, "l2m") == (
        "How many balloons are 3 and 4 together? 3 + 4 = 7 balloons.\n"
        "How many more balloons did Jake have than Allan in the park? 7 - 6 = 1 balloons.\n"
        "Final Answer: 1"
    )
    assert write(question, "pot") == "balloons = 3 + 4\nanswer = balloons - 6"


def test_a_story_that_just_stops_gets_a_comma(tmp_path: Path) -> None:
    path = tmp_path / "SVAMP.json"
    row = {**BALLOONS, "Body": "If Ann has 9 figs and eats 2", "Question": "How many are left?"}
    path.write_text(json.dumps([row]), encoding="utf-8")
    (question,) = read(path, "svamp").questions
    assert question.question == "If Ann has 9 figs and eats 2, How many are left?"


def test_multiarith(tmp_path: Path) -> None:
    path = tmp_path / "MultiArith.json"
    path.write_text(json.dumps([CATS, {**CATS, "iIndex": 2, "lSolutions": [1.0, 2.0]}]), "utf-8")
    reading = read(path, "multiarith")
    (question,) = reading.questions
    assert question.id == "multiarith-0001"
    assert write(question, "cot") == "13 + 5 = 18.\n18 - 10 = 8 cats.\nFinal Answer: 8"
    assert write(question, "pot") == "total = 13 + 5\nanswer = total - 10"
    assert [tuple(one) for one in reading.left_out] == [
        ("MultiArith.json: row 2", "not one answer: 2")
    ]


@pytest.mark.parametrize(
    ("answer", "formula", "program"),
    [
        ("9 (apples)", "7+2=9", "answer = 7 + 2"),
        ("7 (bags)", "47/6=7 r5", "answer = 47 // 6"),
        ("5 (figs)", "47/6=7 r5", "answer = 47 % 6"),
        ("8 (boxes)", "47/6=7 r5", "times = 47 // 6\nanswer = times + 1"),
        ("9 (boxes)", "36/4=9 r0", "answer = 36 / 4"),
        ("1 (fig)", "47/6=7 r5; 6-5=1", "left = 47 % 6\nanswer = 6 - left"),
        ("4500 (mL)", "(14 (L) * 1000 (mL/L)) - 9500 (mL) = 4500 (mL)",
         "product = 14 * 1000\nanswer = product - 9500"),
        ("5", "LCM[2,5]=10; 10/2=5", None),
        ("3 (years)", "R:Robbie's age; 12=4*R", None),
        ("8", "7+2=9", None),
    ],
)  # fmt: skip
def test_asdiv_formulas(tmp_path: Path, answer: str, formula: str, program: str | None) -> None:
    path = asdiv(tmp_path, ("A story.", "How many are there?", answer, formula))
    (question,) = read(path, "asdiv").questions
    assert question.id == "asdiv-nluds-0001"
    assert write(question, "pot") == program


def test_asdiv_rows_without_one_number_are_left_out_and_named(tmp_path: Path) -> None:
    path = asdiv(
        tmp_path,
        ("Story.", "Who?", "John", "1+1=2"),
        ("Story.", "How many?", "9 (apples)", "7+2=9"),
        ("Story.", "What ratio?", "6:7", "6:7=6:7"),
    )
    reading = read(path, "asdiv")
    assert (reading.rows, len(reading.questions)) == (3, 1)
    assert [tuple(one) for one in reading.left_out] == [
        ("ASDiv.xml: problem nluds-0001", "not one number: 'John'"),
        ("ASDiv.xml: problem nluds-0003", "not one number: '6:7'"),
    ]


def rows(form: str, change: dict[str, Any]) -> str:
    good = {"svamp": BALLOONS, "multiarith": CATS}[form]
    return json.dumps([good, {**good, **change}])


@pytest.mark.parametrize(
    ("form", "text", "what"),
    [
        ("svamp", "nonsense", ": not JSON"),
        ("svamp", "{}", ": not a list"),
        ("svamp", "[5]", ": row 1: not a JSON object"),
        ("svamp", rows("svamp", {"Question": ""}), ": row 2: `Question` is empty"),
        ("svamp", rows("svamp", {"Question": None}), ": row 2: `Question` is not text or a number"),
        (
            "multiarith",
            rows("multiarith", {"lSolutions": 8}),
            ": row 2: `lSolutions` is not a list",
        ),
        ("asdiv", "<a>", ": not XML"),
        ("asdiv", "<a></a>", ": has no Problem element"),
        ("asdiv", "<a><Problem/></a>", ": row 1: no attribute ID"),
        ("asdiv", '<a><Problem ID="n-7"/></a>', ": problem n-7: no Question"),
    ],
)
def test_malformed_files_are_named(tmp_path: Path, form: str, text: str, what: str) -> None:
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as error:
        read(path, form)
    assert str(error.value).startswith(f"{path}{what}")


def test_a_missing_file_says_how_to_get_it(tmp_path: Path) -> None:
    for form in ("svamp", "multiarith", "asdiv"):
        with pytest.raises(UserError, match=r"gone: no such file: .*questions\.root=FOLDER"):
            read(tmp_path / "gone", form)


def test_equal_partial_results_are_computed_once() -> None:
    steps = build_solution("How many?", "12", ["( 3 * 2 ) + ( 3 * 2 )"])
    assert [step.calculations[0].expression for step in steps] == ["3 * 2", "product + product"]


def test_names_are_identifiers_and_distinct() -> None:
    taken: set[str] = set()
    for ask in ["How many figs?", "How many figs?", "Why class?", "How many is 3?", "", "Simplify"]:
        name = naming.choose_name(naming.suggest_names(ask), taken)
        assert naming.is_usable(name)
        assert name not in taken
        taken.add(name)
