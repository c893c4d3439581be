"""siked trace: how a model or a data set came to be, back to the raw files.

siked trace models/best
siked trace data/teacher/verified.jsonl --params
siked trace train@it1 --json
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.filesize import decimal
from rich.markup import escape
from rich.tree import Tree

from siked.errors import advise_pull
from siked.run.dvc import Lineage, Link, StagePath, Workspace
from siked.terminal.console import console, say

SHOWN_DIGITS = 12
"""Digits of a hash in the tree; ``--json`` has all."""

MOST_NAMED = 5
"""Makers of one input that are named on its line; more are counted, and drawn below it."""


def trace(
    target: Annotated[str, typer.Argument(help="An output (models/best) or a stage (train@it1).")],
    *,
    params: Annotated[bool, typer.Option("--params", help="Show each step's settings.")] = False,
    code: Annotated[bool, typer.Option("--code", help="Show each step's code files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Print the chain from an output back to the raw files, with hashes, from dvc.lock.

    Each step stands once; what differs from the files as they are now is said.
    """
    root = Path()
    lineage = Lineage(root)
    workspace = Workspace(root)
    chain = lineage.chain(target, workspace)
    if as_json:
        found = _as_json(target, chain, lineage, workspace)
        say(json.dumps(found, indent=2, ensure_ascii=False))
        return
    # A broken line cannot be searched.
    console(200).print(_Drawing(chain, lineage, workspace, params=params, code=code).tree(target))
    say(_summary(chain, workspace))


class _Drawing:
    """The chain as a tree; a step is drawn where it is met first, by distance from the target."""

    def __init__(
        self, chain: list[Link], lineage: Lineage, workspace: Workspace, *, params: bool, code: bool
    ) -> None:
        self._chain = chain
        self._lineage = lineage
        self._workspace = workspace
        self._params = params
        self._code = code

    def tree(self, target: str) -> Tree:
        top = Tree(f"[bold]{escape(target)}[/bold]")
        nodes: dict[str, Tree] = {}
        for link in self._chain:
            made = link.made
            if made.name not in nodes:
                nodes[made.name] = top.add(self._step(link))
            node = nodes[made.name]
            for out in made.outs:
                node.add(f"[green]wrote[/green] {self._line(out)}")
            if self._params:
                for key, value in made.params.items():
                    node.add(f"[yellow]{escape(key)}[/yellow] = {escape(json.dumps(value))}")
            for dep in made.deps:
                if not dep.is_code:
                    self._input(node, link, dep, nodes)
            self._used(node, [dep for dep in made.deps if dep.is_code])
        return top

    def _used(self, node: Tree, code: list[StagePath]) -> None:
        if self._code:
            for dep in code:
                node.add(f"[dim]code[/dim] {self._line(dep)}")
        elif code:
            changed = [dep.path for dep in code if self._workspace.state(dep) != "same"]
            note = f"[red], changed since: {', '.join(changed)}[/red]" if changed else ""
            node.add(f"[dim]+ {sum(dep.files for dep in code)} code files[/dim]{note}")

    def _input(self, node: Tree, link: Link, dep: StagePath, nodes: dict[str, Tree]) -> None:
        names = link.sources[dep.path]
        who = ", ".join(names) if len(names) <= MOST_NAMED else f"{len(names)} steps"
        where = f" [dim]from[/dim] {who}" if names else ""
        if self._lineage.other_version(dep):
            where += " [red](which has written another version since)[/red]"
        inner = node.add(f"[cyan]read[/cyan] {self._line(dep)}{where}")
        links = {link.made.name: link for link in self._chain}
        for name in names:
            if name not in nodes:
                nodes[name] = inner.add(self._step(links[name]))

    def _step(self, link: Link) -> str:
        return f"[bold]{escape(link.made.name)}[/bold] [dim]{escape(link.made.cmd)}[/dim]"

    def _line(self, recorded: StagePath) -> str:
        md5 = recorded.md5 or "no hash"
        short = md5[:SHOWN_DIGITS] + (".dir" if md5.endswith(".dir") else "")
        size = f" {decimal(recorded.size)}" if recorded.size is not None else ""
        state = self._workspace.state(recorded)
        note = "" if state == "same" else f" [red]{state} in the workspace[/red]"
        return f"{escape(recorded.path)} [dim]{short}{size}[/dim]{note}"


def _summary(chain: list[Link], workspace: Workspace) -> str:
    all_of = {
        (one.path, one.md5): one for link in chain for one in (*link.made.deps, *link.made.outs)
    }
    odd = [one for one in all_of.values() if workspace.state(one) != "same"]
    if not odd:
        return f"{len(chain)} steps; every file in the workspace is as recorded"
    paths = len({one.path for one in odd})
    return (
        f"{len(chain)} steps; {paths} paths in the workspace differ from what was recorded: "
        f"`dvc repro` makes what is out of date{advise_pull('gets missing data')}"
    )


def _as_json(
    target: str, chain: list[Link], lineage: Lineage, workspace: Workspace
) -> dict[str, Any]:
    def row(one: StagePath) -> dict[str, Any]:
        return {
            "path": one.path,
            "md5": one.md5,
            "size": one.size,
            "workspace": workspace.state(one),
        }

    return {
        "target": target,
        "steps": [
            {
                "name": link.made.name,
                "cmd": link.made.cmd,
                "params": link.made.params,
                "deps": [
                    row(dep)
                    if dep.is_code
                    else {
                        **row(dep),
                        "from": list(link.sources[dep.path]),
                        "rewritten_since": lineage.other_version(dep),
                    }
                    for dep in link.made.deps
                ],
                "outs": [row(out) for out in link.made.outs],
            }
            for link in chain
        ],
    }
