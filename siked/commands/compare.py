"""siked compare A B: which of two students is better, by how much, and on which questions.

siked compare it0 it1                    two iterations or baselines of the workspace
siked compare main fuzzy-hare            what a branch and an experiment selected
siked compare fuzzy-hare:it1 it1 --json  a student of a revision against the workspace's
siked compare it0 it1 --families         on which kinds of problems?
siked compare it0 it1 --forced pot       both told to write programs: is it those that got better?
siked compare it0,seed-2:it0 it1,seed-2:it1  two kinds of student, each with the same seeds: means
"""

import json
from typing import Annotated

import typer

from siked.analysis.paired import compare_students
from siked.analysis.seeds import compare_seeds
from siked.errors import UserError
from siked.report.comparison import arrange, arrange_means, to_markdown, to_terminal
from siked.run.run import find
from siked.terminal.console import console, say

NAMING = "A student of the run (it1, baseline-pot), a revision or experiment, or REVISION:it1."


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help=NAMING)],
    second: Annotated[str, typer.Argument(metavar="B", help="The same; differences are B - A.")],
    *,
    benchmark: Annotated[
        list[str] | None, typer.Option(help="Only this benchmark; can be given several times.")
    ] = None,
    forced: Annotated[
        str | None, typer.Option(help="Answers with this strategy forced: no choice is left.")
    ] = None,
    show: Annotated[
        int | None,
        typer.Option(
            min=0, help="Questions won and lost to show for each benchmark; 1 if not given."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show all questions won and lost.")
    ] = False,
    families: Annotated[
        bool, typer.Option("--families", help="Also each problem family by itself.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """Compare two students on the same questions: accuracy, difference, strategies, rationales.

    Several names on both sides, separated by commas, are seeds of two kinds: means are compared.
    Nothing is run and the workspace stays as it is.
    """
    if as_json and as_markdown:
        raise UserError("--json and --markdown: choose one of them")
    seeds = _seeds(first, second)
    if len(seeds) > 1 and (everything or show is not None or families):
        raise UserError(
            "--show, --all and --families are for two students, not for means over seeds"
        )
    found = [(find(one, forced=forced), find(other, forced=forced)) for one, other in seeds]
    only = benchmark or ()
    if len(found) > 1:
        means = compare_seeds(found, only)
        plain, parts = means.as_json(), arrange_means(means)
    else:
        pair = compare_students(*found[0], only)
        number = None if everything else 1 if show is None else show
        plain, parts = (
            pair.as_json(number, families=families),
            arrange(pair, number, families=families),
        )
    if as_json:
        say(json.dumps(plain, indent=2, ensure_ascii=False))
    elif as_markdown:
        say(to_markdown(parts), end="")
    else:
        console().print(*to_terminal(parts), sep="\n")


def _seeds(first: str, second: str) -> list[tuple[str, str]]:
    """The names of both sides, a pair a seed."""
    names, others = (side.split(",") for side in (first, second))
    if len(names) != len(others):
        raise UserError(
            f"{first} has {len(names)} students and {second} {len(others)}: name as many of both, "
            "in the order of their seeds"
        )
    if not all((*names, *others)):
        raise UserError(f"{first} {second}: a name between two commas is empty")
    return list(zip(names, others, strict=True))
