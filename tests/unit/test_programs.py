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
