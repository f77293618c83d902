"""A recorded run, or the run of a live script, compared with cgcore from the same start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import cgcore
from validation import explicit
from validation.check import Row, at_least, at_most, shown
from validation.context import unconstrained
from validation.recorded_outputs import Recorded

FIRST = 10
"""Number of losses at the start of the history that are compared one by one."""

PERTURBED = 8
"""Number of starts, differing by one unit in the last place, that show how rounding changes the end of a run."""

CONVERGED = 1e-8
"""Optimality gap below which a run counts as converged."""


def independent(record: Recorded) -> Iterator[Row]:
    """The losses in the record, recomputed from the explicit matrix to show that the record is sound."""
    system = explicit.system(record.data.join(), record.prior.weights, record.prior.params, record.data.sites())
    start = explicit.coefficients(record.prior.params)
    known = record.output["independent_float64"]
    found = {
        "initial_loss": system.loss(start),
        "final_loss": system.loss(explicit.coefficients(_fitted(record))),
        "zero_prior_loss": system.loss(0 * start),
    }
    for key, value in found.items():
        yield at_most(f"{record.name}, {key}, explicit matrix", abs(value / known[key] - 1), 1e-10, "relative")


def plain_algorithm(record: Recorded, factor: cgcore.Factor, quick: bool) -> Iterator[Row]:
    """The direct objective in physical coordinates, from the same start."""
    name, known = record.name, record.output["independent_float64"]
    long = record.steps > 200  # on the factor, which has the same loss at no cost per step
    steps = min(FIRST, record.steps) if quick else record.steps
    fit = cgcore.fit(
        factor if long else record.data,
        record.prior,
        plain("compressed" if long else "direct", steps, record.sidecar["settings"]),
    )
    history = np.asarray(fit.loss_history)
    initial = abs(history[0] / known["initial_loss"] - 1)
    yield at_most(f"{name}, initial loss", initial, record.tolerance("initial_loss"), "relative")
    theirs = np.asarray(record.output["loss_history"])[:FIRST]
    both = min(len(history), len(theirs))
    off = np.max(np.abs(history[:both] / theirs[:both] - 1))
    yield at_most(f"{name}, first {both} losses", off, record.tolerance("history"), "relative")
    if steps == record.steps:
        gap, allowed = record.gap_of(fit.train_loss), max(record.gap * record.tolerance("gap_factor"), CONVERGED)
        yield shown(f"{name}, final loss above the recorded one", fit.train_loss / record.final_loss - 1, "relative")
        yield at_most(f"{name}, gap after {fit.steps} steps ({fit.status.name})", gap, allowed, "relative")
        yield shown(f"{name}, gap of the record", record.gap, "relative")
        options = plain("compressed", record.steps, record.sidecar["settings"])
        gaps = [record.gap_of(fit.train_loss) for fit in perturbed(record.prior, factor, options)]
        yield shown(f"{name}, lowest and highest gap of {len(gaps)} starts one ulp apart", _pair(gaps), "relative")


def free_fits(record: Recorded, factor: cgcore.Factor) -> Iterator[Row]:
    """The truncated fit without constraints, and the fit that keeps every direction."""
    name = record.name
    truncated = cgcore.fit(factor, record.prior, unconstrained())
    margin = 1 - truncated.train_loss / record.final_loss
    label = f"{name}, truncated fit ({sum(truncated.identifiability.kept)} directions), below the record by"
    rounding = record.tolerance("optimal_loss", 0.0)
    if record.steps <= 200 and record.beaten_by_default:
        yield at_least(label, margin, 0.0, "relative")
    else:  # truncated by cross-validation for the best prediction of unseen frames, not for the lowest training loss
        yield shown(label, margin, "relative")
    every = cgcore.fit(factor, record.prior, unconstrained(truncation=0.0))
    below = record.gap - record.gap_of(every.train_loss)
    yield at_least(f"{name}, truncation 0, below the record by", below, -rounding, "relative")
    optimum = abs(record.gap_of(every.train_loss))
    yield at_most(f"{name}, truncation 0, from the recorded optimum", optimum, max(rounding, 5e-9), "relative")


def perturbed(prior: cgcore.Prior, factor: cgcore.Factor, options: cgcore.Options) -> list[cgcore.FitResult]:
    """Fits to the factor from starts that differ in the last place of the precision."""
    rng, eps = np.random.default_rng(0), np.finfo(options.precision).eps
    fits = []
    for _ in range(PERTURBED if options.max_steps <= 200 else 2):
        moved = {k: v * (1 + eps * rng.choice([-1, 0, 1], np.shape(v))) for k, v in prior.params.items()}
        fits.append(cgcore.fit(factor, cgcore.Prior(prior.weights, moved), options))
    return fits


def plain(objective: Any, steps: int, settings: dict[str, Any]) -> cgcore.Options:
    """The plain algorithm with the settings of a record."""
    return cgcore.Options(
        objective=objective,
        coordinates="physical",
        max_steps=steps,
        min_steps=min(settings["min_steps"], steps),
        tol_grad=settings["tol_grad"],
        precision=settings["dtype"],
    )


def _fitted(record: Recorded) -> dict[str, Any]:
    return {name: record.output["fitted_params"][name] for name in record.prior.names}


def _pair(values: list[float]) -> str:
    return f"{min(values):.3e} {max(values):.3e}"
