"""A user's own `pre_training_priors.py`, run on the chosen data and compared with cgcore from the same start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

import cgcore
from validation import explicit
from validation.check import Row, at_most, check, shown
from validation.comparison import free_fits, plain_algorithm
from validation.context import Context, bounded, unconstrained
from validation.geometries import force_difference
from validation.live.answer import Answer, checked
from validation.live.normalisations import recognised
from validation.live.protocol import Protocol
from validation.live.record import INITIAL, as_recorded
from validation.live.script import ScriptError, call
from validation.live.writing import write_record
from validation.recorded_outputs import Recorded
from validation.tolerances import ROUNDING, near

QUICK = 200
"""Number of frames of a quick run."""

FINAL = {"float64": 1e-10, "float32": 1e-5}
"""Largest relative difference by which the loss of the fitted parameters may exceed the last loss of the history. In
float32 both the parameters and the loss are rounded, and the loss fluctuates at the precision floor."""

FORCES = 1e-9
"""Tolerance of forces, both in double precision (observed: 1e-15)."""

PYTHAGORAS = 1e-6
"""Tolerance relative to the squared distance; both sides are differences of numbers with the same leading digits."""

UNRESOLVED = 1e-4
"""Fraction of the gap that lies along directions which float64 cannot resolve (observed: 3e-6)."""


@check("live-script", live=True)
def live_script(context: Context) -> Iterator[Row]:
    """A user's script (`--reference`): losses, identifiable coefficients and forces, from the same start."""
    if context.reference is None:
        return
    data = context.some(QUICK) if context.quick else bounded(context.data)
    batch = data.join()
    yield shown("frames that the script runs on", f"{data.n_frames} of {context.data.n_frames} of {context.name}")
    protocol = Protocol(batch, context.prior)
    try:
        returned = call(context.reference, protocol.arguments())
        answer = checked(context.reference, returned, context.prior, protocol.used)
    except ScriptError as error:
        yield Row("the script", str(error), relation="raised")
        return
    name = f"{context.reference.stem}.{answer.precision}"
    yield shown(f"{name}, steps", len(answer.history))
    if not protocol.used:
        yield shown(f"{name}, energy", "the script's own: it never called apply_fn_priors")
    system = explicit.system(batch, context.prior.weights, context.prior.params)
    factor = cgcore.compress(data, cgcore.Fingerprint.of(context.prior))
    sound = []
    for row in _losses(name, answer, context, batch, system, factor):
        sound.append(row.passed is not False)
        yield row
    record = as_recorded(name, answer, data, context.prior, system, factor)
    yield shown(f"{name}, gradient norm of params_fit", record.output["grad_norm"], "kcal/mol, Å, rad")
    yield from plain_algorithm(record, factor, quick=False)
    yield from free_fits(record, factor)
    yield from _coefficients(name, answer, record, system, factor)
    yield from _forces(name, answer, context.prior, batch, system, factor)
    if context.record is not None:
        yield _recorded(context.record, context.reference, record, all(sound))


def _losses(
    name: str, answer: Answer, context: Context, batch: Any, system: explicit.System, factor: cgcore.Factor
) -> Iterator[Row]:
    """First and last loss of the history against the explicit matrix, and cgcore's loss of the fitted parameters."""
    start, fitted = (explicit.coefficients(params) for params in (context.prior.params, answer.params))
    initial, final = system.loss(start), system.loss(fitted)
    zero = system.loss(0 * start)
    coarser = "float32" if "float32" in (answer.stored, answer.precision) else "float64"
    row = near(f"{name}, loss_hist[0], explicit matrix", answer.history[0], initial, INITIAL[coarser], zero)
    yield row
    if row.passed is False:
        what = recognised(answer.history[0], system, start, context.prior, batch.mask)
        found = f"it is that of another one: {what}" if what else "it matches no other normalisation known here"
        yield Row(
            f"{name}, loss_hist[0]",
            f"the script's initial loss is {answer.history[0]:.8g}, the loss of the initial parameters {initial:.8g}; "
            f"{found}; the loss meant is sum mask |F_pred - F|^2 / max(sum mask, 1), before the first step",
            relation="raised",
        )
    # loss_hist[k] may be the loss before or after step k; a step never increases the loss.
    above = (final - answer.history[-1]) / (answer.history[-1] + zero * ROUNDING / FINAL[coarser])
    yield at_most(f"{name}, loss of params_fit above loss_hist[-1]", above, FINAL[coarser], "relative")
    yield shown(f"{name}, loss of params_fit", final, "(kcal/mol/Å)²")
    yield near(f"{name}, loss of params_fit, cgcore and explicit matrix", factor.loss(fitted), final, 1e-10, zero)


def _coefficients(
    name: str, answer: Answer, record: Recorded, system: explicit.System, factor: cgcore.Factor
) -> Iterator[Row]:
    """The distance of the script's coefficients from the optimum, whether or not the script converged.

    The loss is quadratic in the coefficients. Let y = U^T X c for the directions U that the data determine. Then |y -
    y*|^2 / beads is the contribution of these directions to L(c) - L*, for every c, so no distance exceeds the square
    root of the gap.
    """
    cutoff = system.clear_cutoff()
    best = cgcore.fit(factor, record.prior, unconstrained(truncation=cutoff))
    fitted, optimum = explicit.coefficients(answer.params), explicit.coefficients(best.fitted_params)
    zero = system.loss(0 * fitted)
    U = system.directions[1][:, system.kept(cutoff)]
    theirs, ours, exact = (U.T @ v / np.sqrt(system.beads) for v in (system.X @ fitted, system.X @ optimum, system.F))
    square, expected = (float(np.sum((theirs - y) ** 2)) for y in (ours, exact))
    what = f"{name}, identifiable coefficients ({len(ours)} directions)"
    yield near(f"{what}, (distance from cgcore's optimum)², explicit matrix", square, expected, PYTHAGORAS, zero)
    gap = max(system.loss(fitted) - record.optimal_loss, 0.0)
    rounding = record.tolerance("optimal_loss") * record.optimal_loss + ROUNDING * zero
    bound = float(np.sqrt(gap * (1 + UNRESOLVED) + rounding))
    yield at_most(f"{what}, distance, the root of the gap", np.sqrt(square), bound, "kcal/mol/Å")
    size = float(np.max(np.abs(ours), initial=0.0))
    yield shown(f"{what}, largest difference", float(np.max(np.abs(theirs - ours), initial=0.0)) / size, "relative")


def _forces(
    name: str, answer: Answer, prior: cgcore.Prior, batch: Any, system: explicit.System, factor: cgcore.Factor
) -> Iterator[Row]:
    """Forces of the script's parameters, from the function that it differentiated and from the explicit matrix."""
    protocol = Protocol(batch, prior)
    frames = protocol.arguments()["dataset"]
    forces = jax.jit(jax.vmap(jax.grad(protocol.apply_fn_priors, argnums=1), (None, 0, 0)))
    real = np.asarray(batch.mask, bool)
    order = np.argsort(real.sum(axis=1), kind="stable")  # the order of the matrix
    differentiated = -np.asarray(forces(answer.params, frames.R, frames.mask))[order][real[order]]
    linear = system.X @ explicit.coefficients(answer.params)
    label = "median 2|dF|/(|F1|+|F2|)"
    median = force_difference([differentiated], [linear])
    yield at_most(f"{name}, forces of params_fit, autodiff and explicit matrix, {label}", median, FORCES)
    fits = {"truncated fit": unconstrained(), "truncation 0": unconstrained(truncation=0.0)}
    for what, options in fits.items():
        ours = system.X @ explicit.coefficients(cgcore.fit(factor, prior, options).fitted_params)
        yield shown(f"{name}, forces of params_fit and of the {what}, {label}", force_difference([linear], [ours]))


def _recorded(folder: Path, script: Path, record: Recorded, sound: bool) -> Row:
    if not sound:
        why = "not recorded: the losses of the script are not those of its parameters, see above"
        return Row(f"{record.name}, --record", why, relation="raised")
    return shown(f"{record.name}, --record", f"written: {write_record(folder, script, record)}")
