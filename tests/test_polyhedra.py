"""Many quadratic programmes at once: each answer is that of the exact projection of one."""

from __future__ import annotations

import numpy as np
import pytest

from cgcore.fitting import polyhedra
from cgcore.fitting.polyhedra import nearest_points
from cgcore.fitting.projection import Polyhedron


def problems(cases: int, k: int, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Free minima, inverses of Hessians, and constraints that 0 satisfies."""
    rng = np.random.default_rng(seed)
    roots = np.eye(k) + 0.3 * rng.normal(size=(cases, k, k))
    inverses = roots @ roots.transpose(0, 2, 1)
    return rng.normal(size=(cases, k)), inverses, rng.normal(size=(rows, k)), -rng.uniform(0, 0.5, size=rows)


def exact(free: np.ndarray, inverse: np.ndarray, normals: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """The solution of one problem, in coordinates in which its metric is the plain distance."""
    C = np.linalg.cholesky(inverse)
    return C @ Polyhedron(normals @ C, bounds).nearest(np.linalg.solve(C, free)).point


@pytest.mark.parametrize(("k", "rows"), [(3, 5), (8, 40), (12, 3)])
def test_each_point_is_that_of_the_exact_projection(k: int, rows: int) -> None:
    free, inverses, normals, bounds = problems(40, k, rows, seed=k)
    found = nearest_points(free, inverses, normals, bounds)
    for one, inverse, point in zip(free, inverses, found, strict=True):
        np.testing.assert_allclose(point, exact(one, inverse, normals, bounds), atol=1e-8)
    assert (found @ normals.T >= bounds - 1e-8).all()


def test_one_metric_serves_all_cases() -> None:
    free, inverses, normals, bounds = problems(20, 5, 12, seed=1)
    found = nearest_points(free, inverses[:1], normals, bounds)
    for one, point in zip(free, found, strict=True):
        np.testing.assert_allclose(point, exact(one, inverses[0], normals, bounds), atol=1e-8)


def test_rows_that_depend_on_each_other_are_left_to_the_projection() -> None:
    free, inverses, normals, bounds = problems(20, 4, 6, seed=2)
    normals, bounds = np.vstack([normals, normals, -0.0 * normals]), np.concatenate([bounds, bounds, -np.ones(6)])
    found = nearest_points(free, inverses, normals, bounds)
    for one, inverse, point in zip(free, inverses, found, strict=True):
        np.testing.assert_allclose(point, exact(one, inverse, normals[:6], bounds[:6]), atol=1e-8)


def test_points_inside_stay_and_few_turns_are_enough_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    free, inverses, normals, bounds = problems(20, 6, 30, seed=3)
    inside = 1e-3 * free
    np.testing.assert_array_equal(nearest_points(inside, inverses, normals, bounds - 1), inside)
    np.testing.assert_array_equal(nearest_points(free, inverses, normals[:0], bounds[:0]), free)
    usual = nearest_points(free, inverses, normals, bounds)
    monkeypatch.setattr(polyhedra, "TURNS", 1)
    np.testing.assert_allclose(nearest_points(free, inverses, normals, bounds), usual, atol=1e-8)
