"""The settings of a fit, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from cgcore.errors import InputError
from cgcore.factor.compress import BLOCKS

Objective = Literal["compressed", "direct"]
Coordinates = Literal["whitened", "physical"]
Precision = Literal["float64", "float32"]

MOST_STEPS = 10**6
"""The loss before each step is kept, and a fit of a million steps is one in the wrong coordinates."""


@dataclass(frozen=True)
class Options:
    """Settings of a fit.

    Arguments:
        objective: "compressed", on the factor, or "direct", autodiff over the data at every step.
        coordinates: "whitened", or "physical" for the parameters themselves; direct and physical together are
            the plain algorithm.
        truncation: smallest relative singular value of a direction that is fitted, in whitened coordinates; 0
            keeps all that float64 resolves, "auto" chooses by cross-validation.
        max_steps: L-BFGS steps at most.
        min_steps: steps at least; None means 10 in physical and 0 in whitened coordinates.
        tol_grad: gradient norm to stop below, in the coordinates of the fit.
        precision: of the solve; factors and losses that are reported are float64 always.
        nonnegative: keep kr, epsilon and epsilon_ex at 0 or above.
        blocks: contiguous blocks for each protein in each source, which folds are made of.

    Raises:
        InputError: a setting is out of its range, or two of them exclude each other.
    """

    objective: Objective = "compressed"
    coordinates: Coordinates = "whitened"
    truncation: float | Literal["auto"] = "auto"
    max_steps: int = 200
    min_steps: int | None = None
    tol_grad: float = 1e-6
    precision: Precision = "float64"
    nonnegative: bool = False
    blocks: int = BLOCKS

    def __post_init__(self) -> None:
        for name, choices in (
            ("objective", Objective),
            ("coordinates", Coordinates),
            ("precision", Precision),
        ):
            _require(getattr(self, name) in get_args(choices), name, f"one of {', '.join(get_args(choices))}", self)
        _require(
            _whole(self.max_steps) and 1 <= self.max_steps <= MOST_STEPS,
            "max_steps",
            f"a whole number from 1 to {MOST_STEPS}",
            self,
        )
        _require(
            self.min_steps is None or (_whole(self.min_steps) and 0 <= self.min_steps <= self.max_steps),
            "min_steps",
            f"a whole number from 0 to max_steps ({self.max_steps})",
            self,
        )
        _require(_number(self.tol_grad) and self.tol_grad >= 0, "tol_grad", "a finite number >= 0", self)
        _require(_whole(self.blocks) and self.blocks >= 1, "blocks", "a whole number of at least 1", self)
        _require(
            self.truncation == "auto" or (_number(self.truncation) and 0 <= self.truncation < 1),
            "truncation",
            '"auto" or a number from 0 to below 1',
            self,
        )
        _require(isinstance(self.nonnegative, bool), "nonnegative", "True or False", self)
        if self.nonnegative and (self.objective, self.coordinates) != ("compressed", "whitened"):
            raise InputError("nonnegative works on the factor alone; leave objective and coordinates at their defaults")

    @property
    def least_steps(self) -> int:
        """`min_steps`, or its default in these coordinates."""
        if self.min_steps is not None:
            return self.min_steps
        return 0 if self.coordinates == "whitened" else min(10, self.max_steps)


def _require(holds: bool, name: str, what: str, options: Options) -> None:
    if not holds:
        raise InputError(f"{name} is {getattr(options, name)!r}; give {what}")


def _number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(float(value))


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
