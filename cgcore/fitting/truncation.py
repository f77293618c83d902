"""Truncation: directions whose relative singular value is below a cut-off are left at their start.

Measured with ten folds (training loss falls along each row, and says nothing):

    cut-off            0.3      0.1      0.01     1e-3     1e-6     1e-10    0
    chignolin          1424.2   1421.3   1421.1   1421.0   1421.3   1422.0   1422.0    held-out loss
    two proteins       1495.3   1492.1   1492.0   1492.0   1492.6   1494.1   1498.4
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, Triangle
from cgcore.fitting.cross_validation import Curve, cross_validated
from cgcore.fitting.roughness import roughness_of
from cgcore.fitting.spectrum import spectrum

GRID = (0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 0.0)
FALLBACK = 0.01
"""Where the data are too few for folds: in the flat part of every curve that was measured."""


def truncation_curve(factor: Factor, start: Coefficients, grid: Sequence[float] = GRID) -> Curve | None:
    """The cross-validated curve over `grid`; None where the data are too few for two folds."""
    parabolas = factor.fingerprint.layout.parabolas

    def optima(S: Triangle, beads: float) -> Float[np.ndarray, "grid n"]:
        seen = spectrum(S, beads, parabolas)
        return seen.optima(S, start, np.array([seen.kept(cutoff) for cutoff in grid]))

    whole = spectrum(factor.S, factor.beads, parabolas)
    kept = [float(whole.kept(cutoff).sum()) for cutoff in grid]
    return cross_validated("truncation", grid, factor, optima, kept, roughness_of(factor))
