"""Fits for all strengths of a penalty, to all the data and to all data but each fold.

With R from the QR decomposition of the stacked rows of data, fixed penalty and strongest penalty, and W = (rows) R^-1
for each of the three, the objective at the fraction `share` of the strongest penalty has the matrix

    M_data + M_fixed + share M_penalty,    M = W^T W

in the coordinates R c, where the three add up to the identity: however different the columns are in size, inner
products lose only what is below 1e-16 of the strongest penalty. To leave out a fold, its own matrix is subtracted from
M_data, so that the rows of other folds need not be factored again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigvalsh, get_lapack_funcs, solve_triangular

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients
from cgcore.fitting.cross_validation import Fits, Optima
from cgcore.fitting.folds import Fold
from cgcore.fitting.spectrum import centring

HELD = 1e-12
"""Ridge that keeps directions which only the left-out fold determines near the origin. It is far above rounding, and
far below the weakest penalty of any grid, which is 1e-7 of the strongest."""

Rows = Float[np.ndarray, "_ m"]
"""Rows with a column for each coefficient, followed by a column of targets."""
Square = Float[np.ndarray, "k k"]


class Path(Fits):
    """Fits for all strengths.

    Arguments:
        factor: factor of the data.
        strongest: matrix P of the strongest penalty |P (c - smoothest)|².
        shares: strengths, relative to the strongest.
        start: values of coefficients that neither data nor penalty determine.
        smoothest: coefficients for which the penalty is 0.
        fixed: rows of a further penalty, with targets in the last column.
    """

    def __init__(
        self,
        factor: Factor,
        strongest: Float[np.ndarray, "rows n"],
        shares: Float[np.ndarray, " grid"],
        start: Coefficients,
        smoothest: Coefficients,
        fixed: Rows | None = None,
    ) -> None:
        self._beads, self._shares = factor.beads, shares
        fixed = np.zeros((0, len(start) + 1)) if fixed is None else fixed
        data = factor.S / np.sqrt(factor.beads)
        A, self._centred = centring(data[:, :-1], factor.beads, factor.fingerprint.layout.parabolas)
        # Centring only affects parabolas, which are not penalised.
        stacked = np.vstack([A, fixed[:, :-1], strongest])
        scale = np.linalg.norm(stacked, axis=0)
        self._moved = scale > 0
        self._scale = scale[self._moved]
        self._origin = np.where(self._moved, smoothest, start)
        self._R = np.linalg.qr(stacked[:, self._moved] / self._scale, mode="r")
        self._fixed = self._products(fixed)
        self._data = self._products(data)
        self._penalty, _ = self._products(np.column_stack([strongest, np.zeros(len(strongest))]))

    def whole(self) -> Optima:
        return self._optima(*self._data)

    def left_out(self, folds: Sequence[Fold]) -> Iterator[Optima]:
        parts = [self._products(fold.S / np.sqrt(self._beads)) for fold in folds]
        M, g = (sum(part[k] for part in parts) for k in range(2))
        for fold, (own, pull) in zip(folds, parts, strict=True):
            share = self._beads / (self._beads - fold.beads)
            yield self._optima(share * (M - own), share * (g - pull))

    def directions(self) -> list[float]:
        """Number of directions that the data determine at each strength: the trace of the hat matrix."""
        penalty = np.clip(eigvalsh(self._penalty), 0.0, 1.0)
        return np.sum((1 - penalty) / (1 - (1 - self._shares[:, None]) * penalty), axis=1).tolist()

    def _products(self, rows: Rows) -> tuple[Square, Float[np.ndarray, " k"]]:
        """Inner products of the columns of these rows, and their products with the residual of the targets."""
        columns = self._centred.columns(rows[:, :-1])[:, self._moved] / self._scale
        W = solve_triangular(self._R, columns.T, trans=1).T
        return W.T @ W, W.T @ (rows[:, -1] - rows[:, :-1] @ self._origin)

    def _optima(self, M: Square, pull: Float[np.ndarray, " k"]) -> Optima:
        """The optimum for each strength; coefficients that neither data nor penalty determine stay at the start."""
        (solve,) = get_lapack_funcs(("posv",), (M,))
        known, pull = M + self._fixed[0] + HELD * np.eye(len(M)), pull + self._fixed[1]
        found = np.array([solve(known + share * self._penalty, pull)[1] for share in self._shares])
        steps = np.zeros((len(self._origin), len(found)))
        steps[self._moved] = solve_triangular(self._R, found.T) / self._scale[:, None]
        return self._origin + self._centred.coefficients(steps).T
