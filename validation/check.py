"""A check, the rows that it yields, and the list of all checks."""

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
    """One comparison. `passed` follows from value, relation and tolerance; it can't be given.

    Arguments:
        name: what is compared.
        value: what was found.
        tolerance: what it is held against; None where nothing is.
        unit: of both.
        relation: how the value must stand to the tolerance. "shown" is information and "skipped" is a check that
            could not run: both are neither passed nor failed. "raised" is a check that broke: failed.
        seconds: wall time since the row before.
        passed: True or False, or None where nothing was compared.
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
    """Passes when value <= tolerance; NaN fails."""
    return Row(name, float(value), float(tolerance), unit)


def at_least(name: str, value: float, tolerance: float, unit: str = "") -> Row:
    """Passes when value >= tolerance; NaN fails."""
    return Row(name, float(value), float(tolerance), unit, ">=")


def equal(name: str, value: Value, expected: Value, unit: str = "") -> Row:
    """Passes when both are the same."""
    return Row(name, _plain(value), _plain(expected), unit, "==")


def _plain(value: Value) -> Value:
    """A number of NumPy as one that JSON knows."""
    return value.item() if isinstance(value, np.generic) else value


def refuses(work: Callable[[], object]) -> bool:
    """Whether cgcore refuses the input of `work`."""
    try:
        work()
    except InputError:
        return True
    return False


def shown(name: str, value: Value, unit: str = "") -> Row:
    """A number for the reader, held against nothing."""
    return Row(name, value, None, unit, "shown")


Body = Callable[[Context], Iterator[Row]]


@dataclass(frozen=True)
class Check:
    """A named generator of rows.

    Arguments:
        name: short, as in `--only`.
        body: what yields the rows.
        quick: part of `--quick`.
        data_driven: part of a run on a user's own data (`--data`).
        live: runs only where a user's script is given (`--reference`), and then always.
        as_users: what it compiles is optimised as it is for users, since it depends on how fast programs are, or on how
            they round; "whole": not in quick mode, which runs too few steps for either.
        needs: packages that have to be installed.
    """

    name: str
    body: Body
    quick: bool = False
    data_driven: bool = False
    live: bool = False
    as_users: bool | Literal["whole"] = False
    needs: tuple[str, ...] = ()

    def optimised(self, quick: bool) -> bool:
        """Whether what it compiles is optimised."""
        return self.live or self.as_users is True or (self.as_users == "whole" and not quick)

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (self.body.__doc__ or "").strip().partition("\n")[0]

    @property
    def tags(self) -> tuple[str, ...]:
        """What `--list` shows."""
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
    """Enter a generator function in the list of checks."""

    def enter(body: Body) -> Body:
        if name in REGISTRY and REGISTRY[name].body.__module__ != body.__module__:
            raise ValueError(f"two checks are named {name!r}")
        REGISTRY[name] = Check(name, body, quick, data_driven, live, as_users, needs)
        return body

    return enter


def all_checks() -> list[Check]:
    """Every check of `validation.checks`, by file name."""
    from validation import checks

    for module in sorted(m.name for m in pkgutil.iter_modules(checks.__path__)):
        importlib.import_module(f"validation.checks.{module}")
    return list(REGISTRY.values())


def chosen(context: Context, pattern: str | None = None) -> list[Check]:
    """The checks that a run consists of.

    Raises:
        InputError: the pattern matches none, or a script was given that no check reads.
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
