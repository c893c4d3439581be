"""Gold answers keep their exact value and digits; what is not one number is refused."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siked.questions.gold import exact, gold, plain


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("72", "72"),
        ("1,000", "1000"),
        (" 12,345,678 ", "12345678"),
        ("9 (apples)", "9"),
        ("3 (sq. ft)", "3"),
        ("12.50", "12.50"),
        (".5", "0.5"),
        ("$18", "18"),
        ("-5", "-5"),
        ("\u22127", "-7"),
        ("3/7", "3/7"),
        ("4/8", "4/8"),
        ("1 1/2", "3/2"),
        ("-1 1/2", "-3/2"),
        ("€5", "5"),
        ("12 figs", "12"),
        ("½", "1/2"),
        ("2½", "5/2"),
        ("\u20135", "-5"),
        ("+5", "5"),
        ("1E+06", "1000000"),
        ("$-5", "-5"),
        ("#### 12", "12"),
        ("12\u200b", "12"),
        ("\\frac{3}{4}", "3/4"),
        ("\\$32,\\!348", "32348"),
        ("10\\%", "10%"),
        ("90^\\circ", "90"),
        ("12.100000381469727", "12.1"),
        ("0.8333333333333334", "0.8333333333333334"),
        ("She makes 9 * 2 = 18 dollars", "18"),
        ("1.50", "1.50"),
    ],
)
def test_one_number_is_kept_exactly(said: str, kept: str) -> None:
    assert gold(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "6:7",
        "John",
        "45; 15",
        "45 (years); 15 (years)",
        "",
        "3/0",
        "18 or 19",
        "12:30 p.m.",
        "1-2",
    ],
)
def test_what_is_not_one_number_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match=r"^(not one number|divides by zero): "):
        gold(said)


@given(st.fractions())
def test_a_written_value_reads_back_equal(value: Fraction) -> None:
    assert exact(plain(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_decimals_are_written_as_decimals(value: object) -> None:
    assert "/" not in plain(Fraction(str(value)))
