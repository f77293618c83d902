"""The report of a fit as text: the block that users of the original script know, followed by what is new."""

from __future__ import annotations

import os

import numpy as np

from cgcore.data import Dataset
from cgcore.datasets import BUNDLED
from cgcore.factor.factor import Factor
from cgcore.fitting.cross_validation import Curve
from cgcore.fitting.result import FitResult
from cgcore.report.error_text import error_lines
from cgcore.report.summary import gap
from cgcore.report.table import table

RULE = "=" * 60
WEAKEST = 3
"""Largest number of directions that the report names; `fit.json` has all."""


def opening(max_steps: int) -> str:
    """The text printed before the fit."""
    return f"{RULE}\nPrior Pre-Training (LBFGS, max_steps={max_steps})\n{RULE}\n[LBFGS] Starting optimization..."


def described(data: Dataset | Factor, validation: Dataset | Factor | None = None) -> str:
    """The name of the data, how they were chosen, and the numbers of frames and held-out frames."""
    held_out = "" if validation is None else f", {_frames(validation)} held out"
    return f"{named(data)}, {_frames(data)} frames{held_out}"


def named(data: Dataset | Factor) -> str:
    """The name of the data, and how frames were drawn from them."""
    name = "the bundled set (chignolin)" if data.path == os.fspath(BUNDLED) else data.path
    if isinstance(data, Dataset) and data.choice.max_frames is not None:
        return f"{name}, at most {data.choice.max_frames} frames drawn with seed {data.choice.seed}"
    return name


def _frames(data: Dataset | Factor) -> int:
    return data.frames if isinstance(data, Factor) else data.n_frames


def closing(result: FitResult) -> str:
    """The text printed after the fit."""
    parts = [lbfgs_lines(result), _judgement(result)]
    if result.certificate.constraints:
        parts.append(_constraints(result))
    pooled = None if result.pooling is None else result.pooling.curve
    parts.append(error_lines(result))
    parts += [_curve(curve) for curve in (result.curve, pooled) if curve is not None]
    parts.append(_identifiability(result))
    if result.notes:
        parts.append("\n".join(f"Note: {sentence}" for sentence in result.notes))
    if result.warnings:
        parts.append("\n".join(f"Warning: {sentence}" for sentence in result.warnings))
    return "\n\n".join(parts)


def lbfgs_lines(result: FitResult) -> str:
    """The lines that users of the original script know, from the end of the fit on."""
    parameters = "\n".join(line for name in result.prior.names for line in _parameter(name, result))
    return (
        f"[LBFGS] Completed: {result.steps} steps\n"
        f"[LBFGS] Final loss: {result.train_loss:.6e}\n"
        f"[LBFGS] Grad norm: {result.grad_norm:.3e} (tol={result.options.tol_grad:.3e})\n"
        f"[LBFGS] Converged: {result.converged}\n\n"
        f"[LBFGS] Fitted parameters:\n{parameters}"
    )


def report(result: FitResult) -> str:
    """The whole report."""
    return f"{opening(result.options.max_steps)}\n{closing(result)}"


def _judgement(result: FitResult) -> str:
    c, known = result.certificate, result.identifiability
    kept, resolved, every = sum(known.kept), known.resolved, len(known.kept)
    if result.smoothness is not None:
        free = f"optimum without constraints, as smooth (strength {result.smoothness:g})"
    elif result.cutoff is not None:
        free = f"optimum over the {kept} directions kept, relative singular value above {result.cutoff:g}"
    else:
        free = f"optimum over the {kept} directions kept"
    losses = [
        ("no prior", c.zero_prior_loss),
        ("initial parameters", c.initial_loss),
        ("fitted parameters", c.loss),
        (free, c.optimal_loss),
        (f"optimum over the {resolved} directions that float64 resolves", c.optimal_loss_resolved),
        (f"optimum over all {every} directions, rounding included", c.optimal_loss_every_direction),
    ]
    if result.val_loss is not None and result.initial_val_loss is not None:
        losses.append(("initial parameters, held-out frames", result.initial_val_loss))
        losses.append(("fitted parameters, held-out frames", result.val_loss))
    lines = [
        f"Data: {described(result.data, result.validation)}",
        f"Status: {result.status.name}, {result.message}",
        f"Optimality gap: {gap(result)}"
        f" ({result.evaluations} evaluations, {100 * c.explained:.4f} % of the explainable part explained)",
    ]
    if c.kkt_residual is not None:
        lines.append(f"KKT residual: {c.kkt_residual:.1e}; constraints hold to {c.violation:.1e} of the force")
    rows = [(name, f"{value:.6f}") for name, value in losses]
    lines.append(table(("Loss [(kcal/mol/Å)²]", ""), rows))
    lines.append(
        f"Roughness: {result.roughness:.4g} kcal/mol/rad²; "
        f"forces in float32 differ by {result.float32_error:.1e} of the root mean square force"
    )
    lines.append(f"Seconds: {result.seconds.compile:.2f} compiling, {result.seconds.run:.3f} running")
    return "\n".join(lines)


def _constraints(result: FitResult) -> str:
    c = result.certificate
    cost = f"{c.price:.4f} of the loss ({100 * c.price / max(c.optimal_loss, 1e-300):.3f} %)"
    lines = [f"Constraints ({result.options.level}, {result.temperature:g} K) cost {cost}; what each costs alone:"]
    lines += [f"  {one.price:.4f}  {one.text}" for one in c.constraints if one.active]
    if idle := [one.name for one in c.constraints if not one.active]:
        lines.append(f"  not active: {', '.join(idle)}")
    return "\n".join(lines)


def _curve(curve: Curve) -> str:
    smooth = curve.kind != "truncation"
    headers = [
        "cut-off" if curve.kind == "truncation" else curve.kind,
        "directions",
        "training loss",
        "held-out loss",
        "± (to best)",
    ]
    headers.append("roughness")
    if curve.held_out_protein_loss is not None:
        headers.append("held-out protein")
    rows = []
    for i, value in enumerate(curve.values):
        row = [
            f"{value:g}",
            f"{curve.directions[i]:.1f}" if smooth else f"{curve.directions[i]:.0f}",
            f"{curve.train_loss[i]:.4f}",
            f"{curve.held_out_loss[i]:.4f}",
            f"{curve.standard_error[i]:.4f}",
            f"{curve.roughness[i]:.4g}",
        ]
        if curve.held_out_protein_loss is not None:
            row.append(f"{curve.held_out_protein_loss[i]:.4f}")
        mark = "chosen" if i == curve.chosen else "best" if i == curve.best else ""
        rows.append((*row, mark))
    what, which = {
        "smoothness": ("How smooth", "the smoothest fit"),
        "truncation": ("How far to converge", "the fewest directions"),
        "pooling": ("How alike groups are", "the fit that holds them together most"),
    }[curve.kind]
    folds = {"time": "folds, contiguous in time", "protein": "folds, one for each protein"}[curve.held]
    title = (
        f"{what} ({curve.folds} {folds}): {which} within one standard error of the best "
        f"(the held-out loss itself: ± {curve.held_out_error[curve.chosen]:.2f})"
    )
    return f"{title}\n{table((*headers, ''), rows)}"


def _identifiability(result: FitResult) -> str:
    known = result.identifiability
    how = "kept" if result.smoothness is None else "decided by the data, the others by smoothness"
    lines = [
        f"What the data determine: {sum(known.kept)} of {len(known.kept)} directions {how}; {known.resolved} resolved"
    ]
    lines += [f"  {sentence}" for sentence in known.notes]
    lines += [f"  {term} term without data: {reason}" for term, reason in known.without_data.items()]
    lines += [f"  {direction}" for direction in known.left[-WEAKEST:]]
    if len(known.left) > WEAKEST:
        lines.append(f"  and {len(known.left) - WEAKEST} more directions (fit.json has all)")
    return "\n".join(lines)


def _parameter(name: str, result: FitResult) -> list[str]:
    """The line of a parameter, or a line for each group of a further term."""
    value = result.fitted_params[name]
    if np.ndim(value) < 2:
        return [f"  {name}: {_value(value)}"]
    term = next(term for term in result.prior.further if term.name == name)
    return [f"  {name}[{label}]: {_value(own)}" for label, own in zip(term.group_labels, value, strict=True)]


def _value(value: np.ndarray) -> str:
    if np.ndim(value) == 0:
        return f"{float(value):.6f}"
    return "[" + ", ".join(f"{x:.6f}" for x in value) + "]"
