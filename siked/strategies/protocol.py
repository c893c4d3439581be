"""What a strategy is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from siked.records import Failure, Question
    from siked.sandbox import Sandbox


@dataclass(frozen=True)
class Solved:
    """What a rationale's text gives as its answer."""

    answer: str | None
    """The answer as text, or None with the reason in ``failure``."""
    rule: str | None = None
    """How the answer was found."""
    failure: Failure | None = None


class Strategy(Protocol):
    """A way to reason, as a module: ``siked.strategies.cot``, ``.l2m``, ``.pot``."""

    NAME: str

    def write(self, question: Question) -> str | None:
        """The rationale of a question's worked solution; None where it has none."""
        ...

    def solve(
        self,
        texts: Iterable[str],
        sandbox: Sandbox,
        answer_var: str | None = None,
        ignore_rules: Collection[str] = (),
    ) -> Iterator[Solved]:
        """The answers of rationale texts, one each, in order; streams.

        Args:
            texts: the rationales.
            sandbox: where programs run.
            answer_var: the variable that holds a program's answer; else the usual ones.
            ignore_rules: extraction rules that do not count: the next one is tried in a text; a
                program's answer that was found by one is none.
        """
        ...
