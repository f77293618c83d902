"""A number with its error bar."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtri, stdtrit

Values = Float[np.ndarray, "..."]

HELD = 1e-9
"""A standard error below this fraction of the value is only rounding."""


class Estimate(NamedTuple):
    """Values with error bars, as arrays of the same shape.

    Arguments:
        value: value in the fit.
        standard_error: standard error; NaN if the data do not determine the value.
        low: lower end of the interval; NaN likewise.
        high: upper end of the interval; NaN likewise.
    """

    value: Values
    standard_error: Values
    low: Values
    high: Values

    @classmethod
    def of(cls, value: Values, error: Values, t: float, decided: Bool[np.ndarray, ...]) -> Estimate:
        """value ± t * error, for values that the data determine."""
        error = np.where(decided, error, np.nan)
        return cls(value, error, np.asarray(value - t * error), np.asarray(value + t * error))

    def reaching(self, changes: Float[np.ndarray, "resamples ..."], factor: float, level: float) -> Estimate:
        """Extend the interval to the quantiles of the refits, times a factor, on both sides.

        If a fit lies on a constraint that is active in half of the refits, the standard deviation of the refits is 0.58
        times that without the constraint, although the interval must extend as far inwards as without it.

        Arguments:
            changes: change of the value in each refit.
            factor: how much further the interval reaches than the quantiles of the refits.
            level: nominal coverage of the interval.

        Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; widened for few blocks as by
            Hesterberg, Am. Stat. 69, 371 (2015).
        """
        tail = (1 - level) / 2
        low, high = self.value + factor * np.quantile(changes, [tail, 1 - tail], axis=0)
        return self._replace(low=np.asarray(np.minimum(self.low, low)), high=np.asarray(np.maximum(self.high, high)))

    def only(self, known: Bool[np.ndarray, ...]) -> Estimate:
        """Remove the error bars of values that are not known."""
        return self._replace(
            **{
                name: np.asarray(np.where(known, getattr(self, name), np.nan))
                for name in ("standard_error", "low", "high")
            }
        )

    @property
    def decided(self) -> Bool[np.ndarray, ...]:
        """Whether a value has an error bar."""
        return np.asarray(np.isfinite(self.standard_error))

    @property
    def held(self) -> Bool[np.ndarray, ...]:
        """Whether the value is the same in all resamples because a constraint fixes it."""
        return np.asarray(self.decided & (self.standard_error <= HELD * np.abs(self.value)))

    def as_dict(self) -> dict[str, Any]:
        """Standard error and interval; None if the data do not determine the value."""
        from cgcore.serialize import plain

        return plain({"standard_error": self.standard_error, "low": self.low, "high": self.high})


def quantile(level: float, degrees_of_freedom: float) -> float:
    """Half-width of an interval divided by the standard error: the quantile of Student's t distribution."""
    return float(stdtrit(degrees_of_freedom, (1 + level) / 2))


def widening(level: float, t: float, inflation: float) -> float:
    """The factor between an interval and the quantiles of refits, for few blocks and for their remaining correlation.

    Arguments:
        level: nominal coverage of the interval.
        t: half-width of an interval divided by the standard error.
        inflation: factor of the variance.
    """
    return float(np.sqrt(inflation) * t / ndtri((1 + level) / 2))
