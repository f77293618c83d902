"""Dataclasses from the plain values in a file, which are not trusted."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Made = TypeVar("Made")


def from_plain(made: type[Made], values: Any) -> Made:
    """Create an instance of a dataclass from plain values.

    Arguments:
        made: the dataclass.
        values: dictionary of its fields; lists become tuples.

    Raises:
        TypeError: `values` is not a dictionary, a name is unknown or missing, or a value does not have the right type.
        InputError: as raised by the dataclass itself.
    """
    if not isinstance(values, dict):
        raise TypeError(f"{made.__name__} is {values!r:.40}")
    hints, known = get_type_hints(made), {field.name for field in fields(made)}  # type: ignore[arg-type]
    values = {name: _tuples(value) for name, value in values.items()}
    for name, value in values.items():
        if name not in known:
            raise TypeError(f"{made.__name__} has no {name!r:.40}")
        if not _is(value, hints[name]):
            raise TypeError(f"{name} of {made.__name__} is {value!r:.40}")
    return made(**values)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _is(value: Any, hint: Any) -> bool:
    """Whether a value has a type; numbers must be finite, and booleans do not count as numbers."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return any(type(value) is type(one) and value == one for one in arguments)
    if origin in (Union, UnionType):
        return any(_is(value, one) for one in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and all(_is(one, arguments[0]) for one in value)
    if isinstance(hint, type) and is_dataclass(hint):
        return isinstance(value, hint)
    if hint is float:
        return type(value) in (int, float) and math.isfinite(value)
    return value is None if hint is NoneType else hint in (int, str) and type(value) is hint
