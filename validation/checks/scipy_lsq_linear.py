"""SciPy's bounded least squares against the fit with kr, epsilon >= 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import cgcore
from validation import explicit
from validation.check import Row, at_least, at_most, check, equal
from validation.context import Context
from validation.statuses import converged
from validation.tolerances import near

TOLERANCE = 1e-9
"""Tolerance of two exact solutions of the same small quadratic programme, in directions that the data determine
(observed: 1e-14)."""


@check("scipy-lsq-linear", quick=True, data_driven=True, needs=("scipy",))
def scipy_lsq_linear(context: Context) -> Iterator[Row]:
    """The non-negative fit against scipy.optimize.lsq_linear, with inactive and active bounds."""
    from scipy.optimize import lsq_linear

    prior = context.small_prior
    batch = context.some(300).join()
    system = explicit.system(batch, prior.weights, prior.params)
    start = explicit.coefficients(prior.params)
    lengths = batch.mask.astype(bool).sum(axis=1)
    columns = {
        n: explicit.matrix(batch.R[lengths == n, :n].astype(float), prior.weights, prior.params)
        for n in np.unique(lengths)
    }
    names = cgcore.Layout.of(prior).names
    bounded = [i for i, name in enumerate(names) if name == "kr" or name.startswith("epsilon")]
    lower = np.where(np.isin(np.arange(len(names)), bounded), 0.0, -np.inf)
    for case in ("forces as they are", "pairs attract", "bonds push apart"):
        # Twice the optimal repulsion (or bond) is subtracted from the forces, so that the optimal coefficient is
        # negative.
        free = system.optimum(start, system.kept())
        change = np.zeros_like(free)
        if case == "pairs attract":
            change[bounded[1]] = abs(free[bounded[1]]) + abs(start[bounded[1]])
        if case == "bonds push apart":
            change[:2] = 2 * free[:2]
        F = np.zeros_like(batch.F, dtype=float)
        for n, X in columns.items():
            F[lengths == n, :n] = batch.F[lengths == n, :n] - X @ change
        # Bonds that push apart are certainly wrong, and intended here.
        data = cgcore.from_arrays(batch.R.astype(float), F, batch.mask, accept_faults=True)
        changed = explicit.system(data.join(), prior.weights, prior.params)
        scale = np.maximum(np.linalg.norm(changed.X, axis=0), 1e-300)
        theirs = lsq_linear(changed.X / scale, changed.F, (lower, np.inf), method="bvls", tol=1e-15)
        fit = cgcore.fit(data, prior, cgcore.Options(constraints="nonnegative", truncation=0.0))
        ours, zero = explicit.coefficients(fit.fitted_params), changed.loss(0 * start)
        best = changed.loss(theirs.x / scale)
        yield near(f"{case}, L* under the bounds", fit.certificate.lower_bound, best, TOLERANCE, zero)
        yield near(f"{case}, loss that is reported", fit.train_loss, changed.loss(ours), TOLERANCE, zero)
        # If kr = 0 and kr*r0 is not, the optimum is a limit that no parameters reach, and the fit must report this.
        label = f"{case}, loss, or not called converged"
        yield near(label, changed.loss(ours) if converged(fit) or ours[0] > 0 else best, best, TOLERANCE, zero)
        yield at_least(f"{case}, lowest bounded coefficient", float(ours[bounded].min()), 0.0)
        yield at_most(f"{case}, KKT residual that is reported", fit.certificate.kkt_residual or 0.0, 1e-9)
        unbounded = changed.loss(changed.optimum(start, changed.kept()))
        active = best > unbounded * (1 + 1e-9)
        if case != "forces as they are" and not context.given:
            yield equal(f"{case}, a bound is active", active, True)
