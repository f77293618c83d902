"""The learning curve of a fit (loss against number of frames) as a picture."""

from __future__ import annotations

import os

import numpy as np

from cgcore.fitting.learning_curve import LearningCurve
from cgcore.report.picture import write_picture
from cgcore.report.style import BLUE, DARK, GREEN, GREY, VERMILION, Figure, styled

SIZE = (7.0, 4.6)
"""Size of the figure [inches]."""

AHEAD = 4
"""The extrapolation is drawn up to this multiple of the number of frames."""


def draw_frames_curve(curve: LearningCurve) -> Figure:
    """Training and held-out loss and the fitted form, as a matplotlib.figure.Figure unknown to pyplot.

    Raises:
        InputError: matplotlib is not installed.
    """
    with styled():
        from matplotlib.figure import Figure as NewFigure
        from matplotlib.ticker import NullFormatter, ScalarFormatter

        figure = NewFigure(figsize=SIZE)
        figure.set_layout_engine("constrained")
        ax = figure.add_subplot()
        ax.set_title("What more frames are worth")
        frames, held_out = np.array(curve.frames), np.array(curve.held_out_loss)
        x = np.geomspace(frames[0], AHEAD * curve.all_frames, 200)
        ax.axhline(curve.limit, color=GREEN, ls="--", lw=1.3, label=f"frames without end: {curve.limit:.6g}")
        ax.plot(x, curve.at(x), color=GREY, lw=1.4, label="fitted form, limit + a/N")
        label = f"held out, {curve.folds} folds; bars: 1 SE\nof the difference to the last"
        ax.errorbar(frames, held_out, curve.standard_error, color=BLUE, marker="o", ms=4.5, capsize=3, lw=0,
                    elinewidth=1.4, label=label)  # fmt: skip
        ax.plot(frames, curve.train_loss, color=VERMILION, marker=".", lw=1.2, label="training")
        ax.axvline(curve.all_frames, color=DARK, lw=0.8, ls=":")
        ax.annotate(f"all {curve.all_frames:,} frames", (curve.all_frames, 0.02), xycoords=("data", "axes fraction"),
                    xytext=(4, 0), textcoords="offset points", color=DARK, fontsize=8.5)  # fmt: skip
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(ScalarFormatter())
        ax.xaxis.set_minor_formatter(NullFormatter())
        ticks = sorted({frames[0], *frames[2::2], curve.all_frames, AHEAD * curve.all_frames})
        ax.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
        ax.set_xlabel("frames that were fitted to")
        ax.set_ylabel("loss [(kcal/mol/Å)²]")
        ax.legend(loc="best")
    return figure


def write_frames_curve(path: str | os.PathLike[str], curve: LearningCurve) -> None:
    """Write `draw_frames_curve` to a file, completely or not at all.

    Raises:
        InputError: the suffix is unknown, matplotlib is not installed, or the file cannot be written.
    """
    write_picture(path, draw_frames_curve(curve))
