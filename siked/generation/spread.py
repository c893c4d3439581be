"""Any engine, several times, over a Ray cluster.

The pieces of work are the engine's own batches, so that a sample shares its batch with the same
others as on one machine, and comes out the same.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from siked.cluster.replicas import Replicas
from siked.generation.engine import Batched, Completion, Engine, Sampling
from siked.prompts import Prompt
from siked.settings import RaySettings

PIECE = 64
"""Prompts of a piece where the engine has no batches of its own."""


class RayEngine:
    """Completes prompts on all replicas of an engine; completions come a batch at a time.

    Raises:
        UserError: Ray is not installed, or there is no cluster.
    """

    def __init__(self, settings: RaySettings, open_engine: Callable[[], Engine]) -> None:
        self._replicas = Replicas(settings, open_engine, cpus=settings.cpus, gpus=settings.gpus)

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Completion]:
        """Yield ``sampling.samples`` completions for every prompt.

        Raises:
            UserError: what the engine raises, or a batch lost its replica again and again.
        """
        yield from self.complete(prompts, sampling, self.batches(prompts, sampling))

    def batches(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[list[int]]:
        """Return which prompts (their indices) run together, as a replica says."""
        found = list(self._replicas.map(_batches, [(list(prompts), sampling)]))
        batches: list[list[int]] = found[0][1]
        return batches

    def complete(
        self, prompts: Sequence[Prompt], sampling: Sampling, batches: Iterable[Sequence[int]]
    ) -> Iterator[Completion]:
        """Yield the completions of some batches, as the batches finish."""
        pieces = ((batch, [prompts[index] for index in batch], sampling) for batch in batches)
        for _, completions in self._replicas.map(_complete, pieces):
            yield from completions


def _batches(engine: Engine, asked: tuple[list[Prompt], Sampling]) -> list[list[int]]:
    prompts, sampling = asked
    if isinstance(engine, Batched):
        return engine.batches(prompts, sampling)
    numbers = range(len(prompts))
    return [list(numbers[start : start + PIECE]) for start in range(0, len(prompts), PIECE)]


def _complete(
    engine: Engine, piece: tuple[Sequence[int], list[Prompt], Sampling]
) -> list[Completion]:
    """A batch's completions, their prompts numbered as in the whole request."""
    batch, prompts, sampling = piece
    own = list(range(len(prompts)))
    written = (
        engine.complete(prompts, sampling, [own])
        if isinstance(engine, Batched)
        else engine.generate(prompts, sampling)
    )
    return [replace(one, prompt=batch[one.prompt]) for one in written]
