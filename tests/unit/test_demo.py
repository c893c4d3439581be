"""What the demo's questions promise: exact, consistent, varied, and parted between the splits."""

from __future__ import annotations

import ast
import builtins
import keyword
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise

import pytest

from siked.errors import UserError
from siked.generation.worked import write_program
from siked.questions import demo
from siked.questions.arithmetic import evaluate
from siked.questions.demo.family import Family, Problem
from siked.questions.demo.ranges import choices, holds
from siked.questions.demo.words import MEN, WOMEN, rendered, written

FAMILIES = demo.families()
PEOPLE = {*MEN, *WOMEN}
DRAWS = 60
RESERVED = {*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "answer"}
by_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def drawn(family: Family) -> list[Problem]:
    rng = random.Random(f"test {family.name}")
    return [family.draw(rng) for _ in range(DRAWS)]


def decimals(text: str) -> int:
    return len(text.partition(".")[2])


@by_family
def test_every_calculation_is_exact_and_the_last_one_is_the_answer(family: Family) -> None:
    for problem in drawn(family):
        values: dict[str, Fraction] = {}
        for step in problem.steps:
            assert len(step.calculations) == 1
            calculation = step.calculations[0]
            value = evaluate(calculation.expression, values)
            assert value == Fraction(calculation.value)
            assert re.fullmatch(r"\d+(\.\d*[1-9])?", calculation.value)
            assert decimals(calculation.value) <= 3
            values[calculation.name] = value
        assert problem.answer == calculation.value
        assert Fraction(problem.answer) > 0


@by_family
def test_each_sentence_states_its_calculation_correctly(family: Family) -> None:
    for problem in drawn(family):
        for step in problem.steps:
            (equation,) = re.findall(r"([\d(][\d.()+*/ -]*?) = ([\d.]*\d)", step.say)
            assert evaluate(equation[0]) == Fraction(equation[1])
            assert equation[1] == step.calculations[0].value
            assert step.ask.endswith("?")
            assert step.say.endswith(".")


@by_family
def test_the_question_tells_all_that_the_solution_uses(family: Family) -> None:
    shown = {name for wording in family.wordings for name in re.findall(r"\{(\w+)", wording)}
    drawn_names = {*family.numbers, *family.given}
    used = {
        name
        for calculation, _ask, _say in family.steps
        for name in re.findall(r"[a-z_]+", calculation.split(" = ")[1])
    } & drawn_names
    assert used <= shown
    for wording in family.wordings:
        assert used <= set(re.findall(r"\{(\w+)", wording)), wording
    for problem in drawn(family):
        told = set(re.findall(r"[A-Z][a-z]+", problem.question))
        for step in problem.steps:
            named = PEOPLE & set(re.findall(r"[A-Z][a-z]+", f"{step.ask} {step.say}"))
            assert named <= told, problem.question


@by_family
def test_program_names_are_safe_and_defined_before_use(family: Family) -> None:
    names = [calculation.split(" = ")[0] for calculation, _ask, _say in family.steps]
    assert len(set(names)) == len(names)
    assert not set(names) & RESERVED
    assert not set(names) & {*family.numbers, *family.given}
    for problem in drawn(family)[:5]:
        known: set[str] = set()
        for step in problem.steps:
            calculation = step.calculations[0]
            tree = ast.parse(f"{calculation.name} = {calculation.expression}")
            mentioned = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            assert mentioned - {calculation.name} <= known
            known.add(calculation.name)


@by_family
def test_every_calculation_leads_to_the_answer(family: Family) -> None:
    rows = demo.write("unseen" if family in demo.SPLITS["unseen"] else "train", 400, 5, "d")
    question = next(row for row in rows if row.family == family.name)
    program = write_program(question)
    assert program is not None
    assert len(program.splitlines()) == len(family.steps)
    namespace: dict[str, float] = {}
    exec(program, {}, namespace)
    assert namespace["answer"] == pytest.approx(float(question.answer))


@by_family
def test_texts_are_complete_sentences_and_short(family: Family) -> None:
    for problem in drawn(family):
        assert not set("{}") & set(problem.question)
        assert "  " not in problem.question
        assert re.match(r"[A-Z\d$]", problem.question)
        assert problem.question[-1] in "?."
        assert not re.search(r"\b[Aa] [aeio]|\b[Aa]n (?!hour)[^aeiou8$1]", problem.question)
        assert len(problem.question.split()) <= 50


@by_family
def test_wordings_and_numbers_vary(family: Family) -> None:
    assert len(family.wordings) >= 3
    problems = drawn(family)
    frames = {re.sub(r"[A-Z][a-z]+|\$?[\d.,:]+", "#", problem.question) for problem in problems}
    assert len(frames) >= 3
    assert len({problem.numbers for problem in problems}) > DRAWS // 3


def test_there_are_many_families_and_the_unseen_ones_are_apart() -> None:
    train = {family.name for family in demo.SPLITS["train"]}
    unseen = {family.name for family in demo.SPLITS["unseen"]}
    assert len(FAMILIES) >= 64
    assert len(unseen) >= 14
    assert not train & unseen
    assert len(train) + len(unseen) == len(FAMILIES)
    assert {len(family.steps) for family in FAMILIES.values()} == {1, 2, 3, 4, 5}
    steps = {
        split: sum(len(family.steps) for family in families) / len(families)
        for split, families in demo.SPLITS.items()
    }
    assert abs(steps["unseen"] - steps["train"]) < 0.5


def test_numbers_are_mostly_easy_and_often_not() -> None:
    rows = list(demo.write("train", 2000, 1, "d"))
    easy = [
        all(
            Fraction(one.value) < 100 and "." not in one.value
            for step in row.solution
            for one in step.calculations
        )
        for row in rows
    ]
    assert 0.4 < sum(easy) / len(rows) < 0.7


@pytest.mark.parametrize("split", ["train", "seen", "unseen"])
def test_rows_are_different_balanced_and_labelled(split: str) -> None:
    rows = list(demo.write(split, 1500, 3, "demo-x"))
    assert [row.id for row in rows] == [f"demo-x-{number:05d}" for number in range(1500)]
    assert {row.source for row in rows} == {"demo-x"}
    assert len({row.question for row in rows}) == len(rows)
    counts = Counter(row.family for row in rows)
    assert set(counts) == {family.name for family in demo.SPLITS[split]}
    assert max(counts.values()) - min(counts.values()) <= 1


def test_seen_shares_no_numbers_with_train_whatever_the_seeds() -> None:
    def equations(split: str, seed: int) -> dict[str | None, set[str]]:
        found = defaultdict(set)
        for row in demo.write(split, 1500, seed, "d"):
            found[row.family].add(re.sub(r"[A-Z][a-z]+", "#", row.question))
        return found

    for seed, other in pairwise(range(4)):
        train, seen = equations("train", seed), equations("seen", other)
        same = equations("seen", seed)
        for family, questions in train.items():
            assert not questions & (seen[family] | same[family])


def test_more_rows_only_extend() -> None:
    for split in demo.SPLITS:
        long = list(demo.write(split, 300, 7, "d"))
        assert list(demo.write(split, 137, 7, "d")) == long[:137]
        assert list(demo.write(split, 137, 8, "d")) != long[:137]


def test_two_processes_write_the_same_bytes() -> None:
    script = (
        "from siked.questions import demo\n"
        "for split in demo.SPLITS:\n"
        "    for row in demo.write(split, 200, 11, 'd'): print(row.model_dump_json())"
    )
    first, second = (
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": salt},
            capture_output=True,
            check=True,
        ).stdout
        for salt in ("1", "2")
    )
    assert first == second
    assert first.count(b"\n") == 600


def test_importing_the_demo_loads_no_model_library() -> None:
    script = "import sys, siked.questions.demo; print({'torch', 'transformers'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == "set()"


def test_a_wrong_split_and_too_many_rows_are_one_line() -> None:
    with pytest.raises(UserError, match="split: the demo has no 'dev': take one of train, seen"):
        next(demo.write("dev", 1, 0, "d"))
    family = Family(
        name="tiny",
        numbers={"a": "2..4"},
        wordings=("What is twice {a}?",),
        steps=(("b = 2 * a", "What is it?", "It is {=}."),),
    )
    rng, questions = random.Random(0), set[str]()
    for _ in range(3):
        demo._new_problem(family, "unseen", rng, questions)
    with pytest.raises(UserError, match=r"rows: .* no more new questions of its family tiny: .*3"):
        demo._new_problem(family, "unseen", rng, questions)


def test_conditions_that_cannot_be_met_are_named() -> None:
    family = Family(
        name="impossible",
        numbers={"a": "2..9"},
        wordings=("{a}?",),
        steps=(("b = a + 1", "?", "{=}."),),
        where=("b < a",),
    )
    with pytest.raises(ValueError, match="impossible: no numbers meet"):
        family.draw(random.Random(0))


def test_ranges_and_conditions() -> None:
    assert [str(one) for one in choices("0.15..0.3 by 0.05")] == ["3/20", "1/5", "1/4", "3/10"]
    assert choices("10, 2.5") == (Fraction(10), Fraction(5, 2))
    values = {"a": Fraction(1, 3), "b": Fraction(2)}
    assert holds("a < b <= 6 * a", values)
    assert not holds("a < b < 6 * a", values)
    assert not holds("b != 6 * a", values)


@pytest.mark.parametrize(
    ("number", "style", "text"),
    [
        ("4", "$", "$4"),
        ("4.5", "$", "$4.50"),
        ("0.05", "$", "$0.05"),
        ("12500", ",", "12,500"),
        ("4", "word", "four"),
        ("12", "word", "12"),
        ("2", "times", "twice"),
        ("3", "times", "three times"),
        ("2", "part", "half"),
        ("5", "02", "05"),
        ("1", "th", "1st"),
        ("12", "th", "12th"),
        ("22", "th", "22nd"),
        ("113", "th", "113th"),
    ],
)
def test_numbers_are_written_in_style(number: str, style: str, text: str) -> None:
    assert written(Fraction(number), style) == text


def test_texts_get_their_plurals_articles_and_capitals() -> None:
    words = {"thing": "egg", "box": "box", "he": "she", "berry": "berry"}
    values = {"n": Fraction(8), "m": Fraction(80), "k": Fraction(11)}
    text = rendered("a {thing}, {boxs}, {berrys}. {he} has a {n} or a {m:$} {box}", values, words)
    assert text == "An egg, boxes, berries. She has an 8 or an $80 box"
    assert rendered("a unit, a user, a {k} m rope, a umbrella", values, words) == (
        "A unit, a user, an 11 m rope, an umbrella"
    )
    with pytest.raises(KeyError):
        rendered("{nobody}", values, words)
