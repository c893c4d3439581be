r"""Arithmetic in a stated answer, exactly: ``(20-6)/(4-2)``, ``5(2)``, ``3√4``, ``2 1/2``.

    sum     = product (("+" | "-") product)*
    product = signed (("*" | "/" | "x") signed | "(" sum ")" | root)*
    signed  = ("-" | "+" | "±" | "minus" | "negative")* power
    power   = atom ("^" signed)?
    atom    = number | number number "/" number | number "and a half" | "(" sum ")" | root | "π"

A value that is irrational is kept as LaTeX for Math-Verify. It is written anew from what was read,
so that nothing malformed gets there.
"""

# ruff: noqa: RUF001 - the dashes, quotes and signs are those that models write

import math
import re
from fractions import Fraction
from typing import NamedTuple

from siked.verification.tokens import Kind, Number, Token
from siked.verification.words import divisor, part

_DEEPEST = 30
_MOST_BITS = 3400
_PAIR = re.compile(r"\d{1,15},\d{1,2}")
"""In brackets, a pair: (3,4)."""


class Value(NamedTuple):
    """What stands in some tokens."""

    number: Number | None
    """None where it is irrational, or several values."""
    latex: str | None
    """None where it is several values: a range."""
    end: int = 0
    """The token behind it."""


class UnreadableError(Exception):
    """These tokens are no arithmetic."""


class Arithmetic:
    """Reads arithmetic among tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._closed = closings(tokens)

    def read(self, at: int) -> Value | None:
        """Return the longest value that begins with a token; None where none does."""
        self._at, self._depth = at, 0
        try:
            return self._sum()._replace(end=self._at)
        except UnreadableError:
            return None

    def _sign(self, ahead: int = 0) -> str:
        at = self._at + ahead
        token = self._tokens[at] if at < len(self._tokens) else None
        return token.text if token is not None and token.kind is Kind.SIGN else ""

    def _is(self, kind: Kind, ahead: int = 0) -> bool:
        at = self._at + ahead
        return at < len(self._tokens) and self._tokens[at].kind is kind

    def _glued(self, ahead: int = 0) -> bool:
        """Return whether no blank stands before a token."""
        at = self._at + ahead
        return 0 < at < len(self._tokens) and self._tokens[at - 1].end == self._tokens[at].start

    def _sum(self) -> Value:
        left = self._product()
        while (sign := self._sign()) and sign in "+-—±":
            if sign in "-—" and self._separates(sign):
                break
            ranged = sign in "-—" and self._glued() and self._glued(1) and self._is(Kind.NUMBER, 1)
            begin = self._at
            self._at += 1
            try:
                right = self._product()
            except UnreadableError:
                self._at = begin
                break
            if sign == "±" or (ranged and _less(left, right)):
                left = Value(None, None)  # 10-12, 5 ± 2
            else:
                left = _combined(left, "+" if sign == "+" else "-", right)
        return left

    def _separates(self, sign: str) -> bool:
        """Return whether a dash between blanks parts a value from words: "5 - 2 red and 3 blue"."""
        if self._glued() or self._glued(1):
            return False
        return sign == "—" or (self._is(Kind.NUMBER, 1) and self._is(Kind.WORD, 2))

    def _product(self) -> Value:
        left = self._signed()
        while self._at < len(self._tokens):
            sign, begin = self._sign(), self._at
            token = self._tokens[begin]
            times = token.text in ("x", "X") and (
                self._is(Kind.NUMBER, 1) or self._sign(1) in ("(", "√")
            )
            if times or (sign and sign in "*×·/÷"):
                self._at += 1
            elif not self._multiplies(sign):
                break
            try:
                right = self._signed()
            except UnreadableError:
                self._at = begin
                break
            left = _combined(left, "/" if sign in ("/", "÷") else "*", right)
        return left

    def _multiplies(self, sign: str) -> bool:
        """Return whether what follows is a factor without a sign in front: 5(2), (3) (7), 3√4."""
        if sign in ("(", "["):
            return self._glued() or self._tokens[self._at - 1].text in ")]"
        return sign in ("√", "π")

    def _signed(self) -> Value:
        sign = self._sign()
        word = self._tokens[self._at].text.lower() if self._is(Kind.WORD) else ""
        if sign and sign in "-+—±":
            if self._sign(1) in ("-", "+", "—") or (sign == "—" and not self._glued(1)):
                raise UnreadableError
        elif not (
            word in ("minus", "negative") and (self._is(Kind.NUMBER, 1) or self._sign(1) == "-")
        ):
            return self._power()
        self._at += 1
        inner = self._power()
        if sign == "±":
            return _several()
        return inner if sign == "+" else _negative(inner)

    def _power(self) -> Value:
        base = self._atom()
        if self._sign() != "^":
            return base
        begin = self._at
        self._at += 1
        try:
            negative = self._sign() == "-"
            self._at += negative
            exponent = self._number() if self._is(Kind.NUMBER) else self._atom()
        except UnreadableError:
            self._at = begin
            return base
        return _raised(base, _negative(exponent) if negative else exponent)

    def _atom(self) -> Value:
        if self._is(Kind.NUMBER):
            return self._fraction()
        sign = self._sign()
        if sign in ("(", "["):
            return self._bracket()
        if sign == "√":
            return self._root()
        if sign == "π":
            self._at += 1
            return Value(None, r"\pi")
        raise UnreadableError

    def _bracket(self) -> Value:
        closing = self._closed.get(self._at)
        if closing is None or self._depth >= _DEEPEST:
            raise UnreadableError
        self._depth += 1
        self._at += 1
        try:
            inside = self._sum()
        finally:
            self._depth -= 1
        only = self._at == closing and self._is(Kind.NUMBER, -1) and self._tokens[self._at - 1]
        if self._at != closing:
            raise UnreadableError
        self._at += 1
        if only and _PAIR.fullmatch(only.text):
            return _several()
        return inside

    def _root(self) -> Value:
        self._at += 1
        index = 2
        if self._sign() == "[" and self._is(Kind.NUMBER, 1) and self._sign(2) == "]":
            number = self._tokens[self._at + 1].number
            index = int(number.value) if number else 2
            self._at += 3
        inside = self._number() if self._is(Kind.NUMBER) else self._atom_within()
        return _root(inside, index)

    def _atom_within(self) -> Value:
        """Read what a root applies to; roots of roots count as brackets do."""
        if self._depth >= _DEEPEST:
            raise UnreadableError
        self._depth += 1
        try:
            return self._atom()
        finally:
            self._depth -= 1

    def _number(self) -> Value:
        token = self._tokens[self._at]
        self._at += 1
        return _of(token.number)

    def _whole(self, ahead: int) -> int | None:
        """Return the whole number that a token is, None where it is none."""
        if not self._is(Kind.NUMBER, ahead):
            return None
        number = self._tokens[self._at + ahead].number
        if number is None or number.places != 0 or number.value.denominator != 1:
            return None
        return number.value.numerator

    def _fraction(self) -> Value:
        """Read a number, with the fraction that may follow: "2 1/2", "3 and a half", "2 thirds"."""
        first = self._tokens[self._at]
        whole = self._whole(0)
        if whole is None or first.number is None or first.number.percent:
            return self._number()
        skip = 2 if self._word(1) == "and" else 1
        over, under = self._whole(skip), self._whole(skip + 2)
        if (
            self._sign(skip + 1) == "/"
            and over is not None
            and under
            and not self._glued(skip)
            and not self._tokens[self._at + skip].currency
        ):
            last = self._tokens[self._at + skip + 2].number
            self._at += skip + 3
            percent = last is not None and last.percent
            return _of(Number(whole + Fraction(over, under), None, percent))
        words = [self._word(ahead) for ahead in (2, 3)]
        if self._word(1) == "and" and (more := part([one for one in words if one])):
            self._at += 2 + more[1]
            return _of(Number(whole + more[0], None))
        if (parts := divisor(self._word(1))) is not None and not first.currency:
            self._at += 2
            return _of(Number(Fraction(whole, parts), None))
        return self._number()

    def _word(self, ahead: int) -> str:
        return self._tokens[self._at + ahead].text.lower() if self._is(Kind.WORD, ahead) else ""


def single_letter(word: str) -> bool:
    """Return whether a word is a variable: ``x``, ``y^2``."""
    return word[0] in "xyzXYZ" and (len(word) == 1 or word[1] in "^²³")


def closings(tokens: list[Token]) -> dict[int, int]:
    """Return where the brackets close that do, by where they open."""
    opened: list[int] = []
    closed: dict[int, int] = {}
    for at, token in enumerate(tokens):
        if token.text in ("(", "["):
            opened.append(at)
        elif token.text in (")", "]") and opened:
            closed[opened.pop()] = at
    return closed


def _of(number: Number | None) -> Value:
    """Return a number as a value."""
    if number is None:
        return Value(None, None)
    return Value(number, _latex(number.value / 100 if number.percent else number.value))


def _latex(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"


def _less(left: Value, right: Value) -> bool:
    return bool(left.number and right.number and left.number.value < right.number.value)


def _negative(value: Value) -> Value:
    if value.number is not None:
        number = value.number
        return _of(Number(-number.value, number.places, number.percent))
    return Value(None, None if value.latex is None else f"-({value.latex})")


def _combined(left: Value, sign: str, right: Value) -> Value:
    if left.latex is None or right.latex is None:
        return Value(None, None)
    if left.number is None or right.number is None:
        return Value(None, f"({left.latex}) {_IN_LATEX[sign]} ({right.latex})")
    one, two = left.number, right.number
    if sign == "/" and not two.value:
        return _several()
    if sign == "/" and two.percent and not one.percent:  # 1/2%
        return _of(Number(one.value / two.value, None, percent=True))
    percent = one.percent and two.percent and sign in "+-"
    first, second = (
        number.value / 100 if number.percent and not percent else number.value
        for number in (one, two)
    )
    if sign == "/":
        return _of(Number(first / second, None))
    value = first + second if sign == "+" else first - second if sign == "-" else first * second
    return _of(_made(value, percent=percent))


_IN_LATEX = {"/": r"\div", "+": "+", "-": "-", "*": r"\cdot"}


def _several() -> Value:
    return Value(None, None)


def _made(value: Fraction, *, percent: bool = False) -> Number:
    """Return a value that was computed as a number: with the places that it needs."""
    rest, places = value.denominator, 0
    while places < 40 and rest != 1 and 10**places % value.denominator:
        places += 1
    return Number(value, places if 10**places % value.denominator == 0 else None, percent)


def _raised(base: Value, exponent: Value) -> Value:
    if base.latex is None or exponent.latex is None:
        return _several()
    symbolic = Value(None, f"({base.latex})^{{{exponent.latex}}}")
    if base.number is None or exponent.number is None or base.number.percent:
        return symbolic
    power = exponent.number.value
    if power.denominator > 3 or abs(power) > _MOST_BITS:
        return symbolic if power.denominator > 3 else _several()
    rooted = _root(base, power.denominator) if power.denominator > 1 else base
    if rooted.number is None:
        return symbolic
    value = rooted.number.value
    size = max(value.numerator.bit_length(), value.denominator.bit_length())
    if size * abs(power.numerator) > _MOST_BITS or (not value and power <= 0):
        return _several()
    return _of(_made(Fraction(value**power.numerator)))


def _root(inside: Value, index: int) -> Value:
    if inside.latex is None or index < 2:
        return Value(None, None)
    if inside.number is not None and inside.number.value >= 0:
        value = inside.number.value
        over, under = _exact_root(value.numerator, index), _exact_root(value.denominator, index)
        if over is not None and under is not None:
            return _of(_made(Fraction(over, under)))
    return Value(None, rf"\sqrt[{index}]{{{inside.latex}}}")


def _exact_root(value: int, index: int) -> int | None:
    """Return the whole root of a whole number; None where it has none."""
    if value.bit_length() > _MOST_BITS:
        return None
    low, high = 0, 1 << (value.bit_length() // index + 1)
    if index == 2:
        low = high = math.isqrt(value)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**index <= value else (low, middle - 1)
    return low if low**index == value else None
