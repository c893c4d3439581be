"""A number written in any supported way is read as itself, and nothing else is read as a number."""

# ruff: noqa: RUF001 - the dashes, quotes and signs are those that models write

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siked.verification.numbers import parse, scan

READ: dict[str, int | str] = {
    "18": 18, "18.": 18, "18.00": 18, "+18": 18, "0.5": "1/2", ".5": "1/2", "-5": -5, "- 5": -5,
    "\u22127": -7, "\u20137": -7, "\u20147": -7, "\u20117": -7, "-$5": -5, "$-5": -5,
    "$1,234.50": "2469/2", "1,234,567.89": "123456789/100", "1,00,000": 100000,
    "1.234,56": "30864/25", "1.234.567": 1234567, "12,5": "25/2", "€18,50": "37/2",
    "1 234 567": 1234567, "1\u00a0234": 1234, "1\u202f234,5": "2469/2", "1'234": 1234,
    "1.234": "617/500", "US$ 5": 5, "USD 18": 18, "18€": 18, "18 $": 18,
    "3/4": "3/4", "-3/4": "-3/4", "2 1/2": "5/2", "½": "1/2", "2½": "5/2", "-2½": "-5/2",
    "1/2 cup": "1/2", "25%": 25, "12 1/2%": "25/2", "50 percent": 50,
    "1.5e3": 1500, "1e-05": "1/100000", "1E+2": 100, "1.8 x 10^3": 1800, "2 × 10⁻³": "1/500",
    "2\\times10^{3}": 2000, "2.5 million": 2500000, "-1.8 billion": -1800000000, "$5k": 5000,
    "\\frac{1}{2}": "1/2", "\\dfrac{3}{4}": "3/4", "\\frac12": "1/2", "2\\frac{1}{2}": "5/2",
    "$18$": 18, "\\$18": 18, "18\\%": 18, "\\text{18 apples}": 18, "\\boxed{18}": 18,
    "$\\boxed{18}$": 18, "18\\text{ cm}^2": 18, "1{,}234": 1234, "\\(18\\)": 18,
    "**18**": 18, "**18** apples": 18, "`18`": 18, "_18_": 18, "(18)": 18, "= 18": 18, "~18": 18,
    "18 dollars.": 18, "18 km/h": 18, "10 m^2": 10, "10 °C": 10, "100 cm²": 100, "18!": 18,
    "$18 per day": 18, "18 (eighteen)": 18,
    "eighteen": 18, "Forty-two": 42, "twenty five dollars": 25, "one hundred and five": 105,
    "one thousand two hundred thirty-four": 1234, "two and a half": "5/2", "half": "1/2",
    "a hundred": 100, "a thousand dollars": 1000, "two-thirds": "2/3", "minus one-half": "-1/2",
    "three-fourths of a cup": "3/4", "a third": "1/3", "one hundred twenty thousand": 120000,
    "\uff11\uff18": 18, "\uff04\uff11\uff18": 18, "\u0661\u0668": 18, "18\u3000": 18,
    "₹18": 18, "R$ 18": 18, "C$18": 18, "₩1,800": 1800, "18¢": 18, "INR 18": 18, "Rs. 18": 18,
    "minus 5": -5, "negative $5": -5, "2 and 1/2 cups": "5/2", "1 234,5": "2469/2",
    "1.8*10**3": 1800, "2:00 pm": 2, "11:00 a.m.": 11, "18 °C…": 18, "$$18$$": 18, "{18}": 18,
    "\\mathbf{18}": 18, "\\boxed{\\text{18 apples}}": 18, "\\underline{18}": 18, "18 boxes": 18,
    "a dozen": 12, "two dozen eggs": 2, "2 dozen eggs": 2, "minus three": -3, "zero": 0,
}  # fmt: skip

NOT_ONE_NUMBER = [
    "", " ", "apples", "x + 9", "5 and 6", "3, 4, 5", "9, 9, 9", "3:20", "3:20 pm", "6:7",
    "3 hours 20 minutes", "6 feet 3 inches", "5'6\"", "5-3", "2 * 9", "9 - 9 = 0", "1/0", "2/3/4",
    "three or four", "three quarters", "None", "nan", "inf", "1e99999", "9" * 2000, "9" * 100000,
    "3x", "8 x", "-2y", "2**3", "10^3", "3:20:00 pm", "half a dozen", "one third", "12,345,67",
    "2 and 3", "minus", "a", "fifty-fifty", "-(5)", "18 - 5 apples",
    "4 onions and 3 potatoes", "\\sqrt{2}", "\\frac{x}{2}", "--5", "1 2 3", "-", "$", "%", "**",
]  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_forms_that_models_write_are_read(text: str) -> None:
    number = parse(text)
    assert number is not None
    assert number.value == Fraction(READ[text])


@pytest.mark.parametrize("text", NOT_ONE_NUMBER)
def test_what_is_not_one_number_is_not_read(text: str) -> None:
    assert parse(text) is None


def test_places_and_percent_are_kept() -> None:
    written = {"33.30": (2, False), "33": (0, False), "1/3": (None, False), "2.5%": (1, True),
               "1,234.5": (1, False), "1.25e1": (1, False), "1e-5": (5, False)}  # fmt: skip
    for text, expected in written.items():
        number = parse(text)
        assert number is not None
        assert (number.places, number.percent) == expected


def grouped(digits: str, separator: str) -> str:
    """Digits in groups of three."""
    head = len(digits) % 3
    groups = [digits[:head]] if head else []
    groups += [digits[at : at + 3] for at in range(head, len(digits), 3)]
    return separator.join(groups)


@st.composite
def written_numbers(draw: st.DrawFn) -> tuple[str, Fraction]:
    """A number and one way to write it."""
    whole = str(draw(st.integers(0, 10**12)))
    decimals = draw(st.sampled_from(["", "5", "50", "25", "07", "123", "00"]))
    negative = draw(st.booleans())
    value = Fraction(int(whole + decimals), 10 ** len(decimals))
    separator, mark = draw(
        st.sampled_from([("", "."), (",", "."), ("\u202f", "."), ("_", "."), ("'", ".")])
        if len(decimals) not in (1, 2)
        else st.sampled_from([("", "."), (",", "."), (".", ","), ("\u00a0", ",")])
    )
    text = grouped(whole, separator) + (mark + decimals if decimals else "")
    sign = draw(st.sampled_from("-\u2212\u2013\u2014")) if negative else ""
    text = draw(
        st.sampled_from(
            ["{}{}", "{}${}", "**{}{}**", "{}{} apples", "{}{}.", "\\boxed{{{}{}}}", "${}{}$",
             "{}{} dollars per day", "$\\text{{{}{} cm}}$", " {}{}\n", "`{}{}`", "= {}{}",
             "{}{} km/h", "{}{} (in total)"]
        )
    ).format(sign, text)  # fmt: skip
    return text, -value if negative else value


@given(written_numbers())
def test_a_formatted_number_is_read_as_itself(written: tuple[str, Fraction]) -> None:
    text, value = written
    number = parse(text)
    assert number is not None
    assert number.value == value


@given(st.integers(1, 999), st.integers(1, 999), st.integers(0, 99), st.booleans())
def test_a_fraction_is_read_as_itself(over: int, under: int, whole: int, latex: bool) -> None:
    fraction = f"\\frac{{{over}}}{{{under}}}" if latex else f"{over}/{under}"
    number = parse(f"{whole} {fraction}" if whole else fraction)
    assert number is not None
    assert number.value == whole + Fraction(over, under)


@given(st.integers(1, 999), st.integers(0, 99), st.integers(-20, 20), st.integers(0, 3))
def test_scientific_notation_is_read_as_itself(
    whole: int, decimals: int, power: int, form: int
) -> None:
    mantissa = f"{whole}.{decimals:02d}"
    text = (
        f"{mantissa}e{power}",
        f"{mantissa} x 10^{power}",
        f"${mantissa} \\times 10^{{{power}}}$",
        f"{mantissa}*10**{power}",
    )[form]
    number = parse(text)
    assert number is not None
    assert number.value == Fraction(mantissa) * Fraction(10) ** power


ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
]  # fmt: skip
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def words(number: int) -> str:
    """A number below a thousand million in words."""
    for size, name in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = number % size
            return f"{words(number // size)} {name}" + (f" {words(rest)}" if rest else "")
    if number < len(ONES):
        return ONES[number]
    ten, one = divmod(number, 10)
    return TENS[ten - 2] + (f"-{ONES[one]}" if one else "")


@given(st.integers(0, 10**9 - 1), st.booleans(), st.sampled_from(["", " dollars", "."]))
def test_a_number_in_words_is_read_as_itself(value: int, negative: bool, unit: str) -> None:
    number = parse(("minus " if negative else "") + words(value) + unit)
    assert number is not None
    assert number.value == (-value if negative else value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_as_python_writes_it_is_read_exactly(value: float) -> None:
    number = parse(repr(value))
    assert number is not None
    assert number.value == Fraction(repr(value))


@given(st.text(max_size=300) | st.text("0123456789.,-/ $%xe()\\{}", max_size=300))
def test_no_text_makes_reading_fail(text: str) -> None:
    parse(text)
    for found, at in scan(text):
        assert found in text[at:]


def test_numbers_in_running_text() -> None:
    text = "So x2 is 10-4 = 6, $1,234.50 for 3/4 of -5, (2)-3, 9x9=81, A1: 7. US$8 and 12.5%."
    assert [found for found, _ in scan(text)] == [
        "10", "4", "6", "$1,234.50", "3/4", "-5", "2", "3", "9", "81", "7", "$8", "12.5%",
    ]  # fmt: skip
