"""A check, the rows that it yields, and the registry of all checks."""

from __future__ import annotations

import fnmatch
import importlib
import math
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from cgcore import InputError
from validation.context import Context

Value = float | int | bool | str
Relation = Literal["<=", ">=", "==", "shown", "skipped", "raised"]


@dataclass(frozen=True)
class Row:
    """One comparison. `passed` follows from value, relation and tolerance, and cannot be set.

    Arguments:
        name: what is compared.
        value: the measured value.
        tolerance: the limit or expected value; None if there is none.
        unit: unit of value and tolerance.
        relation: how the value must relate to the tolerance. "shown" is for information, and "skipped" marks a check
            that could not run; both neither pass nor fail. "raised" marks a check that ended with an exception; it
            fails.
        seconds: wall time since the previous row.
        passed: True or False, or None if nothing was compared.
    """

    name: str
    value: Value
    tolerance: Value | None = None
    unit: str = ""
    relation: Relation = "<="
    seconds: float = 0.0
    passed: bool | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "passed", self._holds())

    def _holds(self) -> bool | None:
        match self.relation:
            case "shown" | "skipped":
                return None
            case "raised":
                return False
            case "==":
                return bool(self.value == self.tolerance)
        value, tolerance = float(self.value), float("nan" if self.tolerance is None else self.tolerance)
        if math.isnan(value) or math.isnan(tolerance):
            return False
        return value <= tolerance if self.relation == "<=" else value >= tolerance


def at_most(name: str, value: float, tolerance: float, unit: str = "") -> Row:
    """A row that passes if value <= tolerance; NaN fails."""
    return Row(name, float(value), float(tolerance), unit)


def at_least(name: str, value: float, tolerance: float, unit: str = "") -> Row:
    """A row that passes if value >= tolerance; NaN fails."""
    return Row(name, float(value), float(tolerance), unit, ">=")


def equal(name: str, value: Value, expected: Value, unit: str = "") -> Row:
    """A row that passes if both values are equal."""
    return Row(name, _plain(value), _plain(expected), unit, "==")


def _plain(value: Value) -> Value:
    """A NumPy number as the Python number that JSON can represent."""
    return value.item() if isinstance(value, np.generic) else value


def refusal(work: Callable[[], object]) -> str | None:
    """The message with which cgcore refuses input; None if it is accepted."""
    try:
        work()
    except InputError as error:
        return str(error)
    return None


def refuses(work: Callable[[], object]) -> bool:
    """Whether `work` ends with cgcore's error for refused input."""
    return refusal(work) is not None


def says(name: str, work: Callable[[], object], words: str) -> Row:
    """A row that passes if input is refused with a message that contains these words, or accepted if they are
    "accepted"."""
    message = refusal(work) or "accepted"
    return equal(name, words if words in message else message, words)


def shown(name: str, value: Value, unit: str = "") -> Row:
    """A row with a value for information, which is not compared."""
    return Row(name, value, None, unit, "shown")


Body = Callable[[Context], Iterator[Row]]


@dataclass(frozen=True)
class Check:
    """A named generator of rows.

    Arguments:
        name: short name, as used with `--only`.
        body: generator function of the rows.
        quick: whether `--quick` includes it.
        data_driven: whether it runs on a user's own data (`--data`).
        live: whether it needs a user's script (`--reference`); it always runs if one is given.
        as_users: whether its programs are optimised as they are for users, because it depends on their speed or
            rounding; "whole" for all but quick runs, which take too few steps for either to matter.
        needs: packages that must be installed.
    """

    name: str
    body: Body
    quick: bool = False
    data_driven: bool = False
    live: bool = False
    as_users: bool | Literal["whole"] = False
    needs: tuple[str, ...] = ()

    def optimised(self, quick: bool) -> bool:
        """Whether the programs that this check compiles are optimised."""
        return self.live or self.as_users is True or (self.as_users == "whole" and not quick)

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (self.body.__doc__ or "").strip().partition("\n")[0]

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags that `--list` shows."""
        flags = {"quick": self.quick, "data-driven": self.data_driven, "live": self.live}
        return tuple(tag for tag, on in flags.items() if on) + tuple(f"needs {package}" for package in self.needs)


REGISTRY: dict[str, Check] = {}


def check(
    name: str,
    *,
    quick: bool = False,
    data_driven: bool = False,
    live: bool = False,
    as_users: bool | Literal["whole"] = False,
    needs: tuple[str, ...] = (),
) -> Callable[[Body], Body]:
    """Decorator that registers a generator function as a check."""

    def enter(body: Body) -> Body:
        if name in REGISTRY and REGISTRY[name].body.__module__ != body.__module__:
            raise ValueError(f"two checks are named {name!r}")
        REGISTRY[name] = Check(name, body, quick, data_driven, live, as_users, needs)
        return body

    return enter


def all_checks() -> list[Check]:
    """All checks in `validation.checks`, ordered by file name."""
    from validation import checks

    for module in sorted(m.name for m in pkgutil.iter_modules(checks.__path__)):
        importlib.import_module(f"validation.checks.{module}")
    return list(REGISTRY.values())


def chosen(context: Context, pattern: str | None = None) -> list[Check]:
    """The checks that a run includes.

    Raises:
        InputError: no check matches the pattern, or a script was given but no chosen check uses it.
    """
    every = all_checks()
    named = [c for c in every if pattern is None or _matches(c.name, pattern)]
    if not named:
        raise InputError(f"no check is named like {pattern!r}; there are {', '.join(c.name for c in every)}")
    if context.reference is not None and not any(c.live for c in named):
        raise InputError("--reference was given, but none of the chosen checks reads it; widen --only")
    if context.given and pattern is None:
        named = [c for c in named if c.data_driven or c.live]
    if context.quick:
        named = [c for c in named if c.quick or c.live]
    named = [c for c in named if not c.live or context.reference is not None]
    if not named:
        raise InputError(f"nothing is left to run of {pattern!r} with these options; see --list for the tags")
    return named


def _matches(name: str, pattern: str) -> bool:
    name, pattern = name.lower(), pattern.lower()
    return pattern in name or fnmatch.fnmatch(name, pattern)
