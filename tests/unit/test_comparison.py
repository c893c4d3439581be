"""Two students beside each other: what does not depend on where their answers come from."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from siked.analysis.paired import Answered, compare_students
from siked.analysis.seeds import compare_seeds
from siked.errors import UserError
from siked.records import Failure, Question, VerifiedRationale
from siked.report.comparison import (
    arrange,
    arrange_means,
    tabulate_accuracies,
    to_markdown,
    to_terminal,
)
from siked.report.formats import MINUS, p_value, points
from siked.run.run import at_hand

STRATEGIES = ("cot", "pot")


def student(name, answers, texts=None, benchmark="shop"):
    """A student whose answers are (strategy, correct) pairs."""
    return Answered(
        name=name,
        strategies=STRATEGIES,
        answers={
            benchmark: tuple(
                VerifiedRationale(
                    question_id=f"q{n}",
                    strategy=strategy,
                    sample=0,
                    text=texts[n] if texts else "x",
                    predicted="1",
                    correct=correct,
                    failure=None if correct else Failure.WRONG,
                )
                for n, (strategy, correct) in enumerate(answers)
            )
        },
        questions={
            benchmark: {
                f"q{n}": Question(id=f"q{n}", source="shop", question="How many?", answer="1")
                for n in range(len(answers))
            }
        },
    )


answer = st.tuples(st.sampled_from([*STRATEGIES, None]), st.booleans())


@given(st.lists(st.tuples(answer, answer), min_size=1, max_size=20))
@settings(max_examples=30)
def test_the_other_way_round_every_win_is_a_loss(rows):
    first, second = (
        student(name, each) for name, each in zip("ab", zip(*rows, strict=True), strict=True)
    )
    (there,) = compare_students(first, second).benchmarks
    (back,) = compare_students(second, first).benchmarks
    assert [pair.question.id for pair in there.won] == [pair.question.id for pair in back.lost]
    assert [pair.question.id for pair in there.lost] == [pair.question.id for pair in back.won]
    assert there.difference["gain"] == -back.difference["gain"]
    assert there.difference["p"] == back.difference["p"]
    assert there.first == back.second
    for pair in there.won:
        assert pair.second.correct
        assert not pair.first.correct
        assert pair.first.question_id == pair.second.question_id == pair.question.id


def test_a_benchmark_that_one_of_them_lacks_is_named():
    both = compare_students(with_dev(student("a", [("cot", True)])), student("b", [("pot", False)]))
    assert [one.name for one in both.benchmarks] == ["shop"]
    assert both.left_out == ("dev",)
    assert "dev" in to_markdown(arrange(both))


def with_dev(one):
    return Answered(
        name=one.name,
        strategies=one.strategies,
        answers={**one.answers, "dev": one.answers["shop"]},
        questions={**one.questions, "dev": one.questions["shop"]},
    )


@given(st.text(), st.text(alphabet="<>&|`\n\\_*#[]pre/ table"))
@example("", "first\n\n# second\n\n</pre>\n\n| a |\n|---|")
@settings(max_examples=60)
def test_no_rationale_leaves_its_cell_in_markdown(first, second):
    """Whatever a model writes, the page has one table for the question and two code blocks."""
    pair = compare_students(
        student("a|*b*", [("cot", False)], [first]), student("b", [("pot", True)], [second])
    )
    tokens = MarkdownIt().enable("table").parse(to_markdown(arrange(pair)))
    blocks = [token.content for token in tokens if token.type == "html_block"]
    assert len(blocks) == 1
    assert blocks[0].count("<pre>") == blocks[0].count("</pre>") == 2
    assert [token.type for token in tokens].count("table_open") == 2
    assert [token.type for token in tokens].count("heading_open") == 2


def in_families(one, names):
    """The student whose questions belong to these families."""
    asked = {
        key: question.model_copy(update={"family": name})
        for (key, question), name in zip(one.questions["shop"].items(), names, strict=True)
    }
    return replace(one, questions={"shop": asked})


@given(st.lists(st.tuples(answer, answer, st.sampled_from("uvw")), min_size=1, max_size=20))
@settings(max_examples=30)
def test_families_divide_what_is_won_and_lost(rows):
    before, after, names = zip(*rows, strict=True)
    first, second = (
        in_families(student(name, each), names)
        for name, each in zip("ab", (before, after), strict=True)
    )
    (whole,) = compare_students(first, second).benchmarks
    assert [one.name for one in whole.families] == sorted(set(names))
    for what in ("n", "won", "lost"):
        assert sum(one.difference[what] for one in whole.families) == whole.difference[what]
    for one in whole.families:
        right = sum(good for (_, good), name in zip(after, names, strict=True) if name == one.name)
        assert one.second["accuracy"] == round(right / one.second["n"], 6)
    shown = to_markdown(arrange(compare_students(first, second), 0, families=True))
    assert all(f"| shop: {name} |" in shown for name in names)
    told = compare_students(first, second).as_json(families=True)["benchmarks"]["shop"]["families"]
    assert list(told) == sorted(set(names))
    assert "families" not in compare_students(first, second).as_json()["benchmarks"]["shop"]


def test_families_that_no_question_names_are_one_line():
    both = compare_students(student("a", [("cot", True)]), student("b", [("pot", False)]))
    with pytest.raises(UserError, match="--families: no question names a family"):
        list(arrange(both, families=True))


def test_students_of_one_experiment_keep_their_names_in_80_columns():
    first, second = (
        student(f"word-problems-seed-2:baseline-{name}", [(name, True)]) for name in STRATEGIES
    )
    both = compare_students(first, second)
    console = Console(width=80, file=StringIO())
    console.print(next(to_terminal(arrange(both))))
    header = console.file.getvalue().split("─")[0]
    assert sorted("".join(header.split())) == sorted(
        "".join("".join(tabulate_accuracies(both)[0]).split())
    )


def test_p_values_claim_no_more_than_they_say():
    assert [p_value(p) for p in (0.0, 0.00004, 0.0117, 1.0)] == [
        "< 0.0001",
        "< 0.0001",
        "0.0117",
        "1.0000",
    ]


def test_whatever_a_remote_raises_becomes_one_line():
    with (
        pytest.raises(UserError, match=r"^main: data/x .*remote gives 'no credentials'") as caught,
        at_hand("main", Path("data/x")),
    ):
        raise RuntimeError("no credentials\nand more")
    assert "\n" not in str(caught.value)


def with_another(one, test, answers):
    """The same student with a second test set."""
    other = student(one.name, answers, benchmark=test)
    return Answered(
        name=one.name,
        strategies=one.strategies,
        answers={**one.answers, **other.answers},
        questions={**one.questions, **other.questions},
    )


@given(
    st.lists(st.tuples(answer, answer), min_size=1, max_size=12),
    st.lists(st.tuples(answer, answer), min_size=1, max_size=12),
)
@settings(max_examples=30)
def test_test_sets_together_are_their_questions_as_one_set(shop, farm):
    first, second = (
        with_another(student(name, here), "farm", there)
        for name, here, there in zip(
            "ab", zip(*shop, strict=True), zip(*farm, strict=True), strict=True
        )
    )
    as_one = (
        student(name, rows)
        for name, rows in zip("ab", zip(*(shop + farm), strict=True), strict=True)
    )
    (expected,) = compare_students(*as_one).benchmarks
    found = compare_students(with_dev(first), with_dev(second)).together
    assert found.difference == expected.difference
    for here, there in ((found.first, expected.first), (found.second, expected.second)):
        assert here == {key: there[key] for key in ("accuracy", "n", "low", "high")}


def test_one_test_set_and_dev_are_not_taken_together():
    one = with_dev(student("a", [("cot", True)]))
    assert compare_students(one, one).together is None
    assert compare_students(one, one).as_json()["together"] is None


right = st.lists(st.booleans(), min_size=8, max_size=8)


def answering(name, rows):
    return student(name, [("pot", correct) for correct in rows])


@given(st.lists(st.tuples(right, right), min_size=2, max_size=4))
@settings(max_examples=20)
def test_over_seeds_is_the_mean_of_every_seeds_difference(seeds):
    pairs = [(answering("a", first), answering("b", second)) for first, second in seeds]
    (found,) = compare_seeds(pairs).lines
    each = [compare_students(*pair).benchmarks[0].difference["gain"] for pair in pairs]
    assert found.each == pytest.approx(each, abs=1e-4)
    assert found.over_seeds["gain"] == found.over_questions["gain"]
    assert found.over_questions["gain"] == pytest.approx(sum(each) / len(each), abs=1e-4)
    assert found.over_questions["low"] <= found.over_questions["gain"] + 1e-9
    assert found.over_questions["high"] >= found.over_questions["gain"] - 1e-9


def test_three_seeds_have_the_interval_of_students_t():
    """Gains of 0.1, 0.2 and 0.3: 4.3027 standard errors of 0.1 / sqrt(3) to both sides."""
    none = answering("a", [False] * 10)
    pairs = [(none, answering("b", [n < many for n in range(10)])) for many in (1, 2, 3)]
    (line,) = compare_seeds(pairs).lines
    assert line.over_seeds == pytest.approx({"gain": 0.2, "low": -0.0484, "high": 0.4484}, abs=1e-4)
    assert line.first["accuracy"] == 0


def test_a_seed_taken_twice_adds_no_certainty_about_questions():
    """The interval over questions is that of a single pair, whose bootstrap is another program."""
    first = answering("a", [n % 3 == 0 for n in range(200)])
    second = answering("b", [n % 2 == 0 for n in range(200)])
    (line,) = compare_seeds([(first, second)] * 3).lines
    alone = compare_students(first, second).benchmarks[0].difference
    for key in ("gain", "low", "high"):
        assert line.over_questions[key] == pytest.approx(alone[key], abs=0.011)
    assert line.over_seeds["low"] == line.over_seeds["high"] == line.over_seeds["gain"]


def test_seeds_are_averaged_by_question_in_any_order_of_rows():
    rows = [True, False, False, True]
    first, second = answering("a", rows), answering("b", rows)
    turned = Answered(
        name="b",
        strategies=second.strategies,
        answers={"shop": second.answers["shop"][::-1]},
        questions=second.questions,
    )
    (line,) = compare_seeds([(first, turned), (first, second)]).lines
    assert line.over_questions == {"gain": 0, "low": 0, "high": 0}


def test_averages_take_test_sets_together_and_not_dev():
    one = with_dev(with_another(answering("a", [True, False]), "farm", [("cot", False)] * 2))
    other = with_dev(with_another(answering("b", [True, True]), "farm", [("cot", True)] * 2))
    found = compare_seeds([(one, other), (one, one)])
    assert [(line.name, line.n) for line in found.lines] == [
        ("shop", 2),
        ("farm", 2),
        ("dev", 2),
        ("all tests", 4),
    ]
    assert found.lines[-1].each == (0.75, 0)
    shown = to_markdown(arrange_means(found))
    assert "+75.0, +0.0 (" in shown
    assert "dev selects" in shown
    assert len(list(to_terminal(arrange_means(found)))) == 2
    (only,) = compare_seeds([(one, other), (one, one)], ["farm"]).lines
    assert only.name == "farm"


def test_what_seeds_cannot_be_averaged_is_said():
    one, other = answering("a", [True, False]), student("b", [("cot", True)], benchmark="farm")
    with pytest.raises(UserError, match=r"^a answered shop, .*b answered farm: there is no common"):
        compare_seeds([(one, one), (one, other)])
    with pytest.raises(UserError, match=r"'farm': all answered shop and no other"):
        compare_seeds([(one, one), (one, one)], ["farm"])
    with pytest.raises(UserError, match=r"shop: a and b answered different questions"):
        compare_seeds([(one, one), (one, answering("b", [True]))])
    twice = replace(one, answers={"shop": [*one.answers["shop"], one.answers["shop"][0]]})
    with pytest.raises(UserError, match=r"^a: a question of shop is answered twice"):
        compare_seeds([(one, one), (one, twice)])


def test_a_gain_of_nothing_has_no_minus():
    assert [points(gain) for gain in (-0.0004, 0, -0.026)] == ["+0.0", "+0.0", f"{MINUS}2.6"]
