"""Every rationale gets the verdict that it deserves, in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest

from siked.errors import UserError
from siked.records import Failure, Question, Rationale, VerifiedRationale
from siked.settings import RuleName, VerifySettings
from siked.verification.extract import RULES
from siked.verification.sandbox import Result, Sandbox
from siked.verification.solvers import Solved
from siked.verification.verify import Verdict, verify


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(VerifySettings(seconds=2, memory_mb=512, output_kb=16, workers=2)) as opened:
        yield opened


QUESTIONS = {"q": Question(id="q", source="test", question="How much?", answer="18")}


def rationale(strategy: str | None, text: str, *, truncated: bool = False) -> Rationale:
    return Rationale(question_id="q", strategy=strategy, sample=0, text=text, truncated=truncated)


CASES = [
    ("cot", "9 * 2 = 18\nFinal Answer: $18.00", None, "final-answer"),
    ("l2m", "How much? 9 * 2 = 18", None, "last-number"),
    ("pot", "answer = 9 * 2", None, "answer-variable"),
    ("pot", "```python\nprint(f'The total is ${9 * 2}.')\n```", None, "last-printed"),
    ("pot", "answer = '18 dollars'", None, "answer-variable"),
    ("cot", "Final Answer: 2 * 9", None, "final-answer"),
    ("cot", "Final Answer: \\sqrt{324}", None, "final-answer"),
    ("cot", "Final Answer: 19", Failure.WRONG, "final-answer"),
    ("cot", "Final Answer: 2 * 8", Failure.WRONG, "final-answer"),
    ("cot", "Final Answer: 18 or 19", Failure.NOT_A_NUMBER, "final-answer"),
    ("cot", "I do not know.", Failure.NO_ANSWER, None),
    ("pot", "answer = 19", Failure.WRONG, "answer-variable"),
    ("pot", "answer = eggs * 2", Failure.NAME_ERROR, None),
    ("pot", "x = 18", Failure.NO_ANSWER, None),
    ("pot", "answer = 'several'", Failure.NOT_A_NUMBER, "answer-variable"),
    (None, "Final Answer: 18", Failure.NO_STRATEGY, None),
]


READ_FROM_PROGRAMS = [
    "def solve():\n    return 9 * 2",
    "def cost():\n    return 9\ndef money():\n    return cost() * 2",
    "from functools import lru_cache\n@lru_cache(None)\ndef solution():\n    return 18",
    "eggs = 9\nreturn eggs * 2", "    eggs = 9\n    return eggs * 2\n\nprint(solution())",
    "eggs = 9\nif eggs > 3:\n    return eggs * 2\nreturn 0",
    "```python\nanswer = 1/0\n```\nFixed:\n```python\nanswer = 18\n```",
    "```python\ndef f(\n```\nFixed:\n```python\nanswer = 18\n```",
    "```python\nprint(5)\n1/0\n```\nFixed:\n```python\nx = 18\nprint(x)\n```",
    "Formula:\n```\nmoney = eggs \u00d7 price\n```\n```python\nanswer = 18\n```",
    "<think>\n```python\ndef f(\n```\n</think>\n```python\nanswer = 18\n```",
    "def answer():\n    return 18\nprint(answer())",
    "class answer:\n    value = 18\nprint(answer.value)",
    "def answer():\n    return 18\nans = answer()",
    "def main():\n    print('Answer:', 18)\nprint(main())",
    "answer = ''\nprint(18)", "answer = None\nprint(18)",
    "ans = '  '\ndef solution():\n    return 18",
    "print(18)\nprint('Done')", "print(18)\nprint('Checked 2 times')",
    "print(18)\nprint('Execution time: 0.02 seconds')", "print(18)\nprint(True)",
    "x = 9\nprint('Total:', x * 2)\nprint('-' * 20)", "answer = '18 dollars in 3 days'",
    "print(1.8 * 10 * 1.0000000000000002)", "print('$' + str(0.07 * 100 + 11))",
    "\ufeffanswer = 18", "<|python_tag|>answer = 18", "In [1]: answer = 18\nOut[1]: 18",
    ">>> answer = 18\n>>> answer\n18", "answer = sqrt(324)", "answer = ceil(17.5)",
    "answer = lcm(2, 9)",
    "x = Symbol('x')\nanswer = solve(Eq(2 * x, 36), x)",
    "from sympy import *\nx = symbols('x')\nanswer = linsolve([2 * x - 36], x)",
    "from sympy import *\nx = symbols('x')\nanswer = Eq(2 * x, 36)\nprint(solve(answer)[0])",
    "from sympy import *\nanswer = symbols('answer')\nprint(solve(answer - 18)[0])",
]  # fmt: skip


@pytest.mark.parametrize("text", READ_FROM_PROGRAMS)
def test_programs_are_read_as_models_write_them(sandbox: Sandbox, text: str) -> None:
    (found,) = verify([rationale("pot", text)], QUESTIONS, sandbox)
    assert found.correct, found


@pytest.mark.parametrize(
    "text",
    ["print([5, 18])", "print(5, 18)", "print({'a': 5, 'b': 18})",
     "print('Adults: 5, Children: 18')",
     "print(5, 'or', 18)", "print('3 hours 18 minutes')", "print('16 - 18')",
     "print(complex(5, 18))",
     "answer = '5 or 18'", "answer = '3:18'", "answer = str([5, 18])",
     "answer = [5, 18]\nprint(18)",
     "def solution():\n    return '5 adults and 18 children'",
     "def f():\n    return 18\ndef g():\n    return 5",
     "```python\nprint(18)\n1/0\n```\n```python\nx = 5\n```"],
)  # fmt: skip
def test_several_values_of_a_program_are_not_one(sandbox: Sandbox, text: str) -> None:
    (found,) = verify([rationale("pot", text)], QUESTIONS, sandbox)
    assert not found.correct, found


def test_each_rationale_gets_its_verdict(sandbox: Sandbox) -> None:
    given = [rationale(strategy, text) for strategy, text, _, _ in CASES] * 40
    found = list(verify(given, QUESTIONS, sandbox))
    assert [one.text for one in found] == [one.text for one in given]
    for (_, text, failure, rule), one in zip(CASES * 40, found, strict=True):
        assert (one.failure, one.correct, one.rule) == (failure, failure is None, rule), text


SYMPY = "from sympy import *\nx, y = symbols('x y')\n"
PROGRAMS = [
    ("```python\nanswer = 18\n```", "answer-variable"),
    ("Sure, here it is:\n\n```py\nanswer = 18\n```\nSo she makes $19.", "answer-variable"),
    ("First the eggs.\neggs = 9\nanswer = eggs * 2\nSo it is 18 dollars.", "answer-variable"),
    ("ans = 18", "answer-variable"),
    ("final_answer = '$18.00'", "answer-variable"),
    ("eggs = 9\nprint(eggs * 2)", "last-printed"),
    ("print(9)\nprint('The answer is', 18)", "last-printed"),
    ("def solution():\n    eggs = 9\n    return eggs * 2", "solution-function"),
    ("def solution():\n    return 18\n\nprint(solution())", "solution-function"),
    ("eggs = 9\neggs * 2", "last-value"),
    ("answer = 18\nprint('She makes", "answer-variable"),
    ("answer = 18\n\n# Question: Tom has 4 eggs.\nanswer = 4", "answer-variable"),
    ("# Question: She has 9 eggs.\nanswer = 18", "answer-variable"),
    ("answer = {'x': 18}", "answer-variable"),
    ("answer = [18]", "answer-variable"),
    ("answer = (18,)", "answer-variable"),
    ("from fractions import Fraction\nanswer = Fraction(36, 2)", "answer-variable"),
    ("answer = fractions.Fraction(36, 2)", "answer-variable"),
    ("answer = math.floor(18.7)", "answer-variable"),
    ("answer = 0.1 * 180.00000000000003", "answer-variable"),
    (SYMPY + "answer = solve(Eq(x, 18), x)", "answer-variable"),
    (SYMPY + "answer = solve(Eq(2 * x, 36), x)[0]", "answer-variable"),
    (SYMPY + "answer = solve([Eq(x + y, 18), Eq(y, 0)], [x, y])[x]", "answer-variable"),
    (SYMPY + "answer = solve(Eq(x, 18), x, dict=True)", "answer-variable"),
    (SYMPY + "answer = solve([Eq(x, 18)], [x])", "answer-variable"),
    (SYMPY + "answer = solveset(Eq(x, 18), x)", "answer-variable"),
    (SYMPY + "answer = sqrt(324)", "answer-variable"),
    (SYMPY + "answer = Eq(x, 18)", "answer-variable"),
]  # fmt: skip


def test_programs_as_models_write_them_give_their_answer(sandbox: Sandbox) -> None:
    found = list(verify([rationale("pot", text) for text, _ in PROGRAMS], QUESTIONS, sandbox))
    for (text, rule), one in zip(PROGRAMS, found, strict=True):
        assert (one.failure, one.rule) == (None, rule), text


def test_rules_can_be_switched_off(sandbox: Sandbox) -> None:
    rules = {*RULES, *(rule for _, rule in PROGRAMS)}
    assert set(get_args(RuleName)) == rules
    cot, pot = rationale("cot", "She has 18.\nFinal Answer: 19"), rationale("pot", "print(18)")
    (read,) = verify([cot], QUESTIONS, sandbox, ignore_rules=("final-answer",))
    assert (read.correct, read.rule) == (False, "last-number")
    none = verify([cot, pot], QUESTIONS, sandbox, ignore_rules=rules)
    assert [one.failure for one in none] == [Failure.NO_ANSWER] * 2
    limits = {"seconds": 2, "memory_mb": 512, "output_kb": 16, "workers": 1}
    with pytest.raises(ValueError, match="ignore_rules"):
        VerifySettings.model_validate({**limits, "ignore_rules": ["gut-feeling"]})


def test_an_expression_that_never_ends_is_killed(sandbox: Sandbox) -> None:
    slow, after = verify(
        [rationale("cot", "Final Answer: 10^10^10^10"), rationale("cot", "Final Answer: 18")],
        QUESTIONS,
        sandbox,
    )
    assert slow.correct is False
    assert after.correct is True


def test_an_answer_is_no_instruction_to_math_verify(sandbox: Sandbox) -> None:
    """It looks for an expression in a text and takes the last, or a boxed one."""
    parts = ["5$ $18", "5*5 $$ 18", "$5*5$$ $$18$", "5*5 . 18", "5 ) 18", "5*5 % 18", "5*1 \\$ 18",
             "\\frac{5}{} 18", "5*5 \\[18*1\\] 3"]  # fmt: skip
    whole = ["2 * 9", "\\sqrt{324}", "$\\sqrt{324}$", "2^4 + 2", "36 \\div 2", "$\\frac{36}{2}*1$"]
    given = [rationale("cot", f"Final Answer: {text}") for text in (*parts, *whole)]
    found = list(verify(given, QUESTIONS, sandbox))
    assert [one.text for one in found[: len(parts)] if one.correct] == []
    assert [one.text for one in found[len(parts) :] if not one.correct] == []


@pytest.mark.parametrize(
    ("gold", "equal", "other"),
    [
        ("2\\sqrt{3}", ["2\\sqrt{3}", "\\sqrt{12}", "x = 2\\sqrt 3", "2√3", "\\frac{6}{\\sqrt{3}}"],
         ["2", "3", "3\\sqrt{2}", "a\\sqrt{12}", "2\\sqrt{3}x", "2\\sqrt{3}, 5"]),
        ("\\frac{\\sqrt{2}}{2}", ["\\dfrac{\\sqrt{2}}{2}", "\\frac{1}{\\sqrt2}"], ["\\sqrt{2}"]),
        ("1+\\sqrt[3]{2}", ["\\sqrt[3]{2} + 1"], ["1+\\sqrt{2}", "1"]),
        ("25\\pi", ["25\\pi \\text{ cm}^2", "25π"], ["25", "5\\pi"]),
    ],
)  # fmt: skip
def test_a_root_behind_any_marker_is_compared_with_a_gold_that_has_one(
    sandbox: Sandbox, gold: str, equal: list[str], other: list[str]
) -> None:
    asked = {"q": QUESTIONS["q"].model_copy(update={"answer": gold})}
    for texts, right in ((equal, True), (other, False)):
        for text in texts:
            said = [f"Final Answer: ${text}$", f"so it is \\boxed{{{text}}}", f"#### {text}"]
            for one in verify([rationale("cot", form) for form in said], asked, sandbox):
                assert one.correct is right, one


def test_of_a_truncated_rationale_only_what_is_surely_whole_counts(sandbox: Sandbox) -> None:
    cases = [
        ("cot", "9 * 2 = 18", Failure.TRUNCATED),
        ("cot", "9 * 2 = 18\nFinal Answer: 18", Failure.TRUNCATED),
        ("cot", "9 * 2 = 18\nand then", Failure.TRUNCATED),
        ("cot", "Final Answer: 18\n\nQuestion: Tom has", None),
        ("pot", "answer = 18", Failure.TRUNCATED),
        ("pot", "answer = 18\nprint(", None),
        ("pot", "print(18)\nanswer = 1", None),
    ]
    found = verify([rationale(name, text, truncated=True) for name, text, _ in cases],
                   QUESTIONS, sandbox)  # fmt: skip
    for (_, text, failure), one in zip(cases, found, strict=True):
        assert one.failure is failure, text


def test_an_unknown_question_or_strategy_is_one_clear_line(sandbox: Sandbox) -> None:
    with pytest.raises(UserError, match="'q'"):
        list(verify([rationale("cot", "Final Answer: 18")], {}, sandbox))
    with pytest.raises(UserError, match="unknown strategy 'tot'"):
        list(verify([rationale("tot", "Final Answer: 18")], QUESTIONS, sandbox))


def test_verdicts_come_while_rationales_are_still_written(sandbox: Sandbox) -> None:
    def endless() -> Iterator[Rationale]:
        while True:
            yield rationale("pot", "answer = 18")

    verdicts = verify(endless(), QUESTIONS, sandbox)
    assert next(verdicts).correct


def test_nothing_is_right_without_an_answer_that_was_compared(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def solve(_, texts, *__):
        yield from (Solved(None) for _ in texts)

    monkeypatch.setattr("siked.verification.verify.solve", solve)
    (one,) = verify([rationale("cot", "Final Answer: 18")], QUESTIONS, sandbox)
    assert (one.correct, one.failure) == (False, Failure.NO_ANSWER)
    with pytest.raises(ValueError, match="only an answer"):
        Verdict(None, "final-answer", None)
    for value, failure in ((None, None), ("18", Failure.WRONG)):
        with pytest.raises(ValueError, match="either"):
            Result(value, failure=failure)
    row = {"question_id": "q", "strategy": "cot", "sample": 0, "text": ""}
    for fields in (
        {"correct": True},
        {"correct": True, "predicted": "18", "failure": "wrong"},
        {"correct": False, "predicted": "18"},
    ):
        with pytest.raises(ValueError, match="correct"):
            VerifiedRationale(**row, **fields)
