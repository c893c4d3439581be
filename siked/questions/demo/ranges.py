"""Which numbers a family may draw: ranges and conditions, as text.

>>> [str(number) for number in choices("1.25..2 by 0.25")]
['5/4', '3/2', '7/4', '2']
>>> holds("small < large <= 3 * small", {"small": Fraction(2), "large": Fraction(6)})
True
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache

from siked.questions.arithmetic import evaluate

_SIGN = re.compile(r"\s*(<=|>=|!=|<|>)\s*")
_COMPARISONS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "!=": operator.ne,
}


@lru_cache(maxsize=1024)
def choices(span: str) -> tuple[Fraction, ...]:
    """The numbers of a range: ``2..9``, ``0.5..4 by 0.5`` or ``10, 20, 25``."""
    if ".." not in span:
        return tuple(Fraction(part.strip()) for part in span.split(","))
    ends, _, step_text = span.partition(" by ")
    low, high = (Fraction(end.strip()) for end in ends.split(".."))
    step = Fraction(step_text.strip() or "1")
    return tuple(low + step * count for count in range(int((high - low) / step) + 1))


def holds(condition: str, values: Mapping[str, Fraction]) -> bool:
    """Whether a chain of comparisons is true.

    Raises:
        ValueError: a side is not arithmetic over ``values``.
    """
    first, *rest = _SIGN.split(condition)
    left = evaluate(first, values)
    for sign, text in zip(rest[::2], rest[1::2], strict=True):
        right = evaluate(text, values)
        if not _COMPARISONS[sign](left, right):
            return False
        left = right
    return True
