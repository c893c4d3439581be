import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
import vl_convert
import yaml

from siked.analysis.figures import evaluate
from siked.files import write_json
from siked.records import Failure, VerifiedRationale
from siked.report.plots import (
    accuracy_rows,
    bias_rows,
    distribution_rows,
    failure_rows,
    forced_rows,
    sample_rows,
    share_rows,
    teacher_rows,
)

ROOT = Path(__file__).parents[2]
STRATEGIES = ["cot", "pot"]
NAMES = [f"it{number}" for number in range(11)]


def answers(n, wrong, untagged=0):
    for number in range(n):
        failure = Failure.NO_STRATEGY if number < untagged else Failure.WRONG
        yield VerifiedRationale(
            question_id=f"q{number}",
            strategy=None if number < untagged else STRATEGIES[number % 3 % 2],
            sample=0,
            text="x",
            predicted="1",
            correct=number >= wrong,
            failure=failure if number < wrong else None,
        )


@pytest.fixture(scope="module")
def evaluations():
    return {
        name: {
            "dev": evaluate(list(answers(20, 10, untagged=k % 3)), STRATEGIES),
            "svamp": evaluate(list(answers(30, k)), STRATEGIES),
        }
        for k, name in enumerate(NAMES)
    }


def test_rows_stand_in_the_order_of_the_iterations(evaluations):
    for rows in (accuracy_rows, share_rows, failure_rows):
        found = rows(evaluations, NAMES)
        assert list(dict.fromkeys(row["iteration"] for row in found)) == NAMES
        assert list(dict.fromkeys(row["benchmark"] for row in found)) == ["dev", "svamp"]


def test_accuracy_lies_in_its_interval(evaluations):
    rows = accuracy_rows(evaluations, NAMES)
    assert rows[1] == {
        "iteration": "it0",
        "benchmark": "svamp",
        "accuracy": 1.0,
        "low": 0.886487,
        "high": 1.0,
    }
    assert all(row["low"] <= row["accuracy"] <= row["high"] for row in rows)


def test_shares_of_an_iteration_sum_to_one(evaluations):
    sums = defaultdict(float)
    for row in share_rows(evaluations, NAMES):
        sums[row["iteration"], row["benchmark"]] += row["share"]
    assert len(sums) == 22
    assert list(sums.values()) == pytest.approx([1] * 22, abs=1e-3)


def test_failures_of_an_iteration_sum_to_what_is_not_right(evaluations):
    sums = defaultdict(float)
    for row in failure_rows(evaluations, NAMES):
        sums[row["iteration"], row["benchmark"]] += row["share"]
    for (name, benchmark), total in sums.items():
        assert total == pytest.approx(1 - evaluations[name][benchmark]["accuracy"], abs=1e-3)


def test_perfect_students_still_have_rows_to_draw():
    evaluations = {"it0": {"dev": evaluate(list(answers(5, 0)), STRATEGIES)}}
    assert failure_rows(evaluations, ["it0"]) == [
        {"iteration": "it0", "benchmark": "dev", "failure": "wrong", "share": 0.0}
    ]


MIX = {"rows": 4, "student_rows": 0, "alpha": 1.0, "kl": 0.2, "smoothing": 1.0}
P = {
    "p_llm": {"cot": 0.75, "pot": 0.25},
    "p_student": {"cot": None, "pot": None},
    "p_train": {"cot": 0.5, "pot": 0.5},
}


def test_a_mix_has_three_distributions_with_alpha_and_kl():
    later = {**MIX, **P, "student_rows": 2, "alpha": 0.5, "p_student": {"cot": 0.0, "pot": 1.0}}
    rows = distribution_rows({"it0": MIX | P, "it1": later})
    assert [(row["iteration"], row["distribution"]) for row in rows] == [
        (name, distribution)
        for name in ("it0", "it1")
        for distribution in ("P_LLM", "P_student", "P_train")
        for _ in range(2)
    ]
    assert rows[0] == {
        "iteration": "it0",
        "distribution": "P_LLM",
        "strategy": "cot",
        "share": 0.75,
        "alpha": 1.0,
        "kl": None,
    }, "KL against a student that wrote nothing is smoothing alone"
    assert rows[-3]["share"] == 1.0
    assert rows[-1]["kl"] == 0.2


def test_an_iteration_after_the_plateau_mixes_nothing_and_has_no_row():
    carried = MIX | {"rows": 0} | {key: {"cot": None, "pot": None} for key in P}
    names = {row["iteration"] for row in distribution_rows({"it0": MIX | P, "it1": carried})}
    assert names == {"it0"}


def test_the_teacher_stands_beside_each_student_on_every_benchmark(evaluations):
    rows = teacher_rows({"it0": MIX | P}, evaluations, ["it0", "it10"])
    shares = defaultdict(dict)
    for row in rows:
        shares[row["benchmark"], row["whose"]][row["strategy"]] = row["share"]
    for benchmark in ("dev", "svamp"):
        assert shares[benchmark, "teacher"] == P["p_llm"]
        for name in ("it0", "it10"):
            chosen = evaluations[name][benchmark]["strategies"]
            assert shares[benchmark, f"student {name}"] == {
                strategy: row["share"] for strategy, row in chosen.items()
            }
    assert len(shares) == 6


def test_a_bias_has_counts_and_shares_before_and_after():
    rows = bias_rows({"cot": 3, "pot": 1}, {"cot": 0, "pot": 0})
    assert [row["share"] for row in rows] == [0.75, 0.25, 0.0, 0.0]
    assert [row["rows"] for row in rows] == [3, 1, 0, 0]


def test_only_evaluations_with_forced_answers_have_choices(evaluations):
    figures = {"accuracy": 0.5, "n": 4, "low": 0.2, "high": 0.8}
    more = {"forced": {"cot": figures, "pot": figures}, "oracle": figures}
    both = {**evaluations["it0"], "dev": evaluations["it0"]["dev"] | more}
    rows = forced_rows({"it0": both, "it1": evaluations["it1"]}, ["it0", "it1"])
    assert [row["choice"] for row in rows] == ["free choice", "cot", "pot", "oracle"]
    assert {(row["iteration"], row["benchmark"]) for row in rows} == {("it0", "dev")}
    assert rows[0]["accuracy"] == evaluations["it0"]["dev"]["accuracy"]


def test_samples_have_a_row_for_each_pool_and_k():
    figures = {"accuracy": 0.5, "n": 4, "low": 0.2, "high": 0.8}
    curve = {"1": figures, "2": figures}
    pools = {"cot": curve, "together": curve}
    rows = sample_rows({"it0, train": {"k": 2, "pass": pools, "majority": pools}})
    assert len(rows) == 8
    assert [row["k"] for row in rows[:4]] == [1, 2, 1, 2]
    assert {row["figure"] for row in rows} == {"pass@k", "majority@k"}


@pytest.mark.slow
def test_dvc_draws_every_row_with_our_templates(evaluations, tmp_path, monkeypatch):
    """In a scratch repository with this project's templates and its ``plots:`` section."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / ".dvc" / "plots", ".dvc/plots")
    shutil.copy(ROOT / ".dvc" / "config", ".dvc/config")
    subprocess.run(["git", "init", "-q"], check=True)
    rows = {"accuracy": accuracy_rows, "shares": share_rows, "failures": failure_rows}
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]
    ours = [entry for entry in declared if set(entry) & set(rows)]
    Path("dvc.yaml").write_text(yaml.safe_dump({"plots": ours}))
    for name, make in rows.items():
        write_json(Path("plots") / f"{name}.json", make(evaluations, NAMES))
    subprocess.run([sys.executable, "-m", "dvc", "plots", "show"], check=True)
    page = Path("dvc_plots/index.html").read_text()
    specs = [json.loads(spec) for spec in re.findall(r"var spec = (\{.*\});$", page, re.MULTILINE)]
    sizes = [len(make(evaluations, NAMES)) for make in rows.values()]
    assert sorted(len(spec["data"]["values"]) for spec in specs) == sorted(sizes)
    for spec in specs:
        svg = vl_convert.vegalite_to_svg(spec, vl_version="5.8")
        words = {part.split("<")[0] for part in svg.split(">")}
        assert {"dev", "svamp", "it0", "it10", "iteration"} <= words
