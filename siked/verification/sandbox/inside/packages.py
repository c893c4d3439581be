"""Imports of the packages that a server was given, and of no other that lies beside them.

    ["/venv/site-packages/sympy", "/venv/site-packages/mpmath"]

makes ``import sympy`` and ``import mpmath`` work, while numpy in the same folder stays unseen: what
a program can import is the same behind all walls.
"""

import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder
from importlib.util import spec_from_file_location
from types import ModuleType


class Packages:
    """A finder of packages, and of the records of distributions, by their folders.

    The folder around a package is never looked into, and need not be readable.
    """

    def __init__(self, folders: list[str]) -> None:
        self._folders = {folder.rpartition("/")[2]: folder for folder in folders}

    def install(self) -> None:
        """Ask this finder from now on."""
        sys.meta_path.append(self)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return the package of that name, if it is one of ours."""
        if path is not None or (folder := self._folders.get(fullname)) is None:
            return None
        return spec_from_file_location(
            fullname, f"{folder}/__init__.py", submodule_search_locations=[folder]
        )

    def find_distributions(self, context: DistributionFinder.Context) -> Iterator[Distribution]:
        """Yield the records of the distribution that is asked for, or of all."""
        from importlib.metadata import Distribution

        for name, folder in self._folders.items():
            if name.endswith(".dist-info"):
                found = Distribution.at(folder)
                if context.name in (None, found.metadata["Name"]):
                    yield found
