"""Runs one program in a process of its own and picks its answer.

What counts as the answer, the first of these that there is:

1. ``answer-variable``: the first of the variables asked for (``answer``, ``ans``,
   ``final_answer``) that the program leaves with a value; a function, a class or an unsolved
   symbol of that name is none;
2. ``solution-function``: what ``solution()`` returns, or else the only function that the program
   defines without required parameters and never calls;
3. ``last-printed``: the last line printed with a number in it (see ``results``);
4. ``last-value``: the value of the program's last line where that is a bare expression.

A program may come as several readings of the same text; the first that is Python is run. Where
none is, the first is run without its unfinished end (at most ``MOST_DROPPED`` lines), and then
only the variables count, since what it printed before is not its answer. Where the whole fails and
was put together from several code blocks, each block is tried by itself, the last one first. A
program that stops at a name of ``ASSUMED`` is run again with all of these names, as if it had
imported them. What a run that failed had printed does not count.
"""

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
from types import CodeType, FunctionType, ModuleType
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
ASSUMED = {
    "math": (
        "ceil", "comb", "cos", "exp", "factorial", "floor", "gcd", "hypot", "lcm", "log", "perm",
        "pi", "prod", "sin", "sqrt", "tan",
    ),
    "sympy": (
        "Abs", "Eq", "Float", "Integer", "Max", "Min", "Rational", "Symbol", "binomial", "ceiling",
        "cos", "exp", "expand", "factor", "factorial", "floor", "gcd", "lcm", "linsolve", "log",
        "nsolve", "pi", "simplify", "sin", "solve", "solveset", "sqrt", "symbols", "tan",
    ),
}  # fmt: skip
"""The names that models use without importing them; those of sympy where it is loaded."""
NEW_RUN = "\f"
"""Printed before a program is run another time."""
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


_LOAD, _EXTENDED = opmap["LOAD_NAME"], opmap["EXTENDED_ARG"]


class ForbiddenError(Exception):
    """The program asked for something that programs do not get."""


def space(modules: frozenset[str]) -> dict[str, Any]:
    """Return the names that a program starts with.

    A server makes them once. Each program has them to itself, as a part of its own process, and
    copying them there would cost it more than most programs do.

    Args:
        modules: what programs may import.
    """
    return {"__name__": "__main__", "__builtins__": _builtins(modules), **NAMES}


def run(
    sources: list[str], names: list[str], own: dict[str, Any], blocks: list[str] | None = None
) -> dict[str, Any]:
    """Run a program in this process, for good or ill.

    Args:
        sources: readings of the program, best first.
        names: the variables that hold the answer, best first.
        own: its names, see ``space``.
        blocks: its code blocks one by one, in the order in which they are tried.

    Returns:
        ``value`` and ``rule``, or ``failure``, ``detail`` and ``rule`` (None where no value was
        found). With the rule ``last-value`` what was printed, if anything, comes first.
    """
    spare = dict(own) if blocks else None
    try:
        return _run(sources, names, own)
    except Exception as error:  # noqa: BLE001 - whatever a program raises is its result
        failed = _failed(error)
    except BaseException as error:  # noqa: BLE001
        return _failed(error)
    for block in blocks or ():
        try:
            _begin_anew()
            return _run([block], names, dict(spare or {}))
        except BaseException:  # noqa: BLE001 - the whole's failure is told
            continue
    return failed


def _run(sources: list[str], names: list[str], own: dict[str, Any]) -> dict[str, Any]:
    """Run the first reading that is Python, a second time where it wants names that are assumed.

    Raises:
        BaseException: whatever the program raises.
    """
    code, whole = _compiled(sources)
    try:
        with contextlib.suppress(SystemExit):
            exec(code, own)
        return _answer(own, names, code, whole=whole)
    except NameError as error:
        if not any(error.name in known for known in ASSUMED.values()):
            raise
    _begin_anew()
    for name in [name for name in own if not name.startswith("__") and name not in NAMES]:
        del own[name]
    own.update(_assumed())
    with contextlib.suppress(SystemExit):
        exec(code, own)
    return _answer(own, names, code, whole=whole)


def _begin_anew() -> None:
    """Part what is printed from now on from what was printed before."""
    with contextlib.suppress(Exception):
        print(f"\n{NEW_RUN}")


def _assumed() -> dict[str, Any]:
    """Return the names that programs may use without importing them, of the modules loaded."""
    return {
        name: getattr(sys.modules[module], name)
        for module, known in ASSUMED.items()
        if module in sys.modules
        for name in known
    }


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


def _answer(
    own: dict[str, Any], names: list[str], code: CodeType, *, whole: bool
) -> dict[str, Any]:
    hidden = None
    for name in names:
        if (value := own.get(name)) is not None:
            if not _is_no_value(value):
                return _described(value, "answer-variable")
            hidden = value
    if not whole:
        return _failure("no-answer", "the program breaks off before its answer")
    if (function := _solution(own, code)) is not None:
        try:
            value = function()
        except SystemExit:
            value = None
        if value is not None:
            return _described(value, "solution-function")
    if (last := own.get(_LAST)) is not None:
        return _described(last, LAST_VALUE)
    if hidden is not None:
        return _failure("not-a-number", f"a {type(hidden).__name__}", LAST_VALUE)
    return _failure("no-answer", "no value that counts as answer", LAST_VALUE)


def _is_no_value(value: Any) -> bool:
    """Whether something named like an answer holds none: a function, class, symbol, blank text."""
    if type(value) is str and not value.strip():
        return True
    if isinstance(value, FunctionType | type | ModuleType) or hasattr(value, "__wrapped__"):
        return True
    if type(value).__module__.partition(".")[0] != "sympy":
        return False
    try:
        as_text(value)
    except NotANumberError:
        return getattr(value, "is_FiniteSet", False) is not True
    except NotFiniteError:
        return False
    return False


def _solution(own: dict[str, Any], code: CodeType) -> Any:
    """The function that computes the answer: ``solution``, else the only one never called."""
    if (given := own.get("solution")) is not None:
        function = _unwrapped(given)
        return given if function is not None and not _required(function) else None
    if not any(isinstance(one, CodeType) for one in code.co_consts):
        return None  # defines none
    functions = {
        name: function
        for name in code.co_names
        if (function := _unwrapped(own.get(name))) is not None
        and function.__code__.co_filename == code.co_filename
    }
    called = _loaded(code)
    for function in functions.values():
        called.update(set(function.__code__.co_names) - {function.__name__})
    idle = [name for name, one in functions.items() if name not in called and not _required(one)]
    return own[idle[0]] if len(idle) == 1 else None


def _unwrapped(value: Any) -> FunctionType | None:
    """A function of the program, also behind a decorator that keeps it (``lru_cache``)."""
    if not isinstance(value, FunctionType):
        value = vars(value).get("__wrapped__") if hasattr(value, "__dict__") else None
    return value if isinstance(value, FunctionType) else None


def _required(function: FunctionType) -> bool:
    """Whether a function has a parameter without a default."""
    needed = function.__code__.co_argcount - len(function.__defaults__ or ())
    return needed > 0 or function.__code__.co_kwonlyargcount > len(function.__kwdefaults__ or ())


def _loaded(code: CodeType) -> set[str]:
    """The names that the code of a module reads, and not only assigns."""
    names, steps = code.co_names, code.co_code
    found, extended = set(), 0
    for at in range(0, len(steps), 2):
        argument = extended << 8 | steps[at + 1]
        extended = argument if steps[at] == _EXTENDED else 0
        if steps[at] == _LOAD and argument < len(names):
            found.add(names[argument])
    return found


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
