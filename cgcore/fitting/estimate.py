"""A number with its error bar."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import stdtrit

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
