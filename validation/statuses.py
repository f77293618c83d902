"""What a fit may say of how it ended, written down here: what cgcore calls converged is a claim to be judged."""

from __future__ import annotations

from typing import Any

CONVERGED = frozenset({"GRADIENT", "PRECISION_FLOOR", "CONSTRAINED"})
"""An end at a minimum."""

BY_ROUNDING = frozenset({"GRADIENT", "PRECISION_FLOOR"})
"""Which of these two it is can be a matter of rounding."""

OPTIMAL = 1e-8
"""Largest optimality gap, from the explicit matrix, of a float64 fit that says it converged."""


def converged(ended: Any) -> bool:
    """Whether a fit or a solution claims to have ended at a minimum; cgcore's own word for it has to be the same.

    Raises:
        ValueError: it says one thing by its status and another by `converged`.
    """
    claims = ended.status.name in CONVERGED
    if claims is not ended.converged:
        raise ValueError(f"status {ended.status.name} with converged = {ended.converged}")
    return claims


def as_good(now: str, recorded: str) -> bool:
    """Whether a fit ended as recorded, but for rounding. A gain in convergence is a new record, not a pass: a solver
    that calls everything converged would look like one."""
    return now == recorded or {now, recorded} <= BY_ROUNDING
