"""The settings of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from cgcore.errors import InputError
from cgcore.factor.compress import BLOCKS
from cgcore.fitting.ground import Level
from cgcore.numbers import are_finite, is_whole

Objective = Literal["compressed", "direct"]
Coordinates = Literal["whitened", "physical"]
Precision = Literal["float64", "float32"]

STRONGEST = 1e6
"""Largest smoothness, at which only bonds and pairs remain of a prior."""

MOST_STEPS = 10**6
"""Largest number of steps: the loss before each step is kept, and a fit that needs more uses the wrong coordinates."""


@dataclass(frozen=True)
class Options:
    """Settings of a fit.

    Arguments:
        objective: "compressed" evaluates the loss on the factor, "direct" by automatic differentiation over the data at
            every step.
        coordinates: "whitened", or "physical" for the parameters themselves; direct and physical together are the plain
            algorithm.
        constraints: "safe", physical bounds that a simulation needs (see `constraints`); "nonnegative", kr, epsilon and
            epsilon_ex at least 0; or "none". None means "safe" on the factor in whitened coordinates, and "none"
            otherwise, because the plain algorithm does not support constraints.
        smoothness: strength of the penalty on rough potentials relative to the data (see `smoothing`), on the factor in
            whitened coordinates; "auto" chooses it by cross-validation. None means "auto", unless a truncation is
            given.
        truncation: smallest relative singular value of a direction that is fitted, in whitened coordinates, instead of
            smoothness; 0 keeps all directions that float64 resolves, "auto" chooses it by cross-validation. None means
            no truncation if the fit is smoothed, and "auto" if it cannot be.
        pooling: strength of the penalty that keeps the potentials of a term's groups together (see `pooling`), if the
            fit is smoothed; "auto" or None chooses it by cross-validation, and 0 fits each group independently.
        temperature: temperature of the data [K], in which the constraints are stated; None means the one that the data
            state, or else 300 K.
        max_steps: maximum number of L-BFGS steps.
        min_steps: minimum number of steps; None means 10 in physical and 0 in whitened coordinates.
        tol_grad: gradient norm below which the fit stops, in the coordinates of the fit.
        precision: floating-point precision of the solver; factors and reported losses are always in float64.
        blocks: number of contiguous blocks for each protein in each source, from which folds are formed.

    Raises:
        InputError: a setting is out of range, or two settings exclude each other.
    """

    objective: Objective = "compressed"
    coordinates: Coordinates = "whitened"
    constraints: Level | None = None
    smoothness: float | Literal["auto"] | None = None
    truncation: float | Literal["auto"] | None = None
    pooling: float | Literal["auto"] | None = None
    temperature: float | None = None
    max_steps: int = 200
    min_steps: int | None = None
    tol_grad: float = 1e-6
    precision: Precision = "float64"
    blocks: int = BLOCKS

    def __post_init__(self) -> None:
        for name, choices in (
            ("objective", Objective),
            ("coordinates", Coordinates),
            ("precision", Precision),
        ):
            _require(getattr(self, name) in get_args(choices), name, f"one of {', '.join(get_args(choices))}", self)
        _require(
            is_whole(self.max_steps) and 1 <= self.max_steps <= MOST_STEPS,
            "max_steps",
            f"a whole number from 1 to {MOST_STEPS}",
            self,
        )
        _require(
            self.min_steps is None or (is_whole(self.min_steps) and 0 <= self.min_steps <= self.max_steps),
            "min_steps",
            f"a whole number from 0 to max_steps ({self.max_steps})",
            self,
        )
        _require(are_finite((self.tol_grad,)) and self.tol_grad >= 0, "tol_grad", "a finite number >= 0", self)
        _require(is_whole(self.blocks) and self.blocks >= 1, "blocks", "a whole number of at least 1", self)
        _require(
            self.truncation in (None, "auto") or (are_finite((self.truncation,)) and 0 <= self.truncation < 1),
            "truncation",
            '"auto" or a number from 0 to below 1',
            self,
        )
        _require(
            self.smoothness in (None, "auto") or (are_finite((self.smoothness,)) and 0 < self.smoothness <= STRONGEST),
            "smoothness",
            f'"auto" or a number above 0, at most {STRONGEST:g}',
            self,
        )
        _require(
            self.pooling in (None, "auto") or (are_finite((self.pooling,)) and 0 <= self.pooling <= STRONGEST),
            "pooling",
            f'"auto" or a number from 0 to {STRONGEST:g}',
            self,
        )
        _require(
            self.constraints is None or self.constraints in get_args(Level),
            "constraints",
            f"one of {', '.join(get_args(Level))}",
            self,
        )
        _require(
            self.temperature is None or (are_finite((self.temperature,)) and self.temperature > 0),
            "temperature",
            "a temperature above 0, in K",
            self,
        )
        if self.smoothness is not None and self.truncation is not None:
            raise InputError("smoothness and truncation exclude each other; give only one of them")
        on_factor = (self.objective, self.coordinates) == ("compressed", "whitened")
        for name in ("constraints", "smoothness", "pooling"):
            if getattr(self, name) not in (None, "none") and not on_factor:
                raise InputError(
                    f"{name} needs the factor in whitened coordinates; leave objective and coordinates at their "
                    f"defaults, or leave {name} out"
                )

    @property
    def level(self) -> Level:
        """`constraints`, or its default for this objective and these coordinates."""
        if self.constraints is not None:
            return self.constraints
        return "safe" if (self.objective, self.coordinates) == ("compressed", "whitened") else "none"

    @property
    def smoothed(self) -> bool:
        """Whether the fit selects the smoothest of the potentials that the data cannot distinguish."""
        return (self.objective, self.coordinates) == ("compressed", "whitened") and self.truncation is None

    @property
    def pooled(self) -> bool:
        """Whether the potentials of a term's groups are held together."""
        return self.smoothed and self.pooling != 0

    @property
    def least_steps(self) -> int:
        """`min_steps`, or its default in these coordinates."""
        if self.min_steps is not None:
            return self.min_steps
        return 0 if self.coordinates == "whitened" else min(10, self.max_steps)


def _require(holds: bool, name: str, what: str, options: Options) -> None:
    if not holds:
        raise InputError(f"{name} is {getattr(options, name)!r}; give {what}")
