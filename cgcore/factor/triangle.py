"""Linear algebra on the factor S = [A z; 0 rho], the R of the QR of [X | F]. NumPy, float64.

For any coefficients c, |X c - F|^2 = |A c - z|^2 + rho^2, without loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

Triangle = Float[np.ndarray, "m m"]
"""S, with m = n + 1 for n coefficients: an axis can be checked once a bare name has said how long it is."""
Coefficients = Float[np.ndarray, " n"]


AT_ONCE = 2**24
"""Numbers that are stacked for one QR: 128 MiB."""

FEW_PARTS = 4
"""Factors that are stacked at a time where all of them hold more."""


def triangle(rows: Float[np.ndarray, "rows m"]) -> Triangle:
    """The upper triangular factor of these rows, square, its diagonal not negative."""
    size = rows.shape[1]
    if len(rows) < size:
        rows = np.vstack([rows, np.zeros((size - len(rows), size))])
    S = np.asarray(np.linalg.qr(rows, mode="r"))
    return S * np.where(np.diag(S) < 0, -1.0, 1.0)[:, None]


def merged(factors: Sequence[Float[np.ndarray, "_ m"]]) -> Triangle:
    """The factor of the joined data, from the factors of its disjoint parts, or from rows of them."""
    parts = list(factors)
    while sum(part.size for part in parts) > AT_ONCE and len(parts) > FEW_PARTS:
        # Of large ones a few at a time: all of them, stacked, would be in memory three times.
        parts = [triangle(np.vstack(parts[:FEW_PARTS])), *parts[FEW_PARTS:]]
    return triangle(np.vstack(parts))


def residual(S: Triangle, c: Float[np.ndarray, " m-1"]) -> float:
    """|X c - F|^2, the sum over real beads."""
    return float(residuals(S, c[None])[0])


def residuals(S: Triangle, c: Float[np.ndarray, "cases m-1"]) -> Float[np.ndarray, " cases"]:
    """|X c - F|^2 for several c, a row each."""
    return np.sum((c @ S[:, :-1].T - S[:, -1]) ** 2, axis=1)


def design(S: Triangle) -> Float[np.ndarray, "m m-1"]:
    """All of S but its last column: a matrix with the same inner products as X."""
    return S[:, :-1]


def target(S: Triangle) -> Float[np.ndarray, " m"]:
    """The last column of S: what the reference forces became."""
    return S[:, -1]
