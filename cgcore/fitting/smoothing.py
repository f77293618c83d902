"""Smoothness: among fits that the data cannot distinguish, the one closest to the smoothest admissible potential.

The objective is L(c) + strength * unit * roughness(c - c0)², see `roughness`; the penalty is summed over bonds, angles
with dihedrals, and pairs, each with its own unit. c0 is the smoothest potential that satisfies the constraints, see
`admissible.smoothest`: flat without constraints, and with walls where they require them, so that the penalty does not
work against the constraints. The unit is the largest ratio of the curvature of the loss to that of roughness² along any
potential, which makes the strength dimensionless: at 1, even the potential that the data determine best moves only half
of the way from c0. It does not depend on the number of frames.

The objective is again quadratic: its factor is that of the data with further rows for the penalty, and everything that
holds for a factor (L-BFGS in whitened coordinates, certificate) holds for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigvalsh

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, Triangle, design, merged
from cgcore.fitting.cross_validation import Curve, cross_validated
from cgcore.fitting.path import Path
from cgcore.fitting.roughness import data_bending, data_bends, roughness_of

Rows = Float[np.ndarray, "rows n"]

STRENGTHS = (1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 1e-6, 1e-7)
"""The grid of the cross-validation. Its lower end keeps potentials at a physical size for any number of frames: on the
bundled set the roughness is 57 kcal/mol/rad² at 1e-3, 1,000 at 1e-7 and 30,000 at 1e-10, for 0.05 % of the loss."""

FALLBACK = 1e-3
"""The strength if there are too few data for folds; it is close to the choice on every set that was measured."""


@dataclass(frozen=True)
class Smoothing:
    """The smoothness penalty of a factor.

    Arguments:
        factor: factor of the data.
        strength: strength relative to the data.
        smoothest: coefficients c0, for which the penalty is 0.
        units: unit of the penalty for each kind of potential [(kcal/mol/Å)² / (kcal/mol/rad²)², with Å² instead of rad²
            for distances].
        pooling: further rows P of a penalty |P c|², see `pooling`.
    """

    factor: Factor
    strength: float
    smoothest: Coefficients
    units: dict[str, float]
    pooling: Rows | None = None

    @cached_property
    def rows(self) -> Float[np.ndarray, "rows n"]:
        """The matrix P with |P c|² = strength * unit * roughness(c)²."""
        return np.sqrt(self.strength) * data_bending(self.factor, self.units)

    @property
    def penalty(self) -> Float[np.ndarray, "rows m"]:
        """Rows [P t] of all penalties; |P c - t|² is added to the loss [(kcal/mol/Å)²]."""
        rows = np.column_stack([self.rows, self.rows @ self.smoothest])
        return rows if self.pooling is None else np.vstack([rows, homogeneous(self.pooling)])

    @property
    def S(self) -> Triangle:
        """The triangular factor of the objective."""
        return merged([self.factor.S, np.sqrt(self.factor.beads) * self.penalty])


def homogeneous(rows: Rows) -> Float[np.ndarray, "rows n+1"]:
    """Rows of a penalty that is 0 for coefficients of 0."""
    return np.column_stack([rows, np.zeros(len(rows))])


def smoothing(factor: Factor, strength: float, smoothest: Coefficients, pooling: Rows | None = None) -> Smoothing:
    """The penalty with this strength."""
    return Smoothing(factor, strength, smoothest, _units(factor), pooling)


def smoothness_curve(
    factor: Factor,
    start: Coefficients,
    smoothest: Coefficients,
    grid: Sequence[float] = STRENGTHS,
    pooling: Rows | None = None,
) -> Curve | None:
    """The cross-validated curve over strengths; None if there are too few data for two folds, or no potential to
    smooth. `start` gives the values of coefficients that neither data nor penalty determine."""
    units = _units(factor)
    if not any(units.values()):
        return None

    fixed = None if pooling is None else homogeneous(pooling)
    path = Path(
        factor, np.sqrt(grid[0]) * data_bending(factor, units), np.array(grid) / grid[0], start, smoothest, fixed
    )
    return cross_validated("smoothness", grid, factor, path, path.directions(), roughness_of(factor))


def _units(factor: Factor) -> dict[str, float]:
    """For each kind of potential, the largest ratio of the curvature of the loss to that of roughness²."""
    columns = design(factor.S) / np.sqrt(factor.beads)
    straight, bent = [columns[:, :0]], {}
    for kind, own, rows in data_bends(factor):
        # Straight potentials have no roughness; their part of the data is removed below.
        _, s, Vt = np.linalg.svd(rows)
        rank = int(np.count_nonzero(s > s[0] * 1e-12))
        straight.append(columns[:, own] @ Vt[rank:].T)
        bent.setdefault(kind, []).append(columns[:, own] @ Vt[:rank].T / s[:rank])
    Q = np.linalg.qr(np.hstack(straight))[0]
    found = {}
    for kind, parts in bent.items():
        Z = np.hstack(parts)
        Z = Z - Q @ (Q.T @ Z)
        found[kind] = float(eigvalsh(Z.T @ Z, subset_by_index=[Z.shape[1] - 1] * 2)[0])
    return found
