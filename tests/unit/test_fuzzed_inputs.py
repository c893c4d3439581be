"""Inputs that ``benchmarks/fuzz_verification.py`` found, and that broke something then."""

from __future__ import annotations

import subprocess
import sys

import pytest

from siked.verification.extract import extract

BLANK = ["^\x11#### \x0b**", "Final Answer: \x0b", "A: *\u2003*\n"]


@pytest.mark.parametrize("text", BLANK)
def test_a_blank_answer_is_none(text: str) -> None:
    """A line of odd white space behind a marker was taken for an answer."""
    answer, _ = extract(text)
    assert answer is None or answer.strip()


@pytest.mark.parametrize("piece", ["\\boxed{", "\\frac", "\\sqrt{", "\\text"])
def test_many_commands_are_soon_seen_to_be_no_expression(piece: str) -> None:
    """The pattern for expressions took a time that doubled with every command."""
    code = "import sys; from siked.verification.numbers import read; read(sys.stdin.read())"
    text = ("9" + piece * 30)[:190] + "?"
    subprocess.run([sys.executable, "-c", code], input=text, text=True, check=True, timeout=60)
