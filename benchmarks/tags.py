"""How much a student's choice of a strategy depends on the question.

A student begins with the tag of a strategy. This weighs all of them: how likely the student is to
begin with each, on every question of a benchmark, in the run of this folder.

    dvc exp apply EXPERIMENT    # or dvc repro
    python -m benchmarks.tags it0 it1 --benchmark demo-seen --out docs/results/tags/demo.json

The file belongs to the run's file of the same name in ``docs/results``. Tables show it with ``show:
tags`` (the mean over the questions) and ``show: information``: what the question says about the
tag, in bits, H(mean) - mean(H). That is 0 where every question gets the same gamble, and
log2(strategies) where each has one certain tag and all tags are as frequent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from siked.analysis.statistics import round_floats
from siked.errors import UserError, report_errors
from siked.files import write_json
from siked.models.loading import load
from siked.prompts import encode, student_prompt, tag_line, tokens
from siked.records import Question
from siked.run import layout
from siked.settings import TransformersSettings, load_params
from stages.eval import benchmarks

FLOAT32 = TransformersSettings(
    name="transformers", device="auto", dtype="float32", batch_tokens="auto"
)
"""How a student is loaded: machines with bfloat16 and without weigh alike."""


def main(
    students: Annotated[list[str], typer.Argument(help="it0, it1, ...")],
    benchmark: Annotated[str, typer.Option(help="dev or a test set.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
) -> None:
    """Weigh the tags of all strategies on each question of a benchmark."""
    with report_errors():
        params = load_params(layout.PARAMS)
        asked = benchmarks(params)
        if benchmark not in asked:
            raise UserError(f"--benchmark {benchmark}: the settings have {', '.join(asked)}")
        found: dict[str, Any] = {}
        for name in students:
            adapter = layout.StudentFiles(name).adapter
            if not adapter.is_dir():
                raise UserError(f"{adapter}: no such student: `dvc repro` makes it")
            loaded = load(layout.BASE, adapter, FLOAT32)
            found[name] = {benchmark: weigh(loaded, asked[benchmark].values(), params.strategies)}
        write_json(out, round_floats({"strategies": params.strategies, "students": found}))


def weigh(
    loaded: Any, questions: Iterable[Question], strategies: Sequence[str]
) -> Mapping[str, Sequence[float]]:
    """Return how likely each strategy's tag is, of all strategies' tags, by question id.

    Args:
        loaded: the student.
        questions: what it is asked.
        strategies: whose tags are weighed.
    """
    import torch  # after siked, which says how its threads wait

    tags = [tokens(loaded.tokenizer, tag_line(one)) for one in strategies]
    longest = max(map(len, tags))
    # What fills a row up stands behind all that is read.
    rows = torch.tensor([one + [0] * (longest - len(one)) for one in tags])
    rows = rows.to(loaded.model.device)
    found = {}
    with torch.inference_mode():
        for question in questions:
            prompt = encode(loaded.tokenizer, student_prompt(question.question))
            read = loaded.model(rows.new_tensor([prompt]), use_cache=True, logits_to_keep=1)
            first = read.logits.expand(len(tags), -1, -1)
            read.past_key_values.batch_repeat_interleave(len(tags))
            rest = loaded.model(rows, past_key_values=read.past_key_values).logits[:, :-1]
            likely = torch.cat([first, rest], dim=1).float().log_softmax(-1)
            likely = likely.gather(-1, rows[..., None])[..., 0]
            whole = torch.stack(
                [row[: len(one)].sum() for row, one in zip(likely, tags, strict=True)]
            )
            found[question.id] = whole.softmax(0).tolist()
    return found


if __name__ == "__main__":
    typer.run(main)
