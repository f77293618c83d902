"""Smoothness: among fits that the data cannot tell apart, the one nearest to the smoothest admissible potential.

Minimised is the objective L(c) + strength * unit * roughness(c - c0)², see `roughness`. c0 is the least rough potential
that satisfies the constraints by itself, see `admissible.smoothest`: flat without constraints, and with walls where
these ask for them, so that a penalty does not work against the constraints. The unit is the largest ratio of the loss's
curvature to that of the roughness along any potential, so that a strength is a number without dimension: at 1 even the
potential that the data determine best goes only half the way from c0. It does not depend on the number of frames.

The objective is a quadratic again: its factor is that of the data with one row more for each harmonic, and all that
holds for a factor (L-BFGS in whitened coordinates, certificate) holds for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, Triangle, design, merged, target
from cgcore.fitting.cross_validation import Curve, cross_validated
from cgcore.fitting.roughness import data_bending, roughness_of
from cgcore.fitting.spectrum import centred

Rows = Float[np.ndarray, "rows n"]

STRENGTHS = (1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 1e-6, 1e-7)
"""The grid of the cross-validation. Its end keeps potentials of physical size however many frames there are: on the
bundled set the roughness is 57 kcal/mol/rad² at 1e-3, 1,000 at 1e-7, 30,000 at 1e-10, for 0.05 % of the loss."""

FALLBACK = 1e-3
"""Where the data are too few for folds: near the choice on every set that was measured."""


@dataclass(frozen=True)
class Smoothing:
    """The smoothness penalty of a factor.

    Arguments:
        factor: the data's.
        strength: relative to the data.
        smoothest: coefficients c0 without penalty.
        unit: the penalty of a strength of 1 [(kcal/mol/Å)² / (kcal/mol/rad²)²].
        pooling: further rows P of a penalty |P c|², see `pooling`.
    """

    factor: Factor
    strength: float
    smoothest: Coefficients
    unit: float
    pooling: Rows | None = None

    @cached_property
    def rows(self) -> Float[np.ndarray, "rows n"]:
        """The matrix P with |P c|² = strength * unit * roughness(c)²."""
        return np.sqrt(self.strength * self.unit) * data_bending(self.factor)

    @property
    def S(self) -> Triangle:
        """The triangular factor of the objective."""
        rows = np.column_stack([self.rows, self.rows @ self.smoothest])
        if self.pooling is not None:
            rows = np.vstack([rows, homogeneous(self.pooling)])
        return merged([self.factor.S, np.sqrt(self.factor.beads) * rows])


def homogeneous(rows: Rows) -> Float[np.ndarray, "rows n+1"]:
    """Rows of a penalty that is 0 where the coefficients are."""
    return np.column_stack([rows, np.zeros(len(rows))])


def smoothing(factor: Factor, strength: float, smoothest: Coefficients, pooling: Rows | None = None) -> Smoothing:
    """The penalty of this strength."""
    return Smoothing(factor, strength, smoothest, _unit(factor, data_bending(factor)), pooling)


def smoothness_curve(
    factor: Factor,
    start: Coefficients,
    smoothest: Coefficients,
    grid: Sequence[float] = STRENGTHS,
    pooling: Rows | None = None,
) -> Curve | None:
    """The cross-validated curve over strengths; None where the data are too few for two folds, or where there is no
    series to smooth. `start` are coefficients that neither data nor penalty move."""
    D = data_bending(factor)
    unit, centre = _unit(factor, D), factor.fingerprint.layout.parabolas
    if unit == 0:
        return None

    def path(S: Triangle, beads: float) -> Path:
        if pooling is not None:
            S = merged([S, np.sqrt(beads) * homogeneous(pooling)])
        return Path(S, beads, np.sqrt(grid[0] * unit) * D, start, smoothest, centre)

    shares = np.array(grid) / grid[0]

    def optima(S: Triangle, beads: float) -> Float[np.ndarray, "grid n"]:
        return path(S, beads).optima(shares)

    directions = path(factor.S, factor.beads).directions(shares).tolist()
    return cross_validated("smoothness", grid, factor, optima, directions, roughness_of(factor))


class Path:
    """The fits of all strengths from one decomposition.

    With the QR factor R of the rows [A; P] of data and strongest penalty, and the singular values s of A R^-1, the
    objective at a part `share` of the strongest penalty is diagonal, s² + share (1 - s²), in the coordinates V^T R c
    (the generalised singular value decomposition, Golub and Van Loan, Matrix Computations, 4th ed., 6.1.6).
    """

    def __init__(
        self,
        S: Triangle,
        beads: float,
        strongest: Float[np.ndarray, "rows n"],
        start: Coefficients,
        smoothest: Coefficients,
        centre: Sequence[int],
    ) -> None:
        A, z = design(S) / np.sqrt(beads), target(S) / np.sqrt(beads)
        centred_A, T = centred(A, beads, centre)
        stacked = np.vstack([centred_A, strongest])  # centring leaves alone what has a shape
        scale = np.linalg.norm(stacked, axis=0)
        moved = scale > 0
        T, stacked = T[:, moved] / scale[moved], stacked[:, moved] / scale[moved]
        Q, R = np.linalg.qr(stacked)
        U, s, Vt = np.linalg.svd(Q[: len(A)], full_matrices=False)
        self._s = np.minimum(s, 1.0)
        self._back = T @ np.linalg.solve(R, Vt.T)
        self._origin = np.where(moved, smoothest, start)
        self._projected = U.T @ (z - A @ self._origin)

    def optima(self, shares: Float[np.ndarray, " grid"]) -> Float[np.ndarray, "grid n"]:
        """The coefficients; those that neither data nor penalty move stay at the start."""
        return self._origin + (self._s * self._projected / self._curvatures(shares)) @ self._back.T

    def directions(self, shares: Float[np.ndarray, " grid"]) -> Float[np.ndarray, " grid"]:
        """How many directions the data decide: the trace of the map from forces to fitted forces."""
        return np.sum(self._s**2 / self._curvatures(shares), axis=1)

    def _curvatures(self, shares: Float[np.ndarray, " grid"]) -> Float[np.ndarray, "grid n"]:
        return self._s**2 + shares[:, None] * (1 - self._s**2)


def _unit(factor: Factor, D: Rows) -> float:
    """The largest ratio of the curvature of the loss to that of roughness² = |D c|², over potentials with a shape."""
    shaped = D.any(axis=0)
    if not shaped.any():
        return 0.0
    columns, D = design(factor.S)[:, shaped] / np.sqrt(factor.beads), D[:, shaped]
    if np.linalg.matrix_rank(D) < D.shape[1]:
        # Straight potentials have no roughness: what the data say of them is taken out first.
        _, s, Vt = np.linalg.svd(D)
        rank = int(np.count_nonzero(s > s[0] * 1e-12))
        straight = columns @ Vt[rank:].T
        bent = columns @ Vt[:rank].T
        bent = bent - straight @ np.linalg.lstsq(straight, bent, rcond=None)[0]
        return float(np.linalg.norm(bent / s[:rank], 2) ** 2)
    return float(np.linalg.norm(np.linalg.lstsq(D.T, columns.T, rcond=None)[0], 2) ** 2)
