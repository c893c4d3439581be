"""`siked compare` and `siked results` in a real repository whose experiments take a second each."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from siked.analysis.figures import compare
from siked.analysis.paired import compare_students
from siked.commands import compare as command
from siked.commands.results import results
from siked.errors import UserError
from siked.records import VerifiedRationale, read_records
from siked.run import layout
from siked.run.results import Results
from siked.run.run import find

pytestmark = pytest.mark.slow

PIPELINE = """\
stages:
  questions:
    cmd: python make.py questions
    params: [price]
    deps: [make.py]
    outs: [data/questions]
  answer:
    foreach: [it0, it1]
    do:
      cmd: python make.py ${item}
      params: [skill, price]
      deps: [make.py, data/questions]
      outs: ["data/students/${item}/answers", "metrics/students/${item}/eval.json"]
  select:
    cmd: python make.py select
    deps: [make.py, data/students, metrics/students]
    metrics:
      - metrics/summary.json: {cache: false}
"""

PARAMS = """\
strategies: [cot, pot]
iterations: {it1: {previous: it0}}
skill: 5
price: 2
"""

MAKE = '''\
"""Questions, and students that solve a few of them: it0 the first 3, it1 the first `skill`."""

import json
import sys
from pathlib import Path

import yaml

params = yaml.safe_load(Path("params.yaml").read_text())


def write(path, rows):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("".join(json.dumps(row) + "\\n" for row in rows))


what = sys.argv[1]
if what == "select":
    Path("metrics").mkdir(exist_ok=True)
    Path("metrics/summary.json").write_text(json.dumps({"selected": "it1"}))
for benchmark, file in {"dev": "dev", "shop": "test-shop"}.items():
    if what == "questions":
        write(
            f"data/questions/{file}.jsonl",
            [
                {"id": f"{benchmark}-{n}", "source": "shop", "answer": str(n * params["price"]),
                 "question": f"{n} pens cost ${params['price']} each. How much are they?"}
                for n in range(10)
            ],
        )
    elif what != "select":
        solved = 3 if what == "it0" else params["skill"]
        write(
            f"data/students/{what}/answers/{benchmark}.jsonl",
            [
                {"question_id": f"{benchmark}-{n}", "sample": 0,
                 "strategy": "cot" if what == "it0" else "pot", "text": f"[b]{what} says {n}",
                 "predicted": str(n * params["price"] if n < solved else -1), "correct": n < solved}
                | ({} if n < solved else {"failure": "wrong"})
                for n in range(10)
            ],
        )
        write(f"metrics/students/{what}/eval.json", [{"solved": solved}])
        if what == "it1":
            write(
                f"data/students/{what}/answers/forced/{benchmark}.jsonl",
                [
                    {"question_id": f"{benchmark}-{n}", "sample": 0, "strategy": strategy,
                     "text": strategy, "predicted": "1", "correct": n < right}
                    | ({} if n < right else {"failure": "wrong"})
                    for n in range(10)
                    for strategy, right in {"cot": 2, "pot": params["skill"]}.items()
                ],
            )
'''


class Repository:
    """The scratch repository: its main branch has it1 of skill 5."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
        }

    def run(self, *words: str) -> str:
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Every file that is not git's or DVC's own, with its time."""
        return {
            str(path): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in self.folder.rglob("*")
            if path.is_file() and not {".git", ".dvc"} & set(path.parts)
        }


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Repository:
    made = Repository(tmp_path_factory.mktemp("shop"))
    (made.folder / "dvc.yaml").write_text(PIPELINE)
    (made.folder / "make.py").write_text(MAKE)
    (made.folder / "params.yaml").write_text(PARAMS)
    (made.folder / ".gitignore").write_text("/data/\n/metrics/students/\n")
    made.run("git", "init", "--quiet", "--initial-branch=main")
    made.run("git", "config", "user.name", "Test")
    made.run("git", "config", "user.email", "test@example.org")
    made.run("dvc", "init", "--quiet")
    made.run("dvc", "repro", "--quiet")
    made.run("git", "add", "--all")
    made.run("git", "commit", "--quiet", "--message", "first")
    made.run("git", "tag", "v1")
    made.run("dvc", "exp", "run", "--quiet", "--temp", "--name", "better", "-S", "skill=9")
    made.run("dvc", "exp", "run", "--quiet", "--temp", "--name", "dearer", "-S", "price=3")
    made.run(
        "dvc", "exp", "run", "--quiet", "--temp", "--name", "part", "-S", "skill=7", "answer@it1"
    )
    made.run(
        "dvc", "exp", "run", "--quiet", "--temp", "--name", "half", "-S", "price=4", "answer@it0"
    )
    return made


def run(*arguments: str) -> str:
    """What the command prints."""
    app = typer.Typer()
    app.command()(command.compare)
    result = CliRunner().invoke(app, arguments)
    if result.exception:
        raise result.exception
    return result.stdout


def test_an_experiment_against_the_workspace(repository, monkeypatch):
    """skill 9 against skill 5 of 10: four questions won, none lost, and nothing was touched."""
    monkeypatch.chdir(repository.folder)
    before = repository.files()
    found = json.loads(run("it1", "better", "--json", "--all"))
    assert (found["first"], found["second"], found["tests"]) == ("it1", "better:it1", 2)
    for benchmark in ("dev", "shop"):
        figures = found["benchmarks"][benchmark]
        assert (figures["first"]["accuracy"], figures["second"]["accuracy"]) == (0.5, 0.9)
        assert figures["difference"]["gain"] == 0.4
        assert figures["difference"]["p"] == 0.125  # 2 / 2^4
        assert [pair["id"] for pair in figures["won"]] == [f"{benchmark}-{n}" for n in range(5, 9)]
        assert figures["lost"] == []
        pair = figures["won"][0]
        assert (pair["answer"], pair["first"]["predicted"], pair["second"]["predicted"]) == (
            "10",
            "-1",
            "10",
        )
    assert repository.files() == before
    assert repository.run("git", "status", "--short") == ""


@pytest.mark.parametrize("revision", ["main", "v1", "HEAD", "{commit}", "workspace"])
def test_a_revision_is_named_as_git_and_dvc_name_it(repository, revision):
    name = revision.format(commit=repository.run("git", "rev-parse", "--short", "HEAD").strip())
    chosen, named = (find(one, repository.folder) for one in (name, f"{name}:it0"))
    assert chosen.answers == find("it1", repository.folder).answers
    assert named.answers == find("it0", repository.folder).answers
    assert named.questions == chosen.questions
    assert named.name == f"{name}:it0"


def test_an_experiment_that_ended_before_select_has_students_and_chose_none(repository):
    """Its summary is the commit's, whose it1 solves 5 and not 7."""
    assert sum(answer.correct for answer in find("part:it1", repository.folder).answers["dev"]) == 7
    with pytest.raises(UserError, match="part: it was run up to a stage before `select`"):
        find("part", repository.folder)


def test_two_students_of_the_workspace_as_the_library_compares_them(repository, monkeypatch):
    monkeypatch.chdir(repository.folder)
    answers = [
        list(read_records(layout.StudentFiles(name).answers / "shop.jsonl", VerifiedRationale))
        for name in ("it0", "it1")
    ]
    found = json.loads(run("it0", "it1", "--json", "--benchmark", "shop"))
    assert list(found["benchmarks"]) == ["shop"]
    assert found["benchmarks"]["shop"]["difference"] == compare(*answers)
    assert found["benchmarks"]["shop"]["second"]["strategies"]["pot"]["share"] == 1
    assert layout.questions("shop") == layout.test_set("shop")
    assert layout.questions("dev") == layout.DEV


def test_the_terminal_shows_both_rationales_as_written(repository, monkeypatch):
    monkeypatch.chdir(repository.folder)
    shown = run("it0", "it1")
    assert "+20.0" in shown
    assert "2 tests at once" in shown
    assert "shop: won, 1 of 2" in shown
    assert "[b]it0 says 3" in shown
    assert "[b]it1 says 3" in shown
    assert "says 4" not in shown
    assert "says 4" in run("it0", "it1", "--all")
    assert "says 3" not in run("it0", "it1", "--show", "0")
    assert "tests at once" not in run("it0", "it1", "--benchmark", "dev")


def test_other_questions_with_the_same_ids_are_not_compared(repository):
    dearer, now = find("dearer", repository.folder), find("it1", repository.folder)
    assert dearer.answers["dev"][0].question_id == now.answers["dev"][0].question_id
    with pytest.raises(UserError, match=r"dearer:it1 and it1 answered different questions \(10 of"):
        compare_students(dearer, now)


def test_a_strategy_that_was_forced_is_compared_alone(repository, monkeypatch):
    """Only programs got better: skill 9 for 5; sentences solve 2 of 10 in both."""
    monkeypatch.chdir(repository.folder)
    for strategy, gain, accuracy in (("pot", 0.4, 0.9), ("cot", 0, 0.2)):
        found = json.loads(run("it1", "better", "--json", "--forced", strategy))
        assert found["second"] == f"better:it1 by {strategy}"
        for figures in found["benchmarks"].values():
            assert figures["difference"]["gain"] == gain
            assert (figures["second"]["accuracy"], figures["second"]["n"]) == (accuracy, 10)
    assert "chosen" not in run("it1", "better", "--forced", "pot")
    assert "chosen" in run("it1", "better")
    means = json.loads(run("it1,it1", "it1,better", "--json", "--forced", "pot"))
    assert means["lines"][0]["each"] == [0, 0.4]


def test_several_seeds_are_compared_by_their_means(repository, monkeypatch):
    """it1 of skill 5 and of skill 9 against it0, which has 3 of 10 right each time."""
    monkeypatch.chdir(repository.folder)
    found = json.loads(run("it0,better:it0", "it1,better:it1", "--json", "--benchmark", "shop"))
    (line,) = found["lines"]
    assert found["second"] == ["it1", "better:it1"]
    assert (line["n"], line["each"], line["over_seeds"]["gain"]) == (10, [0.2, 0.6], 0.4)
    assert (line["first"]["accuracy"], line["second"]["accuracy"]) == (0.3, 0.7)
    shown = run("it0,better:it0", "it1,better:it1")
    assert "A is it0, better:it0; B is it1, better:it1." in shown
    assert "+20.0, +60.0" in shown
    assert run("it0,better:it0", "it1,better:it1", "--markdown").startswith("| benchmark | n |")


def test_a_run_has_the_same_results_wherever_it_is_read(repository, monkeypatch, tmp_path):
    monkeypatch.chdir(repository.folder)
    commit = repository.run("git", "rev-parse", "main").strip()
    files = {}
    for name in ("workspace", "main", "v1", "better", "part"):
        results(name, out=tmp_path / f"{name}.json")
        files[name] = Results(tmp_path / f"{name}.json")
        right = [answer.correct for answer in files[name].answered("it1").answers["shop"]]
        there = find(f"{name}:it1").answers["shop"]
        assert right == [answer.correct for answer in there]
        assert json.loads((tmp_path / f"{name}.json").read_text())["revision"] == commit
    first = (tmp_path / "main.json").read_bytes()
    assert (
        (tmp_path / "workspace.json").read_bytes() == (tmp_path / "v1.json").read_bytes() == first
    )
    assert files["better"].settings["skill"] == 9
    forced = files["better"].answered("it1", forced="pot").answers["dev"]
    assert sum(answer.correct for answer in forced) == 9


def test_students_of_other_settings_are_no_results_of_a_run(
    repository, monkeypatch, tmp_path, capsys
):
    """`half` was run up to it0 with another price: its it1 is still the commit's."""
    monkeypatch.chdir(repository.folder)
    results("half", out=tmp_path / "half.json")
    assert list(Results(tmp_path / "half.json").students) == ["it0"]
    assert "left out: it1, baseline-cot, baseline-pot:" in capsys.readouterr().out
    with pytest.raises(UserError, match="nothing: neither a student"):
        results("nothing", out=tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["it0", "nothing"], r"nothing: neither a student of the workspace \(it0, it1\) nor"),
        (["it0", "better:it7"], r"better: there is no student 'it7': it has it0, it1"),
        (["it0", ":it1"], r":it1: write REVISION:STUDENT"),
        (["it0", "workspace:it7"], r"it7/answers: no answers there \(there are those of it0, it1"),
        (["it0", "it1", "--benchmark", "gsm8k"], r"'gsm8k': all answered dev, shop"),
        (["it0", "it1", "--json", "--markdown"], r"choose one"),
        (["it0", "it1", "--forced", "pot"], r"it0/answers/forced: no answers with a strategy for"),
        (["it1", "main:it0", "--forced", "pot"], r"^main:data/students/it0/answers/forced: no ans"),
        (["it1", "it1", "--forced", "l2m"], r"--forced l2m: it1 knows cot, pot"),
        (["it0,it1", "it1"], r"it0,it1 has 2 students and it1 1: name as many"),
        (["it0,", "it1,it1"], r"it0, it1,it1: a name between two commas is empty"),
        (["it0,it0", "it1,it1", "--show", "2"], r"--families are for two students"),
        (["it0,it0", "it1,it1", "--all"], r"--families are for two students"),
    ],
)
def test_a_wrong_name_is_one_line(repository, monkeypatch, arguments, message):
    monkeypatch.chdir(repository.folder)
    with pytest.raises(UserError, match=message) as caught:
        run(*arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("lost", ["*", "*.dir", "*[!r]"])
def test_what_is_not_in_the_cache_is_said_with_what_brings_it(repository, tmp_path, lost):
    """All of the cache is lost, or the lists of folders alone, or the files alone."""
    copy = tmp_path / "copy"
    shutil.copytree(repository.folder, copy)
    for path in (copy / ".dvc" / "cache" / "files").rglob(lost):
        if path.is_file():
            path.unlink()
    with pytest.raises(UserError, match=r"better: data/.*`dvc exp pull`") as caught:
        find("better", copy)
    assert "\n" not in str(caught.value)


def test_a_row_of_a_revision_that_does_not_fit_is_named_as_git_would(repository, tmp_path):
    copy = Repository(tmp_path / "copy")
    shutil.copytree(repository.folder, copy.folder)
    answers = copy.folder / "data/students/it0/answers/dev.jsonl"
    answers.write_text('{"question_id": "dev-0"}\n')
    copy.run("dvc", "commit", "--force", "--quiet", "answer@it0")
    copy.run("git", "commit", "--quiet", "--all", "--message", "torn")
    with pytest.raises(UserError, match=r"^HEAD:data/students/it0/answers/dev\.jsonl:1: "):
        find("HEAD:it0", copy.folder)


def test_a_folder_that_is_no_repository_is_said_so(tmp_path):
    with pytest.raises(UserError, match=r"main: .*not a git repository"):
        find("main", tmp_path)
