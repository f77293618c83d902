"""The default fit compared with its constraints, restated from raw frames, and with another solver."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.export import write_openmm
from cgcore.judging.precision import float32_error
from validation import admissible, explicit
from validation.admissible import Inequalities, Sampled
from validation.check import Row, at_least, at_most, check, equal, refuses
from validation.context import Context, five_terms, unconstrained
from validation.duality import stated
from validation.statuses import converged
from validation.tolerances import near

EXACT = 1e-10
"""Tolerance of losses at given parameters: the same numbers are summed in two ways."""

OBJECTIVE = 3e-4
"""Tolerance between the objective of the fit and the least objective under constraints restated from raw frames. The
fit takes sampled ranges from histograms with bins of one degree and 0.05 Å, which moves walls by up to one bin
(observed: 8e-5)."""

SLACK = {"kr": 0.0, "r0": 0.0, "low wall": 0.1, "high wall": 0.1, "barrier": 0.0}
SLACK |= {"repulsion": 0.05, "excluded volume": 0.05}
"""Fraction of a bound by which a constraint may be violated for the same reason: one bin is 10 % of a wall's width
and 4 % of the energy at contact."""

NAMES = {"kr": "kr", "r0": "r0", "low wall": "angle wall, low", "high wall": "angle wall, high"}
NAMES |= {"barrier": "dihedral barrier", "repulsion": "repulsion", "excluded volume": "excluded volume"}
"""Names of these constraints in cgcore."""

DRAWS, STATED = 5, 0.1
"""Tolerance of stated constraints, as for the slack of the fit: one bin of a histogram."""

PROMISE = 1e-4
"""Largest error of float32 forces that is promised, relative to the root mean square force."""

TWICE = 1.0
"""Largest ratio, as a power of two, of the largest rounding errors found at two sets of points."""

STOPPED = 1e-6
"""Optimality gap that a fit stopped after one step must exceed."""


@check("admissible", quick=True, needs=("openmm", "scipy"))
def constrained(context: Context) -> Iterator[Row]:
    """The default fit: constraints evaluated on the potentials, optimum by SciPy's SLSQP, certificate recomputed."""
    prior = five_terms(context.prior)
    data = context.data
    batch = data.join()
    system = explicit.system(batch, prior.weights, prior.params)
    own = data.temperatures[0] if data.temperatures else 300.0
    for temperature in (None, 2 * own):
        sampled = Sampled(batch.R.astype(float), own if temperature is None else temperature)
        rows = admissible.inequalities(sampled, prior.weights, prior.params)
        fit = cgcore.fit(data, prior, cgcore.Options(temperature=temperature))
        name = f"{sampled.temperature:g} K"
        yield equal(f"{name}, status", fit.status.name, "CONSTRAINED")
        yield from _physics(name, fit, rows, sampled)
        yield from _stated(name, fit, rows)
        yield from _optimum(name, fit, prior, system, rows)
    yield from _precision(data, prior)
    stopped = cgcore.fit(data, prior, cgcore.Options(max_steps=1))
    yield equal("stopped after a step, converged", converged(stopped), False)
    yield at_least("stopped after a step, optimality gap", stopped.certificate.optimality_gap, STOPPED)


def _precision(data: cgcore.Dataset, prior: cgcore.Prior) -> Iterator[Row]:
    """A fit whose large coefficients cancel: the error of its angle forces in float32, and whether it can be
    exported."""
    free = cgcore.fit(data, prior, unconstrained(truncation=0.0))
    p = free.fitted_params
    theta, n = np.linspace(0, np.pi, 181)[:, None], np.arange(1, len(p["a"]) + 1)

    def slopes(real: Any) -> np.ndarray:
        k, a, b = n.astype(real), np.asarray(p["a"], real), np.asarray(p["b"], real)
        x = theta.astype(real) * k
        return np.sum(k * (b * np.cos(x) - a * np.sin(x)), axis=1).astype(float)

    scale = np.sqrt(free.certificate.zero_prior_loss)
    lost = prior.weights.angle * np.max(np.abs(slopes(np.float32) - slopes(np.float64))) / float(p["r0"]) / scale
    expected = bool(lost > PROMISE)
    yield equal("all directions resolved, float32 loses the forces, reported", free.float32_error > PROMISE, expected)
    told = float32_error(free.fitted_prior, scale)
    yield at_most("all directions resolved, float32 error, off that of the angle", abs(np.log2(told / lost)), TWICE)
    with tempfile.TemporaryDirectory() as folder:
        refused = refuses(lambda: write_openmm(Path(folder) / "system.xml", free.fitted_prior, data.n_beads))
    yield equal("all directions resolved, export to OpenMM, refused", refused, expected)
    for size, error in ((1e37, 0.0), (1e39, np.inf)):  # the largest number of float32 is 3e38
        large = replace(prior, params=prior.params | {"epsilon": size / float(prior.params["sigma"]) ** 4})
        told = float32_error(large, size)
        yield equal(f"a repulsion of {size:g} kcal/mol Å⁴, float32 error", told if np.isinf(told) else 0.0, error)


def _steepest(sampled: Sampled) -> float:
    """Slope of a wall beyond its width [kcal/mol/rad]."""
    return 2 * admissible.WALL * sampled.kT / admissible.WIDTH


def _physics(name: str, fit: cgcore.FitResult, rows: Inequalities, sampled: Sampled) -> Iterator[Row]:
    """The constraints on the fit, and the walls of the potential relative to which smoothness is measured."""
    assert fit.smoothest is not None
    unit = {"low wall": _steepest(sampled), "high wall": _steepest(sampled)}
    unit |= {"repulsion": sampled.kT, "excluded volume": sampled.kT}
    for constraint, slack in rows.slack(explicit.coefficients(fit.fitted_params)).items():
        yield at_least(
            f"{name}, {constraint}, slack", slack / unit.get(constraint, 1.0), -SLACK[constraint], "of its bound"
        )
    walls = {constraint: slack for constraint, slack in rows.slack(fit.smoothest).items() if "wall" in constraint}
    yield at_least(
        f"{name}, smoothest potential, walls, slack", min(walls.values()) / _steepest(sampled), -0.1, "of its bound"
    )


def _stated(name: str, fit: cgcore.FitResult, rows: Inequalities) -> Iterator[Row]:
    """The constraints that the fit states have the same slack as the restated ones, relative to the bound, at random
    coefficients around the fitted ones; differences in both directions count."""
    own, c = stated(fit), explicit.coefficients(fit.fitted_params)
    rng, worst = np.random.default_rng(0), dict.fromkeys(NAMES, 0.0)
    for _ in range(DRAWS):
        around = c * rng.uniform(0.5, 1.5, len(c))
        mine, theirs = (one.slack(around) for one in (rows, own))
        for known, given in NAMES.items():
            unit = np.abs(rows.h[np.array(rows.names) == known]).max() or np.abs(around[1])
            there = np.abs(own.h[np.array(own.names) == given]).max() or np.abs(around[1])
            a, b = mine[known] / unit, theirs[given] / there
            worst[known] = max(worst[known], abs(a - b) / (1 + abs(a)))
    for known, difference in worst.items():
        yield at_most(f"{name}, {known}, as it is stated", difference, STATED, "of its bound")


def _optimum(
    name: str, fit: cgcore.FitResult, prior: cgcore.Prior, system: explicit.System, rows: Inequalities
) -> Iterator[Row]:
    """The objective from the explicit matrix: of the fit, of SciPy's optimum, and of the unconstrained optimum."""
    assert fit.smoothness is not None
    assert fit.smoothest is not None
    D = admissible.curvature(prior.weights, prior.params)
    M, t = admissible.smoothed(system, prior, fit.smoothness, fit.smoothest)
    c, zero, found = explicit.coefficients(fit.fitted_params), system.loss(0 * M[0]), fit.certificate
    free = np.linalg.lstsq(M, t, rcond=None)[0]
    best = admissible.minimum(M, t, rows, c)
    reached, least, lowest = (float(np.sum((M @ x - t) ** 2)) for x in (c, best, free))
    yield near(f"{name}, loss that is reported", found.loss, system.loss(c), EXACT, zero)
    yield near(f"{name}, objective that is reported", found.objective, reached, EXACT, zero)
    yield near(f"{name}, roughness that is reported", fit.roughness, float(np.linalg.norm(D @ c)), EXACT, fit.roughness)
    yield near(f"{name}, lower bound that is reported", found.lower_bound, reached, 1e-8, zero)
    yield near(f"{name}, loss without constraints", found.optimal_loss, system.loss(free), EXACT, zero)
    yield near(f"{name}, price that is reported", found.price, system.loss(c) - system.loss(free), 1e-6, found.price)
    yield near(f"{name}, least objective, SciPy's SLSQP", found.objective, least, OBJECTIVE, zero)
    dearest = max((one.price for one in found.constraints), default=0.0)
    yield at_most(f"{name}, price of the dearest constraint alone, of all", dearest, found.objective - lowest)
