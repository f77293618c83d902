"""Faults as edits of a line: a function of cgcore is made anew from its source, with one part replaced."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from functools import cached_property
from typing import Any

import pytest

import cgcore
from validation.check import Row, all_checks
from validation.context import Context, distinct, four_terms
from validation.runner import run

Fault = Callable[[pytest.MonkeyPatch], None]


def edited(owner: Any, name: str, old: str, new: str) -> Fault:
    """A fault that replaces `old`, which has to be there once, by `new` in the source of a function or method.

    Arguments:
        owner: the module or class that it is found in, which is where callers look it up.
        name: of the function.
        old, new: source text.
    """

    def put(monkeypatch: pytest.MonkeyPatch) -> None:
        raw = inspect.getattr_static(owner, name)
        function: Any = raw
        for kind, part in ((property, "fget"), (cached_property, "func"), (classmethod, "__func__")):
            function = getattr(raw, part) if isinstance(raw, kind) else function
        assert callable(function)
        function = inspect.unwrap(function)
        lines = textwrap.dedent(inspect.getsource(function))
        assert lines.count(old) == 1, f"{name} holds {old!r} {lines.count(old)} times"
        space = dict(vars(inspect.getmodule(function)))
        made = "from __future__ import annotations\n" + lines.replace(old, new)
        exec(compile(made, f"<{name} with a fault>", "exec"), space)
        if isinstance(raw, cached_property):
            space[name].__set_name__(owner, name)
        monkeypatch.setattr(owner, name, space[name])

    return put


def failed(name: str, *, quick: bool = True) -> list[Row]:
    """The rows of a check that fail."""
    context = Context(cgcore.datasets.chignolin(), distinct(four_terms(cgcore.default_prior())), quick=quick)
    checks = {check.name: check for check in all_checks()}
    return [row for row in run([checks[name]], context) if row.passed is False]
