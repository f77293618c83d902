"""The certificate of a constrained fit, recomputed: distances, multipliers and dual bound from the objective's matrix.

In coordinates y with |M c - t|² = |y - y*|² + least, an admissible fit is the admissible point nearest to the point
where the solver ended. One step of L-BFGS without memory moves straight towards y*, so the end point, and with it every
multiplier, follows from the remaining gradient. SciPy's non-negative least squares provides the multipliers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from validation.admissible import Inequalities, minimum
from validation.explicit import Array

TIGHT = 1e-8
"""Slack, in units of the coordinates, below which a row is active (observed: 1e-14; at least 1e-2 for the others)."""


@dataclass(frozen=True)
class Objective:
    """The objective |M c - t|², with coordinates in which it is a squared distance; M has full rank."""

    M: Array
    t: Array

    @cached_property
    def _root(self) -> tuple[Array, Array]:
        Q, R = np.linalg.qr(self.M)
        return R, Q.T @ self.t

    @property
    def best(self) -> Array:
        """Coordinates of the minimum."""
        return self._root[1]

    @cached_property
    def optimum(self) -> Array:
        """Coefficients of the minimum, by LAPACK."""
        scale = np.linalg.norm(self.M, axis=0)
        return np.linalg.lstsq(self.M / scale, self.t, rcond=None)[0] / scale

    def at(self, c: Array) -> Array:
        """Coordinates of the coefficients c."""
        return self._root[0] @ c

    def rows(self, G: Array) -> Array:
        """Rows G that act on coefficients, as rows that act on coordinates."""
        return np.linalg.solve(self._root[0].T, G.T).T

    def value(self, c: Array) -> float:
        """The objective at the coefficients c."""
        return float(np.sum((self.M @ c - self.t) ** 2))

    def slope(self, c: Array) -> float:
        """Norm of the gradient with respect to the coordinates."""
        return 2 * float(np.linalg.norm(self.at(c) - self.best))


@dataclass(frozen=True)
class Dual:
    """Results from the multipliers of a fit, see `cgcore.fitting.certificate.Certificate`."""

    multipliers: dict[str, float]
    bound: float
    residual: float


def dual(objective: Objective, rows: Inequalities, start: Array, c: Array, slope: float) -> Dual:
    """The dual of a fit that ended at c after one step from `start`, where the norm of the objective's gradient is
    `slope`."""
    from scipy.optimize import nnls

    y, best, first = objective.at(c), objective.best, objective.at(start)
    left = slope / 2 / np.linalg.norm(first - best)
    near = best + left * (first - best)
    N = objective.rows(rows.G)
    size = np.linalg.norm(N, axis=1)
    slack = (N @ y - rows.h) / size
    tight = slack < TIGHT * (1 + np.linalg.norm(y))
    m = np.zeros(len(slack))
    m[tight] = 2 * nnls((N[tight] / size[tight, None]).T, y - near)[0] / size[tight]
    least = objective.value(objective.optimum)
    rest = 2 * (y - best) - N.T @ m
    # cgcore measures distances and multipliers from the start of the fit, the origin of its coordinates.
    walls = rows.h - N @ first
    reach = 1 + np.linalg.norm(y - first) + np.abs(walls / size).max()
    strength = 1 + np.linalg.norm(m * size)
    names = np.array(rows.names)
    return Dual(
        {name: float(m[names == name].sum()) for name in dict.fromkeys(rows.names)},
        least + float(m @ (rows.h - N @ best) - np.sum((N.T @ m) ** 2) / 4),
        float(
            max(
                np.max(-slack) / reach,
                np.max(np.abs(m * size * slack)) / (strength * reach),
                np.linalg.norm(rest) / (strength + np.linalg.norm(y - best)),
            )
        ),
    )


def price(objective: Objective, rows: Inequalities, name: str, c: Array) -> float:
    """The decrease of the objective from c if the constraint of this name is dropped, by SciPy's SLSQP."""
    others = np.array(rows.names) != name
    if not others.any():
        return objective.value(c) - objective.value(objective.optimum)
    kept = Inequalities(tuple(np.array(rows.names)[others]), rows.G[others], rows.h[others])
    return max(objective.value(c) - objective.value(minimum(objective.M, objective.t, kept, c)), 0.0)


def stated(fit: Any) -> Inequalities:
    """The constraints that a fit states; other checks verify that they are the right ones."""
    every = fit.admissible.constraints
    names = [one.name for one in every for _ in one.bounds]
    return Inequalities(
        tuple(names), np.vstack([one.normals for one in every]), np.concatenate([one.bounds for one in every])
    )
