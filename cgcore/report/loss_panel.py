"""Loss against step, and how far above the optimum it is."""

from __future__ import annotations

import numpy as np

from cgcore.fitting.result import FitResult
from cgcore.report.style import BLUE, DARK, GREEN, GREY, Axes


def draw_loss(top: Axes, bottom: Axes, result: FitResult) -> None:
    """The loss with L* as a line in `top`, loss - L* on a logarithmic axis in `bottom`.

    Arguments:
        top: panel for the loss.
        bottom: panel below it, of the same width.
        result: the fit.
    """
    steps, loss = path(result)
    optimal = result.certificate.optimal_loss
    many = len(steps) > 30
    style = {"color": BLUE, "marker": "" if many else "o", "markersize": 5}
    top.plot(steps, loss, label="loss", **style)
    top.axhline(optimal, color=GREEN, ls="--", lw=1.3, label=f"L* = {optimal:.6g}, kept directions")
    if result.certificate.kkt_residual is not None:
        top.plot([], [], " ", label="(steps without the sign constraints, L* with them)")
    top.set_title("Loss against step")
    top.set_ylabel("loss [(kcal/mol/Å)²]")
    top.tick_params(labelbottom=False)
    top.legend(loc="best")

    floor = rounding(result)
    excess = loss - optimal
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
    bottom.set_ylabel("loss − L*")
    bottom.set_xlabel("L-BFGS step")
    for ax in (top, bottom):
        ax.set_xlim(-0.04 * max(steps[-1], 1), 1.04 * max(steps[-1], 1))
        ax.xaxis.get_major_locator().set_params(integer=True)


def path(result: FitResult) -> tuple[np.ndarray, np.ndarray]:
    """Steps and the loss at each of them [(kcal/mol/Å)²], the end included; values that are not finite left out."""
    loss = list(result.loss_history)
    if result.certificate.kkt_residual is None:
        loss.append(result.train_loss)
    steps, values = np.arange(len(loss)), np.asarray(loss, np.float64)
    finite = np.isfinite(values)
    return (steps[finite], values[finite]) if finite.any() else (np.zeros(1), np.full(1, result.train_loss))


def rounding(result: FitResult) -> float:
    """Differences of losses below this are rounding [(kcal/mol/Å)²]."""
    largest = max(abs(result.certificate.optimal_loss), result.certificate.zero_prior_loss, 1e-300)
    return float(np.finfo(result.options.precision).eps) * largest
