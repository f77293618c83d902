"""The point of a polyhedron that is nearest to another point: least-distance programming."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import nnls

INFEASIBLE = 1e-10
"""Where the polyhedron is empty, the last residual of the non-negative least squares is 0 to rounding; else it is
1 / (1 + d²), with the distance d in units of the farthest wall."""


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
    y: Float[np.ndarray, " k"], normals: Float[np.ndarray, "m k"], bounds: Float[np.ndarray, " m"]
) -> Projection:
    """The point x nearest to y with normals @ x >= bounds, exactly.

    The least-distance problem is solved by non-negative least squares, which finds the active rows; the point and the
    multipliers are then those of the linear equations of these rows.

    Source: Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23.4.

    Raises:
        Empty: there is no such point.
    """
    size = np.linalg.norm(normals, axis=1)
    flat = size == 0
    if (bounds[flat] > 0).any():
        raise Empty(np.flatnonzero(flat & (bounds > 0)))
    multipliers = np.zeros(len(bounds))
    unit = normals[~flat] / size[~flat, None]
    needed = bounds[~flat] / size[~flat] - unit @ y
    farthest = np.max(needed, initial=0.0)
    if farthest <= 0:
        return Projection(y, multipliers)
    stacked = np.vstack([unit.T, needed / farthest])
    wanted = np.zeros(len(stacked))
    wanted[-1] = 1.0
    weights, _ = nnls(stacked, wanted, maxiter=100 * len(needed))
    residual = wanted - stacked @ weights
    if residual[-1] < INFEASIBLE:
        raise Empty(np.flatnonzero(~flat)[weights > INFEASIBLE * weights.max()])  # less is rounding
    active = weights > 0
    step = np.linalg.lstsq(unit[active], needed[active], rcond=None)[0]
    found = np.linalg.lstsq(unit[active].T, step, rcond=None)[0]
    at = np.flatnonzero(~flat)[active]
    multipliers[at] = 2 * found / size[at]
    return Projection(y + step, multipliers)
