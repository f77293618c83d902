"""What the original implementation gave on real data, against what cgcore gives from the same start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import cgcore
from validation import explicit
from validation.check import Row, at_least, at_most, check, shown
from validation.context import Context
from validation.recorded_outputs import Recorded, recorded_outputs

FIRST = 10
"""Losses of the history that are compared one by one."""

PERTURBED = 8
"""Starts, one unit in the last place apart, that show how far rounding alone moves the end of a run."""


@check("recorded", quick=True, needs=("scipy",))
def recorded(context: Context) -> Iterator[Row]:
    """Recorded outputs of the original implementation: the promise to people who come from it."""
    factors: dict[str, cgcore.Factor] = {}
    for record in recorded_outputs():
        where = record.sidecar["data"]
        if where not in factors:
            factors[where] = cgcore.compress(record.data, cgcore.Fingerprint.of(record.prior))
            yield from _independent(record)
        if not context.quick or record.name == "chignolin.float64":
            yield from _plain_algorithm(record, factors[where], context.quick)
        yield from _default_fit(record, factors[where])


def _independent(record: Recorded) -> Iterator[Row]:
    """The record's own losses again, from the explicit matrix: the record itself is sound."""
    system = explicit.system(record.data.join(), record.prior.weights, record.prior.params)
    start = explicit.coefficients(record.prior.params)
    known = record.output["independent_float64"]
    found = {
        "initial_loss": system.loss(start),
        "final_loss": system.loss(explicit.coefficients(_fitted(record))),
        "zero_prior_loss": system.loss(0 * start),
    }
    for key, value in found.items():
        yield at_most(f"{record.name}, {key}, explicit matrix", abs(value / known[key] - 1), 1e-10, "relative")


def _plain_algorithm(record: Recorded, factor: cgcore.Factor, quick: bool) -> Iterator[Row]:
    """direct + physical, from the same start."""
    name, known = record.name, record.output["independent_float64"]
    long = record.steps > 200  # on the factor: the same loss, at no cost per step
    steps = FIRST if quick else record.steps
    fit = cgcore.fit(
        factor if long else record.data,
        record.prior,
        _settings(record, "compressed" if long else "direct", steps),
    )
    history = np.asarray(fit.loss_history)
    initial = abs(history[0] / known["initial_loss"] - 1)
    yield at_most(f"{name}, initial loss", initial, record.tolerance("initial_loss"), "relative")
    theirs = np.asarray(record.output["loss_history"])[:FIRST]
    off = np.max(np.abs(history[:FIRST] / theirs - 1))
    yield at_most(f"{name}, first {FIRST} losses", off, record.tolerance("history"), "relative")
    if steps == record.steps:
        gap, allowed = fit.train_loss / record.optimal_loss - 1, record.gap * record.tolerance("gap_factor")
        yield shown(f"{name}, final loss above the recorded one", fit.train_loss / record.final_loss - 1, "relative")
        yield at_most(f"{name}, gap after {fit.steps} steps ({fit.status.name})", gap, allowed, "relative")
        yield shown(f"{name}, gap of the record", record.gap, "relative")
        gaps = _perturbed(record, factor)
        yield shown(f"{name}, lowest and highest gap of {len(gaps)} starts one ulp apart", _pair(gaps), "relative")


def _default_fit(record: Recorded, factor: cgcore.Factor) -> Iterator[Row]:
    """The fit that people get, and the one that keeps every direction."""
    name = record.name
    default = cgcore.fit(factor, record.prior)
    margin = 1 - default.train_loss / record.final_loss
    label = f"{name}, default fit ({sum(default.identifiability.kept)} directions), below the record by"
    if record.steps <= 200:
        yield at_least(label, margin, 0.0, "relative")
    else:  # truncated by cross-validation, so that it predicts unseen frames best: not the lowest training loss
        yield shown(label, margin, "relative")
    every = cgcore.fit(factor, record.prior, cgcore.Options(truncation=0.0))
    yield at_least(
        f"{name}, truncation 0, below the record by", 1 - every.train_loss / record.final_loss, 0.0, "relative"
    )
    optimum = abs(every.train_loss / record.optimal_loss - 1)
    yield at_most(f"{name}, truncation 0, from the recorded optimum", optimum, 5e-9, "relative")


def _perturbed(record: Recorded, factor: cgcore.Factor) -> list[float]:
    """Gaps of runs on the factor from starts that differ in the last place of the record's precision."""
    rng, eps = np.random.default_rng(0), np.finfo(record.precision).eps
    gaps = []
    for _ in range(PERTURBED if record.steps <= 200 else 2):
        moved = {k: v * (1 + eps * rng.choice([-1, 0, 1], np.shape(v))) for k, v in record.prior.params.items()}
        prior = cgcore.Prior(record.prior.weights, moved)
        fit = cgcore.fit(factor, prior, _settings(record, "compressed", record.steps))
        gaps.append(fit.train_loss / record.optimal_loss - 1)
    return gaps


def _settings(record: Recorded, objective: Any, steps: int) -> cgcore.Options:
    known = record.sidecar["settings"]
    return cgcore.Options(
        objective=objective,
        coordinates="physical",
        max_steps=steps,
        min_steps=min(known["min_steps"], steps),
        tol_grad=known["tol_grad"],
        precision=known["dtype"],
    )


def _fitted(record: Recorded) -> dict[str, Any]:
    return {name: record.output["fitted_params"][name] for name in record.prior.names}


def _pair(values: list[float]) -> str:
    return f"{min(values):.3e} {max(values):.3e}"
