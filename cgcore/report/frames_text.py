"""The learning curve of a fit (loss against number of frames) as text."""

from __future__ import annotations

import numpy as np

from cgcore.fitting.learning_curve import LearningCurve
from cgcore.report.table import table


def frames_report(curve: LearningCurve) -> str:
    """The table, the extrapolation and the verdict."""
    form = curve.at(np.array(curve.frames))
    columns = zip(curve.frames, curve.train_loss, curve.held_out_loss, curve.standard_error, form, strict=True)
    rows = [
        (f"{frames:.0f}", f"{train:.3f}", f"{held_out:.3f}", f"{error:.3f}", f"{fitted:.3f}")
        for frames, train, held_out, error, fitted in columns
    ]
    return "\n".join(
        [
            f"Learning curve ({curve.folds} folds, contiguous in time, {curve.draws} draws of blocks each, seed "
            f"{curve.seed}):",
            table(("frames", "training loss", "held-out loss", "± (to last)", "limit + a/N"), rows),
            f"limit {curve.limit:.3f} (kcal/mol/Å)², a/N {curve.excess:.3g} ± {curve.excess_error:.2g} at all "
            f"{curve.all_frames:,} frames; {curve.expected_excess:.3g} expected from the error bars of the fit",
            "",
            curve.verdict(),
            "Error bars fall with the root of the number of frames: four times as many halve them.",
        ]
    )
