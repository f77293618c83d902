"""Refits to resampled data, under constraints and to first order, by SciPy and LAPACK."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import numpy as np

import cgcore
from cgcore.fitting import quadratics
from cgcore.fitting.polyhedra import nearest_points
from validation.check import Row, at_most, check, equal
from validation.context import Context, five_terms, with_harmonics
from validation.explicit import Array
from validation.resampling import blocks_of
from validation.tolerances import relative

FRAMES, BLOCKS, RESAMPLES = 120, 6, 8
SMOOTHNESS = 1e-2
EXACT = 1e-8
"""Tolerance between least squares from squares and from rows: half of the digits remain (observed: 1e-11)."""
PROBLEMS = {"few rows": (6, 14, 0.3), "more active rows than are held at a time": (40, 60, 3.0)}
"""Number of coordinates and rows, and size of the bounds."""
CASES = 30


@check("refits", quick=True, needs=("scipy",))
def refits(context: Context) -> Iterator[Row]:
    """Constrained minima of quadratic objectives, refits in parts and to first order."""
    for name, (size, count, far) in PROBLEMS.items():
        yield from _nearest(name, size, count, far)
    yield from _first_order(context)


def _nearest(name: str, size: int, count: int, far: float) -> Iterator[Row]:
    """Minima under inequalities, two of which are the same, for one metric and for one in each case."""
    rng = np.random.default_rng(size)
    inside = rng.normal(size=size)
    normals = rng.normal(size=(count, size))
    bounds = normals @ inside - rng.uniform(0, far, count)
    normals[1], bounds[1] = 2 * normals[0], 2 * bounds[0]
    normals[2], bounds[2] = 0.0, -1.0
    free = inside - far * rng.normal(size=(CASES, size))
    roots = rng.normal(size=(CASES, size, size)) / np.sqrt(size) + np.eye(size)
    inverses = roots @ roots.transpose(0, 2, 1)
    for metrics, own in (("one metric", inverses[:1]), ("a metric for each case", inverses)):
        found = nearest_points(free, own, normals, bounds)
        known = np.array([_lawson(free[k], own[k % len(own)], normals, bounds) for k in range(CASES)])
        changed = np.abs(known - free).max(axis=1) > EXACT
        yield equal(f"{name}, {metrics}, some minima are held", bool(changed.any()), True)
        yield at_most(f"{name}, {metrics}, minima", relative(found, known), EXACT, "relative")


def _lawson(free: Array, inverse: Array, normals: Array, bounds: Array) -> Array:
    """The minimum of (y - free)ᵀ inverse⁻¹ (y - free) with normals @ y >= bounds, as a problem of least distance that
    non-negative least squares solve (Lawson and Hanson, Solving Least Squares Problems, chapter 23)."""
    from scipy.optimize import nnls

    C = np.linalg.cholesky(inverse)
    G, h = normals @ C, bounds - normals @ free
    E = np.vstack([G.T, h])
    goal = np.zeros(len(E))
    goal[-1] = 1.0
    u, _ = nnls(E, goal, maxiter=50 * len(h))
    r = E @ u - goal
    return free + C @ (-r[:-1] / r[-1])


def _first_order(context: Context) -> Iterator[Row]:
    """Refits of few directions are exact, also if they are done in parts; of many, they are one Newton step."""
    prior = with_harmonics(five_terms(context.prior), 2, 2)
    batch = context.some(FRAMES).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    factor = cgcore.compress(cgcore.from_arrays(R, F, accept_faults=True), cgcore.Fingerprint.of(prior), blocks=BLOCKS)
    fit = cgcore.fit(factor, prior, cgcore.Options(constraints="none", smoothness=SMOOTHNESS))
    around = blocks_of(fit, prior, R, F, 1, BLOCKS, SMOOTHNESS)
    weights = np.random.default_rng(0).multinomial(BLOCKS, np.ones(BLOCKS) / BLOCKS, RESAMPLES).astype(float)
    own = quadratics.quadratics(fit)
    exact = np.array([around.refit(one) for one in weights])
    with mock.patch.object(quadratics, "AT_ONCE", 1):
        found = own.coefficients(own.refits(weights))
    yield at_most("one refit at a time", relative(found, exact), EXACT, "relative")
    every, _ = around.objective(np.ones(BLOCKS))
    inverse = np.linalg.inv(every.T @ every)
    with mock.patch.object(quadratics, "MOST_REFITTED", len(around.c) - 1):
        found = own.coefficients(own.refits(weights))
    steps = []
    for one in weights:
        rows, values = around.objective(one)
        steps.append(around.c + inverse @ rows.T @ (values - rows @ around.c))
    yield at_most("many directions, one Newton step", relative(found, np.array(steps)), EXACT, "relative")
    yield equal("many directions, not the exact refit", relative(found, exact) > 1e3 * EXACT, True)
