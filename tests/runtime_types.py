"""The type checker behind the import hook in `conftest`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype

# An int is accepted as a float, as by static type checkers.
_strict = beartype(conf=BeartypeConf(is_pep484_tower=True))


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check annotations at every call, except for dataclasses that validate their own arguments.

    These have a `__post_init__`, which must receive bad values; their annotations describe the fields afterwards.
    """
    strict = _strict(function)
    if not function.__qualname__.endswith(".__init__"):
        return strict

    def of_instance(self: Any, *args: Any, **kwargs: Any) -> Any:
        return None if hasattr(type(self), "__post_init__") else strict(self, *args, **kwargs)

    return of_instance
