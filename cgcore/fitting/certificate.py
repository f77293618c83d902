"""How far a fit is from the best possible one, computed exactly from the factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, Triangle, residual
from cgcore.fitting.admissible import Admissible, Admitted, ConstraintReport
from cgcore.fitting.spectrum import Spectrum

OPTIMAL = 1e-8
"""Largest optimality gap of a float64 fit that counts as converged. 1e-8 of the loss is far below what data determine,
and far above rounding."""


@dataclass(frozen=True)
class Certificate:
    """Losses and bounds that show how good a fit is, in (kcal/mol/Å)².

    The objective is what is minimised: the loss, plus the penalty on roughness if the fit is smoothed.

    Arguments:
        loss: loss of the fit.
        objective: loss plus penalty of the fit.
        lower_bound: a bound below which no fit of this kind can be: the exact minimum, or under constraints the value
            of the dual problem at the multipliers of the fit.
        optimality_gap: (objective - lower_bound) / lower_bound.
        optimal_loss: loss at the exact minimum of the objective without constraints.
        price: cost of the constraints, loss - optimal_loss for a fit that is optimal.
        optimal_loss_resolved: lowest loss over all directions that float64 resolves (LAPACK's rule: relative singular
            value above machine epsilon times the number of rows).
        optimal_loss_every_direction: rho² / beads, the lowest loss over all directions, rounding included.
        zero_prior_loss: loss without any prior.
        initial_loss: loss of the initial parameters.
        explained: (initial_loss - loss) / (initial_loss - optimal_loss); 1 if there was nothing to explain.
        violation: by how much the fit violates the constraints: the change of the forces that would remove the
            violation, root mean square per bead, relative to that of the reference forces; None without constraints.
        kkt_residual: largest relative violation of the optimality conditions; None without constraints.
        constraints: a report for each constraint.
    """

    loss: float
    objective: float
    lower_bound: float
    optimality_gap: float
    optimal_loss: float
    price: float
    optimal_loss_resolved: float
    optimal_loss_every_direction: float
    zero_prior_loss: float
    initial_loss: float
    explained: float
    violation: float | None = None
    kkt_residual: float | None = None
    constraints: tuple[ConstraintReport, ...] = ()


def certify(
    factor: Factor,
    objective: Triangle,
    spectrum: Spectrum,
    start: Coefficients,
    fitted: Coefficients,
    kept: Bool[np.ndarray, " n"],
    *,
    resolved: float,
    admissible: Admissible | None = None,
    admitted: Admitted | None = None,
) -> Certificate:
    """The certificate of a fit from `start` to `fitted` along the `kept` directions.

    Arguments:
        factor: factor of the data.
        objective: triangular factor of the objective.
        spectrum: spectrum of the objective.
        start: initial coefficients.
        fitted: coefficients of the fit.
        kept: directions that were fitted.
        resolved: the lowest loss over all directions that float64 resolves.
        admissible: the admissible set, if the fit was constrained.
        admitted: the constrained optimum, if the fit was constrained.
    """
    beads = max(factor.beads, 1)
    optimum = spectrum.optimum(objective, start, kept)
    loss, optimal, initial = factor.loss(fitted), factor.loss(optimum), factor.loss(start)
    minimum, reached = (float(residual(objective, c)) / beads for c in (optimum, fitted))
    zero = factor.loss(np.zeros_like(start))
    # Without noise the optimum is 0 within rounding, and the gap would be a ratio of two rounding errors.
    rounding = np.finfo(np.float64).eps * zero
    bound = minimum if admitted is None else minimum + admitted.bound
    explainable = initial - optimal
    return Certificate(
        loss=loss,
        objective=reached,
        lower_bound=bound,
        optimality_gap=(reached - bound) / max(bound, rounding, np.finfo(np.float64).tiny),
        optimal_loss=optimal,
        price=0.0 if admitted is None else loss - optimal,
        optimal_loss_resolved=resolved,
        optimal_loss_every_direction=float(factor.S[-1, -1] ** 2) / beads,
        zero_prior_loss=zero,
        initial_loss=initial,
        explained=1.0 if explainable <= rounding else (initial - loss) / explainable,
        violation=None if admissible is None else admissible.violation(fitted) / max(np.sqrt(zero), rounding),
        kkt_residual=None if admitted is None else admitted.residual,
        constraints=() if admitted is None else admitted.reports,
    )
