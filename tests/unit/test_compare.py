"""An answer counts as right where it is the gold number, and never because it is merely near."""

from __future__ import annotations

import struct
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from siked.verification.compare import are_equal, equivalence, expression, is_readable, judge
from siked.verification.numbers import Number, read

RIGHT = [
    ("18", "18"), ("$18.00", "18"), ("18.0", "18"), ("1,000", "1000"), ("-3", "-3"),
    ("0.5", "1/2"), ("1/2", "0.5"), ("2/4", "0.50"), ("12.50", "12.5"), ("12.5", "12.50"),
    ("33.333333", "33.33"), ("33.3333333333", "33.33"), ("100/3", "33.33"), ("0.333", "0.33"),
    ("12.345", "12.35"), ("12.345", "12.34"), ("-33.333", "-33.33"), ("2.4567", "2.5"),
    ("0.333333333333", "1/3"), ("0.3333", "1/3"), ("66.67", "200/3"), ("-0.66667", "-2/3"),
    ("25%", "25"), ("25%", "0.25"), ("forty-two", "42"), ("\\frac{1}{2}", "0.5"),
    ("110.00000000000001", "110"), ("1998.9999999999998", "1999"), ("-7.000000000000001", "-7"),
    ("0.9999999999999999", "1"), ("5/6", "0.8333333333333334"), ("12.1", "12.100000381469727"),
    ("2476979795053773/2251799813685248", "1.1"), ("33.33%", "1/3"), ("66.67%", "2/3"),
    ("20000000000000000/3", "6666666666666666.67"), ("43", "43.0"), ("3/8", "0.38"),
    ("0.3333333", "0.3333333333333333"), ("33.33", "33.333333333333336"),
    ("2 * 9", "18"), ("√16", "4"),
]  # fmt: skip
WRONG = [
    ("18", "19"), ("2.6", "3"), ("3.4", "3"), ("2.999", "3"), ("2.9999999", "3"), ("-3", "3"),
    ("2.46", "2.5"), ("2.54", "2.5"), ("33.3", "33.33"), ("33", "33.33"), ("33.34", "33.33"),
    ("33.336", "33.33"), ("33.3", "33.30001"), ("0.33", "1/3"), ("0.67", "2/3"), ("0.666", "2/3"),
    ("66.66", "200/3"), ("0.25", "25"), ("2500%", "0.25"), ("1000001", "1000000"),
    ("0.33", "0.3333333333333333"), ("33.34", "33.333333333333336"),
    ("1.001", "1.0000000000000002"),
    ("123456789012345678", "123456789012345679"), ("1e-9", "0"),
    ("42.951", "43.0"), ("17.99999999", "18"), ("33%", "1/3"), ("5-3", "18"), ("4√9", "4"),
    ("123456789012345678.5", "123456789012345679"),
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
    assert are_equal(left, right) == are_equal(right, left)
    assert are_equal(left, left)
    as_percent = Number(left.value * 100, left.places, percent=True)
    as_part = Number(left.value, left.places)
    assert are_equal(as_percent, as_part)
    assert are_equal(as_part, as_percent)


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
    assume(gold.denominator != 1)  # 43.0 counts things
    written = f"{gold.numerator * 10**places // gold.denominator:+d}"
    sign, digits = written[0], written[1:].rjust(places + 1, "0")
    text = f"{sign.strip('+')}{digits[:-places]}.{digits[-places:]}"
    assert judge(str(value), text) is True
    off = Fraction(text) + Fraction(2, 10**places)
    assert judge(f"{float(off):.{places}f}", text) is False


@pytest.mark.parametrize("text", ["\\sqrt{2}", "3\\pi", "(1 + √3) / 3", "4\\sqrt(2)"])
def test_irrational_answers_go_to_math_verify(text: str) -> None:
    assert judge(text, "18") is None
    assert expression(text, "18") is not None


@pytest.mark.parametrize(
    "text",
    ["", "x + 9", "3, 4", "3:20 pm", "__import__('os')", "no idea", "1" * 300 + "+1", "5'6\"",
     "4 pens and 3 caps", "f(2)", "2 * 9"],
)  # fmt: skip
def test_prose_lists_and_plain_numbers_do_not(text: str) -> None:
    assert expression(text, "18") is None


EXPRESSIONS = ["2\\sqrt{3}", "x^2 + 1", "(3, 4)", "p - q", "\\frac{\\pi}{2}", "6 - 5i", "[-2, 7]",
               "(3, \\infty)", "1, -2",
               "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}"]  # fmt: skip


@pytest.mark.parametrize("gold", EXPRESSIONS)
def test_a_gold_that_is_an_expression_is_compared_as_one(gold: str) -> None:
    assert is_readable(gold)
    assert judge(gold, gold) is None
    assert expression(gold, gold) == (read(gold).latex or gold, gold)


@pytest.mark.parametrize(
    "gold", ["", "abc", "A", "3:30", "18 or 19", "x" * 1000, "import os", "John"]
)
def test_a_gold_that_says_no_value_is_unreadable(gold: str) -> None:
    assert not is_readable(gold)
    assert expression("18", gold) is None


@given(st.text("0123456789+-*/^(){}\\$%.' \"\n√π", max_size=80))
def test_the_program_for_math_verify_holds_the_answer_as_data(text: str) -> None:
    for pair in (expression(text, "18"), expression(text, text)):
        if pair is not None:
            compile(equivalence(*pair), "program", "exec")
            assert equivalence(*pair).count("\n") == 3


@given(st.floats(-1e9, 1e9, allow_nan=False).filter(lambda value: abs(value) > 1e-3))
def test_a_float_equals_itself_with_and_without_its_noise(value: float) -> None:
    short = format(value, ".12g")
    assert judge(repr(value), repr(value)) is True
    assert judge(short, repr(value)) is True or float(short) != value
    assert judge(str(Fraction(value)), repr(value)) is True


@given(st.integers(1, 10**6), st.sampled_from([1, 2]))
def test_the_noise_of_a_32_bit_float_is_taken_off_a_gold(units: int, places: int) -> None:
    short = str(Fraction(units, 10**places))
    decimal = f"{units // 10**places}.{units % 10**places:0{places}d}"
    single = struct.unpack("f", struct.pack("f", float(decimal)))[0]
    assume(len(repr(single)) > 12)
    assert judge(decimal, repr(single)) is True
    assert judge(short, repr(single)) is True
