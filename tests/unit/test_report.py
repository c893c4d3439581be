import base64
import hashlib
import json
import math
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from siked.errors import UserError
from siked.records import VerifiedRationale, read_records
from siked.report.cost import Measured, read_measured
from siked.report.figures import build_figures
from siked.report.formats import DASH
from siked.report.page import render
from siked.report.rationales import BUDGET, LONGEST, TRAIN
from siked.report.run import Report
from siked.run import layout
from tests.finished_run import (
    BASELINES,
    BENCHMARKS,
    HOSTILE,
    RIGHT,
    RIVAL,
    ROOT,
    STRATEGIES,
    change_json,
    without,
    write_run,
)

VOID = frozenset({"meta", "br", "img", "input", "link", "hr"})


class Page(HTMLParser):
    """Checks that tags nest, and collects what the tests ask for."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.attributes, self.text, self.scripts = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append([dict(attrs), ""])

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1][1] += data
        elif self.open and self.open[-1] != "style":
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())

    def data(self, name):
        return next(json.loads(text) for kind, text in self.scripts if kind.get("id") == name)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, forced=True)
    return folder


@pytest.fixture(scope="module")
def run(root):
    from siked.settings import load_params

    return Report(load_params(root / "params.yaml"), root)


@pytest.fixture(scope="module")
def page(run):
    return Page(render(run))


def page_of(folder, **settings):
    return Page(render(Report(write_run(folder, **settings), folder)))


def test_the_page_is_well_formed_and_its_links_lead_somewhere(page):
    ids = [value for _, name, value in page.attributes if name == "id"]
    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert len(links) == 9
    assert page.seen.count("h1") == page.seen.count("main") == 1


def test_the_page_fetches_nothing_and_runs_its_own_scripts_alone(page):
    assert not {"link", "img", "iframe", "object", "base"} & set(page.seen)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    fetched = [value for _, name, value in page.attributes if name in {"src", "href", "action"}]
    assert all(value.startswith("#") for value in fetched)
    policy = next(
        value for _, name, value in page.attributes if name == "content" and "default-src" in value
    )
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    hashes = {
        "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
        for kind, text in page.scripts
        if "type" not in kind
    }
    assert rules["default-src"] == "'none'"
    assert set(rules["script-src"].split()) == hashes
    assert "unsafe-eval" not in policy


def test_what_models_wrote_stays_inside_the_data(run, page):
    text = render(run)
    assert text.count("</script>") == len(page.scripts) == 7
    assert "<img src=x" not in text
    assert page.seen.count("script") == 7
    data = page.data("browser-data")
    assert all(HOSTILE in row[-1] for row in data["rows"])
    assert all(HOSTILE in question for _, question, _ in data["questions"])


def test_the_headline_is_paired_with_every_other_student(run, page):
    row = run.summary["test"]["svamp"]
    words = page.words
    assert "25.0% after plain distillation, 75.0% with SIKeD" in words
    alone = (
        r"37\.5% with pot alone, the best single strategy on dev, which learnt from [\d,]+ tokens"
    )
    assert re.search(rf"n = 40\), {alone} where SIKeD had [\d,]+\.", words)
    assert (
        f"+50.0 points, 95% interval {100 * row['low']:+.1f} to {100 * row['high']:+.1f}" in words
    )
    assert "does not tell the two apart" not in words
    assert list(run.paired["svamp"]) == ["it0", "baseline-cot", "baseline-pot"]
    cot = run.paired["svamp"]["baseline-cot"]
    assert (cot["won"], cot["lost"], cot["n"]) == (22, 0, 40)
    assert "cot only 40 20.0% 75.0% +55.0" in words


def test_a_rival_stands_where_baselines_do(tmp_path):
    run = Report(write_run(tmp_path, right=RIGHT | {RIVAL: 12}), tmp_path)
    assert list(run.paired["svamp"]) == ["it0", *BASELINES, RIVAL]
    accuracy = next(figure for figure in build_figures(run) if figure.name == "accuracy")
    assert RIVAL in {row["iteration"] for row in accuracy.rows}
    assert "and rivals" in accuracy.caption
    words = Page(render(run)).words
    assert f"{RIVAL} 40 30.0% 75.0% +45.0" in words
    assert f"train@{RIVAL}" in words
    assert run.learnt(RIVAL) == 2 * 17_000, "it goes on from it0"


def test_a_gain_within_the_noise_is_called_that(tmp_path):
    page = page_of(tmp_path, right=RIGHT | {"it0": 20, "it2": 21})
    assert "does not tell the two apart" in page.words


def test_a_fall_is_shown_as_one(tmp_path):
    words = page_of(tmp_path, right=RIGHT | {"it0": 30, "it2": 10}).words
    assert "\N{MINUS SIGN}50.0 points" in words
    assert "does not tell the two apart" not in words


def test_a_run_whose_iterations_did_not_help_says_so(tmp_path):
    words = page_of(tmp_path, selected="it0").words
    assert "plain distillation was selected" in words
    assert "Gain over" not in words


def test_every_student_and_benchmark_has_its_row(page):
    for benchmark in BENCHMARKS:
        assert f"{benchmark}, 40 questions" in page.words
    for name in ("it0", "it2 (selected)", "baseline-pot", "train@it0", "mix.variant", "path:tiny"):
        assert name in page.words
    assert "17,000" in page.words


def test_every_figure_has_a_picture_its_data_and_a_table(run, page):
    shown = build_figures(run)
    names = {one.name for one in shown}
    assert names == {
        *("accuracy", "shares", "teacher", "distributions", "choices"),
        *("samples", "failures", "losses"),
    }
    data = page.data("figure-data")
    assert set(data) == names
    for one in shown:
        assert data[one.name]["rows"] == list(one.rows)
        assert data[one.name]["spec"]["concat"]
        assert all(len(row) == len(one.table.header) for row in one.table.rows)
        assert len(one.table.rows) <= len(one.rows)


def test_the_choice_has_forced_accuracies_oracle_and_regret(run, page):
    figures = run.evaluations["it1"]["svamp"]
    regret = figures["regret"]
    row = (
        f"it1 50.0% {figures['forced']['cot']['accuracy']:.1%} "
        f"{figures['forced']['pot']['accuracy']:.1%} {figures['oracle']['accuracy']:.1%} "
        f"{100 * regret['value']:+.1f}".replace("-", "\N{MINUS SIGN}")
    )
    assert row in page.words


def test_a_mix_is_compared_with_what_the_student_before_chose_freely(run, page):
    rows, share = run.mixes["it1"]["rows"], run.mixes["it1"]["p_train"]
    chosen = run.evaluations["it0"]["dev"]["strategies"]
    mix = [round(share[name] * rows) + 1 for name in ("cot", "pot")]
    free = [chosen[name]["n"] + 1 for name in ("cot", "pot")]
    expected = sum(
        p / sum(mix) * math.log(p / sum(mix) / (q / sum(free)))
        for p, q in zip(mix, free, strict=True)
    )
    assert run.divergence_from_choice("it1") == pytest.approx(expected, abs=1e-9)
    assert run.divergence_from_choice("it0") is None
    assert f"{run.divergence_from_choice('it1'):.3g}" in page.words


def test_families_have_what_the_first_and_the_selected_student_solve(run, page):
    rows = run.families["svamp"]
    assert [(row["family"], row["student"]) for row in rows] == [
        (family, student) for family in ("kind-1", "kind-2") for student in ("it0", run.selected)
    ]
    known = {key: one.family for key, one in run.questions("svamp").items()}
    answers = [one for one in run._answers("it0")["svamp"] if known[one.question_id] == "kind-1"]
    forced = [
        one
        for one in run._answers("it0", layout.FORCED)["svamp"]
        if known[one.question_id] == "kind-1" and one.strategy == "pot"
    ]
    first = rows[0]
    assert first["n"] == len(answers) == len(forced)
    assert first["free"] == sum(one.correct for one in answers) / len(answers)
    assert first["pot"] == sum(one.correct for one in forced) / len(forced)
    shown = f"kind-1 it0 {first['n']} {first['free']:.1%} {first['cot']:.1%} {first['pot']:.1%}"
    assert shown in page.words


def test_a_run_without_forced_answers_leaves_them_out(tmp_path):
    page = page_of(tmp_path)
    assert "choices" not in page.data("figure-data")
    assert "oracle" not in page.words.split("Training data")[-2]


def test_a_student_without_forced_answers_has_dashes_beside_one_that_has(tmp_path):
    params = write_run(tmp_path, forced=True)
    path = tmp_path / "metrics/students/it1/eval.json"
    evaluation = json.loads(path.read_text())
    for key in ("forced", "oracle", "regret"):
        del evaluation["benchmarks"]["svamp"][key]
    change_json(path, benchmarks=evaluation["benchmarks"])
    assert f"it1 50.0%{f' {DASH}' * 5}" in Page(render(Report(params, tmp_path))).words


def test_a_bias_is_shown_with_what_it_leaves(tmp_path):
    run = Report(write_run(tmp_path, bias=["pot", "cot"]), tmp_path)
    bias = next(one for one in build_figures(run) if one.name == "bias")
    assert "mix.bias is pot, cot" in bias.caption
    rows = {(row["which"], row["strategy"]): row["rows"] for row in bias.rows}
    assert rows == {
        ("all of D_LLM", "cot"): 12,
        ("all of D_LLM", "pot"): 9,
        ("what the bias leaves", "cot"): 3,
        ("what the bias leaves", "pot"): 9,
    }


def test_a_recordings_teachers_are_shown_where_it_names_them(tmp_path, page):
    assert "by the recording's" not in page.words
    params = write_run(tmp_path)
    figures = {"rows_in": 40, "rows_out": 30, "acceptance": 0.75}
    change_json(tmp_path / "metrics/teacher.json", teachers={HOSTILE: {"cot": figures}})
    shown = Page(render(Report(params, tmp_path)))
    assert "D_LLM by the recording's teacher" in shown.words
    assert f"{' '.join(HOSTILE.split())} cot 40 30 75.0%" in shown.words
    assert "D_LLM by the recording's source" not in shown.words


def test_the_iteration_that_stopped_the_loop_is_named(tmp_path, page):
    assert "After it1 (dotted) the loop stopped" in page_of(tmp_path, stopped="it1").words
    assert "ran to its last iteration" in page.words


def test_times_and_hardware_are_added_only_where_they_were_measured(run, page):
    there = Measured({"train@it0": 151.25, "eval@it1": 4.0}, {"processor": "Abacus"})
    words = Page(render(run, there)).words
    assert "train@it0 9 17,000 2.5 min" in words
    assert "all of these 2.6 min" in words
    assert "Abacus" in words
    assert "train@it0 9 17,000 generate" not in words
    assert "time" not in page.words.split("What the stages handled")[1][:100]


def test_the_same_run_gives_the_same_bytes_in_any_process(root, run):
    code = (
        "import sys; from pathlib import Path; from siked.settings import load_params\n"
        "from siked.report.page import render; from siked.report.run import Report\n"
        "root = Path(sys.argv[1])\n"
        "text = render(Report(load_params(root / 'params.yaml'), root))\n"
        "sys.stdout.reconfigure(encoding='utf-8', newline=''); sys.stdout.write(text)"
    )
    again = subprocess.run([sys.executable, "-c", code, root], cwd=ROOT, capture_output=True)
    assert again.stdout.decode() == render(run), again.stderr.decode()[-2000:]


def test_every_rationale_is_there_where_all_fit(root, run):
    data = run.browser.data
    shown = {
        (
            data["sets"][row[1]],
            data["writers"][row[2]],
            data["questions"][row[0]][0],
            row[6],
            row[8],
        )
        for row in data["rows"]
    }
    for benchmark in BENCHMARKS:
        for writer in RIGHT:
            path = root / f"data/students/{writer}/answers/{benchmark}.jsonl"
            for one in read_records(path, VerifiedRationale):
                assert (benchmark, writer, one.question_id, one.sample, one.text) in shown
    samples = list(read_records(root / "data/students/it2/verified.jsonl", VerifiedRationale))
    for one in samples:
        assert (TRAIN, "it1", one.question_id, one.sample, one.text) in shown
    assert all(note.startswith("All ") for note in run.browser.notes)


def test_what_does_not_fit_is_sampled_said_and_the_page_stays_small(tmp_path):
    """Long texts; 50,000 of them go through a browser in the functional tests."""
    params = write_run(tmp_path, each=300, train=300, samples=4, longer="and so on " * 120)
    run = Report(params, tmp_path)
    text = render(run)
    assert len(text.encode()) < 5_000_000
    data = run.browser.data
    notes = " ".join(run.browser.notes)
    for benchmark in BENCHMARKS:
        answered = {}
        for row in data["rows"]:
            if data["sets"][row[1]] == benchmark:
                answered.setdefault(row[0], set()).add(data["writers"][row[2]])
        assert answered
        assert all(writers == set(RIGHT) for writers in answered.values()), "not side by side"
        assert f"{len(answered)} questions of each benchmark" in notes
    kinds = {}
    for row in data["rows"]:
        if data["sets"][row[1]] == TRAIN:
            kinds[row[2], row[3], row[4]] = kinds.get((row[2], row[3], row[4]), 0) + 1
    assert f"at most {max(kinds.values())} of each kind" in notes
    assert len(kinds) > 10
    assert BUDGET < sum(len(json.dumps(row)) for row in data["rows"]) < 2.2 * BUDGET
    ids = data["verdicts"]["svamp"]["ids"]
    assert len(ids) == 300, "verdicts are of all questions"
    assert data["verdicts"]["svamp"]["right"]["it1"] == "1" * 20 + "0" * 280


def test_the_sample_does_not_depend_on_the_order_of_the_rows(tmp_path):
    def chosen(folder, *, reverse):
        params = write_run(folder, each=3, train=300, samples=4, longer="and so on " * 120)
        path = folder / "data/students/it1/verified.jsonl"
        lines = path.read_text().strip().split("\n")
        path.write_text("\n".join(lines[::-1] if reverse else lines) + "\n")
        data = Report(params, folder).browser.data
        return {data["questions"][row[0]][0] for row in data["rows"]}

    assert chosen(tmp_path / "a", reverse=False) == chosen(tmp_path / "b", reverse=True)


def test_an_endless_text_is_cut_and_that_is_said(tmp_path):
    run = Report(write_run(tmp_path, each=3, train=2, longer="9" * 20_000), tmp_path)
    assert max(len(row[-1]) for row in run.browser.data["rows"]) == LONGEST
    assert f"{len(run.browser.data['rows'])} texts are cut after 4,000" in run.browser.notes[-1]


def test_a_student_that_was_not_evaluated_is_a_user_error(tmp_path):
    params = write_run(tmp_path)
    without(tmp_path, "metrics/students/it1/eval.json")
    with pytest.raises(UserError, match=r"it1/eval.json: no such file: run `dvc repro`"):
        Report(params, tmp_path)


def test_an_answer_to_an_unknown_question_is_a_user_error(tmp_path):
    params = write_run(tmp_path)
    path = tmp_path / "data/questions/test-svamp.jsonl"
    path.write_text(path.read_text().partition("\n")[2])
    with pytest.raises(UserError, match="the question svamp-00000 of an answer is not there"):
        Report(params, tmp_path)


def test_the_last_time_of_each_stage_counts(tmp_path):
    lines = [
        {"experiment": None, "stage": "train@it0", "seconds": 9.0},
        {"experiment": None, "stage": "train@it0", "seconds": 7.5},
        {"experiment": "hare", "stage": "train@it0", "seconds": 3.0},
    ]
    path = tmp_path / ".siked/timings.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_measured(tmp_path).seconds == {"train@it0": 7.5}
    assert read_measured(tmp_path, "hare").seconds == {"train@it0": 3.0}
    with pytest.raises(UserError, match="knows no stage of the experiment 'fox'"):
        read_measured(tmp_path, "fox")
    path.write_text(path.read_text() + '{"experiment": null, "stage": "train@it0", "sec')
    assert read_measured(tmp_path).seconds == {"train@it0": 7.5}, "a torn line says nothing"


def test_a_machine_without_times_is_still_described(tmp_path):
    facts = read_measured(tmp_path).facts
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", facts["written on"])
    assert facts["torch"].startswith("2.")
    assert {"processor", "memory", "Python"} <= set(facts)


def test_the_command_writes_the_page_with_this_machine(tmp_path, monkeypatch, capsys):
    from siked.commands.report import report

    write_run(tmp_path)
    monkeypatch.chdir(tmp_path)
    entry = {"experiment": None, "stage": "train@it1", "seconds": 83.0}
    (tmp_path / ".siked").mkdir()
    (tmp_path / ".siked/timings.jsonl").write_text(json.dumps(entry) + "\n")
    report(tmp_path / "sent/run.html")
    words = Page((tmp_path / "sent/run.html").read_text(encoding="utf-8")).words
    assert "train@it1 9 17,000 83.0 s" in words
    assert "processor" in words
    assert "one file that needs no network" in capsys.readouterr().out


def test_settings_that_change_no_output_do_not_change_the_page(tmp_path):
    params = write_run(tmp_path)
    elsewhere = params.tracking.model_copy(update={"experiment": "elsewhere"})
    other = params.model_copy(update={"tracking": elsewhere})
    assert render(Report(params, tmp_path)) == render(Report(other, tmp_path))


def test_strategies_without_a_tag_are_marked(run):
    data = run.browser.data
    untagged = [row for row in data["rows"] if row[3] == -1]
    assert untagged
    assert data["strategies"] == STRATEGIES
