"""The nearest point of a polyhedron, against enumeration of the active rows, linear programming and its optimality
conditions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, lsq_linear

from cgcore.fitting.projection import Empty, Polyhedron, Projection


def by_scipy(y: np.ndarray, normals: np.ndarray, bounds: np.ndarray) -> float:
    """The squared distance, with bounds on slacks s = normals @ x - bounds and no bounds on the rest of x."""
    m, k = normals.shape
    free = np.linalg.svd(normals)[2][m:].T
    back = np.linalg.pinv(normals)
    # x = back @ (s + bounds) + free @ z
    limits = np.concatenate([np.zeros(m), np.full(k - m, -np.inf)]), np.inf
    found = lsq_linear(np.hstack([back, free]), y - back @ bounds, limits, method="bvls", tol=1e-15)
    return 2 * float(found.cost)


def project(y: np.ndarray, normals: np.ndarray, bounds: np.ndarray) -> Projection:
    return Polyhedron(normals, bounds).nearest(y)


def by_enumeration(y: np.ndarray, normals: np.ndarray, bounds: np.ndarray) -> float:
    """The squared distance, from every possible set of active rows."""
    m, k = normals.shape
    needed, best = bounds - normals @ y, np.inf
    for count in range(min(m, k) + 1):
        for active in map(list, combinations(range(m), count)):
            step = np.linalg.pinv(normals[active]) @ needed[active] if active else np.zeros(k)
            if (normals @ step >= needed - 1e-9 * (1 + np.abs(needed))).all():
                best = min(best, float(step @ step))
    return best


def clearance(normals: np.ndarray, bounds: np.ndarray) -> float:
    """The largest t, at most 1, with normals @ x >= bounds + t for some x, by linear programming; negative if the
    polyhedron is empty."""
    m, k = normals.shape
    found = linprog(
        np.append(np.zeros(k), -1.0),
        A_ub=np.hstack([-normals, np.ones((m, 1))]),
        b_ub=-bounds,
        bounds=[(None, None)] * k + [(None, 1.0)],
    )
    assert found.status == 0
    return float(found.x[-1])


def assert_optimal(y: np.ndarray, normals: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """The conditions of Karush, Kuhn and Tucker, which are sufficient for optimality, up to rounding of the sums in
    them."""
    x, multipliers = project(y, normals, bounds)
    slack, scale = normals @ x - bounds, 1 + np.abs(bounds).max() + np.linalg.norm(x) + np.linalg.norm(y)
    assert (slack > -1e-9 * scale).all()
    assert (multipliers > -1e-9 * scale).all()
    assert np.abs(multipliers * slack).max() < 1e-8 * scale**2
    np.testing.assert_allclose(normals.T @ multipliers / 2, x - y, atol=1e-9 * scale)
    return x


@settings(derandomize=True, deadline=None, database=None, max_examples=100)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(3, 8), st.sampled_from([0.1, 1.0, 30.0]))
def test_few_rows(seed: int, m: int, k: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    normals, bounds, y = rng.normal(size=(m, k)), rng.normal(size=m) * size, rng.normal(size=k) * 3
    # The error of a multiplier grows with the square of the condition number.
    assume(np.linalg.cond(normals) < 1e3)
    x = assert_optimal(y, normals, bounds)
    distance = float(np.sum((x - y) ** 2))
    assert distance == pytest.approx(by_scipy(y, normals, bounds), rel=1e-9, abs=1e-12 * float(1 + x @ x))


@settings(derandomize=True, deadline=None, database=None, max_examples=100)
@given(st.integers(0, 10**6), st.integers(1, 7), st.integers(1, 4))
def test_more_rows_than_dimensions(seed: int, m: int, k: int) -> None:
    """Small integers, so that rows coincide, oppose each other and meet in one point, and no set of rows is badly
    conditioned."""
    rng = np.random.default_rng(seed)
    normals, inside = rng.integers(-3, 4, size=(m, k)) * 1.0, rng.integers(-3, 4, size=k)
    bounds, y = normals @ inside - rng.integers(0, 3, size=m), rng.integers(-9, 10, size=k) * 1.0
    x = assert_optimal(y, normals, bounds)
    distance = float(np.sum((x - y) ** 2))
    # The enumeration accepts points 1e-9 outside.
    assert distance == pytest.approx(by_enumeration(y, normals, bounds), rel=1e-6, abs=1e-6)


@settings(derandomize=True, deadline=None, database=None, max_examples=100)
@given(st.integers(0, 10**6), st.integers(2, 8), st.integers(1, 3))
def test_empty_where_linear_programming_finds_no_point(seed: int, m: int, k: int) -> None:
    """Integers again, so that a set is clearly empty or not empty; both cases occur."""
    rng = np.random.default_rng(seed)
    normals, bounds = rng.integers(-2, 3, size=(m, k)) * 1.0, rng.integers(-3, 4, size=m) * 1.0
    room = clearance(normals, bounds)
    if room > -1e-9:
        assert_optimal(np.zeros(k), normals, bounds)
        return
    with pytest.raises(Empty) as refused:
        project(np.zeros(k), normals, bounds)
    named = refused.value.rows
    assert clearance(normals[named], bounds[named]) < -1e-9


def test_a_feasible_point_stays() -> None:
    y = np.array([1.0, 2.0, 3.0])
    x, multipliers = project(y, np.eye(3)[:2], np.zeros(2))
    np.testing.assert_array_equal(x, y)
    np.testing.assert_array_equal(multipliers, [0, 0])


def test_no_rows() -> None:
    y = np.array([1.0, 2.0])
    x, multipliers = project(y, np.zeros((0, 2)), np.zeros(0))
    np.testing.assert_array_equal(x, y)
    assert len(multipliers) == 0


def test_known_projections() -> None:
    y = np.array([-1.0, -2.0, 3.0])
    x, multipliers = project(y, np.eye(3)[:2], np.zeros(2))
    np.testing.assert_allclose(x, [0, 0, 3], atol=1e-15)
    np.testing.assert_allclose(multipliers, [2, 4], rtol=1e-14)  # the distance's gradient, 2 (x - y)
    x, multipliers = project(y, np.eye(3)[:2], np.array([-5.0, -1.0]))
    np.testing.assert_allclose(x, [-1, -1, 3], atol=1e-15)
    np.testing.assert_allclose(multipliers, [0, 2], atol=1e-14)


def test_projecting_again_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    normals, y = rng.normal(size=(4, 6)), rng.normal(size=6) * 5
    bounds = np.ones(4)
    x = project(y, normals, bounds).point
    assert np.linalg.norm(x - y) > 1
    np.testing.assert_allclose(project(x, normals, bounds).point, x, atol=1e-13)


def test_size_of_a_normal_does_not_matter() -> None:
    """A row times a positive number is the same constraint; its multiplier is divided by that number."""
    y, normals, bounds = np.array([-1.0, -2.0, 3.0]), np.array([[1.0, 0.3, 0], [0, 1.0, 0.2]]), np.array([-0.1, -0.2])
    expected = project(y, normals, bounds)
    assert (expected.multipliers > 0).all()
    for factor in (1e-9, 1e9):
        scaled = np.array([factor, 1.0])
        found = project(y, normals * scaled[:, None], bounds * scaled)
        np.testing.assert_allclose(found.point, expected.point, rtol=1e-12)
        np.testing.assert_allclose(found.multipliers * scaled, expected.multipliers, rtol=1e-12)


@pytest.mark.parametrize("size", [1e-9, 1e9])
def test_size_of_the_space_does_not_matter(size: float) -> None:
    rng = np.random.default_rng(3)
    normals, bounds, y = rng.normal(size=(5, 4)), rng.normal(size=5), rng.normal(size=4)
    expected = project(y, normals, bounds)
    found = project(y * size, normals, bounds * size)
    np.testing.assert_allclose(found.point, expected.point * size, rtol=1e-9, atol=1e-12 * size)


def test_parallel_rows() -> None:
    """The stricter one counts."""
    x, multipliers = project(np.array([-3.0, 1.0]), np.array([[1.0, 0], [1.0, 0]]), np.array([-1.0, -2.0]))
    np.testing.assert_allclose(x, [-1, 1], atol=1e-14)
    np.testing.assert_allclose(multipliers, [4, 0], atol=1e-13)


def test_the_same_row_twice() -> None:
    x, multipliers = project(np.array([-3.0, 1.0]), np.array([[1.0, 0], [2.0, 0]]), np.array([-1.0, -2.0]))
    np.testing.assert_allclose(x, [-1, 1], atol=1e-14)
    assert multipliers @ [1.0, 2.0] == pytest.approx(4)
    assert (multipliers >= 0).all()


@pytest.mark.parametrize("opening", [0.1, 1e-3])
def test_a_narrow_wedge_is_not_empty(opening: float) -> None:
    """x2 >= |x1|/opening + 1/opening: its tip is far away from nearby walls."""
    x, _ = project(np.zeros(2), np.array([[1.0, opening], [-1.0, opening]]), np.ones(2))
    np.testing.assert_allclose(x, [0, 1 / opening], rtol=1e-6, atol=1e-6)


def test_what_cannot_move_and_is_satisfied_is_no_matter() -> None:
    x, multipliers = project(np.array([-1.0, 2.0]), np.array([[0.0, 0], [1.0, 0]]), np.array([-3.0, 0.0]))
    np.testing.assert_allclose(x, [0, 2], atol=1e-15)
    np.testing.assert_allclose(multipliers, [0, 2], rtol=1e-14)


def test_what_cannot_move_and_is_broken_is_named() -> None:
    with pytest.raises(Empty) as refused:
        project(np.array([1.0, 2.0]), np.array([[1.0, 0], [0.0, 0]]), np.array([0.0, 3.0]))
    np.testing.assert_array_equal(refused.value.rows, [1])


def test_rows_that_exclude_each_other_are_named() -> None:
    """x1 >= 1 and x1 <= -1; the row between them is not involved."""
    normals = np.array([[1.0, 0], [0, 1.0], [-1.0, 0]])
    with pytest.raises(Empty) as refused:
        project(np.array([0.5, -2.0]), normals, np.array([1.0, -5.0, 1.0]))
    np.testing.assert_array_equal(refused.value.rows, [0, 2])


@pytest.mark.parametrize("seed", range(5))
def test_rows_that_do_not_count_are_as_if_they_were_not_there(seed: int) -> None:
    rng = np.random.default_rng(seed)
    normals, bounds, y = rng.normal(size=(12, 5)), -rng.uniform(0, 1, 12), 3 * rng.normal(size=5)
    among = rng.random(12) < 0.6
    expected = project(y, normals[among], bounds[among])
    for likely in (None, rng.random(12) < 0.5):
        found = Polyhedron(normals, bounds).nearest(y, among, likely)
        np.testing.assert_allclose(found.point, expected.point, atol=1e-12)  # both are exact to rounding
        np.testing.assert_allclose(found.multipliers[among], expected.multipliers, atol=1e-11)
        assert not found.multipliers[~among].any()
