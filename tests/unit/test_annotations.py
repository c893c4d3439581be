"""The annotations teacher is an engine: one completion a prompt, and clear refusals."""

import pytest

from siked import strategies
from siked.engines.annotations import AnnotationsEngine
from siked.engines.protocol import Prompt, Sampling
from siked.errors import UserError
from siked.records import Calculation, Question, Step

SOLVED = Question(
    id="a-1",
    source="a",
    question="Ann has 3 bags of 4 figs. How many figs has she?",
    answer="12",
    solution=(
        Step(
            ask="How many figs has she?",
            say="She has 3 * 4 = 12 figs.",
            calculations=(Calculation(name="figs", expression="3*4", value="12"),),
        ),
    ),
)
UNSOLVED = Question(id="a-2", source="a", question="How many?", answer="5")


def prompt(identity: str, strategy: str | None) -> Prompt:
    return Prompt(question_id=identity, strategy=strategy, system="", user="")


def test_every_prompt_gets_its_rationale_in_its_strategy() -> None:
    engine = AnnotationsEngine([SOLVED, UNSOLVED])
    prompts = [prompt("a-1", name) for name in ("pot", "cot", "l2m")]
    completions = list(engine.generate(prompts, Sampling()))
    assert [(one.prompt, one.sample, one.text) for one in completions] == [
        (0, 0, "answer = 3 * 4"),
        (1, 0, "She has 3 * 4 = 12 figs.\nFinal Answer: 12"),
        (2, 0, "How many figs has she? She has 3 * 4 = 12 figs.\nFinal Answer: 12"),
    ]
    assert {one.finish_reason for one in completions} == {"stop"}


def test_a_question_without_a_solution_gets_an_empty_text() -> None:
    engine = AnnotationsEngine([SOLVED, UNSOLVED])
    (completion,) = engine.generate([prompt("a-2", "cot")], Sampling())
    assert completion.text == ""


@pytest.mark.parametrize(
    ("asked", "sampling", "what"),
    [
        (prompt("a-1", "cot"), Sampling(samples=2), "teacher.samples: 1"),
        (prompt("a-9", "cot"), Sampling(), "no question 'a-9'"),
        (prompt("a-1", None), Sampling(), "needs a strategy"),
        (prompt("a-1", "tot"), Sampling(), "unknown strategy 'tot'"),
    ],
)
def test_what_it_cannot_do_is_said(asked: Prompt, sampling: Sampling, what: str) -> None:
    with pytest.raises(UserError, match=what):
        list(AnnotationsEngine([SOLVED]).generate([asked], sampling))


def test_strategies_are_found_by_name() -> None:
    for name in ("cot", "l2m", "pot"):
        assert name == strategies.load(name).NAME


@pytest.mark.parametrize("name", ["", "tot", "protocol", "../cot", "cot.write"])
def test_an_unknown_strategy_names_the_known_ones(name: str) -> None:
    with pytest.raises(UserError, match="there are cot, l2m, pot"):
        strategies.load(name)
