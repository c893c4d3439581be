"""Which numbers a family may draw: ranges and conditions, as text.

>>> [[str(number) for number in one] for one in sizes("2, 5 | 1.25..2 by 0.25")]
[['2', '5'], ['5/4', '3/2', '7/4', '2']]
>>> holds("small < large <= 3 * small", {"small": Fraction(2), "large": Fraction(6)})
True
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction

from siked.questions.arithmetic import evaluate

_SIGN = re.compile(r"\s*(<=|>=|!=|<|>)\s*")
_COMPARISONS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "!=": operator.ne,
}


def sizes(span: str) -> tuple[tuple[Fraction, ...], ...]:
    """Return the numbers of ``small | large``, or of the one range that is there.

    Raises:
        ValueError: it is not one or two ranges, or one holds no numbers.
    """
    parts = str(span).split("|")
    if len(parts) > 2:
        raise ValueError(f"{span!r} has more than two sizes: write `small | large`")
    return tuple(choices(part) for part in parts)


def choices(span: str) -> tuple[Fraction, ...]:
    """Return the numbers of a range: ``2..9``, ``0.5..4 by 0.5`` or ``10, 20, 25``.

    Raises:
        ValueError: it is none of these, or holds no numbers.
    """
    try:
        if ".." not in span:
            return tuple(Fraction(part.strip()) for part in span.split(","))
        ends, _, step_text = span.partition(" by ")
        low, high = (Fraction(end.strip()) for end in ends.split(".."))
        step = Fraction(step_text.strip() or "1")
        if step > 0 and low <= high:
            return tuple(low + step * count for count in range(int((high - low) / step) + 1))
    except (ValueError, ZeroDivisionError):
        pass
    raise ValueError(f"{span.strip()!r} is no range: write `2..9`, `0.5..4 by 0.5` or `10, 20, 25`")


def holds(condition: str, values: Mapping[str, Fraction]) -> bool:
    """Return whether a chain of comparisons is true.

    Raises:
        ValueError: it compares nothing, or a side is not arithmetic over ``values``.
    """
    first, *rest = _SIGN.split(condition)
    if not rest:
        raise ValueError(f"{condition!r} compares nothing: write `small < large`")
    left = evaluate(first, values)
    for sign, text in zip(rest[::2], rest[1::2], strict=True):
        right = evaluate(text, values)
        if not _COMPARISONS[sign](left, right):
            return False
        left = right
    return True
