"""Statuses of fits, defined here independently: cgcore's statements about convergence are to be judged."""

from __future__ import annotations

from typing import Any

CONVERGED = frozenset({"GRADIENT", "PRECISION_FLOOR", "CONSTRAINED"})
"""Statuses of fits that ended at a minimum."""

BY_ROUNDING = frozenset({"GRADIENT", "PRECISION_FLOOR"})
"""Two statuses between which rounding may decide."""

OPTIMAL = 1e-8
"""Largest optimality gap, from the explicit matrix, of a float64 fit that reports convergence."""


def converged(ended: Any) -> bool:
    """Whether a fit or a solution claims to have ended at a minimum. Its `converged` must agree with its status.

    Raises:
        ValueError: `converged` and the status contradict each other.
    """
    claims = ended.status.name in CONVERGED
    if claims is not ended.converged:
        raise ValueError(f"status {ended.status.name} with converged = {ended.converged}")
    return claims


def as_good(now: str, recorded: str) -> bool:
    """Whether a fit ended as recorded, up to rounding.

    Better convergence than recorded does not pass and needs a new record: a solver that reports convergence everywhere
    would look like an improvement.
    """
    return now == recorded or {now, recorded} <= BY_ROUNDING
