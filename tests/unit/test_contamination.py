"""The overlap report counts what is alike, strict and loose, before and after dropping."""

import json

import pytest

from siked.questions.overlap import count_overlap
from siked.questions.sources import read
from siked.records import Question
from siked.settings import Source

FIGS = "Ann has 3 figs and eats 2 of them after lunch today. How many figs are left for Ben?"


def asked(prefix: str, *texts: str) -> list[Question]:
    return [
        Question(id=f"{prefix}-{number}", source="a", question=text, answer="1")
        for number, text in enumerate(texts)
    ]


def report(train: list[Question], kept: list[Question], **tests: list[Question]) -> dict:
    return count_overlap(train, kept, tests, ngram=4, threshold=0.8)


def test_each_kind_finds_its_likeness_and_the_stricter_ones():
    train = asked(
        "t",
        FIGS.upper(),
        FIGS.replace("for Ben", "for Bob"),
        FIGS.replace("3", "90").replace("2", "41"),
        "Something that has nothing to do with any of the others, does it not?",
    )
    found = report(train, train, x=asked("x", FIGS))["tests"]["x"]["before"]
    assert found["exact"] == {"train": 1, "test": 1}
    assert found["ngram"] == {"train": 2, "test": 1}
    assert found["near-duplicate"] == {"train": 3, "test": 1}


def test_the_same_words_in_another_order_are_a_near_duplicate():
    train = asked("t", "Ben eats figs. How many figs has Ann?")
    tests = asked("x", "How many figs has Ben? Ann eats figs.")
    (pair,) = report(train, train, x=tests)["pairs"]
    assert (pair["kind"], pair["similarity"]) == ("near-duplicate", 1.0)


def test_what_was_dropped_is_gone_after_and_its_pair_says_so():
    train = asked("t", FIGS, FIGS.replace("3", "5").replace("2", "4"))
    found = report(train, train[1:], x=asked("x", FIGS), y=asked("y", "Nothing like it at all."))
    assert found["tests"]["x"]["before"]["near-duplicate"] == {"train": 2, "test": 1}
    assert found["tests"]["x"]["after"]["exact"] == {"train": 0, "test": 0}
    assert found["tests"]["x"]["after"]["near-duplicate"] == {"train": 1, "test": 1}
    assert found["tests"]["y"]["before"] == found["tests"]["y"]["after"]
    rows = [(row["train_id"], row["kind"], row["dropped"]) for row in found["pairs"]]
    assert rows == [("t-0", "exact", True), ("t-1", "near-duplicate", False)]


def test_a_pair_names_the_closest_train_question_of_each_test_question():
    near = FIGS.replace("lunch", "supper")
    train = asked("t", near, FIGS)
    pairs = report(train, train, x=asked("x", FIGS, near))["pairs"]
    assert {(row["test_id"], row["train_id"]) for row in pairs} == {("x-0", "t-1"), ("x-1", "t-0")}


def test_the_report_is_json_and_the_same_every_time():
    train, tests = asked("t", FIGS, FIGS.replace("3", "5")), asked("x", FIGS)
    first, second = (json.dumps(report(train, train, x=tests)) for _ in range(2))
    assert first == second


@pytest.mark.raw
@pytest.mark.slow
def test_gsm8k_train_has_no_test_question_but_a_few_near_duplicates(raw):
    def questions(name: str, **keys: str) -> list[Question]:
        return read(name, Source(path="gsm8k", format="gsm8k", **keys), raw, 1).questions

    train, test = questions("train"), questions("test", split="test")
    found = count_overlap(train, train, {"test": test}, ngram=8, threshold=0.8)
    assert found["tests"]["test"]["before"] == {
        "exact": {"train": 0, "test": 0},
        "ngram": {"train": 0, "test": 0},
        "near-duplicate": {"train": 4, "test": 3},
    }
