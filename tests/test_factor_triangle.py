"""Triangular factors: the properties of the rows that they preserve."""

from __future__ import annotations

import numpy as np
import pytest

from cgcore.factor.triangle import MANY_COLUMNS, design, merged, residual, target, triangle

pytestmark = pytest.mark.numerical


def rows_of(n: int, seed: int = 0) -> np.ndarray:
    """Six columns of very different size."""
    return np.random.default_rng(seed).normal(size=(n, 6)) * 10.0 ** np.arange(-3, 3)


@pytest.mark.parametrize("n", [0, 1, 5, 6, 7, 500])
def test_a_triangle_is_square_upper_and_keeps_inner_products(n: int) -> None:
    rows = rows_of(n)
    S = triangle(rows)
    assert S.shape == (6, 6)
    assert S.dtype == np.float64
    np.testing.assert_array_equal(S, np.triu(S))
    assert (np.diag(S) >= 0).all()
    scale = np.linalg.norm(rows, axis=0) if n else np.ones(6)
    # Inner products of n numbers deviate by at most n eps, and QR by some eps of each column.
    rounding = (n + 100) * np.finfo(np.float64).eps
    np.testing.assert_allclose(
        (S.T @ S) / np.outer(scale, scale), (rows.T @ rows) / np.outer(scale, scale), atol=rounding
    )


@pytest.mark.parametrize("n", [1, 4, 50])
def test_residual_is_the_sum_of_squares(n: int) -> None:
    rows = rows_of(n)
    c = np.random.default_rng(1).normal(size=5) / 10.0 ** np.arange(-3, 2)
    assert residual(triangle(rows), c) == pytest.approx(np.sum((rows[:, :5] @ c - rows[:, 5]) ** 2), rel=1e-13)


def test_the_last_diagonal_is_what_no_coefficients_explain() -> None:
    rows = rows_of(40)
    S = triangle(rows)
    best = np.linalg.lstsq(rows[:, :5], rows[:, 5], rcond=None)[0]
    assert S[-1, -1] ** 2 == pytest.approx(np.sum((rows[:, :5] @ best - rows[:, 5]) ** 2), rel=1e-12)
    assert residual(S, best) == pytest.approx(S[-1, -1] ** 2, rel=1e-12)


def test_design_and_target_stand_for_the_rows() -> None:
    rows = rows_of(40)
    S = triangle(rows)
    assert design(S).shape == (6, 5)
    assert target(S).shape == (6,)
    np.testing.assert_allclose(design(S).T @ target(S), rows[:, :5].T @ rows[:, 5], rtol=1e-12)
    np.testing.assert_array_equal(np.column_stack([design(S), target(S)]), S)


def test_merged_is_the_triangle_of_all_rows() -> None:
    rows = rows_of(100)
    parts = [triangle(part) for part in np.split(rows, [3, 4, 60])]
    scale = np.linalg.norm(rows, axis=0)
    for other in (merged(parts), merged(parts[::-1]), merged([merged(parts[:2]), merged(parts[2:])])):
        # QR deviates by some eps of each column, whatever the size of an entry.
        np.testing.assert_allclose(other / scale, triangle(rows) / scale, rtol=0, atol=1e-12)


def test_rows_are_left_alone() -> None:
    rows = rows_of(20)
    before = rows.copy()
    S = triangle(rows)
    merged([S, S])
    np.testing.assert_array_equal(rows, before)


def test_triangles_of_many_columns_are_joined_by_their_structure() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(1000, MANY_COLUMNS + 2)) * 10.0 ** rng.uniform(-3, 3, MANY_COLUMNS + 2)
    rows[:, 5] = 0.0
    S = merged([triangle(part) for part in np.split(rows, [100, 500])])
    np.testing.assert_array_equal(S, np.triu(S))
    assert (np.diag(S) >= 0).all()
    assert not S[:, 5].any()
    scale = np.linalg.norm(rows, axis=0) + (np.arange(len(S)) == 5)
    np.testing.assert_allclose((S / scale).T @ (S / scale), (rows / scale).T @ (rows / scale), atol=1e-12)
