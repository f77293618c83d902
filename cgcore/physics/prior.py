"""The prior: terms with their weights and initial parameters."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from cgcore.errors import InputError
from cgcore.physics.bases import Fourier, Harmonic, Power
from cgcore.physics.bases.fourier import MOST_HARMONICS
from cgcore.physics.parametrisations import AmplitudesAndPhases, CosinesAndSines, Stiffness, StrengthAndLength
from cgcore.physics.parametrisations import Params as Params
from cgcore.physics.rows import Rows
from cgcore.physics.splines import Splines
from cgcore.physics.term import Term
from cgcore.physics.topology import EXCLUDED_VOLUME_SEPARATIONS, REPULSIVE_MIN_SEPARATION

FITTED = ("r0", "kr", "a", "b", "epsilon", "sigma", "k_dih", "gamma_dih")
FITTED_EXCLUDED_VOLUME = ("epsilon_ex", "sigma_ex")
FITTED_EVER = FITTED + FITTED_EXCLUDED_VOLUME
CARRIED = ("theta0", "k_theta")
"""Parameters that users' files contain and that are written back, but that no term uses and no fit changes."""


def _repulsion(name: str, pairs: Rows, params: tuple[str, str]) -> Term:
    return Term(name, pairs, Power(4), parametrisation=StrengthAndLength(params))


STANDARD = (
    Term("bond", Rows("bonds"), Harmonic(), parametrisation=Stiffness(("r0", "kr"))),
    Term("angle", Rows("angles"), Fourier(1), parametrisation=CosinesAndSines(("a", "b"))),
    Term("dihedral", Rows("dihedrals"), Fourier(1), parametrisation=AmplitudesAndPhases(("k_dih", "gamma_dih"))),
    _repulsion("repulsive", Rows("pairs", REPULSIVE_MIN_SEPARATION), ("epsilon", "sigma")),
    _repulsion("excluded_volume", Rows("pairs", *EXCLUDED_VOLUME_SEPARATIONS), FITTED_EXCLUDED_VOLUME),
)
"""The terms of every prior; Fourier series have as many harmonics as their parameters have values."""

SERIES = tuple(name for term in STANDARD if isinstance(term.basis, Fourier) for name in term.params)
"""Parameters with one value for each harmonic; all others are scalars."""

LENGTHS = tuple(term.params[1] for term in STANDARD if isinstance(term.parametrisation, StrengthAndLength))
"""Parameters that must not be 0."""

SPLINED = ("bond", "angle", "dihedral")
"""Terms whose formulas splines from a file can replace."""

MOST_COEFFICIENTS = 4096
"""Largest number of coefficients; each block of a factor stores about as many numbers as its square."""


class Weights(NamedTuple):
    """Fixed factor of each term in the energy; None for `excluded_volume` removes that term."""

    bond: float
    angle: float
    dihedral: float
    repulsive: float
    excluded_volume: float | None = None


@dataclass(frozen=True, eq=False)
class Prior:
    """Weights and parameters of the terms, checked. Priors with the same values are equal.

    Arguments:
        weights: factor of each term in the energy.
        params: initial parameters, see `Params`; exactly the fitted names.
        carried: values that users' files contain but no term uses (`theta0`, `k_theta`).
        splines: fixed splines that replace the formulas for bonds, angles and dihedrals, whose parameters then have no
            effect; None for the formulas.
        further: additional terms, or terms that replace those of the same name. Their parameters are their
            coefficients, one array in `params` by the term's name, (functions,) or (groups, functions); 0 if left out.
        frozen: names of terms that a fit does not change.

    Raises:
        InputError: a name is missing or unknown, a value is not finite, or series are too long or have different
            lengths.

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
    further: tuple[Term, ...] = ()
    frozen: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        named = [term.name for term in self.further]
        if twice := sorted({name for name in named if named.count(name) > 1} | (set(named) & set(FITTED_EVER))):
            raise InputError(f"a term can't be named {twice[0]!r} because the name is already taken; rename it")
        object.__setattr__(self, "params", _checked(self, self.params))
        if self.size > MOST_COEFFICIENTS:
            raise InputError(
                f"the prior has {self.size} coefficients; give at most {MOST_COEFFICIENTS}, for "
                "instance with fewer groups"
            )
        if unknown := sorted(self.frozen - {term.name for term in self.terms}):
            known = ", ".join(term.name for term in self.terms)
            raise InputError(f"there is no term {unknown[0]!r} to freeze; the prior's terms are {known}")

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Prior:
        """Read the prior from a YAML file written by `write`, `cgcore fit`, or a user.

        Raises:
            InputError: the file cannot be read, contains mistakes, or has no block `model.priors`.
        """
        from cgcore.config.loading import load_prior_config
        from cgcore.spline_file import with_splines

        config = load_prior_config(path)
        return with_splines(config.prior, config.spline_file, config.residue_specific_angles)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write weights and parameters as YAML, which `read` and `--config` accept; every number is preserved exactly.

        Raises:
            InputError: the file cannot be written.
        """
        from cgcore.serialize import write_priors

        write_priors(path, self, self.params)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Prior):
            return NotImplemented
        mine, theirs = ((p.weights, p.carried, p.splines, p.further, p.frozen) for p in (self, other))
        return mine == theirs and all(np.array_equal(v, other.params[name]) for name, v in self.params.items())

    def __hash__(self) -> int:
        return hash((self.weights, self.further, self.frozen))

    def __repr__(self) -> str:
        weights = ", ".join(f"{name}={w:g}" for name, w in self.weights._asdict().items() if w is not None)
        values = ", ".join(
            f"{name}: {np.size(value)} values" if np.ndim(value) else f"{name}={float(value):.6g}"
            for name, value in self.params.items()
        )
        return f"Prior(weights: {weights}; {values}{'; splines' if self.splines else ''})"

    def with_terms(
        self, further: Sequence[Term], coefficients: Mapping[str, Any] = {}, frozen: Iterable[str] = ()
    ) -> Prior:
        """The same prior with additional terms; terms with the name of one of the five replace it.

        Arguments:
            further: the terms.
            coefficients: coefficients of each term by its name, (functions,) or (groups, functions); 0 if left out.
            frozen: names of terms that a fit does not change.
        """
        replaced = {term.name for term in further}
        gone = {name for term in STANDARD if term.name in replaced for name in term.params}
        kept = {name: value for name, value in self.params.items() if name not in gone}
        return replace(
            self,
            params=kept | dict(coefficients),
            further=(*self.further, *further),
            frozen=self.frozen | frozenset(frozen),
        )

    def without_values(self) -> Prior:
        """The same terms with all parameters 1. It is equal for priors that differ only in their parameters, so a
        function compiled for one of them serves all.
        """
        ones = {name: np.ones_like(value) for name, value in self.params.items()}
        return replace(self, params=ones, carried={})

    def without_excluded_volume(self) -> Prior:
        """The same prior without excluded volume and its parameters."""
        params = {name: value for name, value in self.params.items() if name not in FITTED_EXCLUDED_VOLUME}
        return replace(self, weights=self.weights._replace(excluded_volume=None), params=params)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """All terms, in the order of their coefficients."""
        return (*standard_terms(self.weights, self.params), *self.further)

    @cached_property
    def linear(self) -> tuple[Term, ...]:
        """The terms whose forces the coefficients determine: all terms except those that splines from a file
        replace."""
        return tuple(term for term in self.terms if self.splines is None or term.name not in SPLINED)

    def part(self, names: Iterable[str], splines: bool = False) -> Prior:
        """The prior reduced to the named terms, with its splines if `splines` is true."""
        kept = set(names) | (set(SPLINED) if splines and self.splines is not None else set())
        terms = [term for term in self.terms if term.name in kept]
        own = {name for term in terms for name in term.params}
        off: dict[str, Any] = dict.fromkeys(name for name in self.weights._fields if name not in kept)
        return Prior(
            self.weights._replace(**off),
            {name: value for name, value in self.params.items() if name in own},
            splines=self.splines if splines else None,
            further=tuple(term for term in self.further if term.name in kept),
        )

    def in_coefficients(self) -> Prior:
        """The same terms with their coefficients as parameters, all 0."""
        return replace(self, params={}, further=tuple(replace(term, parametrisation=None) for term in self.terms))

    @property
    def names(self) -> tuple[str, ...]:
        """Fitted parameter names, in the order of reports."""
        return tuple(self.params)

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return sum(term.size for term in self.terms)


def standard_terms(weights: Weights, params: Mapping[str, Any]) -> tuple[Term, ...]:
    """The terms of `STANDARD` for which there are a weight and parameters, with as many harmonics as the parameters
    have."""
    found = []
    for term, weight in zip(STANDARD, weights, strict=True):
        if weight is not None and all(name in params for name in term.params):
            series = isinstance(term.basis, Fourier)
            basis = Fourier(np.shape(params[term.params[0]])[-1]) if series else term.basis
            found.append(replace(term, basis=basis, weight=weight))
    return tuple(found)


def _checked(prior: Prior, params: Mapping[str, Any]) -> Params:
    for name, weight in prior.weights._asdict().items():
        if weight is not None and not (np.isfinite(weight) and weight >= 0):
            raise InputError(f"weights.{name} is {weight}; give a finite number >= 0")
    further = {term.name: term for term in prior.further}
    weighted = zip(STANDARD, prior.weights, strict=True)
    own = [term for term, weight in weighted if weight is not None and term.name not in further]
    names = [name for name in FITTED_EVER if any(name in term.params for term in own)]
    params = {name: np.zeros(term.shape) for name, term in further.items()} | dict(params)
    if missing := [n for n in names if n not in params]:
        raise InputError(f"prior parameter {missing[0]!r} is missing; give all of {', '.join(names)}")
    if unknown := [n for n in params if n not in names and n not in further]:
        raise InputError(f"prior parameter {unknown[0]!r} is unknown here; known: {', '.join((*names, *further))}")
    checked: Params = {}
    for name in (*names, *further):
        if name in SERIES and np.size(params[name]) > MOST_HARMONICS:
            raise InputError(
                f"prior parameter {name!r} has {np.size(params[name])} harmonics; give at most {MOST_HARMONICS}"
            )
        try:
            value = np.asarray(params[name], np.float64)
        # JAX's own error for a traced array is also a TypeError.
        except (TypeError, ValueError) as error:
            given = type(params[name]).__name__
            raise InputError(
                f"prior parameter {name!r} is a {given}, which holds no numbers (JAX is tracing it); "
                "give numbers, outside of jax.jit"
            ) from error
        if name in further and value.shape != further[name].shape:
            raise InputError(f"term {name!r} has coefficients of shape {value.shape}; give {further[name].shape}")
        if name not in further and value.ndim != (1 if name in SERIES else 0):
            kind = "a list of numbers" if name in SERIES else "one number"
            raise InputError(f"prior parameter {name!r} has shape {value.shape}; give {kind}")
        if not np.isfinite(value).all():
            raise InputError(f"prior parameter {name!r} is not finite; give finite numbers")
        if name in LENGTHS and value == 0:
            raise InputError(f"prior parameter {name!r} is 0, and so is its term; give a length above 0")
        checked[name] = value
    for first, second in (term.params for term in own if isinstance(term.basis, Fourier)):
        if len(checked[first]) != len(checked[second]):
            raise InputError(
                f"{first} has {len(checked[first])} values and {second} {len(checked[second])}; "
                "give one of each for every harmonic"
            )
    return checked
