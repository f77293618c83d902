"""Error bands of potentials."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.export.potentials import Curve, Sum, TermCurve
from cgcore.fitting.result import FitResult
from cgcore.report.style import BLUE, Axes

Points = Float[np.ndarray, " points"]


class Band(NamedTuple):
    """The distances of an interval's ends below and above the energy at each x [kcal/mol]; NaN if there is none."""

    below: Points
    above: Points


def band(result: FitResult, curve: Curve, x: Points, zero: Points | None) -> Band | None:
    """The interval of a potential at each x; NaN where the data do not determine the energy.

    Arguments:
        result: the fit.
        curve: a potential of the fit, including all terms that act on the same rows.
        x: distances [Å] or angles [rad].
        zero: weights of the points whose mean energy is subtracted; None to subtract nothing.

    Returns:
        The distances of its ends; None if there are no error bars.
    """
    try:
        errors = result.errors
    except InputError:
        return None
    fitted = [part for part in _parts(curve) if part.term.name in errors.layout.slices]
    if not fitted or (zero is not None and not zero.any()):
        return None
    found = errors.potential([(part.term.name, part.group) for part in fitted], x, zero)
    return Band(found.value - found.low, found.high - found.value)


def draw_band(
    ax: Axes, x: Points, energy: Points, within: Band | None, label: str | None = None, colour: str = BLUE
) -> None:
    """Fill the interval around a potential."""
    if within is not None and np.isfinite(within.below).any():
        ax.fill_between(x, energy - within.below, energy + within.above, color=colour, alpha=0.22, lw=0, label=label)


def _parts(curve: Curve) -> list[TermCurve]:
    match curve:
        case Sum(of=several):
            return [part for one in several for part in _parts(one)]
        case TermCurve():
            return [curve]
    return []
