"""Verification over a Ray cluster: pieces of rationales out, verdicts back in their order."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from siked.cluster.replicas import Replicas
from siked.sandbox import Sandbox
from siked.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from siked.records import Question, Rationale, VerifiedRationale
    from siked.settings import RaySettings, VerifySettings

PIECE = 256
"""Rationales of a piece: some seconds of programs."""


class RayVerifier:
    """A ``siked.verify.Verifier``: replicas, each with a sandbox for ``verify.workers`` programs.

    Args:
        settings: how answers are found and programs run.
        ray: the cluster, and how many replicas.

    Raises:
        UserError: Ray is not installed, or there is no cluster.
    """

    def __init__(self, settings: VerifySettings, ray: RaySettings) -> None:
        self._settings = settings
        self._replicas = Replicas(
            ray, partial(_open, settings), cpus=float(settings.workers), gpus=0
        )
        self._isolations: set[str] = set()

    def verify(
        self, rationales: Iterable[Rationale], questions: Mapping[str, Question]
    ) -> Iterator[VerifiedRationale]:
        """Yield every rationale with its verdict, in order; see ``siked.verify.verify``.

        Raises:
            UserError: a node cannot isolate programs, or a rationale's question is unknown.
        """
        left = iter(rationales)
        batches = iter(lambda: list(islice(left, PIECE)), [])
        pieces = (
            (batch, {key: questions[key] for one in batch if (key := one.question_id) in questions})
            for batch in batches
        )
        work = partial(_verify, ignore_rules=self._settings.ignore_rules)
        for isolation, verified in self._replicas.map_in_order(work, pieces):
            self._isolations.add(isolation)
            yield from verified

    @property
    def isolation(self) -> str:
        """What the programs ran behind on the nodes that have answered; they may differ."""
        return ", ".join(sorted(self._isolations))

    def close(self) -> None:
        """End the replicas."""
        self._replicas.close()


def _open(settings: VerifySettings) -> Sandbox:
    return Sandbox(settings).__enter__()


def _verify(
    sandbox: Sandbox,
    piece: tuple[list[Rationale], dict[str, Question]],
    *,
    ignore_rules: tuple[str, ...],
) -> tuple[str, list[Any]]:
    rationales, questions = piece
    checked = list(verify(rationales, questions, sandbox, ignore_rules=ignore_rules))
    return sandbox.isolation, checked
