"""Computing S from rows by matrix products without squaring the condition number.

A plain Gram matrix of rows with condition number 1e14 loses all digits. The near dependence is among the functions of
one coordinate within each term, not among terms. Let T be the triangular factor of a sample of a term's slopes s.
Slopes y that solve y T = s are nearly orthonormal: the Gram matrix of their forces keeps all digits, and its Cholesky
factor times T is S. The solve is backward stable for each row, so its errors are independent rounding errors that
average out. Multiplying by an inverse of T would instead shift all rows alike, and L* with them (measured on the
chignolin set: 5e-8 relative, against 4e-10 for the solve, which is also how closely LAPACK's own drivers agree).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.lax.linalg import triangular_solve
from jaxtyping import Float
from scipy.linalg import get_lapack_funcs

from cgcore.factor.triangle import Triangle, triangle
from cgcore.physics.coefficients import Layout
from cgcore.physics.internal import Slopes

WELL_CONDITIONED = 1e-8
"""Smallest ratio of the extreme eigenvalues of the correlation matrix of Y at which S has eight digits in the
weakest direction, more than data determine. Below it the pass is repeated by QR of the rows."""


def preconditioner(rows: Float[np.ndarray, "rows n"], count: int = 0) -> Triangle:
    """The triangular factor T of these rows, made invertible where rounding hides a direction or a column is zero.

    `count` is the number of original rows if `rows` is already their triangular factor.
    """
    T = triangle(rows)
    norms = np.linalg.norm(T, axis=0)
    hidden = max(*rows.shape, count) * np.finfo(np.float64).eps * np.where(norms > 0, norms, 1.0)
    np.fill_diagonal(T, np.maximum(np.diag(T), hidden))
    return T


class Preconditioner(NamedTuple):
    """A triangular matrix T of each term's slopes; None for a term whose forces are computed for each bead."""

    each: tuple[Triangle | None, ...]

    def undone(self, layout: Layout, S: Triangle) -> Triangle:
        """The factor of [X | F], from the factor S of the rows to whose slopes T^-1 was applied."""
        S = S.copy()
        for term, T, own in zip(layout.terms, self.each, layout.slices.values(), strict=True):
            if T is not None:
                S[:, own] = (S[:, own].reshape(len(S), len(term.group_labels), len(T)) @ T).reshape(len(S), -1)
        return S


def whitened(T: Float[Any, "k k"], slopes: Slopes) -> Slopes:
    """Slopes y with y T = s, for the slopes s of each row."""
    if slopes.size == 0:
        return slopes
    flat = jnp.stack([column.ravel() for column in slopes], axis=1)
    return triangular_solve(jnp.asarray(T), flat, left_side=False).T.reshape(slopes.shape)


def correlation_spread(gram: Float[np.ndarray, "n n"]) -> float:
    """Ratio of the smallest to the largest eigenvalue of the correlation matrix; columns of zeros are left out."""
    used, _, correlation = _correlation(gram)
    if not used.any():
        return 1.0
    eigenvalues = np.linalg.eigvalsh(correlation)
    return float(eigenvalues[0] / eigenvalues[-1])


def factor_of(gram: Float[np.ndarray, "m m"]) -> Triangle:
    """S with S^T S = gram. A column without data stays exactly 0, and a direction hidden by rounding gets no row."""
    try:
        return np.linalg.cholesky(gram).T
    except np.linalg.LinAlgError:  # fewer rows than columns, or a term without data: gram is singular
        used, norm, correlation = _correlation(gram)
        (pivoted_cholesky,) = get_lapack_funcs(("pstrf",), (correlation,))
        pivoted, order, rank, _ = pivoted_cholesky(correlation)
        rows = np.zeros((rank, len(gram)))
        rows[:, np.flatnonzero(used)[order - 1]] = np.triu(pivoted[:rank])
        rows[:, used] *= norm
        return triangle(rows)


def _correlation(gram: Float[np.ndarray, "n n"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which columns are not zero, their norms, and the Gram matrix of these columns after normalisation."""
    used = np.diag(gram) > 0
    norm = np.sqrt(np.diag(gram)[used])
    return used, norm, gram[np.ix_(used, used)] / np.outer(norm, norm)
