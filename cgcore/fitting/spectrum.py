"""Directions in coefficient space, ordered by how well the data determine them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from cgcore.factor.triangle import MANY_COLUMNS, Coefficients, Triangle, design, target


@dataclass(frozen=True)
class Spectrum:
    """Singular value decomposition of the centred, column-scaled A, for data with `beads` real beads.

    With c = c0 + basis @ y the loss is |U y - (z - A c0)/sqrt(beads)|^2 plus a constant, and its Hessian is 2 in every
    direction: y are whitened coordinates.

    Arguments:
        values: singular values relative to the largest, descending; 0 without data.
        U: left singular vectors.
        V: right singular vectors as rows, in scaled and centred coefficients.
        basis: column k changes the force by one unit (root mean square per bead) along direction k.
        beads: number of real beads.
    """

    values: Float[np.ndarray, " n"]
    U: Float[np.ndarray, "n+1 n"]
    V: Float[np.ndarray, "n n"]
    basis: Float[np.ndarray, "n n"]
    beads: float

    @property
    def resolution(self) -> float:
        """Singular values below this are rounding: machine epsilon times the number of rows of X (LAPACK's rule) or,
        with many columns, for which S is computed from inner products, the square root of machine epsilon times
        columns."""
        eps, n = np.finfo(np.float64).eps, len(self.values)
        return float(max(eps * 3 * self.beads, np.sqrt(eps * n) if n > MANY_COLUMNS else 0.0))

    def kept(self, cutoff: float = 0.0) -> np.ndarray:
        """Which directions have a relative singular value above both `cutoff` and `resolution`."""
        return self.values > max(cutoff, self.resolution)

    def optimum(self, S: Triangle, start: Coefficients, kept: np.ndarray) -> Coefficients:
        """The best coefficients that differ from `start` along the kept directions only."""
        return self.optima(S, start, kept[None])[0]

    def optima(
        self, S: Triangle, start: Coefficients, kept: Bool[np.ndarray, "cases n"]
    ) -> Float[np.ndarray, "cases n"]:
        """The optimum for each row of `kept`."""
        c = np.broadcast_to(start, kept.shape)
        for _ in range(2):  # the second step removes what rounding leaves of a large start
            c = c + (kept * (self.shortfall(S, c) @ self.U)) @ self.basis.T
        return c

    def shortfall(self, S: Triangle, c: Float[np.ndarray, "*cases n"]) -> Float[np.ndarray, "*cases n+1"]:
        """The residual at coefficients c, divided by the square root of the number of beads."""
        return (target(S) - c @ design(S).T) / np.sqrt(max(self.beads, 1))


class Centring(NamedTuple):
    """Coordinates in which the column of each stiffness is orthogonal to the next column, see `centring`.

    `shares` gives the multiple of the next column that is added to column k.
    """

    shares: dict[int, float]

    def columns(self, A: Float[np.ndarray, "rows n"]) -> Float[np.ndarray, "rows n"]:
        """Transform columns to the new coordinates."""
        A = A.copy()
        for k, share in self.shares.items():
            A[:, k] += share * A[:, k + 1]
        return A

    def coefficients(self, c: Float[np.ndarray, "n cases"]) -> Float[np.ndarray, "n cases"]:
        """Transform new coordinates c back to coefficients."""
        c = c.copy()
        for k, share in self.shares.items():
            c[k + 1] += share * c[k]
        return c


def centring(
    A: Float[np.ndarray, "rows n"], beads: float, parabolas: Sequence[int] = (0,)
) -> tuple[Float[np.ndarray, "rows n"], Centring]:
    """Make the column of each kr orthogonal to the next one, that of kr*r0; returns the new A and the transformation.

    The two are nearly collinear, although the data determine both well: their columns are r and 1 times the same
    vectors, and r hardly varies. The first is centred, as in any regression with an intercept, so that no cut-off can
    remove the bond term. If all bonds have the same length, only rounding is left of it, and it is set to 0.
    """
    before, found = np.linalg.norm(A, axis=0), Centring({})
    for k in parabolas:
        if (intercept := A[:, k + 1] @ A[:, k + 1]) > 0:
            found.shares[k] = -float(A[:, k + 1] @ A[:, k] / intercept)
    A = found.columns(A)
    for k in parabolas:
        if np.linalg.norm(A[:, k]) <= np.finfo(np.float64).eps * 3 * beads * before[k]:
            A[:, k] = 0.0
    return A, found


def spectrum(S: Triangle, beads: float, parabolas: Sequence[int] = (0,)) -> Spectrum:
    """The spectrum of a factor; `parabolas` are the columns of stiffnesses, see `Layout.parabolas`."""
    A, centred = centring(design(S), beads, parabolas)
    scale = np.linalg.norm(A, axis=0)
    silent = scale == 0
    scale[silent] = 1.0
    U, s, V = np.linalg.svd(A / scale, full_matrices=False)
    # Rounding in the SVD would change coefficients without data.
    V[np.ix_(s > np.finfo(np.float64).eps * len(A) * s[:1], silent)] = 0.0
    inverse = np.divide(1.0, s, out=np.zeros_like(s), where=s > 0)
    return Spectrum(
        values=s / s[0] if s[0] > 0 else s,
        U=U,
        V=V,
        basis=np.sqrt(beads) * centred.coefficients((V.T * inverse) / scale[:, None]),
        beads=beads,
    )
