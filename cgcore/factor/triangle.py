"""Linear algebra on the factor S = [A z; 0 rho], the R of the QR of [X | F]. NumPy, float64.

For any coefficients c, |X c - F|^2 = |A c - z|^2 + rho^2, without loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.linalg import get_lapack_funcs

Triangle = Float[np.ndarray, "m m"]
"""S, with m = n + 1 for n coefficients: an axis can be checked once a bare name has said how long it is."""
Coefficients = Float[np.ndarray, " n"]


MANY_COLUMNS = 256
"""With more coefficients a prior's triangles are joined one by one, in a fifth of the work of a QR that does not know
where their zeros are, and S comes from inner products alone."""

PANEL = 64
"""Columns that LAPACK takes at a time there."""


def triangle(rows: Float[np.ndarray, "rows m"]) -> Triangle:
    """The upper triangular factor of these rows, square, its diagonal not negative."""
    size = rows.shape[1]
    if len(rows) < size:
        rows = np.vstack([rows, np.zeros((size - len(rows), size))])
    S = np.asarray(np.linalg.qr(rows, mode="r"))
    return S * np.where(np.diag(S) < 0, -1.0, 1.0)[:, None]


def merged(factors: Sequence[Float[np.ndarray, "_ m"]]) -> Triangle:
    """The factor of the joined data, from the factors of its disjoint parts, or from rows of them."""
    if len(factors) > 1 and factors[0].shape[1] > MANY_COLUMNS and all(len(part) == part.shape[1] for part in factors):
        return reduce(_joined, factors)
    return triangle(np.vstack(factors))


def _joined(S: Triangle, other: Triangle) -> Triangle:
    (qr_of_triangles,) = get_lapack_funcs(("tpqrt",), (S,))
    made = qr_of_triangles(len(S), PANEL, np.asfortranarray(S), np.asfortranarray(other))[0]
    return np.triu(made) * np.where(np.diag(made) < 0, -1.0, 1.0)[:, None]


def residual(S: Triangle, c: Float[np.ndarray, "*cases m-1"]) -> Any:
    """|X c - F|^2, the sum over real beads, of one c or of several."""
    return np.sum((c @ S[:, :-1].T - S[:, -1]) ** 2, axis=-1)


def design(S: Triangle) -> Float[np.ndarray, "m m-1"]:
    """All of S but its last column: a matrix with the same inner products as X."""
    return S[:, :-1]


def target(S: Triangle) -> Float[np.ndarray, " m"]:
    """The last column of S: what the reference forces became."""
    return S[:, -1]
