"""The report of a fit as text: the block that users of the original script know, and below it what is new."""

from __future__ import annotations

import numpy as np

from cgcore.fitting.result import FitResult
from cgcore.fitting.truncation import Curve
from cgcore.report.summary import gap
from cgcore.report.table import table

RULE = "=" * 60
WEAKEST = 3
"""Directions that the report names; `fit.json` has all."""


def opening(max_steps: int) -> str:
    """What is printed before the work begins."""
    return f"{RULE}\nPrior Pre-Training (LBFGS, max_steps={max_steps})\n{RULE}\n[LBFGS] Starting optimization..."


def closing(result: FitResult) -> str:
    """What is printed after it."""
    parts = [_known(result), _judgement(result)]
    if result.curve is not None:
        parts.append(_curve(result.curve))
    parts.append(_identifiability(result))
    if result.warnings:
        parts.append("\n".join(f"Warning: {sentence}" for sentence in result.warnings))
    return "\n\n".join(parts)


def report(result: FitResult) -> str:
    """The whole report."""
    return f"{opening(result.options.max_steps)}\n{closing(result)}"


def _known(result: FitResult) -> str:
    parameters = "\n".join(f"  {name}: {_value(result.fitted_params[name])}" for name in result.prior.names)
    return (
        f"[LBFGS] Completed: {result.steps} steps\n"
        f"[LBFGS] Final loss: {result.train_loss:.6e}\n"
        f"[LBFGS] Grad norm: {result.grad_norm:.3e} (tol={result.options.tol_grad:.3e})\n"
        f"[LBFGS] Converged: {result.converged}\n\n"
        f"[LBFGS] Fitted parameters:\n{parameters}"
    )


def _judgement(result: FitResult) -> str:
    c, known = result.certificate, result.identifiability
    kept, resolved, every = sum(known.kept), known.resolved, len(known.kept)
    how = "" if result.cutoff is None else f", relative singular value above {result.cutoff:g}"
    losses = [
        ("no prior", c.zero_prior_loss),
        ("initial parameters", c.initial_loss),
        ("fitted parameters", c.loss),
        (f"optimum over the {kept} directions kept{how}", c.optimal_loss),
        (f"optimum over the {resolved} directions that float64 resolves", c.optimal_loss_resolved),
        (f"optimum over all {every} directions, rounding included", c.optimal_loss_every_direction),
    ]
    if result.val_loss is not None and result.initial_val_loss is not None:
        losses.append(("initial parameters, held-out frames", result.initial_val_loss))
        losses.append(("fitted parameters, held-out frames", result.val_loss))
    lines = [
        f"Status: {result.status.name}, {result.message}",
        f"Optimality gap: {gap(result)} over the directions kept"
        f" ({result.evaluations} evaluations, {100 * c.explained:.4f} % of the explainable part explained)",
    ]
    if c.kkt_residual is not None:
        lines.append(f"KKT residual: {c.kkt_residual:.1e} (kr, epsilon >= 0; the optimum is the constrained one)")
    rows = [(name, f"{value:.6f}") for name, value in losses]
    lines.append(table(("Loss [(kcal/mol/Å)²]", ""), rows))
    lines.append(f"Seconds: {result.seconds.compile:.2f} compiling, {result.seconds.run:.3f} running")
    return "\n".join(lines)


def _curve(curve: Curve) -> str:
    headers = ["cut-off", "directions", "training loss", "held-out loss", "± (to best)"]
    if curve.held_out_protein_loss is not None:
        headers.append("held-out protein")
    rows = []
    for i, cutoff in enumerate(curve.cutoffs):
        row = [
            f"{cutoff:g}",
            str(curve.kept[i]),
            f"{curve.train_loss[i]:.4f}",
            f"{curve.held_out_loss[i]:.4f}",
            f"{curve.standard_error[i]:.4f}",
        ]
        if curve.held_out_protein_loss is not None:
            row.append(f"{curve.held_out_protein_loss[i]:.4f}")
        mark = "chosen" if i == curve.chosen else "best" if i == curve.best else ""
        rows.append((*row, mark))
    title = (
        f"How far to converge ({curve.folds} folds, contiguous in time): "
        "the fewest directions within one standard error of the best"
    )
    return f"{title}\n{table((*headers, ''), rows)}"


def _identifiability(result: FitResult) -> str:
    known = result.identifiability
    lines = [
        f"What the data determine: {sum(known.kept)} of {len(known.kept)} directions kept, {known.resolved} resolved"
    ]
    lines += [f"  {sentence}" for sentence in known.notes]
    lines += [f"  {term} term without data: {reason}" for term, reason in known.without_data.items()]
    lines += [f"  {direction}" for direction in known.left[-WEAKEST:]]
    if len(known.left) > WEAKEST:
        lines.append(f"  and {len(known.left) - WEAKEST} more directions (fit.json has all)")
    return "\n".join(lines)


def _value(value: np.ndarray) -> str:
    if np.ndim(value) == 0:
        return f"{float(value):.6f}"
    return "[" + ", ".join(f"{x:.6f}" for x in value) + "]"
