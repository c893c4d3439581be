"""Arithmetic written as text, evaluated exactly: the expressions of worked solutions.

    >>> tidy("5(3-.5)/1,000")
    '5 * (3 - 0.5) / 1000'
    >>> evaluate("clips_in_may + 48/2", {"clips_in_may": Fraction(48)})
    Fraction(72, 1)

Numbers, names, ``+ - * / // % **`` and parentheses, with Python's meaning; nothing else.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction

from siked.questions.gold import plain

LITERAL = re.compile(r"\d[\d,]*(?:\.\d*)?|\.\d+")
_TOKEN = re.compile(rf"(?:{LITERAL.pattern})|[A-Za-z_]\w*|\*\*|//|[-+*/%()]|\s+")
_ALONE = re.compile(r"\(([\w.]+)\)")
_BINARY: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction | int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_LARGEST_EXPONENT = 100
_MOST_BITS = 10_000


def tokens(expression: str) -> list[str]:
    """Return the numbers, names, operators and parentheses of an expression, numbers in plain form.

    A number or a closing parenthesis directly before an opening one gets its ``*``.

    Raises:
        ValueError: the text has something else in it.
    """
    found: list[str] = []
    position = 0
    for match in _TOKEN.finditer(expression):
        if match.start() != position:
            break
        position = match.end()
        piece = match[0].strip()
        if not piece:
            continue
        if is_number(piece):
            piece = plain(literal(piece))
        if piece == "(" and found and (found[-1] == ")" or is_number(found[-1])):
            found.append("*")
        found.append(piece)
    if position != len(expression):
        raise ValueError(f"{expression!r} is not arithmetic")
    return found


def literal(text: str) -> Fraction:
    """Return the value of a number as ``LITERAL`` finds it: ``1,000``, ``.5``, ``7.``."""
    return Fraction(text.replace(",", "").rstrip("."))


def is_number(token: str) -> bool:
    """Return whether a token is a number."""
    return token[0].isdigit() or token[0] == "."


def join(parts: list[str]) -> str:
    """Return tokens as an expression: a space around each binary operator, none elsewhere."""
    text = ""
    previous = "("
    for token in parts:
        is_operator = token[0] in "+-*/%"
        if is_operator and (previous == "(" or previous[0] in "+-*/%"):
            text += token
            previous = "("  # a sign: no space follows
            continue
        text += f" {token} " if is_operator else token
        previous = token
    return text


def tidy(expression: str) -> str:
    """Return an expression in the one form that this project writes.

    Raises:
        ValueError: the text is not an expression.
    """
    text = _ALONE.sub(r"\1", join(tokens(expression)))
    parse(text)
    return text


def parse(expression: str) -> ast.expr:
    """Return the syntax tree of an expression.

    Raises:
        ValueError: the text is not an expression.
    """
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"{expression!r} is not arithmetic") from None


def evaluate(expression: str, names: Mapping[str, Fraction] | None = None) -> Fraction:
    """Return the exact value of an expression.

    Raises:
        ValueError: it is not arithmetic, names something unknown, divides by zero, or has an
            exponent that is not a whole number of at most 100.
    """
    text = expression.strip()
    try:
        return _value(parse(text), text, names or {})
    except ZeroDivisionError:
        raise ValueError(f"{expression!r} divides by zero") from None
    except RecursionError:
        raise ValueError(f"{expression!r} is too deep") from None


def _value(node: ast.expr, text: str, names: Mapping[str, Fraction]) -> Fraction:
    match node:
        case ast.Constant(value=int() | float()):
            # The digits, not the float that Python made of them.
            return Fraction(text[node.col_offset : node.end_col_offset])
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, text, names)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, text, names)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            exponent = _value(right, text, names)
            if exponent.denominator != 1 or abs(exponent) > _LARGEST_EXPONENT:
                raise ValueError(f"{text!r} has an exponent that is not a small whole number")
            base = _value(left, text, names)
            bits = max(base.numerator.bit_length(), base.denominator.bit_length())
            if bits * abs(exponent.numerator) > _MOST_BITS:
                raise ValueError(f"{text!r} is too large")
            return Fraction(base**exponent.numerator)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            values = _value(left, text, names), _value(right, text, names)
            return Fraction(_BINARY[type(op)](*values))
        case _:
            raise ValueError(f"{text!r} is not arithmetic over known names")
