"""Expressions mean what Python means by them, exactly, and nothing else is let in."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siked.questions.arithmetic import evaluate, tidy


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("48/2", "48 / 2"),
        ("5(3-.5)/1,000", "5 * (3 - 0.5) / 1000"),
        ("(-17)+43", "(-17) + 43"),
        ("2**3", "2 ** 3"),
        ("7 //2%3", "7 // 2 % 3"),
        ("3*-2", "3 * -2"),
        ("18.00", "18"),
        ("40(.10)", "40 * 0.1"),
        ("clips_in_may+48", "clips_in_may + 48"),
    ],
)
def test_tidy_writes_one_form(written: str, kept: str) -> None:
    assert tidy(written) == kept


def test_decimals_are_exact() -> None:
    assert evaluate("0.1 + 0.2") == Fraction(3, 10)
    assert evaluate("1 / 3 * 3") == 1


def test_names_stand_for_values() -> None:
    assert evaluate("clips + 48 / 2", {"clips": Fraction(48)}) == 72


@pytest.mark.parametrize(
    "text",
    ["", "1 +", "x", "__import__('os')", "1 / 0", "5 % 0", "2 ** 1000", "2 ** 0.5", "1 < 2", "True",
     "1j", "'a'", "[1]", "1 if 1 else 2", "(" * 500 + "1" + ")" * 500],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        evaluate(text)


literals = st.integers(0, 999).map(str)
expressions = st.recursive(
    literals,
    lambda inner: st.builds(
        lambda a, op, b: f"({a}{op}{b})", inner, st.sampled_from(["+", "-", "*", "//"]), inner
    ),
    max_leaves=8,
)


@given(expressions)
def test_tidying_changes_no_value_and_agrees_with_python(text: str) -> None:
    try:
        expected = eval(text)
    except ZeroDivisionError:
        return
    assert evaluate(text) == expected
    assert evaluate(tidy(text)) == expected
    assert tidy(tidy(text)) == tidy(text)
