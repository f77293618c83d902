"""Truncation: directions whose relative singular value is below a cut-off keep their initial values.

Held-out losses measured with ten folds (the training loss falls along each row and is no guide):

    cut-off            0.3      0.1      0.01     1e-3     1e-6     1e-10    0
    chignolin          1424.2   1421.3   1421.1   1421.0   1421.3   1422.0   1422.0    held-out loss
    two proteins       1495.3   1492.1   1492.0   1492.0   1492.6   1494.1   1498.4
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cgcore.factor.factor import Factor
from cgcore.factor.triangle import Coefficients, Triangle, merged
from cgcore.fitting.cross_validation import Curve, Fits, Optima, cross_validated
from cgcore.fitting.folds import Fold
from cgcore.fitting.roughness import roughness_of
from cgcore.fitting.spectrum import Spectrum, spectrum

GRID = (0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 0.0)
FALLBACK = 0.01
"""The cut-off if there are too few data for folds; it is in the flat part of every curve that was measured."""


def truncation_curve(factor: Factor, start: Coefficients, grid: Sequence[float] = GRID) -> Curve | None:
    """The cross-validated curve over `grid`; None if there are too few data for two folds."""
    fits = _Truncated(factor, start, grid)
    kept = [float(fits.spectrum.kept(cutoff).sum()) for cutoff in grid]
    return cross_validated("truncation", grid, factor, fits, kept, roughness_of(factor))


class _Truncated(Fits):
    """Fits for all cut-offs."""

    def __init__(self, factor: Factor, start: Coefficients, grid: Sequence[float]) -> None:
        self._factor, self._start, self._grid = factor, start, grid
        self.spectrum = spectrum(factor.S, factor.beads, factor.fingerprint.layout.parabolas)

    def whole(self) -> Optima:
        return self._optima(self.spectrum, self._factor.S)

    def left_out(self, folds: Sequence[Fold]) -> Iterator[Optima]:
        for fold in folds:
            others = [other for other in folds if other is not fold]
            S, beads = merged([other.S for other in others]), sum(other.beads for other in others)
            yield self._optima(spectrum(S, beads, self._factor.fingerprint.layout.parabolas), S)

    def _optima(self, seen: Spectrum, S: Triangle) -> Optima:
        return seen.optima(S, self._start, np.array([seen.kept(cutoff) for cutoff in self._grid]))
