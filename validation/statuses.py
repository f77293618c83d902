"""What a fit may say of how it ended, written down here: what cgcore calls converged is a claim to be judged."""

from __future__ import annotations

CONVERGED = frozenset({"GRADIENT", "PRECISION_FLOOR", "CONSTRAINED"})
"""An end at a minimum."""

BY_ROUNDING = frozenset({"GRADIENT", "PRECISION_FLOOR"})
"""Which of these two it is can be a matter of rounding."""

OPTIMAL = 1e-8
"""Largest optimality gap, from the explicit matrix, of a float64 fit that says it converged."""


def as_good(now: str, recorded: str) -> bool:
    """Whether a fit ended as recorded, but for rounding. A gain in convergence is a new record, not a pass: a solver
    that calls everything converged would look like one."""
    return now == recorded or {now, recorded} <= BY_ROUNDING
