"""Near-equal questions are found, all of them, with the similarity that the definition says."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siked.questions.overlap import find_near
from siked.questions.splits import words
from siked.records import Question


def ask(text: str, identity: str) -> Question:
    return Question(id=identity, source="a", question=text, answer="1")


def asked(texts: list[str], prefix: str) -> list[Question]:
    return [ask(text, f"{prefix}-{number}") for number, text in enumerate(texts)]


def test_equal_questions_are_near_whatever_their_case_and_punctuation() -> None:
    train = asked(
        ["Ann has 3 figs, Ben 4. How many?", "Something else entirely, isn't it so?"], "t"
    )
    tests = asked(["ann has 3 figs; ben 4: HOW MANY"], "x")
    (found,) = find_near(train, tests, ngram=5, threshold=1.0)
    assert (found.train_id, found.test_id, found.similarity) == ("t-0", "x-0", 1.0)


def test_other_numbers_make_another_question() -> None:
    train = asked(["Ann has 3 figs and eats 2 of them. How many are left?"], "t")
    tests = asked(["Ann has 9 figs and eats 4 of them. How many are left?"], "x")
    assert find_near(train, tests, ngram=3, threshold=0.5) == []
    assert len(find_near(train, tests, ngram=3, threshold=0.2)) == 1


def test_short_texts_are_compared_as_a_whole() -> None:
    train = asked(["Two plus two?", "Two plus three?", ""], "t")
    (found,) = find_near(train, asked(["two plus two"], "x"), ngram=8, threshold=0.1)
    assert found.train_id == "t-0"


def test_nothing_common_is_never_near() -> None:
    assert find_near(asked(["a b c"], "t"), asked(["d e f"], "x"), ngram=1, threshold=0.0) == []


def test_the_closest_test_question_is_named() -> None:
    tests = asked(["one two three four nine", "one two three four five", "one two"], "x")
    (found,) = find_near(asked(["one two three four five"], "t"), tests, ngram=2, threshold=0.3)
    assert (found.test_id, found.similarity) == ("x-1", 1.0)


texts = st.lists(st.sampled_from("abcde"), max_size=8).map(" ".join)


@given(
    st.lists(texts, max_size=6),
    st.lists(texts, max_size=6),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 0.6, 0.75, 1.0]),
)
def test_the_index_finds_what_comparing_all_pairs_finds(
    train: list[str], tests: list[str], ngram: int, threshold: float
) -> None:
    def ngrams(text: str) -> set[tuple[str, ...]]:
        found = words(text)
        if len(found) < ngram:
            return {tuple(found)}
        return {tuple(found[i : i + ngram]) for i in range(len(found) - ngram + 1)}

    expected = []
    for number, text in enumerate(train):
        scores = [
            len(ngrams(text) & ngrams(other)) / len(ngrams(text) | ngrams(other)) for other in tests
        ]
        if scores and max(scores) > 0 and max(scores) >= threshold:
            expected.append((f"t-{number}", f"x-{scores.index(max(scores))}", max(scores)))
    found = find_near(asked(train, "t"), asked(tests, "x"), ngram, threshold)
    assert [(one.train_id, one.test_id, one.similarity) for one in found] == expected


@pytest.mark.slow
def test_thousands_against_thousands() -> None:
    draw = random.Random(0)
    vocabulary = [f"w{n}" for n in range(300)]
    train = asked([" ".join(draw.choices(vocabulary, k=45)) for _ in range(10_000)], "t")
    copies = [one.question.upper() + "!" for one in train[::1000]]
    tests = asked([" ".join(draw.choices(vocabulary, k=45)) for _ in range(5_000)] + copies, "x")
    found = find_near(train, tests, ngram=3, threshold=0.6)
    assert [one.train_id for one in found] == [one.id for one in train[::1000]]
