"""The numbers by which a fit is judged, each with its name and meaning."""

from __future__ import annotations

from typing import NamedTuple

from cgcore.fitting.result import FitResult


class Line(NamedTuple):
    """A number, as text, with its name and its meaning."""

    name: str
    value: str
    meaning: str


def headline(result: FitResult) -> str:
    """How the fit ended, in one line."""
    ended = "converged" if result.converged else f"NOT converged ({result.status.name.lower().replace('_', ' ')})"
    return f"{ended}, {result.steps} steps, optimality gap {gap(result)}"


def gap(result: FitResult) -> str:
    """The optimality gap as text; values below rounding are not printed."""
    value = result.certificate.optimality_gap
    return "below 1e-14" if abs(value) < 1e-14 else f"{value:.1e}"


def certificate_lines(result: FitResult) -> list[Line]:
    """The certificate; losses in (kcal/mol/Å)²."""
    c, kept = result.certificate, result.identifiability.kept
    free = f"optimum over the {sum(kept)} of {len(kept)} fitted directions"
    if result.smoothness is not None:
        free = f"optimum without constraints, at smoothness {result.smoothness:g}"
    lines = [
        Line("loss", f"{c.loss:.8g}", "of the fitted parameters, on the training data"),
        Line("unconstrained loss L*", f"{c.optimal_loss:.8g}", free),
        Line("optimality gap", gap(result), "(objective − lower bound) / lower bound"),
        Line(
            "optimal loss, resolved",
            f"{c.optimal_loss_resolved:.8g}",
            "lowest over all directions that float64 resolves",
        ),
        Line(
            "optimal loss, every",
            f"{c.optimal_loss_every_direction:.8g}",
            "lowest over every direction, rounding included",
        ),
        Line("initial loss", f"{c.initial_loss:.8g}", "of the initial parameters"),
        Line("zero prior loss", f"{c.zero_prior_loss:.8g}", "without any prior: mean square of the reference force"),
        Line("explained", f"{100 * c.explained:.4f} %", "(initial − loss) / (initial − L*)"),
    ]
    if result.val_loss is not None:
        lines.append(Line("held-out loss", f"{result.val_loss:.8g}", "of the fitted parameters, on held-out frames"))
    if c.kkt_residual is not None:
        lines.append(Line("KKT residual", f"{c.kkt_residual:.1e}", "largest violation of the optimality conditions"))
        lines.append(Line("price of constraints", f"{c.price:.4g}", "loss − L*"))
    lines.append(Line("roughness", f"{result.roughness:.4g}", "root mean square curvature, kcal/mol/rad²"))
    return lines
