"""Panel of singular values: which directions the data determine, and which were fitted."""

from __future__ import annotations

import numpy as np

from cgcore.fitting.result import FitResult
from cgcore.report.style import BLUE, GREEN, GREY, ORANGE, VERMILION, Axes


def draw_singular_values(ax: Axes, result: FitResult) -> None:
    """Draw relative singular values on a logarithmic axis, with the cut-off and the resolution of float64.

    Arguments:
        ax: panel.
        result: the fit.
    """
    values = np.asarray(result.identifiability.singular_values)
    kept = np.asarray(result.identifiability.kept, bool)
    index = np.arange(1, len(values) + 1)
    resolution = float(np.finfo(np.float64).eps * 3 * max(result.factor.beads, 1))
    bottom = max(min(resolution, float(np.min(values[values > 0], initial=1.0))) / 10, 1e-18)
    shown = np.maximum(values, bottom)
    # Values descend; those of terms without data, which are 0 within rounding, are not among `left`.
    left = ~kept & (index <= kept.sum() + len(result.identifiability.left))
    fitted, others = "fitted", "left at the start"
    if result.smoothness is not None:
        fitted, others = "decided by the data", "decided by smoothness"
    ax.axhspan(bottom, resolution, color="#f3f3f3", zorder=0)
    ax.plot(index[kept], shown[kept], "o", color=BLUE, ms=5.5, label=f"{fitted} ({kept.sum()})")
    if left.any():
        ax.plot(index[left], shown[left], "o", mfc="white", mec=VERMILION, mew=1.4, ms=5.5,
                label=f"{others} ({left.sum()})")  # fmt: skip
    zero = ~kept & ~left
    if zero.any():
        ax.plot(index[zero], shown[zero], "x", color=GREY, ms=6, clip_on=False, label=f"without data ({zero.sum()})")
    if result.cutoff:
        ax.axhline(result.cutoff, color=ORANGE, ls="--", lw=1.4, label=f"cut-off {result.cutoff:.3g}")
    ax.axhline(resolution, color=GREEN, ls=":", lw=1.4, label=f"resolution of float64, {resolution:.0e}")
    ax.set_yscale("log")
    ax.set_ylim(bottom, 4)
    ax.set_xlim(0, len(values) + 1)
    ax.set_title("What the data determine")
    ax.set_xlabel("direction in coefficient space")
    ax.set_ylabel("relative singular value")
    ax.legend(loc="lower left")
