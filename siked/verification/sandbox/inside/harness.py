"""Runs one program in a process of its own and picks its answer.

What counts as the answer, the first of these that there is:

1. ``answer-variable``: the first of the variables asked for (``answer``, ``ans``,
   ``final_answer``) that the program leaves with a value;
2. ``solution-function``: what ``solution()`` returns, where the program defines it without
   required parameters;
3. ``last-printed``: the last line printed that is not blank;
4. ``last-value``: the value of the program's last line where that is a bare expression.

A program may come as several readings of the same text; the first that is Python is run. Where
none is, the first is run without its unfinished end (at most ``MOST_DROPPED`` lines), and then
only the variables count, since what it printed before is not its answer.
"""

from __future__ import annotations

import ast
import builtins
import collections
import contextlib
import datetime
import decimal
import errno
import fractions
import itertools
import math
import random
import re
import statistics
import sys
from opcode import opmap
from types import CodeType, FunctionType
from typing import Any

from .values import NotANumberError, NotFiniteError, as_text

MOST_DROPPED = 8
NAMES: dict[str, Any] = {
    module.__name__: module
    for module in (collections, datetime, decimal, fractions, itertools, math, random, statistics)
}
"""The modules that programs may use without importing them."""
MODULES = frozenset(
    {
        "__future__", "abc", "array", "bisect", "calendar", "cmath", "collections", "contextlib",
        "copy", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools", "heapq",
        "itertools", "math", "mpmath", "numbers", "numpy", "operator", "pprint", "random", "re",
        "statistics", "string", "sympy", "sys", "textwrap", "time", "types", "typing", "warnings",
    }
)  # fmt: skip
"""The modules that programs may import, with their submodules."""
LAST_VALUE = "last-value"
RULES = ("answer-variable", "solution-function", LAST_VALUE)
"""How an answer is found here; what was printed is not known here."""
FAILURES = (
    "no-answer", "not-a-number", "not-finite", "memory", "syntax-error", "name-error", "forbidden",
    "runtime-error",
)  # fmt: skip
"""What is known here of a program without an answer."""
MOST_DETAIL = 300
_LAST = "__last_value__"
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w* *=[^=]")
_STORE_AND_RETURN = bytes(opmap[name] for name in ("STORE_NAME", "LOAD_CONST", "RETURN_VALUE"))
"""How the code of a program ends whose last statement assigns to a variable."""


class ForbiddenError(Exception):
    """The program asked for something that programs do not get."""


def space(modules: frozenset[str]) -> dict[str, Any]:
    """The names that a program starts with.

    A server makes them once. Each program has them to itself, as a part of its own process, and
    copying them there would cost it more than most programs do.

    Args:
        modules: what programs may import.
    """
    return {"__name__": "__main__", "__builtins__": _builtins(modules), **NAMES}


def run(sources: list[str], names: list[str], own: dict[str, Any]) -> dict[str, Any]:
    """Run a program in this process, for good or ill.

    Args:
        sources: readings of the program, best first.
        names: the variables that hold the answer, best first.
        own: its names, see ``space``.

    Returns:
        ``value`` and ``rule``, or ``failure``, ``detail`` and ``rule`` (None where no value was
        found). With the rule ``last-value`` what was printed, if anything, comes first.
    """
    try:
        code, whole = _compiled(sources)
        with contextlib.suppress(SystemExit):
            exec(code, own)
        return _answer(own, names, whole=whole)
    except BaseException as error:  # noqa: BLE001 - whatever a program raises is its result
        return _failed(error)


def _compiled(sources: list[str]) -> tuple[CodeType, bool]:
    """The first reading that is Python, and whether it is the whole text."""
    first_error: Exception | None = None
    for source in sources:
        try:
            return _keep_last_value(source), True
        except (SyntaxError, ValueError) as error:
            first_error = first_error or error
    lines = sources[0].splitlines()
    for dropped in range(1, min(MOST_DROPPED, len(lines) - 1) + 1):
        try:
            return compile("\n".join(lines[:-dropped]), "program", "exec"), False
        except (SyntaxError, ValueError):
            continue
    raise SyntaxError(str(first_error))


def _keep_last_value(source: str) -> CodeType:
    """Compile a program so that it keeps the value of its last line, if that is an expression."""
    code = compile(source, "program", "exec")
    if _ends_by_assigning(source, code):
        return code
    tree = ast.parse(source)
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        kept = ast.Assign(targets=[ast.Name(id=_LAST, ctx=ast.Store())], value=last.value)
        tree.body[-1] = ast.fix_missing_locations(ast.copy_location(kept, last))
    return compile(tree, "program", "exec")


def _ends_by_assigning(source: str, code: CodeType) -> bool:
    """Whether a program surely ends in an assignment, as most do.

    To look at a syntax tree takes a fifth of the time of a short program.
    """
    last = source.rstrip().rpartition("\n")[2]
    return _ASSIGNMENT.match(last) is not None and code.co_code[-6::2] == _STORE_AND_RETURN


def _answer(own: dict[str, Any], names: list[str], *, whole: bool) -> dict[str, Any]:
    for name in names:
        if own.get(name) is not None:
            return _described(own[name], "answer-variable")
    if not whole:
        return _failure("no-answer", "the program breaks off before its answer")
    solution = own.get("solution")
    if isinstance(solution, FunctionType):
        needed = solution.__code__.co_argcount - len(solution.__defaults__ or ())
        value = None
        if needed == 0:
            try:
                value = solution()
            except SystemExit:
                value = None
        if value is not None:
            return _described(value, "solution-function")
    if (last := own.get(_LAST)) is not None:
        return _described(last, LAST_VALUE)
    return _failure("no-answer", "no value that counts as answer", LAST_VALUE)


def _described(value: Any, rule: str) -> dict[str, Any]:
    try:
        return {"value": as_text(value), "rule": rule}
    except NotANumberError as error:
        return _failure("not-a-number", str(error), rule)
    except NotFiniteError as error:
        return _failure("not-finite", str(error), rule)


def _failure(kind: str, detail: str, rule: str | None = None) -> dict[str, Any]:
    """A failure, its detail without half characters and not too long."""
    clean = detail[:MOST_DETAIL].encode(errors="replace").decode()
    return {"failure": kind, "detail": clean, "rule": rule}


def _failed(error: BaseException) -> dict[str, Any]:
    if isinstance(error, MemoryError):
        kind = "memory"
    elif isinstance(error, SyntaxError):
        kind = "syntax-error"
    elif isinstance(error, NameError):
        kind = "name-error"
    elif _is_refusal(error):
        kind = "forbidden"
    else:
        kind = "runtime-error"
    name = type(error).__name__
    try:
        return _failure(kind, f"{name}: {error}")
    except BaseException:  # noqa: BLE001 - a program's own exception may fail to print
        return _failure(kind, name)


def _is_refusal(error: BaseException) -> bool:
    """Whether the sandbox refused the program something."""
    if isinstance(error, OSError):
        return error.errno in (errno.EPERM, errno.EACCES, errno.EROFS)
    if isinstance(error, RuntimeError):
        return "start new thread" in str(error)
    return isinstance(error, ForbiddenError)


def _builtins(modules: frozenset[str]) -> dict[str, Any]:
    """The built-in names as programs see them.

    This gives clear failures; what keeps a program in is the operating system.
    """

    def guarded_import(
        name: str,
        globals: Any = None,  # noqa: A002 - the names that the import statement passes
        locals: Any = None,  # noqa: A002
        fromlist: Any = (),
        level: int = 0,
    ) -> Any:
        if level == 0 and name.partition(".")[0] not in modules:
            raise ForbiddenError(f"import of {name}")
        return builtins.__import__(name, globals, locals, fromlist, level)

    def refused(*_: Any, **__: Any) -> Any:
        raise ForbiddenError("programs have no files, no input and no debugger")

    return {
        **vars(builtins),
        "__import__": guarded_import,
        "open": refused,
        "input": refused,
        "breakpoint": refused,
        "exit": sys.exit,
        "quit": sys.exit,
    }
