"""The dev split depends on each question's text alone."""

from hypothesis import given
from hypothesis import strategies as st

from siked.questions.splits import dev, normalise, place
from siked.records import Question, Step


def ask(text: str, identity: str = "a-1") -> Question:
    step = Step(ask="?", say=".")
    return Question(id=identity, source="a", question=text, answer="1", solution=(step,))


def many(count: int) -> list[Question]:
    return [ask(f"What is {n} plus {n + 1}?", f"a-{n}") for n in range(count)]


def test_every_question_is_on_one_side_in_its_order() -> None:
    questions = many(1000)
    train, held_out = dev(questions, 0.1)
    assert 60 < len(held_out) < 140
    assert sorted(int(one.id[2:]) for one in [*train, *held_out]) == list(range(1000))
    for side in (train, held_out):
        assert [int(one.id[2:]) for one in side] == sorted(int(one.id[2:]) for one in side)


def test_dev_questions_lose_their_solutions_and_train_questions_keep_them() -> None:
    train, held_out = dev(many(100), 0.3)
    assert all(one.solution for one in train)
    assert not any(one.solution for one in held_out)


def test_new_rows_move_none() -> None:
    few, all_of_them = many(200), many(400)
    before = {one.id for one in dev(few, 0.2)[1]}
    after = {one.id for one in dev(list(reversed(all_of_them)), 0.2)[1]}
    assert before == after & {one.id for one in few}


def test_a_larger_share_holds_out_more_of_the_same() -> None:
    smaller, larger = ({one.id for one in dev(many(300), f)[1]} for f in (0.1, 0.2))
    assert smaller < larger


@given(st.text())
def test_case_and_punctuation_do_not_move_a_question(text: str) -> None:
    assert 0 <= place(ask(text), "dev") < 1
    assert place(ask(f"  {text} ?! "), "dev") == place(ask(text), "dev")


def test_normalised_text() -> None:
    assert normalise("Ann's bag (1,000 g) costs $2.50!") == "anns bag 1000 g costs 2.50"
    assert normalise("WHAT   is 2+3?") == "what is 2 3"
    assert normalise("2.5 figs") != normalise("25 figs")


def test_drawing_rows_leaves_the_dev_share_as_it_is() -> None:
    drawn = sorted(many(4000), key=lambda one: place(one, "rows"))[:400]
    _, held_out = dev(drawn, 0.25)
    assert 60 < len(held_out) < 140
