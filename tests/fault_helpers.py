"""Faults as edits of one line: a function of cgcore is compiled again from its source, with one part replaced."""

from __future__ import annotations

import contextvars
import functools
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import click
import jax
import pytest

import cgcore
from cgcore.fitting import roughness
from cgcore.physics import groups
from validation.check import Check, Row, all_checks
from validation.compiling import unoptimised
from validation.context import Context, distinct, four_terms
from validation.runner import rows_of, run

COMPILED = ("physics", "factor", "solver", "pipeline", "simulation", "export")
"""Packages whose code is part of compiled programs; the others compute with NumPy."""


@dataclass(frozen=True)
class Fault:
    """A fault in cgcore, which a call with `monkeypatch` introduces.

    Arguments:
        put: introduces the fault.
        compiled: whether previously compiled programs may hide it.
    """

    put: Callable[[pytest.MonkeyPatch], None]
    compiled: bool = True

    def __call__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.put(monkeypatch)


for _module in pkgutil.walk_packages(cgcore.__path__, "cgcore."):
    # A module that is first imported while a fault is there would keep the faulty functions that it imports.
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)

Faults = dict[str, tuple[str, Fault]]
"""Faults by name, each with the check that must detect it."""


def edited(owner: Any, name: str, old: str, new: str) -> Fault:
    """A fault that replaces `old` by `new` in the source of a function or method, in which `old` must occur once.

    Arguments:
        owner: the module or class in which callers look the function up.
        name: name of the function.
        old, new: source text.
    """

    def put(monkeypatch: pytest.MonkeyPatch) -> None:
        raw = inspect.getattr_static(owner, name)
        cached = isinstance(raw, functools.cached_property)
        function: Any = raw.fget if isinstance(raw, property) else raw.func if cached else raw
        function = inspect.unwrap(getattr(function, "__func__", function))
        # A method may call a function of its module that has the same name.
        space = dict(vars(inspect.getmodule(function)))
        found = _remade(function, old, new, space, space if inspect.ismodule(owner) else {})
        if cached:
            found[name].__set_name__(owner, name)
        monkeypatch.setattr(owner, name, found[name])

    module = owner.__name__ if inspect.ismodule(owner) else owner.__module__
    return Fault(put, module.split(".")[1] in COMPILED)


def _remade(function: Any, old: str, new: str, space: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """`found`, with what the source of a function defines in the names `space` if `old` is replaced by `new`."""
    lines = textwrap.dedent(inspect.getsource(function))
    assert lines.count(old) == 1, f"{function.__name__} holds {old!r} {lines.count(old)} times"
    made = "from __future__ import annotations\n" + lines.replace(old, new)
    exec(compile(made, f"<{function.__name__} with a fault>", "exec"), space, found)
    return found


def edited_command(command: click.Command, old: str, new: str) -> Fault:
    """A fault like `edited` in a command of the command line, or in its options."""

    def put(monkeypatch: pytest.MonkeyPatch) -> None:
        assert command.callback is not None
        function = inspect.unwrap(command.callback)
        # The names of the module itself, in which a check may replace what the command calls.
        made = _remade(function, old, new, vars(inspect.getmodule(function)), {})[function.__name__]
        for part in ("callback", "params"):
            monkeypatch.setattr(command, part, getattr(made, part))

    return Fault(put, compiled=False)


Edits = dict[str, tuple[Any, str, str, str]]
"""The arguments of `edited` by the name of the fault."""


def faults_of(edits: dict[str, Edits]) -> Faults:
    """The faults of the checks of these names."""
    return {name: (check, edited(*edit)) for check, own in edits.items() for name, edit in own.items()}


def uncompiled(faults: Faults) -> Faults:
    """The same faults, none of which is part of a compiled program, so that compiled programs may stay."""
    return {name: (check, replace(fault, compiled=False)) for name, (check, fault) in faults.items()}


def quick_context(*, quick: bool = True) -> Context:
    """The context of `python -m validation --quick` on the bundled data."""
    return Context(cgcore.datasets.chignolin(), distinct(four_terms(cgcore.default_prior())), quick=quick)


def every_row(name: str, *, quick: bool = True) -> list[Row]:
    """The rows of a check."""
    return run([_check(name)], quick_context(quick=quick))


def seen(name: str, *, quick: bool = True) -> bool:
    """Whether a comparison of a check fails; the check is not continued after that. An exception would also fail the
    check, but proves less. What a fault leaves in context variables ends with it."""
    check = _check(name)

    def refuted_once() -> bool:
        with jax.enable_x64(True), unoptimised(not check.optimised(quick)):
            return any(map(refuted, rows_of(check, quick_context(quick=quick))))

    return contextvars.copy_context().run(refuted_once)


def refuted(row: Row) -> bool:
    """Whether a comparison failed."""
    return row.passed is False and row.relation != "raised"


def forgotten() -> Iterator[None]:
    """Body of a fixture: nothing compiled or cached before a fault may hide it, and nothing faulty may remain after
    the test."""
    forget()
    yield
    forget()


def forget() -> None:
    """Clear everything that cgcore caches between calls."""
    jax.clear_caches()
    for kept in (roughness._bends, groups._numbered):
        kept.cache_clear()


def _check(name: str) -> Check:
    return next(check for check in all_checks() if check.name == name)
