"""What the demo's questions promise: exact, consistent, varied, and parted between the splits."""

from __future__ import annotations

import ast
import builtins
import functools
import keyword
import random
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter, defaultdict
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from siked.errors import UserError
from siked.generation.worked import write_program
from siked.questions import demo
from siked.questions.arithmetic import evaluate
from siked.questions.demo.family import Family, Problem
from siked.questions.demo.ranges import choices, holds
from siked.questions.demo.words import MEN, WOMEN, fill_template, write_number
from siked.records import Question

SPLITS = demo.load()
FAMILIES = {**SPLITS["train"], **SPLITS["unseen"]}
PEOPLE = {*MEN, *WOMEN}
DRAWS = 60
RESERVED = {*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "answer"}
by_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
APPLES = """\
split: train
families:
  apples:
    numbers: {n: 2..9, more: 2..30}
    words:
      thing: [apple, pear, plum, fig]
    wordings:
      - "{who} has {n} {things} and picks {more} more. How many {things} are there?"
    steps:
      - ask: "How many are there?"
        calculate: total = n + more
        say: "There are {=} {things}."
"""


def drawn(family: Family) -> list[Problem]:
    """Draw some problems, the same ones each time."""
    rng = random.Random(f"test {family.wordings[0]}")
    return [family.draw(rng) for _ in range(DRAWS)]


def write_families(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


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
            value = step.calculations[0].value
            if step.calculations[0].expression == value:
                assert "=" not in step.say
                assert re.findall(r"\d+", step.say)[-2:] == [value, value]  # counted, then told
            else:
                (equation,) = re.findall(r"([\d(][\d.()+*/ -]*?) = ([\d.]*\d)", step.say)
                assert evaluate(equation[0]) == Fraction(equation[1])
                assert equation[1] == value
            assert step.ask.endswith("?")
            assert step.say.endswith(".")


@by_family
def test_the_question_tells_all_that_the_solution_uses(family: Family) -> None:
    drawn_names = {*family.numbers, *family.derived}
    used = {
        name for step in family.steps for name in re.findall(r"[a-z_]+", step.parts[1])
    } & drawn_names
    for wording in family.wordings:
        told = set(re.findall(r"\{(\w+)", wording))
        for name in told & set(family.lists):  # a list tells how many words it has
            told |= {group.count for group in family.lists[name].values()}
        assert used <= told, wording
    for problem in drawn(family):
        told = set(re.findall(r"[A-Z][a-z]+", problem.question))
        for step in problem.steps:
            named = PEOPLE & set(re.findall(r"[A-Z][a-z]+", f"{step.ask} {step.say}"))
            assert named <= told, problem.question


@by_family
def test_program_names_are_safe_and_defined_before_use(family: Family) -> None:
    names = [step.parts[0] for step in family.steps]
    assert len(set(names)) == len(names)
    assert not set(names) & RESERVED
    assert not set(names) & {*family.numbers, *family.derived}
    for problem in drawn(family)[:5]:
        known: set[str] = set()
        for step in problem.steps:
            calculation = step.calculations[0]
            tree = ast.parse(f"{calculation.name} = {calculation.expression}")
            mentioned = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            assert mentioned - {calculation.name} <= known
            known.add(calculation.name)


@functools.cache
def written_rows(split: str) -> list[Question]:
    return list(demo.write(split, 400, 5, "d"))


@pytest.mark.parametrize("name", FAMILIES)
def test_every_calculation_leads_to_the_answer(name: str) -> None:
    family = FAMILIES[name]
    split = "unseen" if name in SPLITS["unseen"] else "train"
    question = next(row for row in written_rows(split) if row.family == name)
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


@pytest.mark.parametrize("name", [name for name, one in FAMILIES.items() if one.lists])
def test_a_list_is_told_whole_and_counted_in_its_order(name: str) -> None:
    ((listed, groups),) = FAMILIES[name].lists.items()
    for problem in drawn(FAMILIES[name]):
        numbers = dict(re.findall(r"(\w+)=(\d+) ", problem.numbers))
        text = problem.numbers.partition(f"{listed}=")[2]
        words = re.split(r", | and ", text)
        assert text.lower() in problem.question.lower()
        assert len(set(words)) == len(words)
        assert len(words) == sum(int(numbers[group.count]) for group in groups.values())
        (solution,) = problem.steps
        marks = [mark for _word, mark in re.findall(r"(\w) (\d+|no)\b", solution.say)][:-1]
        counted = {word for word, mark in zip(words, marks, strict=True) if mark != "no"}
        assert [mark for mark in marks if mark != "no"] == [
            str(count) for count in range(1, int(problem.answer) + 1)
        ]
        of, *others = groups.values()
        assert counted <= set(of.of)
        assert all(set(words) - counted <= set(other.of) for other in others)


@by_family
def test_wordings_and_numbers_vary(family: Family) -> None:
    assert len(family.wordings) >= 3
    problems = drawn(family)
    frames = {re.sub(r"[A-Z][a-z]+|\$?[\d.,:]+", "#", problem.question) for problem in problems}
    assert len(frames) >= 3
    assert len({problem.numbers for problem in problems}) > DRAWS // 3


def test_there_are_many_families_and_the_unseen_ones_are_apart() -> None:
    train, unseen = set(SPLITS["train"]), set(SPLITS["unseen"])
    assert len(FAMILIES) >= 64
    assert len(unseen) >= 14
    assert not train & unseen
    assert len(train) + len(unseen) == len(FAMILIES)
    assert {len(family.steps) for family in FAMILIES.values()} == {1, 2, 3, 4, 5}
    steps = {
        split: sum(len(family.steps) for family in families.values()) / len(families)
        for split, families in SPLITS.items()
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
    assert set(counts) == set(SPLITS[split])
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.slow
def test_seen_shares_no_numbers_with_train_whatever_the_seeds() -> None:
    @cache
    def equations(split: str, seed: int) -> dict[str | None, set[str]]:
        found = defaultdict(set)
        for row in demo.write(split, 1500, seed, "d"):
            people = rf"\b({'|'.join(PEOPLE)})\b"
            found[row.family].add(re.sub(people, "#", row.question))
        return found

    for seed, other in pairwise(range(4)):
        train, seen = equations("train", seed), equations("seen", other)
        same = equations("seen", seed)
        for family, questions in train.items():
            assert not questions & (seen[family] | same[family])


def test_more_rows_only_extend() -> None:
    for split in SPLITS:
        long = list(demo.write(split, 300, 7, "d"))
        assert list(demo.write(split, 137, 7, "d")) == long[:137]
        assert list(demo.write(split, 137, 8, "d")) != long[:137]


def test_two_processes_write_the_same_bytes() -> None:
    script = (
        "from siked.questions import demo\n"
        "for split in demo.load():\n"
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
        numbers={"a": "2..4"},
        wordings=("What is twice {a}?",),
        steps=({"ask": "What is it?", "calculate": "b = 2 * a", "say": "It is {=}."},),
    )
    rng, questions = random.Random(0), set[str]()
    for _ in range(3):
        demo._new_problem("tiny", family, "unseen", rng, questions)
    with pytest.raises(UserError, match=r"rows: .* no more new questions of its family tiny: .*3"):
        demo._new_problem("tiny", family, "unseen", rng, questions)


def test_a_family_is_added_by_adding_a_file(tmp_path: Path) -> None:
    folder = write_families(tmp_path, fruit=APPLES)
    rows = list(demo.write("train", 20, 1, "d", folder=folder))
    assert {row.family for row in rows} == {"apples"}
    first = rows[0].solution[0]
    name, n, thing, more = re.fullmatch(
        r"(\w+) has (\d) (\w+) and picks (\d+) more\. How many \3 are there\?", rows[0].question
    ).groups()
    assert name in PEOPLE
    assert first.calculations[0].expression == f"{n} + {more}"
    assert first.say == f"There are {n} + {more} = {rows[0].answer} {thing}."
    with pytest.raises(UserError, match="no file has families of the demo's unseen split"):
        next(demo.write("unseen", 1, 1, "d", folder=folder))


def test_themes_take_the_families_of_their_files_and_leave_their_questions() -> None:
    for split, theme in (("train", "percent"), ("seen", "naming"), ("unseen", "unseen-money")):
        named = set(demo.load((theme,))[split])
        rows = list(demo.write(split, 50, 1, "d", (theme,)))
        assert {row.family for row in rows} == named
        of_all: dict[str | None, list[str]] = defaultdict(list)
        for row in demo.write(split, 2000, 1, "d"):
            of_all[row.family].append(row.question)
        alone: dict[str | None, list[str]] = defaultdict(list)
        for row in rows:
            alone[row.family].append(row.question)
        for family, questions in alone.items():
            assert of_all[family][: len(questions)] == questions
    with pytest.raises(UserError, match=r"themes: .* has no percents.yaml: take some of amounts, "):
        next(demo.write("train", 1, 1, "d", ("percents",)))
    with pytest.raises(UserError, match=r"themes: percent: no file has families"):
        next(demo.write("unseen", 1, 1, "d", ("percent",)))


BIRDS = """\
split: train
families:
  birds:
    numbers: {birds: 2..3, others: 1..2}
    lists:
      seen:
        bird: {count: birds, of: [an owl, a crow, a hen]}
        other: {count: others, of: [a dog, an owl]}
    wordings:
      - "{who} sees {seen}. How many birds?"
    steps:
      - ask: "Which are birds?"
        calculate: total = birds
        say: "Birds are {seen.bird}. That is {=}."
"""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "count: birds",
            "count: bird",
            "families.birds.lists.seen.bird: count: there is no .*'bird'",
        ),
        ("birds: 2..3", "birds: 3..4", r"lists.seen.bird: of: cannot draw 4 of 3 words"),
        ("others: 1..2", "others: 0.5", r"lists.seen.other: of: cannot draw 0.5 of \d words"),
        ("others: 1..2", "others: 0", r"lists.seen.other: of: cannot draw 0 of \d words"),
        ("others: 1..2", "others: 2", r"lists.seen.other: of: cannot draw 2 of 1 word"),
        ("count: birds", "cont: birds", "families.birds.lists.seen.bird.count: Field required"),
        ("      seen:", "      birds:", "families.birds: `birds` stands for two things"),
        ("seen.bird}", "seen.hen}", "families.birds.steps.0: nothing fills {seen.hen}"),
    ],
)
def test_a_bad_list_is_one_line_with_file_and_key(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in BIRDS
    write_families(tmp_path, garden=BIRDS.replace(old, new, 1))
    with pytest.raises(UserError, match=complaint) as caught:
        list(demo.write("train", 9, 0, "d", folder=tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["apples", "zebras", "a-third"])
def test_an_added_file_leaves_the_questions_of_the_other_families(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "families"
    shutil.copytree(demo.FOLDER, folder)
    write_families(folder, aaa=APPLES.replace("apples", name))
    for split in SPLITS:
        order = [one for one in demo.load(folder=folder)[split] if one != name]
        assert order == list(SPLITS[split])
        before, after = defaultdict(list), defaultdict(list)
        for found, where in ((before, demo.FOLDER), (after, folder)):
            for row in demo.write(split, 300, 4, "d", folder=where):
                found[row.family].append((row.question, row.solution))
        assert (name in after) == (split != "unseen")
        for family, questions in before.items():
            shared = min(len(questions), len(after[family]))
            assert shared > 1
            assert questions[:shared] == after[family][:shared]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("split: train", "split: seen", "split: Input should be 'train' or 'unseen'"),
        ("split: train\n", "", "split: Field required"),
        ("    words:", "    wodrs:", "families.apples.wodrs: Extra inputs"),
        ("  apples:", "  Apples:", "families.Apples.*: String should match"),
        ("n: 2..9", "n: 9..2", r"families.apples.numbers.n: '9..2' is no range: write `2..9`"),
        ("n: 2..9", "n: 1..9 by 0", "families.apples.numbers.n: .* is no range"),
        ("n: 2..9", "n: two", "families.apples.numbers.n: 'two' is no range"),
        ("n: 2..9", "n: 2 | 3 | 4", "families.apples.numbers.n: .* write `small | large`"),
        ("n: 2..9", "n: 2..9, n: 3", "the key 'n' stands here a second time.* line 4"),
        ("n + more", "n + less", "families.apples.steps.0.calculate: 'n . less' is not arithmetic"),
        ("n + more", "open('x')", "families.apples.steps.0.calculate: .* is not arithmetic"),
        ("total = n", "total: n", "not YAML: mapping values are not allowed"),
        ("total = n", "n = n", "families.apples: `n` stands for two things"),
        ("more: 2..30", "things: 3", "families.apples: `things` stands for two things"),
        ("thing: [", "who: [", "families.apples: `who` stands for two things"),
        ("thing: [", "thing/kind: [", "words.thing/kind: 'apple' has not as many parts"),
        ("{=}", "{total}", "families.apples.steps.0.say: String should match"),
        ("{=} {things}", "{=} {colour}", "families.apples.steps.0: nothing fills {colour}"),
        ("{more} more", "{total} more", "families.apples.wordings.0: nothing fills {total}"),
        ("{more} more", "{more:£} more", "families.apples.wordings.0: there is no style '£'"),
        ("    words:", "    where: [n]\n    words:", "families.apples.where: 'n' compares nothing"),
        ("    words:", "    where: [n > 10]\n    words:", "families.apples.where: none of 5000"),
        ("    words:", "    derived: {d: n / 0}\n    words:", "derived.d: 'n / 0' divides by zero"),
        ("    words:", "    decimals: -1\n    words:", "families.apples.decimals: Input should be"),
        ('- "{who}', "- {who}", "not YAML"),
        ("apple,", "\x80,", "yaml:6: not UTF-8"),
    ],
)
def test_a_bad_file_is_one_line_with_file_and_key(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in APPLES
    (tmp_path / "fruit.yaml").write_bytes(APPLES.replace(old, new, 1).encode("latin-1"))
    if "£" in new:
        write_families(tmp_path, fruit=APPLES.replace(old, new, 1))
    with pytest.raises(UserError, match=complaint) as caught:
        next(demo.write("train", 1, 0, "d", folder=tmp_path))
    assert str(caught.value).startswith(f"{tmp_path / 'fruit.yaml'}:")
    assert "\n" not in str(caught.value)


def test_the_example_of_the_readme_is_a_family(tmp_path: Path) -> None:
    text = (demo.FOLDER / "README.md").read_text()
    example = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]
    write_families(tmp_path, example=example)
    (family,) = demo.load(folder=tmp_path)["train"].values()
    shown = [
        (problem.question, " ".join(step.say for step in problem.steps))
        for problem in (family.draw(random.Random(seed)) for seed in range(20))
    ]
    quoted = [
        " ".join(one.replace(">", "").split())
        for one in re.findall(r"(?:^> .*\n)+", text, re.MULTILINE)
    ]
    assert tuple(quoted) in shown


def test_two_files_cannot_share_a_family(tmp_path: Path) -> None:
    folder = write_families(tmp_path, fruit=APPLES, more=APPLES)
    with pytest.raises(UserError, match=r"more.yaml: families.apples: .*fruit.yaml has this name"):
        demo.load(folder=folder)


def test_the_families_are_in_the_package(tmp_path: Path) -> None:
    root = Path(demo.__file__).parents[3]
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(root / name, tmp_path / name)
    shutil.copytree(root / "siked", tmp_path / "siked")
    subprocess.run(
        [sys.executable, "-c", "from setuptools import build_meta; build_meta.build_wheel('.')"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = {f"siked/questions/demo/families/{file.name}" for file in demo.FOLDER.iterdir()}
    assert len(files) > 10
    assert files <= packed


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
        ("1234.5", ",", "1,234.5"),
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
    assert write_number(Fraction(number), style) == text


def test_texts_get_their_plurals_articles_and_capitals() -> None:
    words = {"thing": "egg", "box": "box", "he": "she", "berry": "cherry"}
    values = {"n": Fraction(8), "m": Fraction(80), "k": Fraction(11)}
    text = fill_template(
        "a {thing}, {boxes}, {berries}. {he} has a {n} or a {m:$} {box}", values, words
    )
    assert text == "An egg, boxes, cherries. She has an 8 or an $80 box"
    assert fill_template("a unit, a user, a {k} m rope, a umbrella", values, words) == (
        "A unit, a user, an 11 m rope, an umbrella"
    )
    with pytest.raises(ValueError, match=r"nothing fills \{nobody\}"):
        fill_template("{nobody}", values, words)
