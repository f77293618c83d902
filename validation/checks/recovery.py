"""Whether a fit recovers the known parameters from which forces were generated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import cgcore
from validation import explicit
from validation.check import Row, at_least, at_most, check, equal
from validation.context import Context, unconstrained
from validation.statuses import converged
from validation.tolerances import relative

NOISE = 5.0
"""Noise [kcal/mol/Å], as large as a typical force of the prior on real frames."""

DRAWS = 5
QUANTILE = 1e-4
"""Probability in each tail. The fit passes with probability 0.9998 for any noise; the seed is fixed, so the noise is
always the same."""

CONDITION = 1e-4
"""Relative singular value below which directions are left out: there, 1e-8 is below the rounding of the forces."""


@check("recovery", quick=True, data_driven=True, needs=("scipy",))
def recovery(context: Context) -> Iterator[Row]:
    """Known parameters, to 1e-8 without noise, and within the statistical error with noise."""
    prior = context.small_prior
    batch = context.some(300).join()
    system = explicit.system(batch, prior.weights, prior.params)
    truth = _truth(prior)
    kept = system.kept(CONDITION)
    # Directions that the data do not determine keep their start in a fit, so the target has the start there.
    basis, U = system.directions[2][:, kept], system.directions[1][:, kept]
    start = explicit.coefficients(prior.params)
    target = start + basis @ (U.T @ (system.X @ (truth - start))) / np.sqrt(system.beads)
    exact = _fit(batch, prior, target, 0.0, 0)
    fitted = explicit.coefficients(exact.fitted_params)
    yield equal("without noise, converged", converged(exact), True)
    yield equal("without noise, directions kept", sum(exact.identifiability.kept), int(kept.sum()))
    scale = np.sqrt(np.mean((system.X * np.sqrt(3)) ** 2, axis=0))  # force on a bead for a coefficient of 1
    yield at_most("without noise, coefficients as forces", relative(fitted * scale, target * scale), 1e-8, "relative")
    yield at_most("without noise, forces", relative(system.X @ fitted, system.X @ target), 1e-8, "relative")
    fits = [_fit(batch, prior, target, NOISE, seed) for seed in range(1, DRAWS + 1)]
    errors = [system.X @ (explicit.coefficients(fit.fitted_params) - target) for fit in fits]
    total = float(np.sum(np.square(errors))) / NOISE**2
    freedom = DRAWS * int(kept.sum())
    label = f"{DRAWS} draws of noise, squared error over its variance"
    yield at_most(f"{label}, upper", total, _quantile(1 - QUANTILE, freedom), f"chi², {freedom} degrees of freedom")
    yield at_least(f"{label}, lower", total, _quantile(QUANTILE, freedom), f"chi², {freedom} degrees of freedom")
    if (spare := len(system.F) - int(kept.sum())) > 0:
        residual = fits[-1].train_loss * system.beads / NOISE**2
        yield at_most("noise left over, upper", residual, _quantile(1 - QUANTILE, spare), "chi²")
        yield at_least("noise left over, lower", residual, _quantile(QUANTILE, spare), "chi²")


def _quantile(probability: float, freedom: int) -> float:
    from scipy.stats import chi2

    return float(chi2.ppf(probability, freedom))


def _truth(prior: cgcore.Prior) -> np.ndarray:
    """Coefficients of parameters that differ from the start, each by a different factor."""
    rng = np.random.default_rng(1)
    moved = {name: value * rng.uniform(0.7, 1.3, np.shape(value)) for name, value in prior.params.items()}
    moved["r0"] = prior.params["r0"] * 1.01
    return explicit.coefficients(moved)


def _fit(batch: Any, prior: cgcore.Prior, c: np.ndarray, noise: float, seed: int) -> cgcore.FitResult:
    """The fit to forces X c plus noise, which are computed without cgcore."""
    rng = np.random.default_rng(seed)
    F = np.zeros(batch.R.shape)
    lengths = batch.mask.astype(bool).sum(axis=1)
    for n in set(lengths.tolist()) - {0}:
        rows = lengths == n
        forces = explicit.matrix(batch.R[rows, :n].astype(float), prior.weights, prior.params) @ c
        F[rows, :n] = forces + noise * rng.normal(size=forces.shape)
    # No molecule has these forces; from few frames the input checks conclude that they have other units.
    data = cgcore.from_arrays(batch.R.astype(float), F, batch.mask, accept_faults=True)
    return cgcore.fit(data, prior, unconstrained(truncation=CONDITION))
