"""No text costs a pattern of this package more than linear time, whoever wrote the text.

Every pattern is compiled when its module is loaded, so that this finds it. Each runs on texts that
repeat a piece 16, 32 and 64 times: pieces made from the pattern itself, and some that texts of
models are full of. Of a pattern that takes linear time, twice the further text costs twice the
further steps; of a quadratic one it costs four times as many.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections import defaultdict
from pathlib import Path

import pytest

import siked
from tests.backtracking import Machine, Pump, TooManyStepsError, pumped

PACKAGE = Path(siked.__file__).parent
OURS = PACKAGE / "questions" / "demo"
"""Reads only what we wrote ourselves."""
ANCHORED = {"match", "fullmatch"}
METHODS = {*ANCHORED, "search", "sub", "subn", "split", "findall", "finditer"}
FIXED = {
    Pump(before, piece, "")
    for before in ("", "1")
    for piece in (
        *(" ", "\n", "\t", "1", "a", "A", "-", "(", ")", "{", "}", "[", "<", "*", "_", "#", "`"),
        *("\\", "$", ",", ".", "=", "/", "\\frac{", "\\frac{1}", "1,", "1.", "1/", "1 "),
        *("\n\n#", "**1", "$1", "<<", "Q:\n", "a.", "(a", "a=", "\\text{", "x^", "a ", "- "),
    )
}  # fmt: skip
TIMES = 16
"""How often a piece stands in the shortest text: more than a pattern's bounded repeats want."""
GROWTH = 2.6
SLACK = 200


def modules() -> dict[str, ast.Module]:
    """The package's modules that use patterns, by name, parsed."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if "import re\n" in text and OURS not in file.parents:
            parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
            found[".".join(parts)] = ast.parse(text)
    return found


def patterns() -> dict[str, re.Pattern[str]]:
    """Every compiled pattern of the package, by ``module.NAME``."""
    found: dict[str, re.Pattern[str]] = {}
    for module in modules():
        for name, value in vars(importlib.import_module(module)).items():
            inside = value if isinstance(value, dict) else {"": value}
            found |= {
                f"{module}.{name}{'.' * bool(key)}{key}": one
                for key, one in inside.items()
                if isinstance(one, re.Pattern)
            }
    return found


def uses() -> dict[str, set[str]]:
    """What is done with each upper-case name, by ``module.NAME``: a method of patterns, or "?"."""
    found: dict[str, set[str]] = defaultdict(set)
    for module, tree in modules().items():
        called = {
            id(node.value): node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found[f"{module}.{node.id}"].add(called.get(id(node), "?"))
    return found


def slow(pattern: re.Pattern[str], *, anchored: bool = False) -> Pump | None:
    """A text for which a pattern takes more than linear time; None where none was found.

    Args:
        pattern: a compiled pattern.
        anchored: it is only ever tried at one place of a text.
    """
    machine = Machine(pattern)
    for pump in sorted(FIXED | pumped(machine.tree, pattern.flags), key=str):
        # Where a pattern's own period makes short texts uneven, longer ones decide.
        if all(grows(machine, pump, times, anchored=anchored) for times in (TIMES, 5 * TIMES)):
            return pump
    return None


def grows(machine: Machine, pump: Pump, times: int, *, anchored: bool) -> bool:
    """Whether twice the length costs more than about twice the steps."""
    steps = []
    try:
        for length in (times, 2 * times, 4 * times):
            text = pump.text(length)
            runs = (
                [machine.match(text), machine.match(text, whole=True)]
                if anchored
                else [machine.search_all(text)]
            )
            steps.append(sum(run.steps for run in runs))
    except TooManyStepsError:
        return True
    return steps[2] - steps[1] > GROWTH * (steps[1] - steps[0]) + SLACK


USES = uses()


@pytest.mark.parametrize(("name", "pattern"), patterns().items(), ids=patterns())
def test_pattern_takes_linear_time(name, pattern):
    used = USES[name]
    assert slow(pattern, anchored=bool(used) and used <= ANCHORED) is None


def test_patterns_are_compiled_where_the_module_is_loaded():
    inline = [
        f"{module}:{node.lineno}"
        for module, tree in modules().items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.Lambda)
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in {*METHODS, "compile"}
    ]
    assert inline == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"(\d?)\s*\\[dtc]?frac\s*(?:\{\s*([^{}]*?)\s*\}\s*\{\s*([^{}]*?)\s*\}|(\d)(\d))",  # cubic
        r"\s+x",  # quadratic, since a search begins at every blank
        r"<<.*>>",
        r"(?:a|aa)+b",  # exponential
        r"(a*)*b",
        r"(?:[a-z]+ ?)+$",
        r"\bfor\b.*\bby\b.*:",
        r"(?i)(?:x+y?)*z",
    ],
)
def test_slow_pattern_is_found(pattern):
    assert slow(re.compile(pattern)) is not None


@pytest.mark.parametrize("pattern", [r"\s*\{\s*[^{}]*?\s*\}", r"(?:a|b|ab)*c", r".*x.*y.*z"])
def test_slow_pattern_is_found_where_it_is_tried_at_one_place(pattern):
    assert slow(re.compile(pattern), anchored=True) is not None


@pytest.mark.parametrize("pattern", [r"\s++x|(?<!\s)\s", r"\d+(?:\.\d+)?", r"(?<![a-z])[a-z]++-"])
def test_linear_pattern_is_left_alone(pattern):
    assert slow(re.compile(pattern), anchored=r"\s" in pattern) is None


@pytest.mark.parametrize("pattern", patterns().values(), ids=patterns())
def test_counting_machine_finds_what_the_engine_finds(pattern):
    """Else its steps would say nothing."""
    machine = Machine(pattern)
    for pump in sorted(FIXED | pumped(machine.tree, pattern.flags), key=str)[::7]:
        text = pump.text(3) + " 18\nAnswer: 5"
        assert machine.search_all(text).spans == [one.span() for one in pattern.finditer(text)]
