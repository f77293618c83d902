"""Smoothness: among fits that the data cannot tell apart, the one nearest to the smoothest admissible potential.

Minimised is the objective L(c) + strength * unit * roughness(c - c0)², see `roughness`, the last summed over bonds,
angles with dihedrals, and pairs, each with a unit of its own. c0 is the least rough potential
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
from scipy.linalg import eigvalsh

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, Triangle, design, merged
from cgcore.fitting.cross_validation import Curve, cross_validated
from cgcore.fitting.path import Path
from cgcore.fitting.roughness import data_bending, data_bends, roughness_of

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
        units: the penalty of a strength of 1 for each kind of potentials [(kcal/mol/Å)² / (kcal/mol/rad²)²; Å² for
            rad² where they are of distances].
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
        """Rows [P t] of all penalties: what is added to the loss is |P c - t|² [(kcal/mol/Å)²]."""
        rows = np.column_stack([self.rows, self.rows @ self.smoothest])
        return rows if self.pooling is None else np.vstack([rows, homogeneous(self.pooling)])

    @property
    def S(self) -> Triangle:
        """The triangular factor of the objective."""
        return merged([self.factor.S, np.sqrt(self.factor.beads) * self.penalty])


def homogeneous(rows: Rows) -> Float[np.ndarray, "rows n+1"]:
    """Rows of a penalty that is 0 where the coefficients are."""
    return np.column_stack([rows, np.zeros(len(rows))])


def smoothing(factor: Factor, strength: float, smoothest: Coefficients, pooling: Rows | None = None) -> Smoothing:
    """The penalty of this strength."""
    return Smoothing(factor, strength, smoothest, _units(factor), pooling)


def smoothness_curve(
    factor: Factor,
    start: Coefficients,
    smoothest: Coefficients,
    grid: Sequence[float] = STRENGTHS,
    pooling: Rows | None = None,
) -> Curve | None:
    """The cross-validated curve over strengths; None where the data are too few for two folds, or where there is no
    series to smooth. `start` are coefficients that neither data nor penalty move."""
    units = _units(factor)
    if not any(units.values()):
        return None

    fixed = None if pooling is None else homogeneous(pooling)
    path = Path(
        factor, np.sqrt(grid[0]) * data_bending(factor, units), np.array(grid) / grid[0], start, smoothest, fixed
    )
    return cross_validated("smoothness", grid, factor, path, path.directions(), roughness_of(factor))


def _units(factor: Factor) -> dict[str, float]:
    """For each kind of potentials the largest ratio of the curvature of the loss to that of roughness²."""
    columns = design(factor.S) / np.sqrt(factor.beads)
    straight, bent = [columns[:, :0]], {}
    for kind, own, rows in data_bends(factor):
        # Straight potentials have no roughness: what the data say of them is taken out below.
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
