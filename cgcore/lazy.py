"""Lazy loading of a package's names."""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # as in `cgcore`, which imports this module before anything else
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


def lazily(package: str, home: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package.

    Arguments:
        package: `__name__` of the package.
        home: the module of each name; where that is the submodule `package.name`, the name stands for the module.
    """

    def load(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(home[name])
        return module if home[name] == f"{package}.{name}" else getattr(module, name)

    def names() -> list[str]:
        return sorted(home)

    return load, names
