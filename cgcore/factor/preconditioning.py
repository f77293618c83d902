"""From rows to S by matrix products, without squaring the condition number.

A plain Gram matrix of rows with condition number 1e14 loses everything. What is nearly dependent are the functions of a
coordinate within each term, not the terms among each other. Slopes y that solve y T = s, with T the triangular factor
of a sample of the slopes s of that term, are nearly orthonormal: the Gram matrix of their forces keeps all digits, and
its Cholesky factor times T is S. The solve is backward stable row by row, so its error is rounding of each row by
itself and averages out; multiplying by an inverse of T instead shifts all rows alike, and L* with them (measured
on the chignolin set: 5e-8 relative, against 4e-10 for the solve and for LAPACK's own drivers among each other).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.lax.linalg import triangular_solve
from jaxtyping import Float

from cgcore.factor.triangle import Triangle, triangle
from cgcore.physics.coefficients import Layout
from cgcore.physics.design import AnySlopes

WELL_CONDITIONED = 1e-8
"""Smallest eigenvalue of the correlation matrix of Y, relative to its largest, at which S has eight digits in the
weakest direction, more than data determine; below it the pass is made again by QR of the rows."""


def preconditioner(rows: Float[np.ndarray, "rows n"], count: int = 0) -> Triangle:
    """T: the factor of these rows, or of as many as are counted, whose factor they are, made invertible where rounding
    hides a direction or a column is zero."""
    T = triangle(rows)
    norms = np.linalg.norm(T, axis=0)
    hidden = max(*rows.shape, count) * np.finfo(np.float64).eps * np.where(norms > 0, norms, 1.0)
    np.fill_diagonal(T, np.maximum(np.diag(T), hidden))
    return T


class Preconditioner(NamedTuple):
    """For each term a triangular matrix T of its functions' slopes; None for one whose forces are found bead by
    bead."""

    each: tuple[Triangle | None, ...]

    def undone(self, layout: Layout, S: Triangle) -> Triangle:
        """The factor of [X | F] from that of the rows with slopes that T^-1 was applied to."""
        S = S.copy()
        for term, T, own in zip(layout.terms, self.each, layout.slices.values(), strict=True):
            if T is not None:
                S[:, own] = (S[:, own].reshape(len(S), len(term.group_labels), len(T)) @ T).reshape(len(S), -1)
        return S


def whitened(T: Float[Any, "k k"], slopes: AnySlopes) -> AnySlopes:
    """y with y T = s for the slopes s of each row."""
    if slopes.size == 0:
        return slopes
    flat = jnp.stack([column.ravel() for column in slopes], axis=1)
    return triangular_solve(jnp.asarray(T), flat, left_side=False).T.reshape(slopes.shape)


def correlation_spread(gram: Float[np.ndarray, "n n"]) -> float:
    """Smallest over largest eigenvalue of the Gram matrix of normalised columns; zero columns are left out."""
    used, _, correlation = _correlation(gram)
    if not used.any():
        return 1.0
    eigenvalues = np.linalg.eigvalsh(correlation)
    return float(eigenvalues[0] / eigenvalues[-1])


def factor_of(gram: Float[np.ndarray, "m m"]) -> Triangle:
    """S with S^T S = gram; a column without data stays exactly 0, and a direction that rounding hides has none."""
    try:
        return np.linalg.cholesky(gram).T
    except np.linalg.LinAlgError:  # fewer rows than columns, or a term without data: gram is singular
        from scipy.linalg import get_lapack_funcs

        used, norm, correlation = _correlation(gram)
        (pivoted_cholesky,) = get_lapack_funcs(("pstrf",), (correlation,))
        pivoted, order, rank, _ = pivoted_cholesky(correlation)
        rows = np.zeros((rank, len(gram)))
        rows[:, np.flatnonzero(used)[order - 1]] = np.triu(pivoted[:rank])
        rows[:, used] *= norm
        return triangle(rows)


def _correlation(gram: Float[np.ndarray, "n n"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which columns are not zero, their norms, and the Gram matrix of these columns, normalised."""
    used = np.diag(gram) > 0
    norm = np.sqrt(np.diag(gram)[used])
    return used, norm, gram[np.ix_(used, used)] / np.outer(norm, norm)
