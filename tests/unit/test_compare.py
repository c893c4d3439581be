"""An answer counts as right where it is the gold number, and never because it is merely near."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siked.verification.compare import equivalence, expression, judge, same
from siked.verification.numbers import Number

RIGHT = [
    ("18", "18"), ("$18.00", "18"), ("18.0", "18"), ("1,000", "1000"), ("-3", "-3"),
    ("0.5", "1/2"), ("1/2", "0.5"), ("2/4", "0.50"), ("12.50", "12.5"), ("12.5", "12.50"),
    ("33.333333", "33.33"), ("33.3333333333", "33.33"), ("100/3", "33.33"), ("0.333", "0.33"),
    ("12.345", "12.35"), ("12.345", "12.34"), ("-33.333", "-33.33"), ("2.4567", "2.5"),
    ("0.333333333333", "1/3"), ("0.3333", "1/3"), ("66.67", "200/3"), ("-0.66667", "-2/3"),
    ("25%", "25"), ("25%", "0.25"), ("forty-two", "42"), ("\\frac{1}{2}", "0.5"),
]  # fmt: skip
WRONG = [
    ("18", "19"), ("2.6", "3"), ("3.4", "3"), ("2.999", "3"), ("2.9999999", "3"), ("-3", "3"),
    ("2.46", "2.5"), ("2.54", "2.5"), ("33.3", "33.33"), ("33", "33.33"), ("33.34", "33.33"),
    ("33.336", "33.33"), ("33.3", "33.30001"), ("0.33", "1/3"), ("0.67", "2/3"), ("0.666", "2/3"),
    ("66.66", "200/3"), ("0.25", "25"), ("2500%", "0.25"), ("1000001", "1000000"),
    ("123456789012345678", "123456789012345679"), ("1e-9", "0"),
]  # fmt: skip


@pytest.mark.parametrize(("prediction", "gold"), RIGHT)
def test_equal_and_unrounded_answers_are_right(prediction: str, gold: str) -> None:
    assert judge(prediction, gold) is True


@pytest.mark.parametrize(("prediction", "gold"), WRONG)
def test_near_answers_are_wrong(prediction: str, gold: str) -> None:
    assert judge(prediction, gold) is False


numbers = st.builds(
    Number,
    st.fractions(-1000, 1000, max_denominator=1000),
    st.integers(0, 5) | st.none(),
    st.booleans(),
)


@given(numbers, numbers)
def test_equality_is_symmetric(left: Number, right: Number) -> None:
    assert same(left, right) == same(right, left)
    assert same(left, left)
    as_percent = Number(left.value * 100, left.places, percent=True)
    as_part = Number(left.value, left.places)
    assert same(as_percent, as_part)
    assert same(as_part, as_percent)


plain = st.one_of(
    st.integers(-(10**9), 10**9).map(str),
    st.integers(0, 10**9).map(lambda n: f"${n:,}.00"),
    st.decimals(-1000, 1000, places=2).map(str),
    st.tuples(st.integers(-99, 99), st.sampled_from([1, 2, 4, 5, 8, 10])).map(
        "{0[0]}/{0[1]}".format
    ),
    st.integers(0, 10**4).map("{}%".format),
)


@given(plain, plain)
def test_judging_plain_answers_is_symmetric(left: str, right: str) -> None:
    """Of at most two places: only an unrounded answer, which has more, makes gold special."""
    assert judge(left, right) == judge(right, left)
    assert judge(left, left) is True


@given(st.decimals(-(10**6), 10**6, places=6), st.integers(2, 4))
def test_an_unrounded_answer_is_right_for_the_gold_that_it_rounds_to(
    value: object, places: int
) -> None:
    exact = Fraction(str(value))
    gold = round(exact, places)
    written = f"{gold.numerator * 10**places // gold.denominator:+d}"
    sign, digits = written[0], written[1:].rjust(places + 1, "0")
    text = f"{sign.strip('+')}{digits[:-places]}.{digits[-places:]}"
    assert judge(str(value), text) is True
    off = Fraction(text) + Fraction(2, 10**places)
    assert judge(f"{float(off):.{places}f}", text) is False


@pytest.mark.parametrize(
    "text", ["\\sqrt{16}", "2 * 9", "3\\pi", "2^3", "(1 + 2) / 3", "5-3", "2**4", "-(5)"]
)
def test_expressions_go_to_math_verify(text: str) -> None:
    assert judge(text, "18") is None
    assert expression(text) is not None


@pytest.mark.parametrize(
    "text",
    ["", "x + 9", "3, 4", "3:20 pm", "__import__('os')", "no idea", "1" * 300 + "+1", "5'6\"",
     "4 pens and 3 caps", "f(2)", "lambda: 3"],
)  # fmt: skip
def test_prose_and_lists_do_not(text: str) -> None:
    assert expression(text) is None


@given(st.text("0123456789+-*/^(){}\\$%.' \"\n", max_size=80))
def test_the_program_for_math_verify_holds_the_answer_as_data(text: str) -> None:
    found = expression(text)
    if found is not None:
        compile(equivalence(found, "18"), "program", "exec")
        assert equivalence(found, "18").count("\n") == 3
