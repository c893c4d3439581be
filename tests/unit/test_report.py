import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from siked.analysis import compare, evaluate, mixed, summary
from siked.pictures import accuracy_over_iterations, shares_over_iterations, svg
from siked.plots import accuracy_rows, share_rows
from siked.records import Example, Failure, Question, VerifiedRationale
from siked.report import Cost, Picture, Report, choose_samples, render
from siked.sampling_statistics import counted, forced, majority_at_k, pass_at_k
from siked.verdicts import VerdictCounts

STRATEGIES = ["cot", "pot"]
CHAIN = ["it0", "it1"]
BENCHMARKS = ["dev", "svamp"]
HOSTILE = '</pre><script>alert("1 < 2 & 3")</script>'


def question(name):
    return Question(id=name, source="svamp", question=f"How many? {HOSTILE}", answer="7")


def answer(number, benchmark, *, right, strategy="cot", failure=Failure.WRONG):
    return VerifiedRationale(
        question_id=f"{benchmark}-{number:03d}",
        strategy=strategy,
        sample=0,
        text=f"It is {number}. {HOSTILE}",
        predicted="7" if right else None,
        correct=right,
        failure=None if right else failure,
    )


def answered(right):
    return {
        benchmark: [
            answer(number, benchmark, right=number < right, strategy=STRATEGIES[number % 2])
            for number in range(40)
        ]
        for benchmark in BENCHMARKS
    }


def filtered(rationales):
    counts = VerdictCounts(STRATEGIES)
    for one in rationales:
        counts.add(one)
    return counts.figures(questions=len(rationales))


def sampled():
    """Two questions, two samples a strategy: programs solve the first, chains of thought none."""
    several = counted(
        [
            answer(number, "train", right=number == 0 and strategy == "pot", strategy=strategy)
            for number in range(2)
            for strategy in STRATEGIES
            for _ in range(2)
        ],
        STRATEGIES,
    )
    return {
        "k": several.k,
        **forced(several),
        "pass": pass_at_k(several),
        "majority": majority_at_k(several),
    }


def report(right=(10, 30, 15), **more):
    students = dict(zip([*CHAIN, "baseline-pot"], map(answered, right), strict=True))
    evaluations = {
        name: {benchmark: evaluate(given, STRATEGIES) for benchmark, given in by.items()}
        for name, by in students.items()
    }
    gains = {"svamp": compare(students["it0"]["svamp"], students["it1"]["svamp"])}
    questions = {one.question_id: question(one.question_id) for one in students["it0"]["svamp"]}
    lines = accuracy_over_iterations(accuracy_rows(evaluations, CHAIN), strategies=STRATEGIES)
    bars = shares_over_iterations(share_rows(evaluations, CHAIN), strategies=STRATEGIES)
    own = students["it0"]["svamp"]
    example = Example(question_id="q", strategy="cot", origin="teacher", prompt="", completion="")
    parts = {
        "filters": {"teacher": filtered(own), "it1": filtered(own)},
        "sampled": {"it0": sampled()},
        "mixes": {"it1": mixed([example], STRATEGIES, teacher=own, student=own)},
        "pictures": [Picture("Accuracy.", svg(lines)), Picture("Shares.", svg(bars))],
        "samples": choose_samples({"svamp": students["it1"]["svamp"]}, questions, STRATEGIES),
        "costs": [Cost("train@it0", rows=450, tokens=17_000, seconds=151.25), Cost("select")],
        "facts": {"student": "SmolLM2"},
    }
    return Report(
        title="SIKeD: a test",
        params={"seed": 0, "mix": {"bias": None, "variant": HOSTILE}},
        strategies=STRATEGIES,
        chain=CHAIN,
        baselines=["baseline-pot"],
        evaluations=evaluations,
        summary=summary(evaluations, CHAIN, ["baseline-pot"], "it1", gains),
        **parts | more,
    )


class Page(HTMLParser):
    """Checks that tags nest, and collects what the tests ask for."""

    VOID = frozenset({"meta", "br", "img", "input", "link", "hr", "rect", "path"})

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.attributes, self.text = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attrs]

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def test_the_page_is_well_formed_and_has_all_parts():
    page = Page(render(report()))
    ids = [value for _, name, value in page.attributes if name == "id"]
    links = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    assert len(ids) == len(set(ids))
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert len(links) == 8
    assert page.seen.count("h1") == page.seen.count("main") == 1
    assert page.seen.count("svg") >= 2


def test_the_page_needs_no_network_and_runs_nothing():
    text = render(report())
    page = Page(text)
    assert not {"script", "link", "img", "iframe"} & set(page.seen)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    fetched = [value for _, name, value in page.attributes if name in {"src", "href"}]
    assert all(value.startswith("#") for value in fetched)
    assert not re.search(r"@import|url\(", text)


def test_what_models_wrote_is_text_and_never_markup():
    page = Page(render(report()))
    assert "script" not in page.seen
    assert page.words.count('<script>alert("1 < 2 & 3")</script>') > 4


def test_the_headline_has_the_figures_with_interval_and_p():
    given = report()
    words = Page(render(given)).words
    row = given.summary["svamp"]
    assert "25.0% after plain distillation, 75.0% with SIKeD, 37.5% for the best single" in words
    assert "+50.0 points" in words
    assert f"{100 * row['low']:+.1f} to {100 * row['high']:+.1f}, p < 0.001" in words
    assert "does not tell the two apart" not in words


def test_a_gain_within_the_noise_is_called_that():
    assert "does not tell the two apart" in Page(render(report(right=(20, 21, 20)))).words


def test_a_fall_is_shown_as_one():
    words = Page(render(report(right=(30, 10, 20)))).words
    assert "\N{MINUS SIGN}50.0 points" in words
    assert "does not tell the two apart" not in words


def test_a_run_whose_iterations_did_not_help_says_so():
    given = report()
    words = Page(render(replace(given, summary={**given.summary, "selected": "it0"}))).words
    assert "plain distillation was selected" in words
    assert "Gain over" not in words


def test_every_student_and_benchmark_has_its_row():
    words = Page(render(report())).words
    for benchmark in BENCHMARKS:
        assert f"{benchmark}, 40 questions" in words
    for name in ("it0", "it1 (selected)", "baseline-pot", "train@it0", "mix.variant", "SmolLM2"):
        assert name in words
    assert "17,000" in words


@pytest.mark.parametrize("part", ["filters", "mixes", "pictures", "samples", "costs", "facts"])
def test_a_part_that_is_missing_is_left_out(part):
    page = Page(render(report(**{part: ()}))) if part != "facts" else Page(render(report(facts={})))
    links = {value for tag, name, value in page.attributes if (tag, name) == ("a", "href")}
    ids = {f"#{value}" for _, name, value in page.attributes if name == "id"}
    assert links <= ids
    assert len(page.text) < len(Page(render(report())).text)


def test_wall_time_is_shown_where_it_was_measured():
    assert "151.25" in Page(render(report())).words
    assert "seconds" not in Page(render(report(costs=[Cost("train@it0", rows=1)]))).words


def test_the_same_run_gives_the_same_bytes():
    assert render(report()) == render(report())


def test_samples_show_every_strategy_and_kind_of_failure():
    names = [f"svamp-{number:03d}" for number in range(60)]
    kinds = [None, Failure.WRONG, Failure.TIMEOUT]
    answers = [
        answer(n, "svamp", right=n % 3 == 0, strategy=STRATEGIES[n % 2], failure=kinds[n % 3])
        for n in range(58)
    ] + [
        answer(58, "svamp", right=False, strategy=None, failure=Failure.NO_STRATEGY),
        answer(59, "svamp", right=False, strategy=None, failure=Failure.NO_STRATEGY),
    ]
    questions = {name: question(name) for name in names}
    chosen = choose_samples({"svamp": answers}, questions, STRATEGIES, each=2)
    assert [(one.rationale.strategy, one.rationale.failure) for one in chosen] == [
        *[("cot", None)] * 2,
        *[("cot", Failure.TIMEOUT)] * 2,
        *[("cot", Failure.WRONG)] * 2,
        *[("pot", None)] * 2,
        *[("pot", Failure.TIMEOUT)] * 2,
        *[("pot", Failure.WRONG)] * 2,
        *[(None, Failure.NO_STRATEGY)] * 2,
    ]
    assert all(one.question.id == one.rationale.question_id for one in chosen)
    again = choose_samples({"svamp": answers[::-1]}, questions, STRATEGIES, each=2)
    assert again == chosen


def test_samples_of_a_student_stand_by_strategy_and_together():
    words = Page(render(report())).words
    assert "Samples of train questions, each strategy forced" in words
    row = words[words.index("oracle right pass@k") :]
    cot, pot, together = "0.0% 0.0% 0.0%", "50.0% 50.0% 50.0%", "25.0%"
    assert f"it0 2 {cot} {pot} {together}" in row
