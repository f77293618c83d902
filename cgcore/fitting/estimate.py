"""A number with its error bar."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtri, stdtrit

Values = Float[np.ndarray, "..."]

HELD = 1e-9
"""A standard error that is smaller than this part of the value is 0 but for rounding."""


class Estimate(NamedTuple):
    """Arrays of one shape.

    Arguments:
        value: of the fit.
        standard_error: NaN where the data do not decide the value.
        low: end of the interval; NaN likewise.
        high: the other end.
    """

    value: Values
    standard_error: Values
    low: Values
    high: Values

    @classmethod
    def of(cls, value: Values, error: Values, t: float, decided: Bool[np.ndarray, ...]) -> Estimate:
        """value ± t * error, where the data decide it."""
        error = np.where(decided, error, np.nan)
        return cls(value, error, np.asarray(value - t * error), np.asarray(value + t * error))

    def reaching(self, changes: Float[np.ndarray, "resamples ..."], factor: float, level: float) -> Estimate:
        """The same with an interval that also reaches the quantiles of the refits, times a factor, on either side.

        If a fit lies on a constraint that half of the refits touch, the standard deviation of the refits is 0.58 of
        that without the constraint, although the interval has to reach as far towards the inside as without it.

        Arguments:
            changes: of the value in each refit.
            factor: how much further the interval reaches than the quantiles of the refits.
            level: nominal coverage of the interval.

        Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; widened for few blocks as by
            Hesterberg, Am. Stat. 69, 371 (2015).
        """
        tail = (1 - level) / 2
        low, high = self.value + factor * np.quantile(changes, [tail, 1 - tail], axis=0)
        return self._replace(low=np.asarray(np.minimum(self.low, low)), high=np.asarray(np.maximum(self.high, high)))

    def only(self, known: Bool[np.ndarray, ...]) -> Estimate:
        """The same without an error bar where nothing is known."""
        return self._replace(
            **{
                name: np.asarray(np.where(known, getattr(self, name), np.nan))
                for name in ("standard_error", "low", "high")
            }
        )

    @property
    def decided(self) -> Bool[np.ndarray, ...]:
        """Whether there is an error bar."""
        return np.asarray(np.isfinite(self.standard_error))

    @property
    def held(self) -> Bool[np.ndarray, ...]:
        """Whether no resample moves the value: a constraint holds it."""
        return np.asarray(self.decided & (self.standard_error <= HELD * np.abs(self.value)))

    def as_dict(self) -> dict[str, Any]:
        """Standard error and interval; None where the data do not decide."""
        from cgcore.serialize import plain

        return plain({"standard_error": self.standard_error, "low": self.low, "high": self.high})


def quantile(level: float, degrees_of_freedom: float) -> float:
    """Half the width of an interval over the standard error: the quantile of Student's t distribution."""
    return float(stdtrit(degrees_of_freedom, (1 + level) / 2))


def widening(level: float, t: float, inflation: float) -> float:
    """How much further an interval reaches than the quantiles of refits: for few blocks, and for what is left of their
    correlation.

    Arguments:
        level: nominal coverage of the interval.
        t: half the width of an interval over the standard error.
        inflation: factor of the variance.
    """
    return float(np.sqrt(inflation) * t / ndtri((1 + level) / 2))
