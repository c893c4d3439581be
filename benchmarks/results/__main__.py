"""The tables and pictures of the docs, made again from what each run's students answered.

    python -m benchmarks.results                # write README.md, docs/*.md and docs/pictures/
    python -m benchmarks.results --check        # exit status 1 where a page says something else
    python -m benchmarks.results --show demo    # print one table

`siked results --out docs/results/NAME.json` writes a run's file; docs/results/tables.yaml names the
tables, and docs/results/README.md explains it. A page has a table between two lines:

    <!-- table demo -->
    <!-- end -->
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.results.cells import fill
from benchmarks.results.runs import FILES, SPECIFIED, Runs, Spec
from siked.errors import UserError, report_errors
from siked.files import read_text, read_yaml, write_text
from siked.report import pictures
from siked.report.formats import number
from siked.terminal.console import say

ROOT = Path(__file__).parents[2]
PICTURES = Path("docs/pictures")
MARKED = re.compile(r"<!-- table (?P<name>\S+) -->\n(?P<table>.*?)<!-- end -->", re.DOTALL)
BEGINNING = "<!-- table "
EVERY = "every"
"""As a row's family: a row for each family of the benchmark."""


def main() -> None:
    """Write the tables and pictures, or compare them with what is there."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    parser.add_argument("--show", metavar="TABLE", help="print this table and write nothing")
    options = parser.parse_args()
    with report_errors():
        if options.show:
            tables = specify(ROOT)["tables"]
            if options.show not in tables:
                raise UserError(f"{SPECIFIED}: no table {options.show!r}")
            say(tabulate(tables[options.show], ROOT / FILES), end="")
            return
        found = rebuild(ROOT)
        for path, text in found.items():
            say(f"{path.relative_to(ROOT)}: {'differs' if options.check else 'written'}")
            if not options.check:
                write_text(path, text)
        if found and options.check:
            raise UserError("`python -m benchmarks.results` writes what follows from the files")


def rebuild(root: Path) -> dict[Path, str]:
    """Return the text of every page and picture that does not follow from the files of results.

    Args:
        root: the repository's.

    Raises:
        UserError: a page or ``tables.yaml`` names what there is not.
    """
    specified = specify(root)
    folder = root / FILES
    wanted = {
        page: rewrite(page, specified["tables"], folder)
        for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]
    }
    for name, figure in specified["figures"].items():
        wanted[root / PICTURES / f"{name}.svg"] = draw_side_by_side(figure, folder)
    return {
        path: text for path, text in wanted.items() if not path.exists() or read_text(path) != text
    }


def specify(root: Path) -> dict[str, Any]:
    """Return what ``tables.yaml`` says: ``tables`` and ``figures`` by name; none without it."""
    path = root / SPECIFIED
    found = (read_yaml(path) if path.exists() else None) or {}
    return {part: found.get(part) or {} for part in ("tables", "figures")}


def rewrite(page: Path, tables: Mapping[str, Any], folder: Path) -> str:
    """Return a page's text with its tables made again.

    Raises:
        UserError: a marker has no end, or names no table.
    """
    text = read_text(page)

    def put(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in tables:
            known = ", ".join(tables) or "none"
            raise UserError(f"{page}: no table {name!r} in {SPECIFIED}, which has {known}")
        return f"{BEGINNING}{name} -->\n\n{tabulate(tables[name], folder)}\n<!-- end -->"

    found, count = MARKED.subn(put, text)
    if count != text.count(BEGINNING):
        raise UserError(f"{page}: the marker of a table has no `<!-- end -->`")
    return found


def tabulate(table: Mapping[str, Any], folder: Path) -> str:
    """Return a table as Markdown, with what it counts and comes from below it.

    Args:
        table: as ``tables.yaml`` has it.
        folder: of the files of results.

    Raises:
        UserError: it names what no file has.
    """
    runs = Runs(folder)
    columns = table["columns"]
    rows = [one for row in table["rows"] for one in _expand(row, columns[0], runs)]
    cells = [[fill({**row, **column}, runs) for column in columns] for row in rows]
    heads = [str(one.get("label") or one.get("benchmark") or one["show"]) for one in columns]
    labels = [str(row.get("label") or row.get("family") or row["student"]) for row in rows]
    # Every figure stands with its n, which is said once where cells share it.
    of_column = [{one.n for one in column} for column in zip(*cells, strict=True)]
    of_row = [{one.n for one in row} for row in cells]
    if all(len(found) == 1 for found in of_column):
        said: set[tuple[Any, int | None]] = set()
        for at, (column, found) in enumerate(zip(columns, of_column, strict=True)):
            (n,) = found
            if (column.get("benchmark"), n) not in said:
                heads[at] = _with_n(heads[at], n)
            said.add((column.get("benchmark"), n))
    elif all(len(found) == 1 for found in of_row):
        labels = [_with_n(label, *found) for label, found in zip(labels, of_row, strict=True)]
    else:
        cells = [[replace(one, text=_with_n(one.text, one.n)) for one in row] for row in cells]
    lines = [
        [str(table.get("label", "")), *heads],
        *([label, *(one.text for one in row)] for label, row in zip(labels, cells, strict=True)),
    ]
    head, *body = (f"| {' | '.join(line)} |\n" for line in lines)
    text = "".join([head, f"|{'---|' * len(lines[0])}\n", *body])
    tests = sum(one.tests for row in cells for one in row)
    return f"{text}\n{' '.join(_explain(runs, tests))}\n"


def draw_side_by_side(figure: Mapping[str, Any], folder: Path) -> str:
    """Return a picture of accuracies side by side, as SVG.

    Args:
        figure: as ``tables.yaml`` has it.
        folder: of the files of results.

    Raises:
        UserError: it names what no file has.
    """
    runs = Runs(folder)
    rows = [
        {"benchmark": benchmark, "group": group, "series": series}
        | runs.measure({**_of_group(spec, group), "benchmark": benchmark})
        for benchmark in figure["benchmarks"]
        for group in figure["groups"]
        for series, spec in figure["series"].items()
    ]
    return pictures.svg(pictures.accuracies_side_by_side(rows, title=figure["title"])) + "\n"


def _expand(row: Spec, column: Spec, runs: Runs) -> Iterator[Spec]:
    """Yield a row for each family where it asks for every one."""
    if row.get("family") != EVERY:
        yield row
        return
    spec = {**row, **column}
    asked = runs.find(spec)[0].questions.get(spec.get("benchmark", ""), {})
    families = sorted({one.family for one in asked.values() if one.family is not None})
    yield from ({**row, "family": family} for family in families)


def _with_n(text: str, n: int | None) -> str:
    return text if n is None else f"{text}, n = {number(n)}"


def _explain(runs: Runs, tests: int) -> Iterator[str]:
    if tests:
        few = "is one p-value" if tests == 1 else f"are {tests} p-values"
        yield f"There {few} in this table (McNemar's exact test, two-sided); none is corrected."
    if any(len(seeds) > 1 for seeds in runs.used.values()):
        yield "Figures of several seeds are means."
    files = (
        f"{name} (seed{'s' * (len(seeds) > 1)} {', '.join(map(str, sorted(seeds)))})"
        for name, seeds in sorted(runs.used.items())
    )
    yield f"From `{FILES}`: {'; '.join(files)}."


def _of_group(spec: Spec, group: str) -> dict[str, Any]:
    """Return what a series says of a group: ``baseline-{group}`` is ``baseline-pot``."""
    return {
        key: value.format(group=group) if isinstance(value, str) else value
        for key, value in spec.items()
    }


if __name__ == "__main__":
    main()
