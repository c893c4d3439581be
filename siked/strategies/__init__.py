"""The reasoning strategies: one module each, with one prompt under ``prompts/teacher/``.

A strategy knows how to write a rationale from a worked solution (the ``annotations`` teacher) and
how a rationale's text becomes an answer (its solver).
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, cast

from siked.errors import UserError

if TYPE_CHECKING:
    from siked.strategies.protocol import Strategy


@cache
def load(name: str) -> Strategy:
    """The strategy of a name: the module of that name in this package.

    Raises:
        UserError: there is none; the text names those that there are.
    """
    known = sorted(module.name for module in pkgutil.iter_modules(__path__))
    known.remove("protocol")
    if name not in known:
        raise UserError(f"unknown strategy {name!r}: there are {', '.join(known)}")
    return cast("Strategy", importlib.import_module(f"{__name__}.{name}"))
