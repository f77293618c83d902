"""The panel of predicted against reference forces."""

from __future__ import annotations

import numpy as np

from cgcore.evaluation.result import Sample
from cgcore.report.force_sample import ForceSample
from cgcore.report.style import DARK, VERMILION, Axes, Figure, note


def draw_forces(figure: Figure, ax: Axes, sample: ForceSample | Sample | None) -> None:
    """Draw the density of predicted against reference force components.

    Arguments:
        figure: figure of the panel, for the colour bar.
        ax: the panel.
        sample: sample of forces; None, if only a factor was given, to write a note instead.
    """
    ax.set_title("Predicted against reference force")
    if sample is None:
        return note(ax, "needs frames:\nonly a factor was given")
    reference, predicted = sample.reference, sample.predicted
    limit = 1.05 * max(
        float(np.quantile(np.abs(reference), 0.9995)), float(np.quantile(np.abs(predicted), 0.9995)), 1e-9
    )
    cells = ax.hexbin(reference, predicted, gridsize=55, extent=(-limit, limit, -limit, limit), bins="log", mincnt=1,
                      cmap="viridis", linewidths=0.1)  # fmt: skip
    ax.plot([-limit, limit], [-limit, limit], color=VERMILION, ls="--", lw=1.2, label="predicted = reference")
    ax.set_xlim(-limit, limit)
    ax.set_ylim(-limit, limit)
    ax.set_xlabel("reference [kcal/mol/Å]")
    ax.set_ylabel("predicted [kcal/mol/Å]")
    figure.colorbar(cells, ax=ax, label="components in a cell", pad=0.02)
    ax.text(0.03, 0.97, statistics(sample), transform=ax.transAxes, va="top", color=DARK, fontsize=8.5,
            bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5})  # fmt: skip
    ax.legend(loc="lower right")


def statistics(sample: ForceSample | Sample) -> str:
    """Size, root mean square error and correlation in words."""
    reference, predicted = sample.reference, sample.predicted
    error = float(np.sqrt(np.mean((predicted - reference) ** 2)))
    lines = [f"{len(reference):,} components, {sample.frames:,} frames", f"RMS error {error:.3g} kcal/mol/Å"]
    if np.ptp(reference) > 0 and np.ptp(predicted) > 0:
        lines.append(f"correlation {np.corrcoef(reference, predicted)[0, 1]:.3f}")
    return "\n".join(lines)
