"""The default fit against its constraints restated from raw frames, and against another solver."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
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
"""Losses at given parameters: two ways to add up the same numbers."""

OBJECTIVE = 3e-4
"""Between the least objective under constraints restated from raw frames and that of the fit. Sampled ranges come from
histograms there, a degree and 0.05 Å wide, which moves walls by up to a bin (seen: 8e-5)."""

SLACK = {"kr": 0.0, "r0": 0.0, "low wall": 0.1, "high wall": 0.1, "barrier": 0.0}
SLACK |= {"repulsion": 0.05, "excluded volume": 0.05}
"""Part of a bound by which a constraint may be missed for the same reason: a bin is 10 % of a wall's width, and 4 %
of a contact's energy."""

NAMES = {"kr": "kr", "r0": "r0", "low wall": "angle wall, low", "high wall": "angle wall, high"}
NAMES |= {"barrier": "dihedral barrier", "repulsion": "repulsion", "excluded volume": "excluded volume"}
"""What cgcore calls them."""

DRAWS, STATED = 5, 0.1
"""As for the slack of the fit: a bin of a histogram."""

PROMISE = 1e-4
"""Part of the root mean square force by which forces in float32 may be wrong."""

TWICE = 1.0
"""Powers of two between the largest rounding at some points and at others."""

STOPPED = 1e-6
"""A fit that is stopped after a step has an optimality gap far above this."""


@check("admissible", quick=True, needs=("openmm", "scipy"))
def constrained(context: Context) -> Iterator[Row]:
    """The default fit: each constraint on the potentials themselves, optimum by SciPy's SLSQP, certificate by hand."""
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
    """Where large coefficients cancel: what float32 leaves of the angle's forces, and whether that is exported."""
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


def _steepest(sampled: Sampled) -> float:
    """Slope of a wall beyond its width [kcal/mol/rad]."""
    return 2 * admissible.WALL * sampled.kT / admissible.WIDTH


def _physics(name: str, fit: cgcore.FitResult, rows: Inequalities, sampled: Sampled) -> Iterator[Row]:
    """The constraints on the fit, and the walls of the potential that smoothness is measured from."""
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
    """The constraints themselves, to both sides: those that the fit states have the slack of the restated ones, in
    parts of the bound, at coefficients all around."""
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
    """The objective from the explicit matrix: of the fit, of SciPy's optimum, of the free optimum."""
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
