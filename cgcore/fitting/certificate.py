"""How far a fit is from the best one that exists, from the factor alone and exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients
from cgcore.fitting.spectrum import Spectrum

OPTIMAL = 1e-8
"""Largest optimality gap of a float64 fit that may be called converged. One part in 1e8 of the loss is far below
what data determine, and far above rounding."""


@dataclass(frozen=True)
class Certificate:
    """Losses [(kcal/mol/Å)²] that a fit is judged by.

    Arguments:
        loss: of the fit.
        optimal_loss: the lowest loss over the directions that the fit keeps.
        optimality_gap: (loss - optimal_loss) / optimal_loss.
        optimal_loss_resolved: the lowest over all directions that float64 resolves (LAPACK's rule: relative
            singular value above machine epsilon times rows).
        optimal_loss_every_direction: rho^2 / beads, the lowest over all directions, rounding included.
        zero_prior_loss: without any prior.
        initial_loss: of the initial parameters.
        explained: (initial_loss - loss) / (initial_loss - optimal_loss); 1 where there was nothing to explain.
        kkt_residual: largest violation of the optimality conditions under sign constraints; None without them.
    """

    loss: float
    optimal_loss: float
    optimality_gap: float
    optimal_loss_resolved: float
    optimal_loss_every_direction: float
    zero_prior_loss: float
    initial_loss: float
    explained: float
    kkt_residual: float | None = None


def certify(
    factor: Factor,
    spectrum: Spectrum,
    start: Coefficients,
    fitted: Coefficients,
    kept: np.ndarray,
    *,
    optimum: Coefficients | None = None,
    kkt_residual: float | None = None,
) -> Certificate:
    """The certificate of a fit from `start` to `fitted` along the `kept` directions.

    `optimum` replaces the unconstrained optimum where the fit was constrained.
    """
    if optimum is None:
        optimum = spectrum.optimum(factor.S, start, kept)
    loss, optimal, initial = factor.loss(fitted), factor.loss(optimum), factor.loss(start)
    zero = factor.loss(np.zeros_like(start))
    # Without noise the optimum is 0 to rounding, and a ratio to it would be one of two rounding errors.
    rounding = np.finfo(np.float64).eps * zero
    explainable = initial - optimal
    return Certificate(
        loss=loss,
        optimal_loss=optimal,
        optimality_gap=(loss - optimal) / max(optimal, rounding, np.finfo(np.float64).tiny),
        optimal_loss_resolved=factor.loss(spectrum.optimum(factor.S, start, spectrum.kept())),
        optimal_loss_every_direction=float(factor.S[-1, -1] ** 2) / max(factor.beads, 1),
        zero_prior_loss=zero,
        initial_loss=initial,
        explained=1.0 if explainable <= rounding else (initial - loss) / explainable,
        kkt_residual=kkt_residual,
    )
