"""A number written in any supported way is read as itself, and nothing else is read as a number."""

# ruff: noqa: RUF001 - the dashes, quotes and signs are those that models write

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from siked.verification.numbers import parse, read, read_last

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
    "half a dozen": 6, "one third": "1/3", "3 and a half": "7/2", "3 and a quarter hours": "13/4",
    "3 tenths": "3/10", "none": 0, "no apples": 0, "She has none left.": 0,
    "She has eighteen eggs.": 18, "a score of minus 18.": -18, "is - 18 degrees": -18,
    "2M": 2000000, "$2.5M": 2500000, "5 bn": 5000000000, "3\u20444": "3/4", "1 234": 1234,
    "{3 \\over 4}": "3/4", "0.\\overline{3}": "1/3", "0.(3)": "1/3", "1.2(3)": "37/30",
    "18 zł": 18, "18 4-packs": 18, "18 10-dollar bills": 18, "18 $5 bills": 18,
    "12^{\\text{th}}": 12, "答案是18元": 18, "18个": 18, "3万": 30000, "1\\,234": 1234,
    "11,\\! 111": 11111,
    "\\approx11": 11, "90^\\circ": 90, "-\\frac12": "-1/2", "2\\frac12": "5/2",
    "\\textcolor{red}{18}": 18, "\\bf 18": 18, "18~\\text{dollars}": 18, "<b>18</b>": 18,
    "2 * 9": 18, "5-3": 2, "9 - 9 = 0": 0, "2**3": 8, "10^3": 1000, "-(5)": -5, "5(2)": 10,
    "(3)(7)": 21, "(20-6)/(4-2)": 7, "\\frac{2+3}{4+1}": 1, "√16": 4, "3√4": 6, "9x9": 81,
    "\\sqrt[3]{64}": 4, "\\sqrt 16": 4, "2^{-1}": "1/2", "4^(1/2)": 2, "20% + 5%": 25,
    "x = 18": 18, "Cost = \\$18": 18, "9 + 9 = 18": 18, "P = 2(4 + 5) = 18 cm": 18,
    "3 * 6 = 18, 18 + 2 = 20": 20, "2x = 36, x = 18": 18, "18 = x": 18,
    "18 (3 days)": 18, "18 [9*2]": 18, "5/2 (2.5)": "5/2", "2.5 or 5/2": "5/2", "(A) 18": 18,
    "She has (18)": 18, "18 egg(s)": 18, "Tom (aged 12) has 18": 18, "18 (x = 5)": 18,
    "18: 9 eggs at $2": 18, "18 – 9 eggs at $2": 18, "5 — 2 red": 5, "5; 2 red and 3 blue": 5,
    "Option 2: 18": 18, "Total for 3 days: 18": 18, "Total - 18": 18,
    "18 for 3 days": 18, "73 of the 416 residents": 73, "18 dollars in 3 days": 18,
    "10 each for 3 people, so 30": 30, "7 times 3 is 21": 21, "18 as a percentage of 36 is 50%": 50,
    "one of the 3 boxes": 1, "18, since 20 - 2 = 18": 18, "18. She has 3 days left": 18,
    "18 dollars more than Tom": 18, "no more than 18": 18,
    "3:00 PM": 3, "3:00 P.M.": 3, "11:00am": 11, "\\sfrac{3}{4}": "3/4", "\\nicefrac34": "3/4",
    "\u0661\u066c\u0662\u0665\u0660": 1250, "\u0661\u0662\u066b\u0665": "25/2",
    "eighteen (18)": 18, "two hundred (200) miles": 200, "18, not 12": 18, "18 and not 12": 18,
    "18, not counting the 3 eggs": 18, "therefore 18 dollars for 3 days": 18,
    "She has one left.": 1, "the number one": 1, "only one": 1, "none of the eggs are left": 0,
    "a dozen": 12, "two dozen eggs": 2, "2 dozen eggs": 2, "minus three": -3, "zero": 0,
}  # fmt: skip

NOT_ONE_NUMBER = [
    "", " ", "apples", "x + 9", "5 and 6", "3, 4, 5", "9, 9, 9", "3:20", "3:20 pm", "6:7",
    "3 hours 20 minutes", "6 feet 3 inches", "5'6\"", "1/0", "2/3/4",
    "three or four", "three quarters", "None", "nan", "inf", "1e99999", "9" * 2000, "9" * 100000,
    "3x", "8 x", "-2y", "3:20:00 pm", "12,345,67", "2 and 3", "minus", "a", "fifty-fifty",
    "18 - 5 apples", "5 to 7", "5 to 7 days", "5 days to 7 days", "10-12", "10–12 days", "8 by 5",
    "8 feet by 5 feet", "1 in 6", "5 over 7", "3 out of 4", "between 5 and 7", "5 ± 2", "9 × eggs",
    "x = 5, y = 7", "x=5 and y=7", "Adults: 5, Children: 18", "18 for Tom, 19 for Ann",
    "18 on Monday, 19 on Tuesday", "18 for 3 days and 20 for 4 days", "[5, 18]", "(3,4)", "5 18",
    "half of 36", "twice as many as 9", "five more than 13", "three times 6", "9 squared",
    "9 times two", "3 less than 21", "50% of 36", "x > 17", "x < 18", "more than 18", "not 18",
    "2x = 36", "3x + 4y + 14=0", "x + 5 = 18", "3h30", "5m20s", "3 r2", "3r2", "6ft2", "6ft2in",
    "2024-03-18", "12/25/2024", "1.2.3", "2516_8", "f(2)", "(3*unknown + 8)/2", "18 +", "4^x",
    "18 red and there are 19 blue", "no answer", "no solution", "+", "2^9999", "0^-1", "5/(3-3)",
    "±18", "x = \\pm 18", "18 March", "eighteen (20)", "18, not 12 but 20", "a\\sqrt{4}",
    "this one", "the red one", "the second one", "no one is left", "none of the above",
    "(E) none of these", "none of the options", "no integer solution", "No, Tom", "No. Never.",
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


SIZES = {"hundred": 100, "thousand": 1000, "lakh": 10**5, "million": 10**6, "crore": 10**7,
         "billion": 10**9, "trillion": 10**12}  # fmt: skip


@given(st.integers(2, 999), st.sampled_from(list(SIZES)), st.sampled_from(["", "s"]), st.booleans())
def test_a_size_counts_in_the_plural_and_in_words_too(
    count: int, size: str, plural: str, said: bool
) -> None:
    small = count % 98 + 2
    number = parse(f"{words(small) if said else count} {size}{plural} dollars")
    assert number is not None
    assert number.value == (small if said else count) * SIZES[size]


@given(st.integers(1, 10**4), st.sampled_from(["or", "=", "(", ", or"]), st.booleans())
def test_a_percent_beside_its_own_part_is_one_value(
    percent: int, between: str, first: bool
) -> None:
    sides = [f"{percent}%", str(Fraction(percent, 100))]
    one, two = sides if first else sides[::-1]
    number = parse(f"{one} {between} {two}{')' if between == '(' else ''}")
    assert number is not None
    part = number.value / 100 if number.percent else number.value
    assert part == Fraction(percent, 100)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_as_python_writes_it_is_read_exactly(value: float) -> None:
    number = parse(repr(value))
    assert number is not None
    assert number.value == Fraction(repr(value))


@given(st.text(max_size=300) | st.text("0123456789.,-/ $%xe()[]{}^√=:\\", max_size=300))
def test_no_text_makes_reading_fail(text: str) -> None:
    found = read(text)
    assert found.number is None or read(found.text).number == found.number
    read_last(text)


@pytest.mark.parametrize("text", READ)
def test_the_part_that_is_the_value_says_it_alone(text: str) -> None:
    number = parse(read(text).text)
    assert number is not None
    assert number.value == Fraction(READ[text])


LAST: dict[str, int | str | None] = {
    "She makes 9 * 2 = $18 every day.": 18, "9 * 2 = 18 for 3 days.": 18, "So it is 2^{5}.": 32,
    "She used \\(\\frac{3}{4}\\) cup of sugar.": "3/4", "She paid \\(1{,}234\\) dollars.": 1234,
    "So the speed is 18 m/s^2.": 18, "The area is \\(18 \\text{ cm}^2\\).": 18,
    "Tom has 18 apples in 3 bags.": 3, "She has 9. Then 18. So none is lost.": 18,
    "The total is:\n\n- 18 eggs": 18, "The total is:\n– $18": 18, "The rest is:\n-18": -18,
    "The balance is:\n- -18 dollars": -18, "She gets 5 - 23 = - 18": -18,
    "He gets 3 hours 20 minutes.": None, "He arrives at 3:20 pm.": None, "The ratio is 3:5.": None,
    "It takes 10-12 days.": None, "It is on 2024-03-18.": None, "She drove for 3h30.": None,
    "32768 feet * 2 =": None, "we get 33 + x = 2x + x": None,
}  # fmt: skip


@pytest.mark.parametrize("text", LAST)
def test_the_last_number_of_a_text_is_no_part_of_another(text: str) -> None:
    found = read_last(text)
    assert found is not None
    value = LAST[text]
    assert found.number is None if value is None else found.number.value == Fraction(value)


def test_a_text_without_digits_has_no_last_number() -> None:
    assert read_last("She has eighteen eggs.") is None


IRRATIONAL = {
    "4\\sqrt(2)": r"(4) \cdot (\sqrt[2]{2})", "2\\pi": r"(2) \cdot (\pi)",
    "\\frac{\\sqrt{3}}{2}": r"(\sqrt[2]{3}) \div (2)", "1 + √2": r"(1) + (\sqrt[2]{2})",
}  # fmt: skip


@pytest.mark.parametrize("text", IRRATIONAL)
def test_what_is_irrational_is_written_anew_and_whole(text: str) -> None:
    found = read(text)
    assert (found.number, found.latex) == (None, IRRATIONAL[text])


arithmetic = st.recursive(
    st.integers(0, 99).map(lambda n: (str(n), Fraction(n)))
    | st.tuples(st.integers(0, 99), st.integers(1, 9)).map(
        lambda pair: (f"\\frac{{{pair[0]}}}{{{pair[1]}}}", Fraction(*pair))
    ),
    lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "\\times", "\\cdot"]), inner).map(
        lambda made: (
            f"({made[0][0]} {made[1]} {made[2][0]})",
            made[0][1] + made[2][1]
            if made[1] == "+"
            else made[0][1] - made[2][1]
            if made[1] == "-"
            else made[0][1] * made[2][1],
        )
    ),
    max_leaves=8,
)


@given(arithmetic, arithmetic)
def test_arithmetic_is_exact(left: tuple[str, Fraction], right: tuple[str, Fraction]) -> None:
    for text, value in (
        (f"{left[0]} + {right[0]}", left[1] + right[1]),
        (f"({left[0]})({right[0]})", left[1] * right[1]),
        (f"$\\frac{{{left[0]} + 1}}{{7}}$", (left[1] + 1) / 7),
    ):
        number = parse(text)
        assert number is not None
        assert number.value == value


TWO_VALUES = [
    "{a} to {b}", "{a}-{b} days", "{a} or {b}", "{a} and {b}", "{a}, {b}", "x = {a}, y = {b}",
    "{a} hours {b} minutes", "{a} for Tom, {b} for Ann", "[{a}, {b}]", "Adults: {a}, Children: {b}",
    "{a} in {b}", "{a} by {b}", "{a} adults and {b} children", "{a}:{b}", "x={a} and y={b}",
    "between {a} and {b}", "{a}h{b}", "{a} r{b}", "half of {a}, or {b}", "{a} out of {b}",
]  # fmt: skip
LAYOUT = ["{}", "**{}**", "${}$", "\\({}\\)", "\\boxed{{{}}}", "`{}`", "<b>{}</b>", "> {}", "_{}_"]


@given(
    st.integers(1, 99), st.integers(100, 999), st.sampled_from(TWO_VALUES), st.sampled_from(LAYOUT)
)
def test_two_values_are_not_one(low: int, high: int, form: str, layout: str) -> None:
    assert parse(layout.format(form.format(a=low, b=high))) is None


ONE_VALUE = [
    "{}", "Janet makes {} every day at the market", "x = {}", "9 + 9 = {}", "Total: {}",
    "{} dollars for 3 days", "{} (3 days)", "{}, since 9 times 2 is that",
    "the total is {} per day/shift", "5 per day for 4 days is {}", "10 each for 3 people, so {}",
    "{} 4-packs", "Option 2: {}",
    "{}. She has 3 days left.", "{}: 9 eggs at 2 dollars", "Tom - the winner - has {}",
    "答案是{}元", "{} square feet (ft^2)", "{} of the 416 residents", "\\text{{Cost}} = {}",
    "It is {}!",
]  # fmt: skip


@given(
    written_numbers().filter(lambda pair: not any(sign in pair[0] for sign in "*`\\=(\n"))
    | st.integers(0, 10**6).map(lambda n: (f"**{n}**", Fraction(n))),
    st.sampled_from(ONE_VALUE),
)
def test_a_sentence_with_one_answer_has_it(written: tuple[str, Fraction], form: str) -> None:
    text, value = written
    assume(not (" " in text.strip() and form == "{} 4-packs"))  # 1 234 4-packs says either
    number = parse(form.format(text.strip().rstrip(".")))
    assert number is not None
    assert number.value == value


def in_han(value: int) -> str:
    """Write a number below 10^12 as Chinese does."""
    if value >= 10**4:
        size, sign = (10**8, "亿") if value >= 10**8 else (10**4, "万")
        high, low = divmod(value, size)
        gap = "零" if low and low < size // 10 else ""
        return in_han(high) + sign + gap + (in_han(low) if low else "")
    written, left = "", value
    for size, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, left = divmod(left, size)
        if digit:
            written += "零一二三四五六七八九"[digit] + sign
        elif written and left and written[-1] != "零":
            written += "零"
    return (written.rstrip("零") or "零").removeprefix("一" if 10 <= value < 20 else " ")


@given(
    st.one_of(st.integers(0, 99_999), st.integers(0, 10**12 - 1)),
    st.sampled_from(["{}", "{}个。", "答案是{}元", "共有{}个苹果", "{} 只"]),
)
def test_chinese_numbers_in_words_are_read(value: int, frame: str) -> None:
    number = parse(frame.format(in_han(value)))
    assert number is not None
    assert number.value == value


@given(st.integers(1, 9999), st.integers(1, 9), st.sampled_from("万萬億亿"))
def test_mixed_digits_and_sizes_are_one_number(high: int, low: int, sign: str) -> None:
    size = 10**4 if sign in "万萬" else 10**8
    number = parse(f"{high}{sign}{low}千")
    assert number is not None
    assert number.value == high * size + low * 1000


@pytest.mark.parametrize(
    "text",
    ["一共18个", "一个人有18个", "万一是18", "千万不要忘记18个", "18千克", "18百分点", "第一, 18"],
)
def test_signs_of_numbers_in_chinese_words_are_none(text: str) -> None:
    number = parse(text)
    assert number is not None
    assert number.value == 18


@given(
    st.integers(2, 10**6),
    st.sampled_from(
        [
            "square root of {}", "the square of {}", "the cube of {}", "{} plus x", "{} minus y",
            "log {}", "$\\log_{{2}} {}$", "$\\sin {}$", "not equal to {}", "x^2 = {}", "x² = {}",
            "$\\frac{{{}}}{{x}}$", "{}/(x + 1)", "${}i$", "{}n", "{}x", "x + {}",
        ]
    ),
)  # fmt: skip
def test_a_part_of_an_expression_is_no_value(value: int, form: str) -> None:
    assert parse(form.format(value)) is None


@given(
    st.integers(100, 10**6),
    st.integers(2, 99),
    st.sampled_from(
        [
            "Janet earns *${0}* a day.", "She has *{0}* of them.", "{0} in {1} days",
            "{0} in {1} hours", "{1} each for {1} people, {0} in total", "{1} each, {0} altogether",
            "{1} boxes of {1}, which makes {0}", "{1} bags of {1}, which is {0} in all",
        ]
    ),
)  # fmt: skip
def test_a_phrase_with_another_number_in_it_has_its_result(
    value: int, other: int, form: str
) -> None:
    number = parse(form.format(value, other))
    assert number is not None
    assert number.value == value


@pytest.mark.parametrize("text", ["1 in 6", "5 in 7 people", "18 in 3", "5 out of 7"])
def test_odds_are_no_value(text: str) -> None:
    assert parse(text) is None
