"""The gate, as one of the checks."""

from __future__ import annotations

from collections.abc import Iterator

from validation.check import Row, check
from validation.context import Context
from validation.gate.compare import compare
from validation.gate.file import read
from validation.gate.modes import PROBLEMS, SOLVER

QUICK = {(SOLVER, name) for name in PROBLEMS}
"""Gated fits that compile little. `python -m validation gate` includes all."""


@check("gate", as_users=True, quick=True)
def gate(context: Context) -> Iterator[Row]:
    """Steps, evaluations, status, gap and held-out loss of the bundled fits against gates.toml."""
    yield from compare(Context.bundled(), read(), QUICK if context.quick else None)
