"""Standard errors of losses, from the contributions of blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from cgcore.factor.block import Block
from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, residual
from cgcore.fitting.blocking import blocking
from cgcore.fitting.estimate import Estimate, quantile


def errors_of_losses(
    factor: Factor, fitted: Coefficients, initial: Coefficients, level: float, by_proteins: bool
) -> tuple[Estimate, Estimate]:
    """Errors of the loss of a fit, and of its decrease from the initial parameters [(kcal/mol/Å)²].

    The differences between blocks tell how far the loss is from that of an infinite number of frames. The coefficients
    are kept fixed, since near a minimum their errors change the loss only to second order. The decrease is known much
    better than the loss, because the thermal noise is the same in both losses.

    Arguments:
        factor: factor of the fitted terms.
        fitted: fitted coefficients.
        initial: initial coefficients.
        level: nominal coverage of the intervals.
        by_proteins: whether to resample whole proteins.
    """
    weights = np.array([block.weight for block in factor.blocks])
    both = np.array([residual(block.S, np.array([fitted, initial])) for block in factor.blocks]) / weights.sum()
    shares = weights / weights.sum()
    return (
        _error(factor.blocks, both[:, 0], shares, level, by_proteins),
        _error(factor.blocks, both[:, 1] - both[:, 0], shares, level, by_proteins),
    )


def _error(
    blocks: Sequence[Block],
    parts: Float[np.ndarray, " blocks"],
    shares: Float[np.ndarray, " blocks"],
    level: float,
    by_proteins: bool,
) -> Estimate:
    """The error of a sum over blocks."""
    value = np.array(parts.sum())
    found = blocking(blocks, parts[:, None], shares, by_proteins)
    if found is None:
        return Estimate.of(value, np.array(np.nan), np.nan, np.array(False))
    error = np.sqrt(found.covariance(parts[:, None], shares)[0, 0])
    return Estimate.of(value, np.array(error), quantile(level, found.degrees_of_freedom), np.array(True))
