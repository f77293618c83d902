"""Panels of the objective by step, and of its distance from the lower bound."""

from __future__ import annotations

import numpy as np

from cgcore.fitting.result import FitResult
from cgcore.report.style import BLUE, DARK, GREEN, GREY, Axes


def draw_loss(top: Axes, bottom: Axes, result: FitResult) -> None:
    """Draw the objective (the loss, including a smoothness penalty) and its lower bound in `top`, and their difference
    on a logarithmic axis in `bottom`.

    Arguments:
        top: panel for the loss.
        bottom: panel below it, of the same width.
        result: the fit.
    """
    steps, loss = path(result)
    bound = result.certificate.lower_bound
    many = len(steps) > 30
    style = {"color": BLUE, "marker": "" if many else "o", "markersize": 5}
    what = "loss" if result.smoothness is None else "loss and smoothness"
    top.plot(steps, loss, label=what, **style)
    top.axhline(bound, color=GREEN, ls="--", lw=1.3, label=f"lower bound {bound:.6g}")
    if result.certificate.kkt_residual is not None:
        top.plot([], [], " ", label="(the last step obeys the constraints)")
    top.set_title("Objective against step")
    top.set_ylabel(f"{what} [(kcal/mol/Å)²]")
    top.tick_params(labelbottom=False)
    top.legend(loc="best")

    floor = rounding(result)
    excess = loss - bound
    above = excess > floor
    bottom.plot(steps, np.maximum(excess, floor), **(style | {"marker": ""}))
    bottom.plot(steps[above], excess[above], ls="", **style)
    if not many:
        bottom.plot(steps[~above], np.full(int(np.sum(~above)), floor), "o", ms=5, mfc="white", mec=BLUE)
    bottom.axhline(floor, color=GREY, ls=":", lw=1.2)
    bottom.text(0.02, floor, f"rounding of {result.options.precision}", color=DARK, va="bottom", fontsize=8.5,
                transform=bottom.get_yaxis_transform())  # fmt: skip
    bottom.set_yscale("log")
    bottom.set_ylim(floor / 8, 8 * max(float(np.max(excess, initial=0.0)), floor))
    bottom.set_ylabel("above the bound")
    bottom.set_xlabel("L-BFGS step")
    for ax in (top, bottom):
        ax.set_xlim(-0.04 * max(steps[-1], 1), 1.04 * max(steps[-1], 1))
        ax.xaxis.get_major_locator().set_params(integer=True)


def path(result: FitResult) -> tuple[np.ndarray, np.ndarray]:
    """The steps, including the end, and the objective at each [(kcal/mol/Å)²]; non-finite values are left out."""
    values = np.asarray([*result.loss_history, result.certificate.objective], np.float64)
    steps, finite = np.arange(len(values)), np.isfinite(values)
    return (steps[finite], values[finite]) if finite.any() else (np.zeros(1), np.full(1, result.train_loss))


def rounding(result: FitResult) -> float:
    """The size of rounding in differences of losses [(kcal/mol/Å)²]."""
    largest = max(abs(result.certificate.optimal_loss), result.certificate.zero_prior_loss, 1e-300)
    return float(np.finfo(result.options.precision).eps) * largest
