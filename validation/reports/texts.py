"""The report of a fit, parsed, against the numbers of the fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from cgcore.fitting.cross_validation import Curve
from cgcore.fitting.pooling import Pooling
from validation.check import Row, equal
from validation.reports.reading import said, stated


def curve() -> Curve:
    """A cross-validation in which no two numbers are equal, and the chosen fit is not the best one."""
    return Curve(
        kind="smoothness",
        values=[0.3, 0.01, 2e-4, 1e-5, 1e-6],
        directions=[3.25, 5.5, 8.125, 9.75, 11.0],
        train_loss=[1520.5, 1500.25, 1492.75, 1490.5, 1490.125],
        held_out_loss=[1530.375, 1506.5, 1504.25, 1503.625, 1507.875],
        standard_error=[7.5, 3.25, 1.125, 0.0, 0.625],
        held_out_error=[21.5, 22.5, 23.5, 24.5, 25.5],
        held_out_protein_loss=[1541.5, 1538.25, 1533.75, 1536.125, 1560.5],
        roughness=[4.5, 6.25, 9.75, 17.5, 33.0],
        folds=7,
        held="time",
        best=3,
        chosen=1,
    )


def report(fit: Any) -> Iterator[Row]:
    """The text of a fit that converged under constraints."""
    pooled = replace(fit.curve, kind="pooling", held="protein", folds=3, chosen=2, held_out_protein_loss=None)
    # Invented, because the constraints of this fit cost so little that a wrong denominator would not be seen.
    dear = replace(fit.certificate, price=41.5, loss=fit.certificate.optimal_loss + 41.5)
    fit = replace(fit, pooling=Pooling(2e-4, pooled), certificate=dear)
    text, c = fit.report(), fit.certificate
    yield from _original(fit, text)
    gap = r"Optimality gap: .*\(# evaluations, # % of the explainable part explained\)"
    yield from said("report, evaluations and explained part", text, gap, fit.evaluations, 100 * c.explained)
    kkt = "KKT residual: #; constraints hold to # of the force"
    yield from said("report, conditions of the optimum", text, kkt, c.kkt_residual, c.violation)
    known = fit.identifiability
    losses = {
        "no prior": c.zero_prior_loss,
        "initial parameters": c.initial_loss,
        "fitted parameters": c.loss,
        f"optimum without constraints, as smooth (strength {fit.smoothness:g})": c.optimal_loss,
        f"optimum over the {known.resolved} directions that float64 resolves": c.optimal_loss_resolved,
        f"optimum over all {len(known.kept)} directions, rounding included": c.optimal_loss_every_direction,
        "initial parameters, held-out frames": fit.initial_val_loss,
        "fitted parameters, held-out frames": fit.val_loss,
    }
    for name, value in losses.items():
        yield from stated(f"report, {name}", text, name, value)
    rough = "Roughness: # .* differ by # of"
    yield from said("report, roughness and float32", text, rough, fit.roughness, fit.float32_error)
    cost = r"Constraints \(safe, 310 K\) cost # of the loss \(# %\)"
    yield from said("report, price", text, cost, c.price, 100 * c.price / c.optimal_loss)
    for one in c.constraints:
        if one.active:
            yield from said(f"report, price of {one.name}", text, rf"  # +{_plain(one.text)}", one.price)
    idle = [one.name for one in c.constraints if not one.active]
    yield equal("report, constraints that are not active", f"not active: {', '.join(idle)}\n" in text, bool(idle))
    directions = "What the data determine: # of # directions .*; # resolved"
    numbers = sum(known.kept), len(known.kept), known.resolved
    yield from said("report, directions", text, directions, *numbers)
    yield from _errors(fit, text)
    yield from _curves(fit.curve, text.partition("How smooth")[2], "7 folds, contiguous in time")
    yield from _curves(pooled, text.partition("How alike groups are")[2], "3 folds, one for each protein")


def _original(fit: Any, text: str) -> Iterator[Row]:
    """The lines that users of the original script know."""
    yield from said("report, steps", text, "Completed: # steps", fit.steps)
    yield from said("report, final loss", text, "Final loss: #", fit.train_loss)
    norm = r"Grad norm: # \(tol=#\)"
    yield from said("report, gradient", text, norm, fit.grad_norm, fit.options.tol_grad)
    yield equal("report, converged", f"Converged: {fit.converged}\n" in text, True)
    for name, value in fit.fitted_params.items():
        labels = [name] if np.ndim(value) < 2 else [f"{name}[species {k}]" for k in range(len(value))]
        for label, own in zip(labels, np.reshape(value, (len(labels), -1)), strict=True):
            yield from stated(f"report, {label}", text.partition("Data:")[0], f"{label}:", *own)
    frames = ", # frames, # held out"
    yield from said("report, frames", text, frames, fit.data.n_frames, fit.validation.n_frames)


def _errors(fit: Any, text: str) -> Iterator[Row]:
    """Error bars of parameters, of each entry of arrays, and of losses."""
    errors = fit.errors
    level, table = errors.blocking.level, text.partition("Error bars")[2].partition("\n\n")[0]
    shown = {"train_loss": "loss", "val_loss": "held-out loss"}
    shown |= {"train_gain": "decrease of the loss from the initial parameters"}
    shown |= {"val_gain": "decrease of the held-out loss"}
    rows = {text: [float(x) for x in errors.losses[name]] for name, text in shown.items()}
    names = {"kinds": [f"kinds[species {k}].{one}_1" for k in range(3) for one in ("cos", "sin")]}
    for name, one in errors.parameters.items():
        several = [f"{name}_{k + 1}" for k in range(np.size(one.value))] if np.ndim(one.value) else [name]
        for k, label in enumerate(names.get(name, several)):
            if np.isfinite(np.ravel(one.standard_error)[k]) and not np.ravel(one.held)[k]:
                rows[label] = [float(np.ravel(part)[k]) for part in one]
    for label, numbers in rows.items():
        yield from stated(f"errors, {label}", table, label, *numbers)
    lines = table.partition("─\n")[2].partition("\n  ")[0].splitlines()
    yield equal("errors, rows", len(lines), len(rows))
    words = "# resamples, seed #; neighbours correlate by # ± #"
    numbers = errors.resamples, errors.seed, level.correlation, level.uncertainty
    yield from said("errors, resamples", table, words, *numbers)
    force = np.sqrt(errors.blocking.inflation) * level.error
    yield from said("errors, forces", table, "uncertain by # kcal", force)


def _curves(known: Curve, text: str, folds: str) -> Iterator[Row]:
    """The table of a cross-validation."""
    what, table = known.kind, text.partition("\n\n")[0]
    yield equal(f"{what}, folds", f"({folds})" in table, True)
    yield from said(f"{what}, error of the chosen loss", table, "itself: ± #", known.held_out_error[known.chosen])
    for k, value in enumerate(known.values):
        proteins = known.held_out_protein_loss
        numbers = [known.directions[k], known.train_loss[k], known.held_out_loss[k], known.standard_error[k]]
        numbers += [known.roughness[k], None if proteins is None else proteins[k]]
        yield from stated(f"{what}, {value:g}", table, f"{value:g}", *numbers)
    marks = {one.split()[-1]: one.split()[0] for one in table.splitlines() if one.endswith(("chosen", "best"))}
    expected = {"chosen": f"{known.values[known.chosen]:g}", "best": f"{known.values[known.best]:g}"}
    yield equal(f"{what}, chosen and best", str(sorted(marks.items())), str(sorted(expected.items())))


def _plain(text: str) -> str:
    """A text in a pattern in which `#` stands for a number."""
    return re.escape(text).replace(r"\#", "[#]")
