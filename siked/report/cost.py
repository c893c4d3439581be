"""What the stages of a run handled, and how long they took where that is known."""

from collections.abc import Iterator
from dataclasses import dataclass

from siked.report.machine import Measured
from siked.report.run import Report


@dataclass(frozen=True)
class Cost:
    """What a stage handled; None where it was not measured."""

    stage: str
    rows: int | None = None
    """Rows that it wrote, checked or trained on; of an evaluation the free answers."""
    tokens: int | None = None
    """Tokens that a model wrote or was trained on; of an evaluation those of the free answers."""
    seconds: float | None = None
    """Wall time."""


def costs(run: Report, measured: Measured | None = None) -> list[Cost]:
    """Return a row a stage, in the order in which they run."""
    seconds = measured.seconds if measured else {}
    return [Cost(stage, rows, tokens, seconds.get(stage)) for stage, rows, tokens in _handled(run)]


def _handled(run: Report) -> Iterator[tuple[str, int | None, int | None]]:
    """Yield stages, rows and tokens."""
    yield "questions", None, None
    yield "base", None, None
    for strategy, figures in run.teacher["strategies"].items():
        yield f"teach@{strategy}", figures["rows_in"], None
    yield "filter_teacher", run.teacher["rows_in"], None
    for name, steps in run.steps.items():
        for step, rows in (("generate", "rows"), ("filter", "rows_in"), ("mix", "rows")):
            if step in steps:
                yield f"{step}@{name}", steps[step][rows], steps[step].get("tokens")
        if "train" in steps:
            yield f"train@{name}", steps["train"]["rows"], steps["train"]["tokens"]
        answered = run.evaluations[name].values()
        tokens = sum(one["n"] * (one["completion_tokens"] or 0) for one in answered)
        carried = steps["eval"].get("carried", False)
        yield (
            f"eval@{name}",
            0 if carried else sum(one["n"] for one in answered),
            0 if carried else round(tokens),
        )
