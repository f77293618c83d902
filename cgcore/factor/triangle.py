"""Linear algebra on the factor S = [A z; 0 rho], the R of the QR decomposition of [X | F]. NumPy, float64.

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
"""S, with m = n + 1 for n coefficients. The axis has a plain name, because an expression such as m-1 can be checked
only once m is known."""
Coefficients = Float[np.ndarray, " n"]

MANY_COLUMNS = 256
"""Number of columns above which triangles are merged one by one, in a fifth of the work of a QR that ignores their
zeros, and S is computed from inner products only."""

PANEL = 64
"""Block size of LAPACK when it merges triangles."""


def triangle(rows: Float[np.ndarray, "rows m"]) -> Triangle:
    """The square upper triangular factor of these rows, with a diagonal that is not negative."""
    size = rows.shape[1]
    if len(rows) < size:
        rows = np.vstack([rows, np.zeros((size - len(rows), size))])
    S = np.asarray(np.linalg.qr(rows, mode="r"))
    return S * np.where(np.diag(S) < 0, -1.0, 1.0)[:, None]


def merged(factors: Sequence[Float[np.ndarray, "_ m"]]) -> Triangle:
    """The factor of the joined data, from the factors (or rows of factors) of its disjoint parts."""
    if len(factors) > 1 and factors[0].shape[1] > MANY_COLUMNS and all(len(part) == part.shape[1] for part in factors):
        return reduce(_joined, factors)
    return triangle(np.vstack(factors))


def _joined(S: Triangle, other: Triangle) -> Triangle:
    (qr_of_triangles,) = get_lapack_funcs(("tpqrt",), (S,))
    made = qr_of_triangles(len(S), PANEL, np.asfortranarray(S), np.asfortranarray(other))[0]
    return np.triu(made) * np.where(np.diag(made) < 0, -1.0, 1.0)[:, None]


def residual(S: Triangle, c: Float[np.ndarray, "*cases m-1"]) -> Any:
    """|X c - F|^2, the sum over real beads, for one c (n,) or several (*cases, n)."""
    return np.sum((c @ S[:, :-1].T - S[:, -1]) ** 2, axis=-1)


def design(S: Triangle) -> Float[np.ndarray, "m m-1"]:
    """S without its last column, a matrix with the same inner products as X."""
    return S[:, :-1]


def target(S: Triangle) -> Float[np.ndarray, " m"]:
    """The last column of S, which corresponds to the reference forces."""
    return S[:, -1]
