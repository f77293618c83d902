"""Standard errors of the physical parameters, from the coefficients of resampled fits."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from cgcore.factor.triangle import Coefficients
from cgcore.fitting.estimate import Estimate, widening
from cgcore.fitting.frozen import Freedom
from cgcore.fitting.quadratics import Quadratics
from cgcore.physics.coefficients import to_params
from cgcore.physics.parametrisations import AmplitudesAndPhases, Stiffness
from cgcore.physics.prior import Params

DECIDED = 0.5
"""A quantity counts as determined by the data if `Quadratics.decided` is above this fraction."""

STEP = 1e-6
"""Step of a coefficient in a difference quotient, relative to the largest coefficient of its term."""


def errors_of_parameters(
    freedom: Freedom,
    around: Quadratics,
    resampled: Float[np.ndarray, "resamples n"],
    inflation: float,
    t: float,
    level: float,
) -> dict[str, Estimate]:
    """Errors of all parameters that the fit changes.

    Arguments:
        freedom: which terms are fitted.
        around: the fit.
        resampled: coefficients of each resampled fit.
        inflation: factor of the variance.
        t: half-width of an interval divided by the standard error.
        level: nominal coverage of the intervals.
    """
    ways = [term.parametrisation for term in freedom.free.terms]
    phases = {way.names[1] for way in ways if isinstance(way, AmplitudesAndPhases)}
    start = {name: freedom.prior.params[name] for name in freedom.free.params}

    def params(c: Float[np.ndarray, "cases n"]) -> Params:
        return to_params(c, start, freedom.free.terms)

    def moved(to: np.ndarray, by: np.ndarray, name: str) -> np.ndarray:
        """Differences of values; for phases modulo 2 pi."""
        difference = to - by
        return (difference + np.pi) % (2 * np.pi) - np.pi if name in phases else difference

    fitted = {name: np.asarray(value[0]) for name, value in params(around.centre[None]).items()}
    steps = _steps(freedom, around.centre)
    ahead, behind, each = (
        params(around.centre + np.diag(steps)),
        params(around.centre - np.diag(steps)),
        params(resampled),
    )
    found: dict[str, Estimate] = {}
    for name, value in fitted.items():
        change = moved(ahead[name], behind[name], name) / (2 * steps.reshape(-1, *[1] * value.ndim))
        if not change.any():
            continue  # parameters that a fit does not change, such as sigma
        changes = moved(each[name], value, name)
        error = np.asarray(np.sqrt(inflation * np.mean(changes**2, axis=0)))
        known = np.asarray(around.decided(np.moveaxis(change, 0, -1)) > DECIDED)
        found[name] = Estimate.of(value, error, t, known)
        if len(around.bounds):
            found[name] = found[name].reaching(changes, widening(level, t, inflation), level)
    for way in ways:
        match way:
            case Stiffness(names=(name, scale)):
                pass
            case AmplitudesAndPhases(names=(scale, name)):
                if scale in found:  # an amplitude is never negative
                    found[scale] = found[scale]._replace(low=np.asarray(np.maximum(found[scale].low, 0.0)))
            case _:
                continue
        if name in found:  # undetermined where its scale may be 0
            found[name] = found[name].only(~((found[scale].low <= 0) & (found[scale].high >= 0)))
    return found


def _steps(freedom: Freedom, c: Coefficients) -> Float[np.ndarray, " n"]:
    """Step of each coefficient for difference quotients."""
    steps, start = np.empty_like(c), 0
    for term in freedom.free.terms:
        own = slice(start, start + term.size)
        steps[own] = STEP * (np.max(np.abs(c[own]), initial=0.0) or 1.0)
        start += term.size
    return steps
