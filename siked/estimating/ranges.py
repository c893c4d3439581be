"""Numbers that are not known exactly: the least, the likely and the most they may be.

    tokens = Range(60, 120, 200) * 74_730
    tokens / Range(500, 1000, 2000)       # the least over the most, the most over the least

All are at least 0. Errors of one estimate have common causes (a rate that is off is off in every
stage), so lows add up to a low and highs to a high.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Range:
    """A number between ``low`` and ``high``, probably near ``likely``."""

    low: float
    likely: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Self:
        """A number that is known."""
        return cls(value, value, value)

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """What several measurements span, with the middle one as the likely.

        Raises:
            ValueError: there are none.
        """
        ordered = sorted(values)
        if not ordered:
            raise ValueError("a range of no measurements")
        half = len(ordered) // 2
        middle = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
        return cls(ordered[0], middle, ordered[-1])

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def __mul__(self, other: Range | float) -> Range:
        by = other if isinstance(other, Range) else Range.exactly(other)
        return Range(self.low * by.low, self.likely * by.likely, self.high * by.high)

    def __truediv__(self, other: Range | float) -> Range:
        by = other if isinstance(other, Range) else Range.exactly(other)
        return Range(self.low / by.high, self.likely / by.likely, self.high / by.low)

    def at_most(self, limit: float) -> Range:
        """The same, nowhere above ``limit``."""
        return Range(min(self.low, limit), min(self.likely, limit), min(self.high, limit))

    def or_more(self, other: Range) -> Range:
        """The larger of two, end by end."""
        return Range(
            max(self.low, other.low), max(self.likely, other.likely), max(self.high, other.high)
        )

    def wider(self, factor: float) -> Range:
        """The same with both ends farther off by a factor."""
        return Range(self.low / factor, self.likely, self.high * factor)

    def without(self, share: Range) -> Range:
        """What is left once a share (0 to 1) is taken away: most where least is taken."""
        return Range(
            self.low * (1 - share.high),
            self.likely * (1 - share.likely),
            self.high * (1 - share.low),
        )


NOTHING = Range.exactly(0)
