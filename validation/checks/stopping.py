"""The gradient at which a fit stops that reports a small gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import cgcore
from validation import explicit
from validation.check import Row, at_most, check, equal, shown
from validation.context import Context, with_harmonics
from validation.statuses import OPTIMAL, as_good

TOL_GRAD = 1e-6
"""The default stated in README and docstrings."""

PROBLEMS, SIZE = 5, 12
FRAMES = (100, 200, 300)


@check("stopping", quick=True, data_driven=True)
def stopping(context: Context) -> Iterator[Row]:
    """Status GRADIENT means a gradient norm below the documented 1e-6."""
    rng = np.random.default_rng(0)
    worst, ends = 0.0, set()
    for _ in range(PROBLEMS):
        H = np.geomspace(1, 10 ** rng.uniform(1, 2), SIZE)
        centre = rng.normal(size=SIZE)
        found = cgcore.minimise(_bowl, np.zeros(SIZE), H, centre)
        ends.add(found.status.name)
        worst = max(worst, float(np.linalg.norm(H * (np.asarray(found.params) - centre))))
    yield equal("bowls, status", ", ".join(sorted(ends)), "GRADIENT")
    yield at_most("bowls, largest gradient norm at the end", worst, TOL_GRAD)
    yield from _fits(context)


def _bowl(x: Any, H: Any, centre: Any) -> Any:
    return 1 + (H * (x - centre) ** 2).sum() / 2


def _fits(context: Context) -> Iterator[Row]:
    """Fits with one harmonic in physical coordinates, which end by tol_grad unless rounding ends them first."""
    prior = with_harmonics(context.prior, 1, 1)
    for frames in FRAMES:
        data = context.some(frames)
        fit = cgcore.fit(data, prior, cgcore.Options(coordinates="physical", max_steps=2000))
        name = f"one harmonic, {data.n_frames} frames"
        if context.given and fit.status is cgcore.Status.MAX_STEPS:  # other data may need more steps
            yield shown(f"{name}, status", fit.status.name)
            continue
        yield equal(f"{name}, {fit.status.name}, as good as GRADIENT", as_good(fit.status.name, "GRADIENT"), True)
        if fit.status is cgcore.Status.GRADIENT:
            yield at_most(f"{name}, gradient norm", fit.grad_norm, TOL_GRAD)
        system = explicit.system(data.join(), prior.weights, prior.params)
        best = system.loss(system.optimum(explicit.coefficients(prior.params), system.kept()))
        gap = (system.loss(explicit.coefficients(fit.fitted_params)) - best) / best
        yield at_most(f"{name}, optimality gap", gap, OPTIMAL, "relative")
