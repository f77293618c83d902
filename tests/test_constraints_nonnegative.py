"""kr >= 0 and epsilon >= 0: the constrained optimum, against scipy and against its own optimality conditions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from factor_helpers import (
    WEIGHTS,
    chignolin_factor,
    chignolin_rows,
    factor_of,
    prior_of,
    random_chains,
    rows_of,
    two_proteins,
    unconstrained,
)
from scipy.optimize import lsq_linear

import cgcore
from cgcore import Factor, Layout, Options, Prior, Status, Weights, fit
from cgcore.factor.triangle import design, target
from cgcore.fitting.constraints import constraints
from cgcore.fitting.spectrum import spectrum
from validation.duality import Objective, dual, stated

pytestmark = pytest.mark.numerical

EXCLUDED = WEIGHTS._replace(excluded_volume=0.3)


def nonnegative(**options: Any) -> Options:
    return Options(**({"constraints": "nonnegative", "truncation": 0} | options))


@pytest.mark.parametrize("weights", [WEIGHTS, EXCLUDED])
def test_what_is_constrained(weights: Weights) -> None:
    """One row for each of kr, epsilon and epsilon_ex, requiring that the coefficient is not negative."""
    prior = prior_of(weights=weights)
    factor = factor_of(two_proteins(), prior)
    found = constraints("nonnegative", factor, 300.0)
    assert [one.name for one in found] == ["kr", "epsilon", "epsilon_ex"][: len(found)]
    assert [one.text for one in found] == [f"{one.name} not negative" for one in found]
    np.testing.assert_array_equal(
        np.vstack([one.normals for one in found]), np.eye(Layout.of(prior).size)[signs(prior)]
    )
    assert not np.concatenate([one.bounds for one in found]).any()


def by_scipy(y: np.ndarray, normals: np.ndarray, offsets: np.ndarray) -> float:
    """The squared distance to normals @ x + offsets >= 0, with bounds on slacks s = normals @ x + offsets and no
    bounds on the rest of x."""
    m, k = normals.shape
    free = np.linalg.svd(normals)[2][m:].T
    back = np.linalg.pinv(normals)
    # x = back @ (s - offsets) + free @ z
    bounds = np.concatenate([np.zeros(m), np.full(k - m, -np.inf)]), np.inf
    found = lsq_linear(np.hstack([back, free]), y + back @ offsets, bounds, method="bvls", tol=1e-15)
    return 2 * float(found.cost)


def signs(prior: Prior) -> list[int]:
    """The columns of kr, epsilon and epsilon_ex."""
    names = Layout.of(prior).names
    return [names.index(name) for name in ("kr", "epsilon*sigma^4", "epsilon_ex*sigma_ex^4") if name in names]


def bounded(X: np.ndarray, F: np.ndarray, constrained: list[int]) -> np.ndarray:
    """scipy's bounded least squares with scaled columns."""
    scale = np.linalg.norm(X, axis=0)
    lower = np.full(X.shape[1], -np.inf)
    lower[constrained] = 0
    return lsq_linear(X / scale, F, (lower, np.inf), method="bvls", tol=1e-15).x / scale


def kkt_residual(factor: Factor, c: np.ndarray, constrained: list[int]) -> float:
    """Largest violation of the optimality conditions, with coefficients in units of force."""
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


def test_the_certificate_of_a_fit_stopped_early() -> None:
    """The certificate far from the optimum, where no number is 0; each is computed from X, F and c alone."""
    rows, prior = chignolin_rows(4), prior_of(4)
    start = cgcore.to_coefficients(prior.params)
    objective = Objective(rows.X / np.sqrt(rows.beads), rows.F / np.sqrt(rows.beads))
    options = nonnegative(tol_grad=objective.slope(start) - 1)  # a tolerance that the first step reaches
    found = fit(chignolin_factor(4), prior, options)
    c = cgcore.to_coefficients(found.fitted_params)
    known = dual(objective, stated(found), start, c, found.grad_norm)
    assert (found.status, found.steps) == (Status.SUBOPTIMAL, 1)
    assert known.residual > 0.1
    assert found.certificate.kkt_residual == pytest.approx(known.residual, rel=1e-9)
    assert found.certificate.lower_bound == pytest.approx(known.bound, rel=1e-9)
    assert found.certificate.optimality_gap == pytest.approx(objective.value(c) / known.bound - 1, rel=1e-6)
    assert found.certificate.optimality_gap > 1e-3
    assert [one.multiplier for one in found.certificate.constraints] == pytest.approx(
        list(known.multipliers.values()), rel=1e-9
    )


def test_chignolin_where_every_direction_is_determined() -> None:
    """The unconstrained epsilon is -42 there."""
    rows, prior = chignolin_rows(4), prior_of(4)
    plain = fit(chignolin_factor(4), prior, unconstrained(truncation=0))
    assert plain.fitted_params["epsilon"] < -10
    assert any("epsilon" in warning for warning in plain.warnings)
    found = fit(chignolin_factor(4), prior, nonnegative())
    c = cgcore.to_coefficients(found.fitted_params)
    expected = rows.loss(bounded(rows.X, rows.F, signs(prior)))
    assert found.train_loss == pytest.approx(expected, rel=1e-10)
    assert found.train_loss > plain.train_loss
    assert 0 <= found.fitted_params["epsilon"] < 1e-10
    assert found.fitted_params["kr"] > 300
    assert found.certificate.kkt_residual is not None
    assert found.certificate.kkt_residual < 1e-10
    assert kkt_residual(chignolin_factor(4), c, signs(prior)) < 1e-10
    assert found.certificate.optimality_gap == pytest.approx(0, abs=1e-12)
    assert found.certificate.optimal_loss == pytest.approx(plain.train_loss, rel=1e-10)
    assert found.certificate.price == pytest.approx(expected - plain.train_loss, rel=1e-6)
    assert [(one.name, one.active) for one in found.certificate.constraints] == [("kr", False), ("epsilon", True)]
    assert found.converged
    assert found.status == Status.CONSTRAINED
    assert not any("epsilon" in warning for warning in found.warnings)


@pytest.mark.parametrize("cutoff", [0.0, 1e-6, 0.01])
def test_chignolin_along_the_kept_directions(cutoff: float) -> None:
    factor, prior = chignolin_factor(10), prior_of(10)
    start, constrained = cgcore.to_coefficients(prior.params), signs(prior)
    directions = spectrum(factor.S, factor.beads)
    kept = directions.kept(cutoff)
    best = directions.optimum(factor.S, start, kept)
    y = np.linalg.lstsq(directions.basis[:, kept] / np.abs(best)[:, None], (best - start) / np.abs(best), rcond=None)[0]
    distance = by_scipy(y, directions.basis[constrained][:, kept], start[constrained])
    found = fit(factor, prior, nonnegative(truncation=cutoff))
    assert found.train_loss == pytest.approx(factor.loss(best) + distance, rel=1e-8 if cutoff == 0 else 1e-10)
    assert found.certificate.kkt_residual is not None
    assert found.certificate.kkt_residual < 1e-10
    assert found.fitted_params["epsilon"] >= 0
    # Coefficients of 1e10 along directions that float64 barely resolves cost digits of both.
    assert found.certificate.lower_bound == pytest.approx(found.train_loss, rel=1e-8 if cutoff == 0 else 1e-10)
    assert found.certificate.optimal_loss == pytest.approx(factor.loss(best), rel=1e-10)


@pytest.mark.parametrize("seed", range(6))
def test_random_problems(seed: int) -> None:
    """Forces that make some of kr, epsilon and epsilon_ex negative without constraints."""
    prior = prior_of(weights=EXCLUDED)
    chains, constrained = two_proteins(), signs(prior)
    rng = np.random.default_rng(seed)
    rows = rows_of(chains, prior)
    c = cgcore.to_coefficients(prior.params) * 1.0
    c[constrained] *= rng.choice([-1.0, 1.0], size=3)
    F = np.zeros_like(chains.F)
    F[chains.mask > 0] = (rows.X @ c + rng.normal(size=len(rows.F))).reshape(-1, 3)
    factor = factor_of(chains._replace(F=F), prior)
    rows = rows_of(chains._replace(F=F), prior)
    found = fit(factor, prior, nonnegative())
    assert found.train_loss == pytest.approx(rows.loss(bounded(rows.X, rows.F, constrained)), rel=1e-10)
    # At exactly kr = 0, kr*r0, which is not constrained to zero, would be lost.
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
    plain, found = (fit(factor, prior, options) for options in (unconstrained(truncation=0), nonnegative()))
    assert found.train_loss == pytest.approx(plain.train_loss, rel=1e-12)
    assert found.certificate.kkt_residual is not None
    assert found.certificate.kkt_residual < 1e-10


def start_with(prior: Prior, **change: Any) -> Prior:
    return Prior(prior.weights, prior.params | change)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prior", "length"),
    [
        (start_with(prior_of(), epsilon=-1.0), 5),
        (start_with(prior_of(weights=WEIGHTS._replace(repulsive=0.0)), epsilon=-1.0), 12),
        (start_with(prior_of(weights=WEIGHTS._replace(bond=0.0)), kr=-1.0), 12),
    ],
    ids=["no pair", "repulsion weighs nothing", "bonds weigh nothing"],
)
def test_a_negative_start_that_no_data_move_is_not_constrained_and_said(prior: Prior, length: int) -> None:
    chains = random_chains(60, [length], length, seed=length)
    found = fit(chains.dataset(), prior, nonnegative())
    (name,) = (name for name in ("kr", "epsilon") if prior.params[name] == -1)
    assert found.fitted_params[name] == pytest.approx(-1, rel=1e-14)
    if name == "kr":  # r0, which is computed from kr, also stays
        assert found.fitted_params["r0"] == pytest.approx(float(prior.params["r0"]), rel=1e-12)
    assert name not in [one.name for one in found.admissible.constraints]
    assert any(warning.startswith(f"{name} = -1 is") for warning in found.warnings)


def test_a_negative_start_that_data_move_is_mended() -> None:
    found = fit(chignolin_factor(4), start_with(prior_of(4), epsilon=-1.0), nonnegative())
    plain = fit(chignolin_factor(4), prior_of(4), nonnegative())
    assert found.fitted_params["epsilon"] >= 0
    assert found.train_loss == pytest.approx(plain.train_loss, rel=1e-10)
