"""The point of a polyhedron that is nearest to another point: least-distance programming."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import nnls

INFEASIBLE = 1e-10
"""Where the polyhedron is empty, the last residual of the non-negative least squares is 0 to rounding; else it is
1 / (1 + d²), with the distance d in units of the farthest wall."""

ROUNDING = 1e-13
"""So much of the farthest wall's distance is no way to go."""


class Projection(NamedTuple):
    """The nearest point, and the multiplier of each row: point - y = normals^T multipliers / 2, multipliers >= 0."""

    point: Float[np.ndarray, " k"]
    multipliers: Float[np.ndarray, " m"]


class Empty(Exception):
    """No point satisfies all rows; `rows` are some that contradict each other."""

    def __init__(self, rows: np.ndarray) -> None:
        super().__init__("no point satisfies all inequalities")
        self.rows = rows


def project(
    y: Float[np.ndarray, " k"],
    normals: Float[np.ndarray, "m k"],
    bounds: Float[np.ndarray, " m"],
    likely: Bool[np.ndarray, " m"] | None = None,
) -> Projection:
    """The point x nearest to y with normals @ x >= bounds, exactly.

    Only rows that y breaks are taken at first, the likely ones if these are given, and those that the nearest point
    then breaks are added until there are none: of thousands of rows few matter. The least-distance problem is solved by
    non-negative least squares, which finds the active rows; the point and the multipliers are then those of the linear
    equations of these rows.

    Source: Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23.4.

    Raises:
        Empty: there is no such point.
    """
    size = np.linalg.norm(normals, axis=1)
    flat = size == 0
    if (bounds[flat] > 0).any():
        raise Empty(np.flatnonzero(flat & (bounds > 0)))
    unit = normals / np.where(flat, 1.0, size)[:, None]
    needed = np.where(flat, -np.inf, bounds / np.where(flat, 1.0, size) - unit @ y)
    multipliers, step = np.zeros(len(bounds)), np.zeros_like(y)
    farthest = np.max(needed, initial=0.0)
    taken = np.zeros(len(bounds), bool)
    while (broken := (needed - unit @ step > ROUNDING * farthest) & ~taken).any():
        taken |= broken if likely is None or not (broken & likely).any() else broken & likely
        rows = np.flatnonzero(taken)
        active = rows[_active(unit[rows], needed[rows] / farthest, rows)]
        step = np.linalg.lstsq(unit[active], needed[active], rcond=None)[0]
        multipliers[:] = 0.0
        multipliers[active] = 2 * np.linalg.lstsq(unit[active].T, step, rcond=None)[0] / size[active]
    return Projection(y + step, multipliers)


def _active(
    unit: Float[np.ndarray, "rows k"], needed: Float[np.ndarray, " rows"], names: Int[np.ndarray, " rows"]
) -> Bool[np.ndarray, " rows"]:
    """Which of these rows hold the nearest point where it is; at least one is to be met."""
    stacked = np.vstack([unit.T, needed])
    wanted = np.zeros(len(stacked))
    wanted[-1] = 1.0
    R = np.linalg.qr(np.column_stack([stacked, wanted]), mode="r") if len(stacked) > 2 * len(needed) else None
    weights, _ = nnls(*((stacked, wanted) if R is None else (R[:, :-1], R[:, -1])), maxiter=100 * len(needed))
    if wanted[-1] - stacked[-1] @ weights < INFEASIBLE:
        raise Empty(names[weights > INFEASIBLE * weights.max()])  # less is rounding
    return weights > 0
