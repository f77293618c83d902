"""The run of a script in the form of a recorded reference, so that it can be judged and written like one."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import jax
import numpy as np
from jax.flatten_util import ravel_pytree

import cgcore
from validation import explicit
from validation.checks.least_squares import PART_OF_BOUND
from validation.comparison import CONVERGED, FIRST, perturbed, plain
from validation.context import unconstrained
from validation.live.answer import Answer
from validation.losses import in_parameters, of_matrix
from validation.recorded_outputs import Recorded
from validation.tolerances import ROUNDING

INITIAL = {"float64": 1e-10, "float32": 1e-6}
"""Tolerance of a loss computed or stored in this precision. The sidecars of the bundled records state the reasons."""

HISTORY = {"float64": 1e-6, "float32": 1e-2}
"""Smallest tolerance of the first losses. On some data rounding grows faster than on the bundled sets, so it is
measured."""

GAP_FACTOR = {"float64": 1.4, "float32": 6.0}
"""Smallest tolerance of the ratio of gaps, as observed on the bundled sets; it is measured again here."""

MIN_STEPS, TOL_GRAD = 10, 1e-6


def as_recorded(
    name: str, answer: Answer, data: cgcore.Dataset, prior: cgcore.Prior, system: explicit.System, factor: cgcore.Factor
) -> Recorded:
    """The run as if it had been recorded: the script's output, losses from the explicit matrix, and tolerances that
    allow for rounding on these data.

    Arguments:
        name: name of the script and its precision.
        answer: the fit of the script.
        data: the frames on which it ran.
        prior: weights and starting parameters.
        system: the explicit matrix of the data.
        factor: the factor of the data.
    """
    settings = _settings(answer, prior)
    known = _independent(answer, prior, system, factor)
    _, gradient = in_parameters(of_matrix(system), prior)[0](np.asarray(ravel_pytree(answer.params)[0]))
    norm = float(np.linalg.norm(gradient))
    output = {
        "dtype": answer.precision,
        "settings": settings,
        "versions": dict(_versions()),
        "device": jax.default_backend(),
        "initial_params": {k: v.tolist() for k, v in prior.params.items()},
        "train_loss": known["final_loss"],
        "steps": len(answer.history),
        "converged": norm < TOL_GRAD,
        "grad_norm": norm,
        "loss_history": answer.history.tolist(),
        "fitted_params": {k: v.tolist() for k, v in answer.params.items()},
        "independent_float64": known,
    }
    # With few frames the default fit rightly ends above a run of 200 steps.
    sidecar: dict[str, Any] = {"beaten_by_default": False, "settings": settings, "versions": output["versions"]}
    record = Recorded(name, output, sidecar | {"tolerance": {}}, data)
    sidecar["tolerance"] = _tolerances(record, system, factor)
    return Recorded(name, output, sidecar, data)


def _settings(answer: Answer, prior: cgcore.Prior) -> dict[str, Any]:
    weights = {term: weight for term, weight in prior.weights._asdict().items() if weight is not None}
    return {
        "dtype": answer.precision,
        "max_steps": len(answer.history),
        "min_steps": min(MIN_STEPS, len(answer.history)),
        "tol_grad": TOL_GRAD,
        "weights": {term: float(weight) for term, weight in weights.items()},
        "terms": list(weights),
        "repulsive_min_separation": 6,
    }


def _versions() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    for package in ("jax", "optax", "jax-md", "numpy"):
        try:
            yield package.replace("-", "_"), version(package)
        except PackageNotFoundError:
            continue


def _independent(
    answer: Answer, prior: cgcore.Prior, system: explicit.System, factor: cgcore.Factor
) -> dict[str, float]:
    """Losses from the explicit matrix. A direction near the limit of LAPACK's rule counts if cgcore counts it."""
    start = explicit.coefficients(prior.params)
    R = np.asarray(np.linalg.qr(np.column_stack([system.X, system.F]), mode="r"))
    return {
        "initial_loss": system.loss(start),
        "final_loss": system.loss(explicit.coefficients(answer.params)),
        "optimal_loss": system.loss(_optimum(start, prior, system, factor)),
        "zero_prior_loss": system.loss(0 * start),
        "optimal_loss_every_direction": float(R[-1, -1] ** 2) / system.beads,
    }


def _optimum(start: np.ndarray, prior: cgcore.Prior, system: explicit.System, factor: cgcore.Factor) -> np.ndarray:
    values, limit = system.directions[0], system.resolution
    count = cgcore.fit(factor, prior, unconstrained(truncation=0.0)).identifiability.resolved
    at_the_edge = (values > limit / 3) & (values < 3 * limit)
    return system.optimum(start, np.where(at_the_edge, np.arange(len(values)) < count, system.kept()))


def _tolerances(record: Recorded, system: explicit.System, factor: cgcore.Factor) -> dict[str, dict[str, Any]]:
    """Tolerances as in the bundled sidecars; those that depend on the data are measured on these data."""
    precision = record.precision
    nearby = perturbed(record.prior, factor, plain("compressed", record.steps, record.sidecar["settings"]))
    shortest = min(FIRST, *(len(fit.loss_history) for fit in nearby))
    losses = np.array([fit.loss_history[:shortest] for fit in nearby])
    spread = float(np.max(np.ptp(losses, axis=0) / np.min(losses, axis=0), initial=0.0))
    gaps = [max(record.gap_of(fit.train_loss), CONVERGED) for fit in nearby]
    best = record.optimal_loss + record.output["independent_float64"]["zero_prior_loss"] * ROUNDING
    c = _optimum(explicit.coefficients(record.prior.params), record.prior, system, factor)
    bound = 2 * np.finfo(float).eps * np.linalg.norm(system.X, axis=0) @ np.abs(c) / np.sqrt(system.beads * best)
    return {
        "initial_loss": {
            "value": INITIAL[precision],
            "why": f"One evaluation in {precision}; the sum over all components loses a few of its digits.",
        },
        "history": {
            "value": max(HISTORY[precision], 10 * spread),
            "why": f"L-BFGS in these coordinates amplifies rounding step by step: {len(nearby)} starts that differ by "
            f"one unit in the last place of {precision} differed by {spread:.1e} within {shortest} losses. Ten times "
            f"that, and at least what the bundled records need, {HISTORY[precision]:.0e}.",
        },
        "gap_factor": {
            "value": max(GAP_FACTOR[precision], 1.5 * max(gaps) / min(gaps)),
            "why": f"Rounding decides the end of the run: {len(gaps)} starts that differ by one unit in the last place "
            f"ended with gaps from {min(gaps):.1e} to {max(gaps):.1e}. One and a half times their ratio, and at least "
            f"what the bundled records need, {GAP_FACTOR[precision]:g}.",
        },
        "optimal_loss": {
            "value": max(5e-9, PART_OF_BOUND * float(bound)),
            "why": "L* under LAPACK's rule is a matter of rounding: a tenth of the bound that follows from rounding "
            "each column of the matrix by machine epsilon, 2 eps |D c| / |residual|, and at least 5e-9.",
        },
    }
