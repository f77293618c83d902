"""The point of a polyhedron that is nearest to another point: least-distance programming."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import nnls

INFEASIBLE = 1e-10
"""If the polyhedron is empty, the last residual of the non-negative least squares is 0 within rounding; else it is
1 / (1 + d²), where d is the distance in units of that of the farthest wall."""

ROUNDING = 1e-13
"""A violation below this fraction of the farthest wall's distance is only rounding."""


class Projection(NamedTuple):
    """The nearest point, and the multiplier of each row: point - y = normals^T multipliers / 2, multipliers >= 0."""

    point: Float[np.ndarray, " k"]
    multipliers: Float[np.ndarray, " m"]


class Empty(Exception):
    """No point satisfies all rows; `rows` are some contradictory ones."""

    def __init__(self, rows: np.ndarray) -> None:
        super().__init__("no point satisfies all inequalities")
        self.rows = rows


class Polyhedron:
    """All points x with normals @ x >= bounds."""

    def __init__(self, normals: Float[np.ndarray, "m k"], bounds: Float[np.ndarray, " m"]) -> None:
        size = np.linalg.norm(normals, axis=1)
        flat = size == 0
        self._size = np.where(flat, 1.0, size)
        self._unit = normals / self._size[:, None]
        self._bounds = np.where(flat & (bounds <= 0), -np.inf, bounds / self._size)
        self._impossible = flat & (bounds > 0)

    def nearest(
        self,
        y: Float[np.ndarray, " k"],
        among: Bool[np.ndarray, " m"] | None = None,
        likely: Bool[np.ndarray, " m"] | None = None,
    ) -> Projection:
        """The point nearest to y, exactly.

        Since few of thousands of rows matter, only rows that y violates are used at first, and rows that the resulting
        point violates are added until there are none. The least-distance problem is solved by non-negative least
        squares, which finds the active rows; point and multipliers then follow from the linear equations of these rows.

        Arguments:
            y: a point.
            among: the rows to use; None for all.
            likely: rows to add before others.

        Source: Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23.4.

        Raises:
            Empty: there is no such point.
        """
        among = np.ones(len(self._bounds), bool) if among is None else among
        likely = among if likely is None else likely
        if (self._impossible & among).any():
            raise Empty(np.flatnonzero(self._impossible & among))
        needed = np.where(among, self._bounds - self._unit @ y, -np.inf)
        multipliers, step = np.zeros(len(needed)), np.zeros_like(y)
        farthest, taken = np.max(needed, initial=0.0), np.zeros(len(needed), bool)
        while (broken := (needed - self._unit @ step > ROUNDING * farthest) & ~taken).any():
            taken |= broken & likely if (broken & likely).any() else broken
            rows = np.flatnonzero(taken)
            active = rows[_active(self._unit[rows], needed[rows] / farthest, rows)]
            unit = self._unit[active]
            step = np.linalg.lstsq(unit, needed[active], rcond=None)[0]
            multipliers[:] = 0.0
            multipliers[active] = 2 * np.linalg.lstsq(unit.T, step, rcond=None)[0] / self._size[active]
        return Projection(y + step, multipliers)


def _active(
    unit: Float[np.ndarray, "rows k"], needed: Float[np.ndarray, " rows"], names: Int[np.ndarray, " rows"]
) -> Bool[np.ndarray, " rows"]:
    """Which of these rows are active at the nearest point; at least one must be violated at the origin."""
    stacked = np.vstack([unit.T, needed])
    wanted = np.zeros(len(stacked))
    wanted[-1] = 1.0
    problem = np.column_stack([stacked, wanted])
    if len(problem) > 2 * len(needed):
        problem = np.asarray(np.linalg.qr(problem, mode="r"))
    weights, _ = nnls(problem[:, :-1], problem[:, -1], maxiter=100 * len(needed))
    if wanted[-1] - stacked[-1] @ weights < INFEASIBLE:
        raise Empty(names[weights > INFEASIBLE * weights.max()])  # smaller ones are rounding
    return weights > 0
