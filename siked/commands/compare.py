"""siked compare A B: which of two students is better, by how much, and on which questions.

siked compare it0 it2                    two iterations or baselines of the workspace
siked compare main fuzzy-hare            what a branch and an experiment selected
siked compare fuzzy-hare:it1 it1 --json  a student of a revision against the workspace's
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from siked.errors import UserError

NAMING = "An iteration or baseline (it2, baseline-pot), a revision or experiment, or REVISION:it2."


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help=NAMING)],
    second: Annotated[str, typer.Argument(metavar="B", help="The same; differences are B - A.")],
    *,
    benchmark: Annotated[
        list[str] | None, typer.Option(help="This one alone; can be given several times.")
    ] = None,
    show: Annotated[
        int, typer.Option(min=0, help="Won and lost questions to show a benchmark.")
    ] = 1,
    everything: Annotated[bool, typer.Option("--all", help="Show all of them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Compare two students on the same questions: accuracy, difference, strategies, rationales.

    Nothing is run and the workspace stays as it is.
    """
    if as_json and as_markdown:
        raise UserError("--json and --markdown: choose one of them")
    from siked.comparison import markdown, terminal  # noqa: PLC0415 - other commands start faster
    from siked.comparison.paired import compared  # noqa: PLC0415
    from siked.comparison.students import find  # noqa: PLC0415

    comparison = compared(find(first), find(second), benchmark or ())
    number = None if everything else show
    if as_json:
        print(json.dumps(comparison.as_json(number), indent=2, ensure_ascii=False))
    elif as_markdown:
        print(markdown.rendered(comparison, number), end="")
    else:
        from rich.console import Console  # noqa: PLC0415

        Console(highlight=False).print(*terminal.rendered(comparison, number), sep="\n")
