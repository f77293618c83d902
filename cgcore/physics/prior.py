"""What a fit starts from: the weights of the terms and their parameters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from cgcore.errors import InputError
from cgcore.physics.splines import Splines

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


@dataclass(frozen=True, eq=False)
class Prior:
    """Term weights and parameters, checked. Equal to another of the same values.

    Arguments:
        weights: factor of each term.
        params: starting values, see `Params`; exactly the fitted names.
        carried: values that users' files hold but no term uses (`theta0`, `k_theta`).
        splines: fixed, in the place of the formulas for bonds, angles and dihedrals, whose parameters then act on
            nothing; None: the formulas.

    Raises:
        InputError: a name is missing or unknown, a value is not finite, or series are too long or their lengths
            disagree.

    Examples:
        >>> import cgcore
        >>> prior = cgcore.default_prior()
        >>> prior.weights.angle, len(prior.params["a"])
        (0.25, 10)
        >>> stiffer = cgcore.Prior(prior.weights, dict(prior.params) | {"kr": 300.0})
        >>> float(stiffer.params["kr"])
        300.0
    """

    weights: Weights
    params: Params
    carried: Mapping[str, float] = field(default_factory=dict)
    splines: Splines | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", _checked(self.weights, self.params))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Prior:
        """The prior in a YAML file, as `write`, `cgcore fit` and users' own configurations have it.

        Raises:
            InputError: the file cannot be read, anything is wrong in it, or it holds no `model: priors:` block.
        """
        from cgcore.config.loading import load_prior_config
        from cgcore.spline_file import with_splines

        config = load_prior_config(path)
        return with_splines(config.prior, config.spline_file, config.residue_specific_angles)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write weights and parameters as YAML, which `read` and `--config` take: every number comes back the same.

        Raises:
            InputError: the file cannot be written.
        """
        from cgcore.serialize import write_priors

        write_priors(path, self, self.params)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Prior):
            return NotImplemented
        same = (self.weights, dict(self.carried), self.splines) == (other.weights, dict(other.carried), other.splines)
        return same and all(np.array_equal(value, other.params[name]) for name, value in self.params.items())

    def __hash__(self) -> int:
        return hash(self.weights)

    def __repr__(self) -> str:
        weights = ", ".join(f"{name}={w:g}" for name, w in self.weights._asdict().items() if w is not None)
        values = ", ".join(
            f"{name}: {len(value)} values" if name in SERIES else f"{name}={float(value):.6g}"
            for name, value in self.params.items()
        )
        return f"Prior(weights: {weights}; {values}{'; splines' if self.splines else ''})"

    def without_excluded_volume(self) -> Prior:
        """The same with the term off and its parameters left out."""
        params = {name: value for name, value in self.params.items() if name not in FITTED_EXCLUDED_VOLUME}
        return replace(self, weights=self.weights._replace(excluded_volume=None), params=params)

    @property
    def names(self) -> tuple[str, ...]:
        """Fitted parameter names, in the order of reports."""
        return fitted_names(self.weights)


def require_formulas(prior: Prior, what: str) -> None:
    """Refuse splines where only formulas will do; `what` begins the sentence.

    Raises:
        InputError: the prior has splines.
    """
    if prior.splines is not None:
        raise InputError(
            f"{what}: the prior's bonds, angles and dihedrals are fixed splines; set model.priors.use_spline_priors to "
            "false for the formulas, or leave it out"
        )


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
        try:
            value = np.asarray(params[name], np.float64)
        # JAX's own error for a traced array is a TypeError, too.
        except (TypeError, ValueError) as error:
            given = type(params[name]).__name__
            raise InputError(
                f"prior parameter {name!r} is a {given}, which holds no numbers (what JAX is tracing has none); "
                "give numbers, outside of jax.jit"
            ) from error
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
