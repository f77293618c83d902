"""kr >= 0 and epsilon >= 0: the constrained optimum, against scipy and against its own optimality conditions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cgcore.fitting.nonnegative import constrained_names, nearest_feasible
from factor_helpers import (
    WEIGHTS,
    chignolin_factor,
    chignolin_rows,
    factor_of,
    prior_of,
    random_chains,
    rows_of,
    two_proteins,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

import cgcore
from cgcore import Factor, InputError, Layout, Options, Prior, fit
from cgcore.factor.triangle import design, target
from cgcore.fitting.spectrum import spectrum

EXCLUDED = WEIGHTS._replace(excluded_volume=0.3)


def test_constrained_names() -> None:
    assert constrained_names(Layout(4, 2)) == ("kr", "epsilon*sigma^4")
    assert constrained_names(Layout(4, 2, True)) == ("kr", "epsilon*sigma^4", "epsilon_ex*sigma_ex^4")


# The projection


def by_scipy(y: np.ndarray, normals: np.ndarray, offsets: np.ndarray) -> float:
    """The squared distance, by bounds on slacks s = normals @ x + offsets and no bounds on the rest of x."""
    m, k = normals.shape
    free = np.linalg.svd(normals)[2][m:].T
    back = np.linalg.pinv(normals)
    # x = back @ (s - offsets) + free @ z
    bounds = np.concatenate([np.zeros(m), np.full(k - m, -np.inf)]), np.inf
    found = lsq_linear(np.hstack([back, free]), y + back @ offsets, bounds, method="bvls", tol=1e-15)
    return 2 * float(found.cost)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(3, 8), st.sampled_from([0.1, 1.0, 30.0]))
def test_nearest_feasible(seed: int, m: int, k: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    normals, offsets, y = rng.normal(size=(m, k)), rng.normal(size=m) * size, rng.normal(size=k) * 3
    assume(np.linalg.cond(normals) < 1e3)
    x, residual = nearest_feasible(y, normals, offsets)
    slack = normals @ x + offsets
    scale = 1 + np.abs(offsets).max() + np.linalg.norm(x)
    # KKT: feasible, and y - x is minus a nonnegative combination of the normals of active constraints.
    assert residual < 1e-10
    assert (slack > -1e-10 * scale).all()
    multipliers, *_ = np.linalg.lstsq(normals.T, x - y, rcond=None)
    np.testing.assert_allclose(normals.T @ multipliers, x - y, atol=1e-9 * scale)
    assert (multipliers > -1e-9 * scale).all()
    assert np.abs(multipliers * slack).max() < 1e-8 * scale**2
    # Nearest: no feasible point is nearer, and neither is scipy's.
    distance = float(np.sum((x - y) ** 2))
    assert distance == pytest.approx(by_scipy(y, normals, offsets), rel=1e-9, abs=1e-12 * scale**2)
    for other in x + rng.normal(size=(200, k)) * rng.choice([1e-3, 0.1, 3.0], size=(200, 1)):
        if (normals @ other + offsets >= 0).all():
            assert np.sum((other - y) ** 2) >= distance * (1 - 1e-9) - 1e-12 * scale**2


def test_a_feasible_point_stays() -> None:
    y = np.array([1.0, 2.0, 3.0])
    x, residual = nearest_feasible(y, np.eye(3)[:2], np.zeros(2))
    np.testing.assert_array_equal(x, y)
    assert residual == 0


def test_known_projections() -> None:
    y = np.array([-1.0, -2.0, 3.0])
    x, _ = nearest_feasible(y, np.eye(3)[:2], np.zeros(2))
    np.testing.assert_allclose(x, [0, 0, 3], atol=1e-15)
    x, _ = nearest_feasible(y, np.eye(3)[:2], np.array([5.0, 1.0]))
    np.testing.assert_allclose(x, [-1, -1, 3], atol=1e-15)


def test_size_of_a_normal_does_not_matter() -> None:
    y, normals, offsets = np.array([-1.0, -2.0, 3.0]), np.array([[1.0, 0.3, 0], [0, 1.0, 0.2]]), np.array([0.1, 0.2])
    expected, _ = nearest_feasible(y, normals, offsets)
    for factor in (1e-9, 1e9):
        scaled = np.array([factor, 1.0])
        x, residual = nearest_feasible(y, normals * scaled[:, None], offsets * scaled)
        np.testing.assert_allclose(x, expected, rtol=1e-12)
        assert residual < 1e-12


def test_parallel_constraints() -> None:
    """The stricter one counts."""
    x, residual = nearest_feasible(np.array([-3.0, 1.0]), np.array([[1.0, 0], [1.0, 0]]), np.array([1.0, 2.0]))
    np.testing.assert_allclose(x, [-1, 1], atol=1e-14)
    assert residual < 1e-12


def test_what_cannot_move_and_is_feasible_is_no_matter() -> None:
    x, residual = nearest_feasible(np.array([-1.0, 2.0]), np.array([[0.0, 0], [1.0, 0]]), np.array([3.0, 0.0]))
    np.testing.assert_allclose(x, [0, 2], atol=1e-15)
    assert residual < 1e-15


def test_negative_and_immovable() -> None:
    with pytest.raises(InputError, match="negative start of kr or epsilon"):
        nearest_feasible(np.array([1.0, 2.0]), np.array([[0.0, 0], [1.0, 0]]), np.array([-3.0, 0.0]))


def test_constraints_that_exclude_each_other() -> None:
    """x >= 1 and x <= -1: nothing is feasible, and that is said rather than a point handed out."""
    with pytest.raises(InputError):
        nearest_feasible(np.array([0.5, 2.0]), np.array([[1.0, 0], [-1.0, 0]]), np.array([-1.0, -1.0]))


# The fit


def names_of(prior: Prior) -> list[int]:
    layout = Layout.of(prior)
    return [layout.names.index(name) for name in constrained_names(layout)]


def bounded(X: np.ndarray, F: np.ndarray, constrained: list[int]) -> np.ndarray:
    """scipy's bounded least squares; columns scaled."""
    scale = np.linalg.norm(X, axis=0)
    lower = np.full(X.shape[1], -np.inf)
    lower[constrained] = 0
    return lsq_linear(X / scale, F, (lower, np.inf), method="bvls", tol=1e-15).x / scale


def kkt_residual(factor: Factor, c: np.ndarray, constrained: list[int]) -> float:
    """Largest violation, of coefficients in units of force."""
    norms = np.linalg.norm(design(factor.S), axis=0)
    A, z = design(factor.S) / norms, target(factor.S)
    gradient = A.T @ (A @ (c * norms) - z) / np.linalg.norm(z)
    worst = 0.0
    for k in range(len(c)):
        if k not in constrained or c[k] * norms[k] > 1e-9 * np.linalg.norm(z):
            worst = max(worst, abs(gradient[k]))
        else:
            worst = max(worst, -gradient[k], -c[k] * norms[k])
    return worst


def test_chignolin_where_every_direction_is_determined() -> None:
    """Unconstrained, epsilon is -42 there."""
    rows, prior = chignolin_rows(4), prior_of(4)
    plain = fit(chignolin_factor(4), prior, Options(truncation=0))
    assert plain.fitted_params["epsilon"] < -10
    assert any("epsilon" in warning for warning in plain.warnings)
    found = fit(chignolin_factor(4), prior, Options(truncation=0, nonnegative=True))
    c = cgcore.to_coefficients(found.fitted_params)
    expected = rows.loss(bounded(rows.X, rows.F, names_of(prior)))
    assert found.train_loss == pytest.approx(expected, rel=1e-10)
    assert found.train_loss > plain.train_loss
    assert 0 <= found.fitted_params["epsilon"] < 1e-10
    assert found.fitted_params["kr"] > 300
    assert found.certificate.kkt_residual is not None
    assert found.certificate.kkt_residual < 1e-10
    assert kkt_residual(chignolin_factor(4), c, names_of(prior)) < 1e-10
    assert found.certificate.optimality_gap == pytest.approx(0, abs=1e-12)
    assert found.converged
    assert found.warnings == ()


@pytest.mark.parametrize("cutoff", [0.0, 1e-6, 0.01])
def test_chignolin_along_the_kept_directions(cutoff: float) -> None:
    factor, prior = chignolin_factor(10), prior_of(10)
    start, constrained = cgcore.to_coefficients(prior.params), names_of(prior)
    directions = spectrum(factor.S, factor.beads)
    kept = directions.kept(cutoff)
    best = directions.optimum(factor.S, start, kept)
    y = np.linalg.lstsq(directions.basis[:, kept] / np.abs(best)[:, None], (best - start) / np.abs(best), rcond=None)[0]
    distance = by_scipy(y, directions.basis[constrained][:, kept], start[constrained])
    found = fit(factor, prior, Options(truncation=cutoff, nonnegative=True))
    assert found.train_loss == pytest.approx(factor.loss(best) + distance, rel=1e-8 if cutoff == 0 else 1e-10)
    assert found.certificate.kkt_residual is not None
    assert found.certificate.kkt_residual < 1e-10
    assert found.fitted_params["epsilon"] >= 0
    assert found.certificate.optimal_loss == found.train_loss


@pytest.mark.parametrize("seed", range(6))
def test_random_problems(seed: int) -> None:
    """Forces that pull some of kr, epsilon and epsilon_ex below 0."""
    prior = prior_of(weights=EXCLUDED)
    chains, constrained = two_proteins(), names_of(prior)
    rng = np.random.default_rng(seed)
    rows = rows_of(chains, prior)
    c = cgcore.to_coefficients(prior.params) * 1.0
    c[constrained] *= rng.choice([-1.0, 1.0], size=3)
    F = np.zeros_like(chains.F)
    F[chains.mask > 0] = (rows.X @ c + rng.normal(size=len(rows.F))).reshape(-1, 3)
    factor = factor_of(chains._replace(F=F), prior)
    rows = rows_of(chains._replace(F=F), prior)
    found = fit(factor, prior, Options(truncation=0, nonnegative=True))
    assert found.train_loss == pytest.approx(rows.loss(bounded(rows.X, rows.F, constrained)), rel=1e-10)
    # At kr = 0 itself kr*r0, which is not pressed to zero, would be lost.
    assert found.fitted_params["kr"] > 0
    assert (cgcore.to_coefficients(found.fitted_params)[constrained] >= 0).all()
    assert found.certificate.kkt_residual is not None
    assert found.certificate.kkt_residual < 1e-10
    assert found.converged


def test_where_no_constraint_is_active_it_is_the_plain_fit() -> None:
    prior = prior_of()
    chains = two_proteins()
    rows = rows_of(chains, prior)
    F = np.zeros_like(chains.F)
    F[chains.mask > 0] = (rows.X @ cgcore.to_coefficients(prior.params)).reshape(-1, 3)
    F += np.random.default_rng(0).normal(size=F.shape) * 0.01
    factor = factor_of(chains._replace(F=F), prior)
    plain, found = (fit(factor, prior, Options(truncation=0, nonnegative=which)) for which in (False, True))
    assert found.train_loss == pytest.approx(plain.train_loss, rel=1e-12)
    assert found.certificate.kkt_residual is not None
    assert found.certificate.kkt_residual < 1e-10


def start_with(prior: Prior, **change: Any) -> Prior:
    return Prior(prior.weights, prior.params | change)


@pytest.mark.parametrize(
    ("prior", "length"),
    [
        (start_with(prior_of(), epsilon=-1.0), 5),
        (start_with(prior_of(weights=WEIGHTS._replace(repulsive=0.0)), epsilon=-1.0), 12),
        (start_with(prior_of(weights=WEIGHTS._replace(bond=0.0)), kr=-1.0), 12),
    ],
    ids=["no pair", "repulsion weighs nothing", "bonds weigh nothing"],
)
def test_a_negative_start_that_no_data_move_is_refused(prior: Prior, length: int) -> None:
    chains = random_chains(60, [length], length, seed=length)
    with pytest.raises(InputError, match="negative start of kr or epsilon"):
        fit(chains.dataset(), prior, Options(nonnegative=True, truncation=0))


def test_a_negative_start_that_data_move_is_mended() -> None:
    found = fit(chignolin_factor(4), start_with(prior_of(4), epsilon=-1.0), Options(nonnegative=True, truncation=0))
    plain = fit(chignolin_factor(4), prior_of(4), Options(nonnegative=True, truncation=0))
    assert found.fitted_params["epsilon"] >= 0
    assert found.train_loss == pytest.approx(plain.train_loss, rel=1e-10)
