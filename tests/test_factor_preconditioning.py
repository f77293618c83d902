"""S from rows by matrix products keeps its digits where a plain Gram matrix loses all of them."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from cgcore.factor.preconditioning import WELL_CONDITIONED, correlation_spread, factor_of, preconditioner
from cgcore.factor.triangle import triangle

pytestmark = pytest.mark.numerical

EPS = np.finfo(np.float64).eps


def conditioned(n: int, condition: float, seed: int = 0) -> np.ndarray:
    """Rows of eight columns with this condition number after scaling of the columns."""
    rng = np.random.default_rng(seed)
    values = np.geomspace(1, 1 / condition, 8)
    mix = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    return rng.normal(size=(n, 8)) @ (values[:, None] * mix) * 10.0 ** np.arange(-4, 4)


def whitened_gram(rows: np.ndarray, T: np.ndarray) -> np.ndarray:
    Y = scipy.linalg.solve_triangular(T, rows.T, trans=1).T
    return Y.T @ Y


def scale_of(rows: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(rows, axis=0)
    return np.where(norms > 0, norms, 1.0)


def weakest(S: np.ndarray, scale: np.ndarray) -> float:
    return float(np.linalg.svd(S / scale, compute_uv=False)[-1])


def test_a_basis_of_a_sample_keeps_the_weakest_direction_that_a_gram_matrix_loses() -> None:
    rows = conditioned(2000, 1e10)
    scale = np.linalg.norm(rows, axis=0)
    exact = weakest(rows, scale)
    T = preconditioner(rows[:200])
    S = factor_of(whitened_gram(rows, T)) @ T
    # The basis removes the rows' condition number, which a Gram matrix would square.
    assert np.linalg.cond(rows / scale) > 1e9
    assert np.linalg.cond(whitened_gram(rows, T)) < 10
    # Singular values deviate by a backward error, here at most a thousand eps; the weakest is 1e-10.
    assert weakest(S, scale) == pytest.approx(exact, abs=1000 * EPS)
    # Inner products of n numbers deviate by at most n eps.
    np.testing.assert_allclose(
        S.T @ S / np.outer(scale, scale), rows.T @ rows / np.outer(scale, scale), atol=len(rows) * EPS
    )


def test_any_basis_gives_the_same_factor() -> None:
    rows = conditioned(500, 1e3)
    for basis in (rows[:20], rows[100:400], np.diag(np.linalg.norm(rows, axis=0))):
        T = preconditioner(basis)
        S = factor_of(whitened_gram(rows, T)) @ T
        np.testing.assert_array_equal(S, np.triu(S))
        # A condition number of 1e3, squared, times eps is 2e-10 of a column.
        scale = np.linalg.norm(rows, axis=0)
        np.testing.assert_allclose(S / scale, triangle(rows) / scale, rtol=0, atol=1e-9)


@pytest.mark.parametrize("spoil", ["few rows", "zero column", "equal columns", "nothing", "no rows"])
def test_a_basis_is_invertible_whatever_the_rows(spoil: str) -> None:
    rows = conditioned(50, 10)
    if spoil == "few rows":
        rows = rows[:3]
    elif spoil == "zero column":
        rows[:, 2] = 0
    elif spoil == "equal columns":
        rows[:, 5] = rows[:, 1]
    elif spoil == "nothing":
        rows[:] = 0
    else:
        rows = rows[:0]
    T = preconditioner(rows)
    np.testing.assert_array_equal(T, np.triu(T))
    assert (np.diag(T) > 0).all()
    assert np.isfinite(np.linalg.inv(T)).all()
    # The added part is rounding: the inner products of the rows stay the same.
    scale = scale_of(rows)
    change = np.abs(T.T @ T - rows.T @ rows) / np.outer(scale, scale)
    assert change.max() < (8 * EPS) ** 2 + 100 * EPS


@pytest.mark.parametrize("spoil", ["few rows", "zero column", "equal columns", "nothing"])
def test_a_singular_gram_matrix_gives_a_factor_too(spoil: str) -> None:
    rows = conditioned(50, 10)
    if spoil == "few rows":
        rows = rows[:3]
    elif spoil == "zero column":
        rows[:, 2] = 0
    elif spoil == "equal columns":
        rows[:, 5] = rows[:, 1]
    else:
        rows[:] = 0
    T = preconditioner(conditioned(50, 10) if spoil == "few rows" else rows)
    S = factor_of(whitened_gram(rows, T)) @ T
    assert np.isfinite(S).all()
    np.testing.assert_array_equal(S, np.triu(S))
    scale = scale_of(rows)
    np.testing.assert_allclose(S.T @ S / np.outer(scale, scale), rows.T @ rows / np.outer(scale, scale), atol=1e-12)


def test_correlation_spread() -> None:
    assert correlation_spread(np.eye(4)) == pytest.approx(1)
    assert correlation_spread(np.zeros((4, 4))) == 1
    gram = np.array([[1.0, 0.6], [0.6, 1.0]])
    assert correlation_spread(gram) == pytest.approx(0.4 / 1.6)
    scale = np.array([1e-9, 1e12])
    assert correlation_spread(gram * np.outer(scale, scale)) == pytest.approx(0.4 / 1.6)
    with_zero = np.zeros((3, 3))
    with_zero[:2, :2] = gram
    assert correlation_spread(with_zero) == pytest.approx(0.4 / 1.6)
    assert abs(correlation_spread(np.ones((3, 3)))) < 100 * EPS < WELL_CONDITIONED
