"""Terms of any kind: factor and fit against LAPACK on an explicit matrix, for every basis and every kind of group."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import cgcore
from cgcore.physics.space import displacement_name, free
from validation import explicit_terms
from validation.check import Row, at_most, check, equal
from validation.context import Context, unconstrained
from validation.statuses import converged
from validation.term_problems import OWN, Problem, problems
from validation.tolerances import near, products, relative

TOLERANCE = 1e-10

CONDITION = 1e5
"""Condition number up to which coefficients themselves are compared: their rounding error is its product with the
tolerance of the forces (observed: 1e-15)."""


@check("terms", quick=True, needs=("scipy",))
def terms(context: Context) -> Iterator[Row]:
    """Terms with any basis, rows and groups, by LAPACK: S, losses, L*, forces, coefficients."""
    every = problems(frames(context))
    for problem in every[1:4] if context.quick else every:
        yield from judged(problem)


def frames(context: Context) -> cgcore.Dataset:
    """A few frames, of two proteins if there are any."""
    return list(context.datasets.values())[-1].subset(16 if context.quick else 60)


def judged(problem: Problem) -> Iterator[Row]:
    """The rows of one problem."""
    name, data, prior = problem.name, problem.data, problem.prior
    truth = explicit_terms.system(data.join(), prior.terms, data.sites(), problem.box, OWN)
    displacement = free if problem.box is None else cgcore.periodic(problem.box)
    fingerprint = cgcore.Fingerprint.of(prior, displacement_name(displacement, None))
    factor = cgcore.compress(data, fingerprint, displacement=displacement, blocks=2)
    zero = truth.loss(np.zeros(truth.X.shape[1]))
    yield equal(f"{name}, real beads", factor.beads, truth.beads)
    yield at_most(f"{name}, S", products(factor.S, truth.X, truth.F), TOLERANCE, "relative")
    start = np.concatenate([np.ravel(prior.params[term.name]) for term in prior.terms])
    yield near(f"{name}, loss at the start", factor.loss(start), truth.loss(start), TOLERANCE, zero)

    fit = cgcore.fit(factor, prior, unconstrained(truncation=0.0), displacement=displacement)
    fitted = np.concatenate([np.ravel(fit.fitted_params[term.name]) for term in prior.terms])
    scale = np.linalg.norm(truth.X, axis=0)
    dead = scale == 0
    scaled = truth.X / np.where(dead, 1.0, scale)
    best = np.linalg.lstsq(scaled, truth.F, rcond=truth.resolution)[0] / np.where(dead, 1.0, scale)
    values = np.linalg.svd(scaled[:, ~dead], compute_uv=False)
    condition = float(values[0] / values[-1])
    yield equal(f"{name}, converged", converged(fit), True)
    yield near(f"{name}, L*", fit.certificate.optimal_loss, truth.loss(best), TOLERANCE, zero)
    yield near(f"{name}, loss of the fitted coefficients", truth.loss(fitted), truth.loss(best), TOLERANCE, zero)
    yield at_most(f"{name}, forces", relative(truth.X @ fitted, truth.X @ best), TOLERANCE, "relative")
    yield at_most(f"{name}, condition number", condition, CONDITION)
    moved = relative((scale * fitted)[~dead], (scale * best)[~dead])
    yield at_most(f"{name}, coefficients", moved, problem.coefficients, "relative")
    yield at_most(f"{name}, coefficients without data, from the start", relative(fitted[dead], start[dead]), 0.0)
