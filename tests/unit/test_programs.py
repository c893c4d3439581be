"""The program is found in what models write around it."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siked.verification.programs import read

CODE = "eggs = 16 - 3 - 4\nprice = 2  # dollars\n\nanswer = eggs * price"
WRAPPED = {
    "bare": CODE,
    "fenced": f"```python\n{CODE}\n```",
    "fenced without language": f"```\n{CODE}\n```",
    "prose around a fence": f"Here is the program:\n\n```python\n{CODE}\n```\nSo she makes $18.",
    "fence that is not closed": f"```py\n{CODE}\n",
    "fence opened by the prompt": f"{CODE}\n```\nThis prints 18.",
    "in two blocks": "```python\neggs = 16 - 3 - 4\nprice = 2  # dollars\n```\nand then\n"
    "```python\nanswer = eggs * price\n```",
    "output shown": f"```python\n{CODE}\n```\nOutput:\n```text\n19\n```",
    "prose before": f"Let me write a program for this.\n{CODE}",
    "prose behind": f"{CODE}\nSo the farmer makes 18 dollars a day.",
    "indented": "\n".join(f"    {line}" for line in CODE.split("\n")),
    "interactive": "\n".join(f">>> {line}" for line in CODE.split("\n") if line),
    "Windows line ends": CODE.replace("\n", "\r\n"),
    "run on": f"{CODE}\n\nQuestion: Tom has 4 eggs.\n# Python code\nanswer = 4",
    "run on behind a fence": f"```python\n{CODE}\n```\n\nQuestion: Tom?\n```py\nanswer = 4\n```",
    "end of turn": f"{CODE}<|im_end|>\nanswer = 4",
    "run on in a comment": f"{CODE}\n\n# Question: Tom has 4 eggs.\nanswer = 4",
    "own question in a comment": f"# Question: How much?\n{CODE}",
    "end of turn behind the last line": f"{CODE}</s>",
    "end of turn behind a fence": f"```py\n{CODE}\n```<|end_of_text|>```py\nanswer = 4\n```",
    "fence closed behind the last line": f"```python\n{CODE}```\nSo she makes $18.",
    "language of a fence in the prompt": f"python\n{CODE}\n```",
    "a blank in front": f" {CODE}",
    "blank lines and a blank in front": f"\n\n  {CODE}",
    "indented but for the first line": CODE.replace("\n", "\n    "),
    "typographic quotes": f"{CODE}\nname = “x”",
}


def first_that_is_python(text: str) -> str:
    for source in read(text).sources:
        try:
            ast.parse(source)
        except SyntaxError:
            continue
        return source
    pytest.fail(f"none of the readings is Python: {read(text).sources}")


@pytest.mark.parametrize("name", WRAPPED)
def test_the_program_is_found(name: str) -> None:
    space: dict[str, object] = {}
    exec(first_that_is_python(WRAPPED[name]), space)
    assert space["answer"] == 18


@pytest.mark.parametrize(
    "label",
    ["**Question 2:** Tom has 4.", "### Example 2\nTom has 4.", "Exercise 2: Tom has 4.",
     "Now let's solve another problem. Tom has 4.", "### Follow-up Question\nTom has 4.",
     "## Your task: Tom has 4.", "Practice problem: Tom has 4."],
)  # fmt: skip
@pytest.mark.parametrize(
    "code", [CODE, "eggs = 9\nprint(eggs * 2)", "def solution():\n    return 18"]
)
def test_the_program_of_another_problem_is_not_run(label: str, code: str) -> None:
    text = f"```python\n{code}\n```\nSo it is 18.\n\n{label}\n\n```python\nanswer = 4\n```"
    assert read(text).sources[0] == code
    assert read(text).blocks == ()


def test_own_questions_in_blocks_are_one_program() -> None:
    parts = [f"**Question {n}:** How much?\n```python\nprint({n * 9})\n```" for n in (1, 2)]
    assert read("\n\n".join(parts)).sources[0] == "print(9)\n\nprint(18)"
    open_end = "```python\neggs = 9\n```\n\n**Task 2:** money\n```python\nanswer = eggs * 2\n```"
    assert "answer" in read(open_end).sources[0]
    called = (
        "```python\ndef f(n):\n    return n * 2\n```\n### Example:\n```python\nanswer = f(9)\n```"
    )
    assert "answer" in read(called).sources[0]


@pytest.mark.parametrize(
    "text",
    ["eggs = 9\n    return eggs * 2",
     "eggs = 9\n    if eggs:\n        return eggs * 2\n    return 0",
     "eggs = 9\n\treturn eggs * 2"],
)  # fmt: skip
def test_a_body_that_lost_the_indentation_of_its_first_line_is_a_function(text: str) -> None:
    space: dict[str, object] = {}
    exec(first_that_is_python(text), space)
    assert space["solution"]() == 18  # type: ignore[operator]


def test_a_solution_function_stays_whole() -> None:
    text = "Sure!\n\ndef solution():\n    eggs = 9\n\n    return eggs * 2\n\nThis gives 18."
    space: dict[str, object] = {}
    exec(first_that_is_python(text), space)
    assert space["solution"]() == 18  # type: ignore[operator]


def test_a_broken_line_within_a_program_is_not_mended() -> None:
    program = read("eggs = 9\nnow we multiply by 2\nanswer = eggs")
    for source in program.sources:
        with pytest.raises(SyntaxError):
            ast.parse(source)


def test_the_answers_variable_can_be_named() -> None:
    assert read(CODE, "price").names == ("price",)
    assert read(CODE).names[0] == "answer"


@given(st.text(max_size=300) | st.text("`~\n\t #>.=()'\"pyans0:", max_size=300))
def test_no_text_makes_reading_fail(text: str) -> None:
    assert read(text).sources


PIECES = ("```\n", "a ", "a = ", ">>> ", "(", "\n", " ", "def ", "Q:\n", "# Q:\n", "answer = 1\n")
LONG = """
import sys
from siked.verification.programs import read
for piece in eval(sys.stdin.read()):
    read(piece * (200_000 // len(piece)))
"""


def test_long_texts_end_soon() -> None:
    """It takes a second or two; reading in quadratic time would take minutes."""
    subprocess.run(
        [sys.executable, "-c", LONG], input=repr(PIECES), text=True, check=True, timeout=120
    )
