"""Who verifies: a sandbox on this machine, or one on every node of a Ray cluster.

    with open_verifier(params.verify, params.ray) as verifier:
        for rationale in verifier.verify(rationales, questions):
            ...

Both give the same verdicts in the same order.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

from siked.cluster.replicas import Replicas
from siked.records import Question, Rationale, VerifiedRationale
from siked.settings import RaySettings, VerifySettings
from siked.verification.sandbox import Sandbox
from siked.verification.verify import verify

PIECE = 256
"""Rationales of a piece: some seconds of programs."""


@contextlib.contextmanager
def open_verifier(
    settings: VerifySettings, ray: RaySettings | None
) -> Iterator[LocalVerifier | RayVerifier]:
    """Yield a verifier with a sandbox on this machine, or with one on every replica of a cluster.

    Raises:
        UserError: programs cannot be isolated here, Ray is not installed, or there is no cluster.
    """
    if ray is None:
        with Sandbox(settings) as sandbox:
            yield LocalVerifier(settings, sandbox)
    else:
        spread = RayVerifier(settings, ray)
        try:
            yield spread
        finally:
            spread.close()


class LocalVerifier:
    """Verifies with a sandbox of this machine."""

    def __init__(self, settings: VerifySettings, sandbox: Sandbox) -> None:
        self._settings, self._sandbox = settings, sandbox

    def verify(
        self, rationales: Iterable[Rationale], questions: Mapping[str, Question]
    ) -> Iterator[VerifiedRationale]:
        """Yield every rationale with its verdict; see ``siked.verification.verify.verify``."""
        ignored = self._settings.ignore_rules
        yield from verify(rationales, questions, self._sandbox, ignore_rules=ignored)

    @property
    def isolation(self) -> str:
        """What the programs ran behind."""
        return self._sandbox.isolation


class RayVerifier:
    """Verifies with replicas, each with a sandbox for ``verify.workers`` programs.

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
        """Yield every rationale with its verdict, in order; see ``verify``.

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
