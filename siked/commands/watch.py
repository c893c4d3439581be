"""siked watch: a running pipeline in the terminal.

siked watch                   the repository here, once a second, until Ctrl-C
siked watch /home/ann/siked   somebody else's
siked watch --once            how things are now

    workspace /home/ann/siked                    9 of 29 stages done, about 7:40 left

    generate it1  ━━━━━━          512/1800, 400 kept  1043 tokens/s  1:20 left

    ✓ settings   ✓ questions   ✓ base   ✓ teach@cot   ✓ teach@l2m   ✓ teach@pot   ...
    it0           ✓ mix  ✓ train  ✓ eval
    it1           ▶ generate  · filter  · mix  · train  · eval

    in %, 95%    dev          demo-seen    cot      l2m      pot
    interval     n 60         n 120        on dev   on dev   on dev
    it0          21.7 (13-34) 30.0 (23-39)  40 ━━    20 ━     40 ━━

``kept`` is what an earlier run had done already.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from siked.analysis.figures import DEV
from siked.run.dvc import State
from siked.run.progress import Running, Snapshot, Watcher
from siked.terminal.console import Printable, console, make_printable
from siked.terminal.progress import clock

SIGNS = {
    State.DONE: ("✓", "+", "green"),
    State.RUNNING: ("▶", ">", "bold cyan"),
    State.WAITING: ("·", ".", "dim"),
    State.FAILED: ("✗", "x", "bold red"),
}
"""Each state's sign, the same where only ASCII can be shown, and its style."""
EVERY = 1.0
"""Seconds between two looks."""


def watch(
    folder: Annotated[Path, typer.Argument(help="The repository's root.")] = Path(),
    *,
    once: Annotated[bool, typer.Option("--once", help="Print how things are and end.")] = False,
) -> None:
    """Follow a pipeline that runs: stages, progress, time left, accuracies, chosen strategies.

    Everything is read from files and nothing is written: it works for a run that somebody else
    started, and shows experiments in copies of their own. Without a terminal it prints once.
    """
    watcher = Watcher(folder)
    shown = console(80)
    only_ascii = not shown.encoding.startswith("utf")
    if once or not shown.is_terminal or shown.is_dumb_terminal:
        shown.print(render(watcher.runs(), only_ascii=only_ascii))
        return
    try:
        with Live(console=shown, auto_refresh=False) as live:
            while True:
                runs = render(watcher.runs(), only_ascii=only_ascii)
                live.update(Printable(runs), refresh=True)
                time.sleep(EVERY)
    except KeyboardInterrupt:
        return  # how one leaves; what runs goes on


def render(runs: Sequence[Snapshot], *, only_ascii: bool) -> Group:
    """Return what to print of some runs."""
    return Group(*(part for run in runs for part in _run(run, only_ascii)), _legend(only_ascii))


def _run(run: Snapshot, only_ascii: bool) -> Iterator[RenderableType]:
    head = Table.grid(expand=True, padding=(0, 1))
    head.add_column(ratio=1)
    head.add_column(justify="right")
    title = Text.assemble(
        (make_printable(run.title), "bold"), " ", (make_printable(str(run.folder)), "dim")
    )
    head.add_row(title, Text(_summary(run)))
    yield head
    if run.running or run.ended:
        yield Text()
    if run.running:
        yield _work(run)
    for one in run.ended:
        yield Text(f"{_sign(State.FAILED, only_ascii)} {_end(one, run.now)}", style="red")
    if run.states:
        yield Text()
        yield from _stages(run, only_ascii)
    if run.students:
        yield Text()
        yield _students(run)
    yield Text()


def _summary(run: Snapshot) -> str:
    done = sum(state is State.DONE for state in run.states.values())
    parts = [f"{done} of {len(run.states)} stages done"] if run.states else []
    if not run.running:
        return ", ".join([*parts, "nothing running"])
    known = [seconds for seconds in run.left.values() if seconds is not None]
    if run.states and known:
        least = "at least" if len(known) < len(run.left) else "about"
        parts.append(f"{least} {clock(sum(known))} left")
    return ", ".join(parts)


def _work(run: Snapshot) -> Table:
    """A line a stage at work: its bar where it counts, and how long it has been at it."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for one in run.running:
        left = run.left[one.stage]
        rest = "" if left is None else f"{clock(left)} left"
        if (work := one.work) is None:
            spent = f"for {clock(max(0.0, run.now - one.started))}"
            table.add_row(Text(make_printable(one.stage), style="cyan"), Text(spent), "", "", rest)
            continue
        label = one.stage if one.stage.startswith(f"{work.what}@") else work.what
        come = work.done + work.recalled
        count = f"{come}/{work.total}"
        if work.recalled:
            count += f", {work.recalled} kept"
        table.add_row(
            Text(make_printable(label), style="cyan"),
            ProgressBar(total=max(work.total, 1), completed=come, width=16),
            Text(count),
            Text(_speed(one)),
            Text(rest),
        )
    return table


def _speed(one: Running) -> str:
    work = one.work
    if work is None or not work.done or one.written <= work.since:
        return ""
    seconds = one.written - work.since
    if work.tokens:
        return f"{work.tokens / seconds:.0f} tokens/s"
    return f"{work.done / seconds:.1f}/s"


def _end(one: Running, now: float) -> str:
    """How a stage came to its end."""
    ago = f"{clock(max(0.0, now - one.written))} ago"
    come = ""
    if one.work is not None:
        come = f" at {one.work.done + one.work.recalled}/{one.work.total}"
    how = f"killed{come}" if one.failed is None else f"{one.failed}{come}"
    return make_printable(f"{one.stage}, {ago}: {how}")


def _stages(run: Snapshot, only_ascii: bool) -> Iterator[RenderableType]:
    """What comes before the students, a line a student, and what comes after."""
    before: list[Text] = []
    after: list[Text] = []
    students: dict[str, list[Text]] = {}
    for name, stage in run.stages.items():
        state = run.states[name]
        label = name if stage.student is None else stage.step
        text = Text(f"{_sign(state, only_ascii)} {label}", style=SIGNS[state][2])
        if stage.student is not None:
            students.setdefault(stage.student, []).append(text)
        else:
            (after if students else before).append(text)
    yield Columns(before, padding=(0, 2))
    table = Table.grid(padding=(0, 2, 0, 0))
    for student, steps in students.items():
        table.add_row(Text(student), Text("  ").join(steps))
    yield table
    yield Columns(after, padding=(0, 2))


def _students(run: Snapshot) -> Table:
    """Accuracies in percent with their 95% intervals, and what each student chose on dev."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    figures = list(run.students.values())
    benchmarks = list(dict.fromkeys(name for one in figures for name in one))
    chosen = [one.get(DEV, {}).get("strategies", {}) for one in figures]
    strategies = list(dict.fromkeys(name for one in chosen for name in one))
    table.add_column(Text("in %, 95%\ninterval"), no_wrap=True)
    for name in benchmarks:
        sizes = {one[name]["n"] for one in figures if name in one}
        table.add_column(Text(f"{name}\nn {'/'.join(map(str, sorted(sizes)))}"))
    for name in strategies:
        table.add_column(Text(f"{name}\non {DEV}"))
    for (student, one), shares in zip(run.students.items(), chosen, strict=True):
        label = f"{student} (as before)" if student in run.carried else student
        cells: list[RenderableType] = [Text(label)]
        cells += [Text(_accuracy(one.get(name))) for name in benchmarks]
        cells += [_share(shares.get(name, {}).get("share")) for name in strategies]
        table.add_row(*cells)
    return table


def _accuracy(one: dict[str, float | None] | None) -> str:
    values = [(one or {}).get(name) for name in ("accuracy", "low", "high")]
    if None in values:
        return ""
    rate, low, high = (100 * value for value in values if value is not None)
    return f"{rate:.1f} ({low:.0f}-{high:.0f})"


def _share(value: float | None) -> RenderableType:
    if value is None:
        return ""
    cell = Table.grid(padding=(0, 1, 0, 0))
    cell.add_row(Text(f"{100 * value:3.0f}"), ProgressBar(total=1, completed=value, width=4))
    return cell


def _legend(only_ascii: bool) -> Text:
    legend = "  ".join(f"{_sign(state, only_ascii)} {state}" for state in State)
    return Text(legend, style="dim")


def _sign(state: State, only_ascii: bool) -> str:
    return SIGNS[state][only_ascii]
