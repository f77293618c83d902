"""The constrained optimum and its certificate, against another solver on the explicit matrix.

The objective is implemented again: |X c - F|² per bead and the roughness penalty, from the matrix itself.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from factor_helpers import WEIGHTS, Chains, prior_of, rows_of, two_proteins
from potential_helpers import factor_without_a_pass
from scipy.optimize import minimize, nnls

from cgcore import Factor, FitResult, Options, Status, fit
from cgcore.factor.triangle import design, target
from cgcore.fitting.admissible import Admissible, Admitted
from cgcore.fitting.certificate import OPTIMAL
from cgcore.fitting.constraints import Constraint
from cgcore.fitting.smoothing import smoothing
from cgcore.fitting.spectrum import Spectrum, spectrum
from cgcore.physics.coefficients import to_coefficients, to_params

PRIOR = prior_of(4, WEIGHTS._replace(excluded_volume=0.7))
START = to_coefficients(PRIOR.params)
STRENGTH = 1e-3


def pulled() -> Chains:
    """Forces that pull pairs together and angles out of their range, so that constraints of every kind are active."""
    chains = two_proteins()
    wanted = dict(PRIOR.params, kr=np.float64(60.0), epsilon=np.float64(-2.0), epsilon_ex=np.float64(0.8))
    F = np.zeros_like(chains.F)
    real = chains.mask > 0
    rows = rows_of(chains, PRIOR)
    noise = np.random.default_rng(7).normal(size=len(rows.F)) * 5
    F[real] = (rows.X @ to_coefficients(wanted) + noise).reshape(-1, 3)
    return chains._replace(F=F)


@cache
def factor() -> Factor:
    return factor_without_a_pass(pulled(), PRIOR, (310.0,))


@cache
def fitted() -> FitResult:
    return fit(factor(), PRIOR, Options(smoothness=STRENGTH))


def flattest() -> np.ndarray:
    """The unpenalised reference coefficients, which a test below determines independently."""
    found = fitted().smoothest
    assert found is not None
    return found


def rough() -> np.ndarray:
    """Root mean square curvature for unit coefficients: w U'' of a harmonic has the mean square w² n⁴ / 2."""
    diagonal, w = np.zeros(len(START)), PRIOR.weights
    diagonal[2:10] = w.angle * np.tile(np.arange(1, 5) ** 2.0, 2) / np.sqrt(2)
    diagonal[10:14] = w.dihedral * np.tile(np.arange(1, 3) ** 2.0, 2) / np.sqrt(2)
    return diagonal


@cache
def stacked() -> tuple[np.ndarray, np.ndarray]:
    """Rows whose squared residual is the objective."""
    rows, diagonal = rows_of(pulled(), PRIOR), rough()
    X, F = rows.X / np.sqrt(rows.beads), rows.F / np.sqrt(rows.beads)
    series = diagonal > 0
    unit = np.linalg.norm(X[:, series] / diagonal[series], 2) ** 2
    penalty = np.diag(np.sqrt(STRENGTH * unit) * diagonal)
    return np.vstack([X, penalty]), np.append(F, penalty @ flattest())


def test_a_coefficient_that_must_not_be_positive_stays_negative() -> None:
    """A row with one number may require either sign."""
    known = spectrum(factor().S, factor().beads)
    rows = [np.eye(1, len(START), 3), -np.eye(1, len(START), 4)]
    chosen = tuple(Constraint(f"sign {k}", "a sign", row, np.zeros(1)) for k, row in enumerate(rows))
    start = np.zeros(len(START))
    y = np.linalg.lstsq(known.basis, np.where(np.arange(len(START)) == 3, 2.0, -3.0), rcond=None)[0]
    admitted = Admissible.of(chosen, known, start, np.ones(len(START), bool)).admit(y, y)
    np.testing.assert_allclose(admitted.coefficients[3:5], [2.0, -3.0], rtol=1e-6)  # limited by the condition number


def objective(c: np.ndarray) -> float:
    M, t = stacked()
    return float(np.sum((M @ c - t) ** 2))


def slope(c: np.ndarray) -> np.ndarray:
    M, t = stacked()
    return 2 * M.T @ (M @ c - t)


def inequalities(chosen: tuple[Constraint, ...]) -> tuple[np.ndarray, np.ndarray]:
    return np.vstack([one.normals for one in chosen]), np.concatenate([one.bounds for one in chosen])


def by_slsqp(chosen: tuple[Constraint, ...]) -> float:
    """The lowest objective under constraints, by sequential quadratic programming in coordinates in which the
    objective is a distance."""
    M, t = stacked()
    scale = np.linalg.norm(M, axis=0)
    R = np.linalg.qr(M / scale, mode="r")
    back = np.linalg.inv(R) / scale[:, None]
    best = np.linalg.lstsq(M / scale, t, rcond=None)[0] / scale
    at = np.linalg.solve(back, best)
    G, h = inequalities(chosen)
    N = G @ back
    size = np.linalg.norm(N, axis=1)
    N, h = N / size[:, None], h / size
    found = minimize(
        lambda y: np.sum((y - at) ** 2),
        at,
        jac=lambda y: 2 * (y - at),
        constraints={"type": "ineq", "fun": lambda y: N @ y - h, "jac": lambda y: N},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    assert (N @ found.x - h > -1e-9).all()
    return objective(back @ found.x)


@cache
def spectrum_of() -> tuple[Spectrum, np.ndarray]:
    """Spectrum of the objective, and the free optimum in its coordinates."""
    S = smoothing(factor(), STRENGTH, flattest()).S
    found = spectrum(S, factor().beads)
    assert found.kept().all()
    return found, found.U.T @ ((target(S) - design(S) @ START) / np.sqrt(factor().beads))


def admissible(chosen: tuple[Constraint, ...] | None = None) -> Admissible:
    found, _ = spectrum_of()
    return Admissible.of(fitted().admissible.constraints if chosen is None else chosen, found, START, found.kept())


def admitted(off: np.ndarray | float = 0.0) -> Admitted:
    """The certificate if the solver ended at this distance from the free optimum."""
    _, best = spectrum_of()
    return admissible().admit(best + off, best)


def active_rows(c: np.ndarray) -> np.ndarray:
    """Normals of the constraints without slack at c, which have unit length in whitened coordinates."""
    found, _ = spectrum_of()
    G, h = inequalities(fitted().admissible.constraints)
    size = np.linalg.norm(G @ found.basis, axis=1)
    return (G / size[:, None])[(G @ c - h) / size < 1e-9]


@pytest.mark.slow
def test_several_kinds_of_constraints_are_active() -> None:
    """Otherwise the tests below would prove little."""
    assert sum(one.active for one in fitted().certificate.constraints) >= 3
    assert not all(one.active for one in fitted().certificate.constraints)


def test_the_optimum_is_that_of_another_solver() -> None:
    certificate = fitted().certificate
    expected = by_slsqp(fitted().admissible.constraints)
    c = to_coefficients(fitted().fitted_params)
    assert certificate.objective == pytest.approx(objective(c), rel=1e-10)
    assert certificate.objective == pytest.approx(expected, rel=OPTIMAL)
    assert certificate.lower_bound == pytest.approx(expected, rel=OPTIMAL)
    # Weak duality: no feasible point is lower, up to rounding of the sums.
    assert certificate.lower_bound <= expected * (1 + 1e-10)
    assert abs(certificate.optimality_gap) < 1e-10
    assert fitted().status == Status.CONSTRAINED
    assert certificate.violation is not None
    assert certificate.violation < 1e-10


def test_the_smoothest_admissible_potential() -> None:
    """It has the least roughness under the walls and the barrier, found by sequential quadratic programming; pairs
    and bonds do not contribute."""
    diagonal = rough()
    series = diagonal > 0
    c = flattest()
    assert not c[~series].any()
    chosen = tuple(one for one in fitted().admissible.constraints if "angle" in one.name or "dihedral" in one.name)
    assert len(chosen) == 3
    G, h = inequalities(chosen)
    N = G[:, series] / diagonal[series]
    size = np.linalg.norm(N, axis=1)
    N, h = N / size[:, None], h / size
    assert (N @ (diagonal * c)[series] - h > -1e-9).all()
    found = minimize(
        lambda x: x @ x,
        (diagonal * c)[series] + 1.0,
        jac=lambda x: 2 * x,
        constraints={"type": "ineq", "fun": lambda x: N @ x - h, "jac": lambda x: N},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    assert np.sum((diagonal * c) ** 2) == pytest.approx(found.fun, rel=OPTIMAL)
    assert found.fun > 1
    # Without constraints it is flat.
    free = fit(factor(), PRIOR, Options(smoothness=STRENGTH, constraints="none")).smoothest
    assert free is not None
    assert not free.any()


def test_what_the_constraints_cost() -> None:
    """Loss above that of the exact optimum without constraints."""
    M, t = stacked()
    scale = np.linalg.norm(M, axis=0)
    free = np.linalg.lstsq(M / scale, t, rcond=None)[0] / scale
    rows, certificate = rows_of(pulled(), PRIOR), fitted().certificate
    assert certificate.optimal_loss == pytest.approx(rows.loss(free), rel=1e-9)
    assert certificate.price == pytest.approx(certificate.loss - rows.loss(free), rel=1e-6)
    assert certificate.price > 0.01 * certificate.loss


def test_the_price_of_each_is_what_the_fit_without_it_gains() -> None:
    every = fitted().admissible.constraints
    lowest = by_slsqp(every)
    for report in fitted().certificate.constraints:
        without = tuple(one for one in every if one.name != report.name)
        assert len(without) == len(every) - 1
        # SLSQP ends within 1e-9 of the constraints, which corresponds to 1e-7 of the objective with these multipliers.
        assert report.price == pytest.approx(lowest - by_slsqp(without), abs=1e-7 * lowest)
        assert report.active == (report.multiplier > 0)
        assert report.active or report.price == 0


def test_the_multiplier_is_what_relaxing_the_bound_gains() -> None:
    """Constraints of one or two rows are relaxed by a thousandth of their first bound."""
    every, checked = fitted().admissible.constraints, 0
    _, best = spectrum_of()
    for report in fitted().certificate.constraints:
        one = next(one for one in every if one.name == report.name)
        if not report.active or len(one.bounds) > 2:
            continue
        step = 1e-3 * abs(one.bounds[0])
        moved = [
            admissible(
                tuple(replace(other, bounds=other.bounds + by) if other is one else other for other in every)
            ).admit(best, best)
            for by in (-step, step)
        ]
        low, high = (objective(other.coefficients) for other in moved)
        # A central difference of a piecewise quadratic function, with the same active rows on both sides.
        assert report.multiplier == pytest.approx((high - low) / (2 * step), rel=1e-4)
        checked += 1
    assert checked >= 1


def test_the_optimality_conditions_from_the_matrix_itself() -> None:
    """The gradient of the objective is a combination of normals of active constraints with non-negative weights."""
    found, _ = spectrum_of()
    c = to_coefficients(fitted().fitted_params)
    G, h = inequalities(fitted().admissible.constraints)
    size = np.linalg.norm(G @ found.basis, axis=1)
    assert ((G @ c - h) / size > -1e-10).all()
    N, g = active_rows(c) @ found.basis, slope(c) @ found.basis
    assert np.linalg.norm(g) > 0.1
    assert nnls(N.T, g)[1] < 1e-8 * np.linalg.norm(g)
    # Without one of the active rows it is not.
    assert nnls(N[1:].T, g)[1] > 1e-4 * np.linalg.norm(g)
    residual = fitted().certificate.kkt_residual
    assert residual is not None
    assert residual < 1e-10


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0])
def test_the_residual_is_that_of_the_matrix(size: float) -> None:
    """The solver ended off the optimum, along the active constraints, in either direction."""
    found, _ = spectrum_of()
    N = active_rows(admitted().coefficients) @ found.basis
    along = np.linalg.svd(N)[2][len(N) :]
    off = size * along[0]
    judged = admitted(off)
    g = slope(judged.coefficients) @ found.basis
    here = active_rows(judged.coefficients) @ found.basis
    if len(here) == len(N):  # no other constraint was met on the way
        residual = nnls(here.T, g)[1]
        assert judged.gradient == pytest.approx(residual, rel=1e-4)
        assert judged.gradient == pytest.approx(2 * size, rel=1e-4)
    assert judged.residual > 1e-3 * size
    assert admitted().residual < 1e-12


@pytest.mark.parametrize("size", [1e-4, 1e-2, 1.0])
def test_the_bound_holds_wherever_the_solver_ended(size: float) -> None:
    """Multipliers of another point prove a weaker bound, never a wrong one."""
    rng, exact = np.random.default_rng(1), admitted()
    lowest = objective(exact.coefficients) - exact.bound  # the unconstrained minimum
    for _ in range(10):
        judged = admitted(size * rng.normal(size=len(START)))
        reached = objective(judged.coefficients)
        assert judged.bound <= exact.bound * (1 + 1e-9)
        gap = reached - lowest - judged.bound
        assert gap >= objective(judged.coefficients) - objective(exact.coefficients) - 1e-9 * reached
        # The gap contains at least part of the solver's error.
        assert 0.01 * size**2 < gap < 1e3 * (size**2 + size)


@pytest.mark.slow
def test_a_fit_that_is_stopped_early_is_not_called_optimal() -> None:
    for steps in (1, 2, 3, 200):
        found = fit(factor(), PRIOR, Options(smoothness=STRENGTH, max_steps=steps, tol_grad=0.0))
        gap, residual = found.certificate.optimality_gap, found.certificate.kkt_residual
        assert residual is not None
        assert (found.status == Status.CONSTRAINED) == (max(gap, residual) <= OPTIMAL)
        assert found.converged == (found.status == Status.CONSTRAINED)
    early = fit(factor(), PRIOR, Options(smoothness=STRENGTH, tol_grad=1e6))
    assert early.certificate.optimality_gap > 1e-3
    assert early.status == Status.SUBOPTIMAL
    assert not early.converged
    # The result is nevertheless admissible.
    assert early.certificate.violation is not None
    assert early.certificate.violation < 1e-10


def test_violation_is_the_change_of_forces_that_mends_it() -> None:
    found, _ = spectrum_of()
    c = to_coefficients(fitted().fitted_params)
    for one in fitted().admissible.constraints:
        alone = admissible((one,))
        G, h = one.normals @ found.basis, one.bounds
        k = int(np.argmin((one.normals @ c - h) / np.linalg.norm(G, axis=1)))
        inward, slack = G[k] / np.linalg.norm(G[k]), (one.normals[k] @ c - h[k]) / np.linalg.norm(G[k])
        outside = c - found.basis @ (inward * (slack + 0.5))
        assert alone.violation(outside) >= 0.5 * (1 - 1e-9)
        assert admissible().violation(outside) >= alone.violation(outside)
        mended, distance = alone.nearest(outside)
        # The distance to one row alone is its violation; several rows together may require a larger distance.
        assert distance >= alone.violation(outside) * (1 - 1e-9)
        if len(h) == 1:
            assert distance == pytest.approx(0.5, rel=1e-9)
        assert alone.violation(mended) < 1e-9
    assert admissible().violation(c) < 1e-9
    assert admissible(()).violation(c - 1e6) == 0


@pytest.mark.parametrize("seed", range(4))
def test_nearest(seed: int) -> None:
    found, _ = spectrum_of()
    step = np.random.default_rng(seed).normal(size=len(START)) * 10.0 ** (seed - 1)
    given = to_coefficients(fitted().fitted_params) + found.basis @ step
    allowed = admissible()
    c, distance = allowed.nearest(given)
    assert distance > 0
    assert allowed.violation(c) < 1e-9 * (1 + np.linalg.norm(step))
    # The distance is measured by the objective's rows.
    M, _ = stacked()
    assert distance == pytest.approx(np.linalg.norm(M @ (c - given)), rel=1e-6)
    again, moved = allowed.nearest(c)
    assert moved < 1e-9 * (1 + np.linalg.norm(step))
    np.testing.assert_allclose(M @ again, M @ c, atol=1e-9 * float(np.linalg.norm(M @ c)))
    # No other admissible point is nearer.
    for other in (to_coefficients(fitted().fitted_params), c + 0.3 * (to_coefficients(fitted().fitted_params) - c)):
        assert allowed.violation(other) < 1e-9 * (1 + np.linalg.norm(step))
        assert np.linalg.norm(M @ (other - given)) >= distance * (1 - 1e-9)


def test_inside_nothing_moves() -> None:
    """The point keeps a distance from every row, so that rounding does not matter."""
    found, _ = spectrum_of()
    tighter = tuple(
        replace(one, bounds=one.bounds + 0.05 * np.linalg.norm(one.normals @ found.basis, axis=1))
        for one in fitted().admissible.constraints
    )
    c, moved = admissible(tighter).nearest(to_coefficients(fitted().fitted_params))
    assert moved > 0.04
    assert admissible().violation(c) == 0
    same, distance = admissible().nearest(c)
    assert distance == 0
    np.testing.assert_array_equal(same, c)


def test_kr_at_the_bound_keeps_r0() -> None:
    """The certificate is computed from the parameters; converting to parameters and back loses nothing."""
    c = to_coefficients(fitted().fitted_params)
    np.testing.assert_allclose(to_coefficients(to_params(c, PRIOR.params)), c, rtol=1e-12)
    assert fitted().grad_norm < 1e-9
