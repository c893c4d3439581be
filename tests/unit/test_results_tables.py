"""Every table between markers, and every picture of tables.yaml, follows from committed files."""

import json
import re
import shutil
import sys

import pytest
import yaml

from benchmarks.results import __main__ as command
from benchmarks.results.runs import FILES, SPECIFIED
from siked.analysis.paired import compare_students
from siked.errors import UserError
from siked.files import read_json
from siked.report.comparison import tabulate_accuracies
from siked.run import layout
from siked.run.results import Results, gather, to_text
from siked.run.run import Run, find
from tests.finished_run import ROOT, write_run

TABLES = {
    "students": {
        "label": "student",
        "rows": [
            {"label": "plain distillation", "run": "tiny", "student": "it0"},
            {"run": "tiny", "student": "selected"},
        ],
        "columns": [{"benchmark": "dev"}, {"benchmark": "svamp"}, {"show": "tokens"}],
    },
    "differences": {
        "rows": [
            {"run": "tiny", "student": "it2", "against": {"student": "it0"}},
            {"run": "tiny", "student": "it2", "against": {"student": "baseline-pot"}},
        ],
        "columns": [
            {"benchmark": "svamp"},
            {"benchmark": "svamp", "show": "won", "label": "won/lost"},
        ],
    },
    "seeds": {
        "rows": [{"run": "several", "student": "it2", "against": {"student": "it0"}}],
        "columns": [
            {"benchmark": "svamp", "show": "accuracy"},
            {"benchmark": "svamp", "label": "difference"},
            {"benchmark": "svamp", "show": "seeds", "label": "each"},
        ],
    },
    "families": {
        "rows": [{"run": "tiny", "student": "it1", "family": "every"}],
        "columns": [
            {"benchmark": "svamp", "label": "free"},
            {"benchmark": "svamp", "forced": "pot", "label": "pot"},
        ],
    },
    "choice": {
        "rows": [{"run": "tiny", "student": "it2", "benchmark": "svamp"}],
        "columns": [
            {"show": one, "label": one} for one in ("chosen", "forced", "oracle", "regret", "rows")
        ],
    },
}
FIGURES = {
    "biased": {
        "title": "One strategy, and SIKeD biased to it",
        "benchmarks": ["svamp"],
        "groups": ["cot", "pot"],
        "series": {
            "alone": {"run": "tiny", "student": "baseline-{group}"},
            "biased": {"run": "several", "student": "it2"},
        },
    }
}
PAGE = "# Page\n\n" + "".join(f"<!-- table {name} -->\n<!-- end -->\n\nText.\n" for name in TABLES)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A repository's files: a run, its students with two seeds, and a page with every table."""
    root = tmp_path_factory.mktemp("repository")
    write_run(root, forced=True)
    (root / FILES).mkdir(parents=True)
    content = gather(Run(root))
    (root / FILES / "tiny.json").write_text(to_text(content), encoding="utf-8")
    (root / FILES / "several.json").write_text(to_text(content), encoding="utf-8")
    content = json.loads(to_text(content)) | {"seed": 2}
    for student in content["students"]:
        for answers in student["answers"].values():
            answers["right"] = f"0{answers['right'][1:]}"
    (root / FILES / "several-seed-2.json").write_text(to_text(content), encoding="utf-8")
    specified = {"tables": TABLES, "figures": FIGURES}
    (root / SPECIFIED).write_text(yaml.safe_dump(specified), encoding="utf-8")
    (root / "README.md").write_text("# No table\n", encoding="utf-8")
    (root / "docs/page.md").write_text(PAGE, encoding="utf-8")
    return root


@pytest.fixture
def root(made, tmp_path):
    """The same, with the page and the picture made, for one test alone."""
    for path in [*made.rglob(f"{FILES}/*"), *made.glob("docs/*.md"), made / "README.md"]:
        copy = tmp_path / path.relative_to(made)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    for path, text in command.rebuild(tmp_path).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def table(made, name):
    """Return a table's cells, the header first, and what stands below it."""
    text = command.tabulate(TABLES[name], made / FILES)
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [line[2:-2].split(" | ") for line in lines], text.splitlines()[-1]


def test_every_table_and_picture_of_the_docs_follows_from_the_committed_files():
    assert list(command.rebuild(ROOT)) == []


def test_what_was_written_follows_and_its_text_stays(root):
    assert command.rebuild(root) == {}
    page = (root / "docs/page.md").read_text()
    assert page.count("Text.") == len(TABLES)
    assert page.count("| ") > 20
    assert (root / "README.md").read_text() == "# No table\n"
    assert "biased" in (root / "docs/pictures/biased.svg").read_text()


def test_a_changed_digit_of_a_page_a_file_or_a_picture_is_found(root):
    page, picture = root / "docs/page.md", root / "docs/pictures/biased.svg"
    for path in (page, picture):
        text = path.read_text()
        changed, count = re.subn(r"75\.0|37\.5", "73.0", text, count=1)
        assert count, path
        path.write_text(changed)
        assert list(command.rebuild(root)) == [path]
        path.write_text(text)
    file = root / FILES / "tiny.json"
    content = read_json(file)
    right = content["students"][0]["answers"]["svamp"]["right"]
    content["students"][0]["answers"]["svamp"]["right"] = f"0{right[1:]}"
    assert right[0] == "1"
    file.write_text(to_text(content))
    assert list(command.rebuild(root)) == [page]


@pytest.mark.parametrize("changed", [False, True])
def test_the_check_ends_with_a_status_and_writes_nothing(root, monkeypatch, capsys, changed):
    page = root / "docs/page.md"
    if changed:
        page.write_text(page.read_text().replace("75.0", "76.0"))
    text = page.read_text()
    monkeypatch.setattr(command, "ROOT", root)
    monkeypatch.setattr(sys, "argv", ["results", "--check"])
    if changed:
        with pytest.raises(SystemExit) as ended:
            command.main()
        assert ended.value.code == 1
        assert "docs/page.md: differs" in capsys.readouterr().out
        assert page.read_text() == text
        monkeypatch.setattr(sys, "argv", ["results"])
        command.main()
        assert command.rebuild(root) == {}
    else:
        command.main()


def test_cells_are_what_siked_compare_says(made):
    there = compare_students(find("it0", made), find("it2", made))
    line = tabulate_accuracies(there)[2]
    rows, _ = table(made, "students")
    assert rows[0][:3] == ["student", "dev, n = 40", "svamp, n = 40"]
    assert (rows[1][0], rows[2][0]) == ("plain distillation", "selected")
    assert [rows[1][2], rows[2][2]] == line[2:4]
    rows, below = table(made, "differences")
    assert rows[1][1] == f"{line[4]}, p {line[5]}"
    assert line[5] == "< 0.0001"
    assert rows[1][2] == line[6]
    assert "There are 2 p-values in this table" in below
    assert "tiny (seed 1)" in below


def test_an_accuracy_is_rounded_once(made, tmp_path):
    """20 of 105 are 19.05 in two digits, which would be 19.1 in one."""
    content = read_json(made / FILES / "tiny.json")
    content["benchmarks"] = [
        {"name": "dev", "ids": " ".join(f"q{n}" for n in range(105)), "questions": "0" * 32}
    ]
    answers = {"right": "1" * 20 + "0" * 85, "chosen": "0" * 105}
    content["students"] = [{"name": "it0", "answers": {"dev": answers}}]
    (tmp_path / "odd.json").write_text(to_text(content))
    one = {"rows": [{"run": "odd", "student": "it0"}], "columns": [{"benchmark": "dev"}]}
    assert "| 19.0 (12.7 to 27.6) |" in command.tabulate(one, tmp_path)


def test_several_seeds_are_means_without_a_p(made):
    rows, below = table(made, "seeds")
    assert "p =" not in str(rows)
    assert "p-value" not in below
    assert "several (seeds 1, 2)" in below
    assert "seeds are means" in below
    one, two = (Results(made / FILES / f"several{end}.json") for end in ("", "-seed-2"))
    right = [
        sum(answer.correct for answer in found.answered("it2").answers["svamp"])
        for found in (one, two)
    ]
    assert rows[1][1].startswith(f"{100 * sum(right) / 80:.1f} (")


def test_families_have_a_row_each_with_their_n(made):
    rows, _ = table(made, "families")
    asked = find("it1", made).questions["svamp"].values()
    families = sorted({one.family for one in asked if one.family})
    assert [row[0] for row in rows[1:]] == families
    n = sum(one.family == families[0] for one in asked)
    assert rows[0][1] == f"free, n = {n}"


def test_the_choice_is_what_the_run_found(made):
    metrics = read_json(made / layout.StudentFiles("it2").metrics("eval"))["benchmarks"]["svamp"]
    rows, _ = table(made, "choice")
    _, chosen, forced, oracle, regret, mixed = rows[1]
    shares = (one["share"] for one in metrics["strategies"].values())
    assert chosen == f"{' / '.join(f'{100 * one:.0f}' for one in shares)}%"
    assert forced == " / ".join(
        f"{100 * one['accuracy']:.1f}" for one in metrics["forced"].values()
    )
    assert oracle == f"{100 * metrics['oracle']['accuracy']:.1f}"
    assert regret.startswith(f"{100 * metrics['regret']['value']:.1f} (")
    assert regret.endswith(f" to {100 * metrics['regret']['high']:.1f})")
    steps = read_json(made / layout.StudentFiles("it2").metrics("mix"))
    assert mixed == f"{steps['student_rows']} / {steps['teacher_rows']}"


@pytest.mark.parametrize(
    ("even", "odd", "mean", "bits"),
    [
        ([1, 0], [0, 1], "50 / 50%", "1.00"),
        ([0.5, 0.5], [0.5, 0.5], "50 / 50%", "0.00"),
        ([0.9, 0.1], [0.7, 0.3], "80 / 20%", "0.05"),
    ],
)
def test_tags_are_as_likely_as_weighed_and_tell_what_the_question_decides(
    made, tmp_path, even, odd, mean, bits
):
    shutil.copy(made / FILES / "tiny.json", tmp_path)
    asked = Results(tmp_path / "tiny.json").questions["svamp"]
    weighed = {name: odd if at % 2 else even for at, name in enumerate(asked)}
    (tmp_path / "tags").mkdir()
    (tmp_path / "tags/tiny.json").write_text(json.dumps({"students": {"it1": {"svamp": weighed}}}))
    spec = {
        "rows": [{"run": "tiny", "student": "it1", "benchmark": "svamp"}],
        "columns": [{"show": one, "label": one} for one in ("tags", "information")],
    }
    assert f"| it1 | {mean} | {bits} |" in command.tabulate(spec, tmp_path)
    families = sorted({one.family for one in asked.values() if one.family})
    spec["rows"][0]["family"] = families[:2]
    n = sum(one.family in families[:2] for one in asked.values())
    assert f"n = {n} " in command.tabulate(spec, tmp_path)
    spec["rows"][0]["student"] = "it2"
    with pytest.raises(UserError, match=r"tags/tiny.json: run: tiny, student: it2: has no 'it2'"):
        command.tabulate(spec, tmp_path)


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ({"run": "none", "student": "it0"}, {"benchmark": "dev"}, "no results of run: none"),
        ({"run": "tiny", "student": "it9"}, {"benchmark": "dev"}, "tiny: no student 'it9'"),
        ({"run": "tiny", "student": "it0"}, {"benchmark": "x"}, "tiny:it0: no benchmark 'x'"),
        ({"run": "tiny", "student": "it0"}, {}, "names no benchmark"),
        (
            {"run": "tiny", "student": "it0", "famly": "x"},
            {"benchmark": "dev"},
            "famly: a cell has",
        ),
        (
            {"run": "tiny", "student": "it0"},
            {"benchmark": "dev", "show": "x"},
            "show: x: there are",
        ),
        (
            {"run": "tiny", "student": "it0", "against": {"run": "several"}},
            {"benchmark": "dev"},
            r"has the seeds \[1\] and its rival \[1, 2\]",
        ),
        (
            {"run": "tiny", "student": "it0", "family": "kind-9"},
            {"benchmark": "dev"},
            "no questions of the family 'kind-9'",
        ),
    ],
)
def test_what_no_file_has_is_one_line(made, row, column, message):
    column = {"label": "it", **column}
    with pytest.raises(UserError, match=message):
        command.tabulate({"rows": [row], "columns": [column]}, made / FILES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- table nothing -->\n<!-- end -->\n", "no table 'nothing'"),
        ("<!-- table students -->\n", "has no `<!-- end -->`"),
        ("<!-- table students -->\n<!-- table seeds -->\n<!-- end -->\n", "has no `<!-- end -->`"),
    ],
)
def test_a_marker_that_says_nothing_is_one_line(root, text, message):
    (root / "docs/page.md").write_text(text)
    with pytest.raises(UserError, match=message):
        command.rebuild(root)
