"""What a fit starts from: the weights of the terms and their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from cgcore.errors import InputError

Params = dict[str, Any]
"""Parameters by name, a pytree. Scalars: r0 [Å], kr [kcal/mol/Å²], epsilon [kcal/mol], sigma [Å]
(and epsilon_ex, sigma_ex). Arrays, harmonic n = 1, 2, ...: a, b, k_dih [kcal/mol], gamma_dih [rad]."""

FITTED = ("r0", "kr", "a", "b", "epsilon", "sigma", "k_dih", "gamma_dih")
FITTED_EXCLUDED_VOLUME = ("epsilon_ex", "sigma_ex")
CARRIED = ("theta0", "k_theta")
"""Known to users' files, kept in what is written, never fitted: no term uses them."""

SERIES = ("a", "b", "k_dih", "gamma_dih")
"""Parameters with one value for each harmonic; all the others are scalars."""

MOST_HARMONICS = 64
"""Of a series: a wave of 6 degrees is finer than any data resolve, and the time to compile grows with the number."""


class Weights(NamedTuple):
    """Fixed factor of each term in the energy; `excluded_volume` None leaves that term out."""

    bond: float
    angle: float
    dihedral: float
    repulsive: float
    excluded_volume: float | None = None


@dataclass(frozen=True)
class Prior:
    """Term weights and parameters, checked.

    Arguments:
        weights: factor of each term.
        params: starting values, see `Params`; exactly the fitted names.
        carried: values that users' files hold but no term uses (`theta0`, `k_theta`).

    Raises:
        InputError: a name is missing or unknown, a value is not finite, or series are too long or their lengths
            disagree.
    """

    weights: Weights
    params: Params
    carried: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", _checked(self.weights, self.params))

    @property
    def names(self) -> tuple[str, ...]:
        """Fitted parameter names, in the order of reports."""
        return fitted_names(self.weights)


def fitted_names(weights: Weights) -> tuple[str, ...]:
    """The parameters that the terms switched on by `weights` have."""
    return FITTED if weights.excluded_volume is None else FITTED + FITTED_EXCLUDED_VOLUME


def _checked(weights: Weights, params: Mapping[str, Any]) -> Params:
    for name, weight in weights._asdict().items():
        if weight is not None and not (np.isfinite(weight) and weight >= 0):
            raise InputError(f"weights.{name} is {weight}; give a finite number >= 0")
    names = fitted_names(weights)
    if missing := [n for n in names if n not in params]:
        raise InputError(f"prior parameter {missing[0]!r} is missing; give all of {', '.join(names)}")
    if unknown := [n for n in params if n not in names]:
        raise InputError(f"prior parameter {unknown[0]!r} is unknown here; known: {', '.join(names)}")
    checked: Params = {}
    for name in names:
        if name in SERIES and np.size(params[name]) > MOST_HARMONICS:
            raise InputError(
                f"prior parameter {name!r} has {np.size(params[name])} harmonics; give at most {MOST_HARMONICS}"
            )
        value = np.asarray(params[name], np.float64)
        if value.ndim != (1 if name in SERIES else 0):
            kind = "a list of numbers" if name in SERIES else "one number"
            raise InputError(f"prior parameter {name!r} has shape {value.shape}; give {kind}")
        if not np.isfinite(value).all():
            raise InputError(f"prior parameter {name!r} is not finite; give finite numbers")
        if name in ("sigma", "sigma_ex") and value == 0:
            raise InputError(f"prior parameter {name!r} is 0, and so is its term; give a length above 0")
        checked[name] = value
    for first, second in (("a", "b"), ("k_dih", "gamma_dih")):
        if len(checked[first]) != len(checked[second]):
            raise InputError(
                f"{first} has {len(checked[first])} values and {second} {len(checked[second])}; "
                "give one of each for every harmonic"
            )
    return checked
