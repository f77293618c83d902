"""Panels of the held-out loss as a function of the smoothness or the cut-off of a fit."""

from __future__ import annotations

import numpy as np

from cgcore.fitting.cross_validation import Curve
from cgcore.report.style import BLUE, DARK, GREEN, GREY, LIGHT, PURPLE, VERMILION, Axes, note


def draw_curve(top: Axes, bottom: Axes, curve: Curve | None, why_not: str) -> None:
    """Draw the losses on held-out blocks and on training data in `top`, and on held-out proteins in `bottom`.

    Arguments:
        top: upper panel.
        bottom: panel below it; `top` again if no protein was held out.
        curve: cross-validation of a fit; None to write a note instead.
        why_not: the note.
    """
    if curve is None:
        top.set_title("Cross-validation")
        return note(top, why_not)
    x = np.arange(len(curve.values))
    held_out, error, train = (np.asarray(v) for v in (curve.held_out_loss, curve.standard_error, curve.train_loss))
    held = "folds" if curve.held == "time" else "proteins"
    low, ceiling = _window(held_out, error, curve, train)
    top.plot(x, train, color=GREY, ls="--", label="training")
    top.errorbar(x, held_out, error, color=BLUE, marker="o", ms=4.5, capsize=3, lw=1.4,
                 label=f"held out, {curve.folds} {held}; bars: 1 SE\nof the difference to the best")  # fmt: skip
    _mark(top, curve, held_out)
    _limits(top, held_out, low, ceiling, room=0.55)
    top.set_title(f"Cross-validation of the {_name(curve)}", pad=30)
    top.set_ylabel("loss [(kcal/mol/Å)²]")
    counts = top.secondary_xaxis("top")
    counts.set_xticks(x, [f"{k:.0f}" for k in curve.directions], fontsize=8.5)
    counts.set_xlabel("directions decided by the data", fontsize=8.5)
    counts.tick_params(length=0)
    counts.spines["top"].set_visible(False)
    handles, labels = top.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda k: not labels[k].startswith(("held", "training")))
    top.legend([handles[k] for k in order], [labels[k] for k in order], loc="upper center", ncols=2, columnspacing=1.2,
               framealpha=1.0)  # fmt: skip
    if curve.held_out_protein_loss is not None:
        top.tick_params(labelbottom=False)
        protein = np.asarray(curve.held_out_protein_loss)
        bottom.plot(x, protein, color=PURPLE, marker="s", ms=4.5, lw=1.4, label="held-out protein")
        spread = max(float(np.quantile(protein, 0.6) - protein.min()), 1e-3 * abs(float(protein.min())))
        _limits(bottom, protein, float(protein.min()) - 0.6 * spread, float(protein.min()) + 4 * spread, room=0.3)
        bottom.axvline(curve.chosen, color=LIGHT, lw=6, zorder=0)
        bottom.set_ylabel("loss")
        bottom.legend(loc="upper left", framealpha=1.0)
    bottom.set_xticks(x, [_cutoff(c) for c in curve.values], fontsize=8.5, rotation=45)
    bottom.set_xlabel("smoothness" if curve.kind == "smoothness" else "cut-off on relative singular values")
    for ax in (top, bottom):
        ax.set_xlim(-0.5, len(x) - 0.5)


def _window(held_out: np.ndarray, error: np.ndarray, curve: Curve, train: np.ndarray) -> tuple[float, float]:
    """Axis limits that show the neighbourhood of the best value, whatever the values far from it."""
    best = held_out[curve.best]
    usual = np.concatenate([held_out + error, train])
    scale = max(best - float(train.min()), float(held_out[curve.chosen] + error[curve.chosen] - best), 1e-6 * abs(best))
    inside = usual[usual <= best + 3 * scale]
    high = float(inside.max()) if len(inside) else best + scale
    low = min(float(train.min()), best)
    margin = 0.08 * (high - low)
    return low - margin, high + margin


def _limits(ax: Axes, values: np.ndarray, low: float, ceiling: float, room: float) -> None:
    """Set the axis to low..ceiling with room for the legend, and label values beyond the ceiling."""
    ax.set_ylim(low, ceiling + room * (ceiling - low))
    for k in np.nonzero(values > ceiling)[0]:
        ax.annotate(f"{values[k]:.4g}" if values[k] < 1e4 else f"{values[k]:.0e}", (k, ceiling), (0, 0),
                    textcoords="offset points", ha="center", va="top", rotation=90, fontsize=8, color=DARK, zorder=5,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})  # fmt: skip


def _mark(ax: Axes, curve: Curve, held_out: np.ndarray) -> None:
    ax.axvline(curve.chosen, color=LIGHT, lw=6, zorder=0)
    same = curve.chosen == curve.best
    ax.plot(curve.chosen, held_out[curve.chosen], "o", ms=11, mfc="none", mec=VERMILION, mew=1.8,
            label=f"chosen{' = best' if same else ''}: {_cutoff(curve.values[curve.chosen])}")  # fmt: skip
    if not same:
        ax.plot(curve.best, held_out[curve.best], "D", ms=8, mfc="none", mec=GREEN, mew=1.8,
                label=f"best: {_cutoff(curve.values[curve.best])}")  # fmt: skip


def _name(curve: Curve) -> str:
    return "smoothness" if curve.kind == "smoothness" else "cut-off"


def _cutoff(value: float) -> str:
    return f"{value:g}" if value == 0 or value >= 1e-3 else f"{value:.0e}".replace("e-0", "e-")
