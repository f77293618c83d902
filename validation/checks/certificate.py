"""Every number of a certificate, recomputed from the explicit matrix for fits that were stopped early.

In these fits none of the numbers is 0 or 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

import cgcore
from validation import admissible, explicit
from validation.check import Row, at_least, at_most, check, equal
from validation.context import Context, five_terms, with_harmonics
from validation.duality import Dual, Objective, dual, price, stated
from validation.statuses import CONVERGED, OPTIMAL
from validation.tolerances import near

FRAMES = 200

EXACT = 1e-9
"""Tolerance of sums of the same numbers in two ways, and of their differences (observed: 1e-12)."""

SOLVED = 1e-6
"""Tolerance where SciPy's SLSQP is involved (observed: 1e-9)."""

LARGE = 1e-3
"""Optimality gap that rounding cannot cause, which shows that the fits were stopped early."""

GAUGE = 1e-3
"""Tolerance of a gradient with respect to the parameters: sigma changes together with epsilon and is restored
afterwards (observed: 3e-7)."""

FREE = {"constraints": "none", "truncation": 0.0}
CASES: dict[str, dict[str, Any]] = {
    "free": FREE,
    "non-negative": FREE | {"constraints": "nonnegative"},
    "safe": {},
    "physical": {"coordinates": "physical", "max_steps": 3},
}

FAR = {"r0": 1e8, "sigma": 1e3, "sigma_ex": 1e5}
"""Factors of initial parameters, from which a fit in the parameters does not come near the minimum (observed: 5 to 14 %
above it, after a failed line search)."""


@check("certificate", quick=True, needs=("scipy",))
def certificate(context: Context) -> Iterator[Row]:
    """Losses, bounds, gaps, prices, multipliers and residuals of fits that converged and of fits that were stopped."""
    prior = with_harmonics(five_terms(context.prior), 2, 2)
    data, held_out = context.some(FRAMES).split(0.25)
    assert held_out is not None
    system, unseen = (explicit.system(part.join(), prior.weights, prior.params) for part in (data, held_out))
    factors = [cgcore.compress(part, cgcore.Fingerprint.of(prior)) for part in (data, held_out)]
    start = explicit.coefficients(prior.params)
    for name, settings in CASES.items():
        whole = None if "max_steps" in settings else cgcore.fit(factors[0], prior, cgcore.Options(**settings))
        if whole is None:
            early, status = cgcore.Options(**settings), "MAX_STEPS"
        else:
            ended = "CONSTRAINED" if whole.admissible.constraints else "GRADIENT"
            yield equal(f"{name}, status", whole.status.name, ended)
            yield equal(f"{name}, called converged", whole.converged, ended in CONVERGED)
            yield from _least(name, whole, _objective(whole, prior, system), start)
            if not whole.admissible.constraints:
                resolved = cgcore.fit(factors[0], prior, cgcore.Options(**settings, tol_grad=0.0))
                yield equal(f"{name}, to the last digit, status", resolved.status.name, "PRECISION_FLOOR")
            # Reached by the first step, whose length is at least one unit of the coordinates.
            tolerance = _objective(whole, prior, system).slope(start) - 1
            early, status = cgcore.Options(**settings, tol_grad=tolerance), "SUBOPTIMAL"
        fit, name = cgcore.fit(factors[0], prior, early, validation=factors[1]), f"{name}, stopped"
        steps = settings.get("max_steps", 1)
        yield equal(f"{name}, status", fit.status.name, status)
        yield equal(f"{name}, called converged", fit.converged, status in CONVERGED)
        yield equal(f"{name}, steps and losses", f"{fit.steps} {len(fit.loss_history)}", f"{steps} {steps}")
        objective = _objective(fit, prior, system)
        yield at_least(f"{name}, optimality gap", fit.certificate.optimality_gap, LARGE, "relative")
        yield from _losses(name, fit, objective, system, unseen, start)
        if fit.admissible.constraints:
            yield from _constrained(name, fit, objective, start, system)
        else:
            found = fit.certificate
            yield near(f"{name}, lower bound", found.lower_bound, objective.value(objective.optimum), EXACT, 1.0)
            tolerance = EXACT if fit.options.coordinates == "whitened" else GAUGE
            yield near(f"{name}, gradient norm", fit.grad_norm, _gradient(fit, objective), tolerance, 1.0)
            nothing = (found.price, found.violation, found.kkt_residual)
            yield equal(f"{name}, price, violation and KKT residual", str(nothing), str((0.0, None, None)))
    yield from _from_afar(factors[0], prior, system)


def _from_afar(factor: cgcore.Factor, prior: cgcore.Prior, system: explicit.System) -> Iterator[Row]:
    """Fits whose line search fails far above the minimum, which no failure may turn into convergence."""
    least, failed = system.loss(system.optimum(explicit.coefficients(prior.params), system.kept())), []
    for name, times in FAR.items():
        far = replace(prior, params=prior.params | {name: times * prior.params[name]})
        fit = cgcore.fit(factor, far, cgcore.Options(**FREE, coordinates="physical"))
        yield at_least(f"{name} from afar, loss above the least", fit.train_loss / least - 1, LARGE, "relative")
        yield equal(f"{name} from afar, called converged", fit.converged, False)
        yield near(f"{name} from afar, lower bound", fit.certificate.lower_bound, least, SOLVED, 1.0)
        failed.append(fit.status.name)
    yield at_least("from afar, line searches that fail", failed.count("LINE_SEARCH_FAILED"), 1)


def _least(name: str, fit: cgcore.FitResult, objective: Objective, start: np.ndarray) -> Iterator[Row]:
    """The end of a fit that was not stopped, against LAPACK's optimum, or SciPy's under the stated constraints."""
    c, best = explicit.coefficients(fit.fitted_params), objective.optimum
    if fit.admissible.constraints:
        best = admissible.minimum(objective.M, objective.t, stated(fit), c)
    least, scale = objective.value(best), objective.value(start)
    yield near(f"{name}, least objective", objective.value(c), least, SOLVED, scale)
    yield near(f"{name}, lower bound", fit.certificate.lower_bound, least, SOLVED, scale)
    yield at_most(f"{name}, optimality gap", abs(fit.certificate.optimality_gap), OPTIMAL, "relative")
    for what, value in (("violation", fit.certificate.violation), ("KKT residual", fit.certificate.kkt_residual)):
        if value is not None:
            yield at_most(f"{name}, {what}", value, OPTIMAL, "relative")


def _objective(fit: cgcore.FitResult, prior: cgcore.Prior, system: explicit.System) -> Objective:
    """The objective that the fit minimised: the loss, plus the penalty of a smoothed fit."""
    root = np.sqrt(system.beads)
    if fit.smoothness is None:
        return Objective(system.X / root, system.F / root)
    return Objective(*admissible.smoothed(system, prior, fit.smoothness, fit.smoothest))


def _losses(
    name: str,
    fit: cgcore.FitResult,
    objective: Objective,
    system: explicit.System,
    unseen: explicit.System,
    start: np.ndarray,
) -> Iterator[Row]:
    """The losses, and the numbers derived from them."""
    found, c, best = fit.certificate, explicit.coefficients(fit.fitted_params), objective.optimum
    loss, initial, optimal = (system.loss(x) for x in (c, start, best))
    lowest = system.loss(system.optimum(start, system.kept()))
    reached, scale = objective.value(c), system.loss(0 * c)
    constrained = bool(fit.admissible.constraints)
    assert fit.val_loss is not None
    assert fit.initial_val_loss is not None
    for what, value, expected in (
        ("loss", found.loss, loss),
        ("training loss", fit.train_loss, loss),
        ("objective", found.objective, reached),
        ("loss of the free optimum", found.optimal_loss, optimal),
        ("loss of all directions that are resolved", found.optimal_loss_resolved, lowest),
        ("loss of every direction", found.optimal_loss_every_direction, lowest),
        ("loss without prior", found.zero_prior_loss, scale),
        ("loss of the start", found.initial_loss, initial),
        ("loss of the history's start", fit.loss_history[0], objective.value(start)),
        ("held-out loss", fit.val_loss, unseen.loss(c)),
        ("held-out loss of the start", fit.initial_val_loss, unseen.loss(start)),
    ):
        yield near(f"{name}, {what}", value, expected, EXACT, scale)
    yield near(f"{name}, explained", found.explained, (initial - loss) / (initial - optimal), EXACT, 1.0)
    gap = (reached - found.lower_bound) / found.lower_bound
    yield at_most(f"{name}, gap, from objective and bound", abs(found.optimality_gap - gap), 1e-12, "relative")
    if constrained:
        yield near(f"{name}, price", found.price, loss - optimal, 1e-6, scale)


def _constrained(
    name: str, fit: cgcore.FitResult, objective: Objective, start: np.ndarray, system: explicit.System
) -> Iterator[Row]:
    """The multipliers of a fit after one step, and the bounds that follow from them."""
    found, rows, c = fit.certificate, stated(fit), explicit.coefficients(fit.fitted_params)
    known: Dual = dual(objective, rows, start, c, fit.grad_norm)
    assert found.kkt_residual is not None
    assert found.violation is not None
    yield near(f"{name}, lower bound of the dual", found.lower_bound, known.bound, SOLVED, 1.0)
    yield near(f"{name}, KKT residual", found.kkt_residual, known.residual, SOLVED, 1.0)
    scale = max(known.multipliers.values())
    yield at_least(f"{name}, constraints that are active", sum(m > 0 for m in known.multipliers.values()), 1)
    for one in found.constraints:
        m = known.multipliers[one.name]
        yield at_most(f"{name}, {one.name}, multiplier", abs(one.multiplier - m) / scale, SOLVED, "of the largest")
        yield equal(f"{name}, {one.name}, active", one.active, m > SOLVED * scale)
        expected = price(objective, rows, one.name, c) if m > SOLVED * scale else 0.0
        yield near(f"{name}, {one.name}, price", one.price, expected, SOLVED, found.objective)
    broken = start * np.where(np.arange(len(start)) < 2, -1.0, 1.0)
    size = np.linalg.norm(objective.rows(rows.G), axis=1)
    missing = float(np.max((rows.h - rows.G @ broken) / size))
    yield near(f"{name}, violation by bonds that push apart", fit.admissible.violation(broken), missing, EXACT, 1.0)
    own = max(float(np.max((rows.h - rows.G @ c) / size)), 0.0) / np.sqrt(system.loss(0 * c))
    yield at_most(f"{name}, violation of the fit, off its own", abs(found.violation - own), 1e-12)


def _gradient(fit: cgcore.FitResult, objective: Objective) -> float:
    """Norm of the gradient in the coordinates of the fit, which are whitened coordinates or the parameters."""
    c = explicit.coefficients(fit.fitted_params)
    if fit.options.coordinates == "whitened":
        return objective.slope(c)
    flat, unravel = ravel_pytree(fit.fitted_params)
    J = np.asarray(jax.jacobian(lambda x: cgcore.to_coefficients(unravel(x), jnp))(flat))
    return float(np.linalg.norm(J.T @ (2 * objective.M.T @ (objective.M @ c - objective.t))))
