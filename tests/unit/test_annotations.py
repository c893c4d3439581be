"""The annotations teacher is an engine: one completion a prompt, and clear refusals."""

import pytest

from siked import strategies
from siked.errors import UserError
from siked.generation.engine import Sampling
from siked.generation.worked import WRITERS, AnnotationsEngine
from siked.prompts import Prompt, teacher_prompt
from siked.records import Calculation, Question, Step
from siked.settings import TeacherSettings
from siked.verification.solvers import SOLVERS
from stages.teach import open_teacher

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
        (prompt("a-1", "cot"), Sampling(samples=2), "not 2: `teacher.engine: model`"),
        (prompt("a-9", "cot"), Sampling(), "no question 'a-9'"),
        (prompt("a-1", None), Sampling(), "needs a strategy"),
        (prompt("a-1", "tot"), Sampling(), "unknown strategy 'tot'"),
    ],
)
def test_what_it_cannot_do_is_said(asked: Prompt, sampling: Sampling, what: str) -> None:
    with pytest.raises(UserError, match=what):
        list(AnnotationsEngine([SOLVED]).generate([asked], sampling))


def test_every_strategy_has_a_writer_a_solver_and_a_prompt() -> None:
    for name, strategy in strategies.STRATEGIES.items():
        assert strategy.writes in WRITERS
        assert strategy.answers in SOLVERS
        assert teacher_prompt("How many?", name).user


@pytest.mark.parametrize("name", ["", "tot", "protocol", "../cot", "cot.write"])
def test_an_unknown_strategy_names_the_known_ones(name: str) -> None:
    with pytest.raises(UserError, match="there are cot, l2m, pot"):
        strategies.find(name)


def test_questions_without_a_worked_solution_need_another_teacher():
    settings = TeacherSettings(engine="annotations")
    with pytest.raises(UserError, match=r"set teacher\.engine to `model` or `recorded`"):
        open_teacher(settings, "cot", [UNSOLVED])
    engine, _ = open_teacher(settings, "cot", [UNSOLVED, SOLVED])
    assert isinstance(engine, AnnotationsEngine)
