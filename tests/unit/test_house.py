"""The house keeps its order: what may import what, who may spell the paths of a run, names."""

import ast
import re
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SIKED = Path(__file__).parents[2] / "siked"
GROUND = {"errors", "files", "mixing", "prompts", "records", "strategies", "terminal"}
NOUNS = {"generation", "verification", "training"}
"""The steps of the method that know nothing of one another."""
PATHS = re.compile(r"(?:data|models|metrics|plots)/|\.siked")
"""What a path of a run begins with."""
NO_VERBS = {"A", "An", "Each", "Every", "How", "Its", "One", "The", "What", "Whether", "Which"}
"""What a docstring begins with that names a thing."""
AT_MOST = 22
"""Entries in the house, the two files that Python wants (``__init__``, ``__main__``) aside."""


def module_of(file: Path) -> str:
    """``siked.run.layout``."""
    name = ".".join(("siked", *file.relative_to(SIKED).with_suffix("").parts))
    return name.removesuffix(".__init__")


MODULES = {module_of(file): file for file in sorted(SIKED.rglob("*.py"))}


def imported(file: Path) -> set[str]:
    """The modules of ``siked`` that a file imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (submodules & MODULES.keys()) or {node.module}
    return found & MODULES.keys()


IMPORTS = {name: imported(file) for name, file in MODULES.items()}


def room(module: str) -> str:
    """``run`` of ``siked.run.layout``; ``siked`` itself has none."""
    return ([*module.split("."), ""])[1]


def rooms_of(names: set[str]) -> set[str]:
    return {room(module) for name in names for module in IMPORTS[name]} - {""}


def inside(name: str) -> set[str]:
    return {module for module in MODULES if room(module) == name}


def test_the_house_has_few_doors():
    entries = {path.name for path in SIKED.iterdir()} - {"__pycache__"}
    assert len(entries - {"__init__.py", "__main__.py"}) <= AT_MOST, sorted(entries)


@pytest.mark.parametrize("name", sorted(GROUND))
def test_the_ground_rests_on_nothing_above_it(name):
    assert inside(name)
    assert rooms_of(inside(name)) <= GROUND


@pytest.mark.parametrize("name", sorted(NOUNS))
def test_the_steps_of_the_method_do_not_know_one_another(name):
    forbidden = (NOUNS - {name}) | {"run", "report", "commands"}
    assert not rooms_of(inside(name)) & forbidden


def test_nothing_imports_the_commands():
    assert {room(name) for name in MODULES if "commands" in rooms_of({name})} <= {
        "commands",
        "__main__",
    }


def test_no_import_runs_in_a_circle():
    TopologicalSorter(IMPORTS).prepare()


def test_no_room_depends_on_one_that_depends_on_it():
    rooms = {room(name) for name in MODULES} - {""}
    TopologicalSorter({name: rooms_of(inside(name)) - {name} for name in rooms}).prepare()


def test_only_the_run_spells_where_its_files_lie():
    found = {
        f"{module}: {text}"
        for module, file in MODULES.items()
        if room(module) != "run"
        for text in texts(ast.parse(file.read_text()))
        if PATHS.match(text)
    }
    assert not found, "\n".join(sorted(found))


def test_no_error_advises_a_pull_where_there_may_be_no_remote():
    advice = {
        module
        for module, file in MODULES.items()
        if any("dvc pull" in text for text in texts(ast.parse(file.read_text())))
    }
    assert advice == {"siked.errors"}


def test_a_name_is_one_class():
    found = Counter(
        node.name
        for file in MODULES.values()
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert not [name for name, count in found.items() if count > 1]


def test_a_function_says_by_a_verb_what_it_does():
    found = [
        f"{module}.{node.name}: {line}"
        for module, file in MODULES.items()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not any("property" in ast.unparse(one) for one in node.decorator_list)
        and (line := (ast.get_docstring(node) or "Do").splitlines()[0])
        and (line.split()[0] in NO_VERBS or not re.match(r"[A-Z][a-z-]+\b", line))
    ]
    assert not found, "\n".join(found)


def texts(tree: ast.Module) -> list[str]:
    """The texts of a module that are not documentation."""
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documentation
    ]
