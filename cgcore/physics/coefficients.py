"""The coefficients c that forces are linear in, and the way back to parameters in one canonical gauge.

Those of the prior's five terms are

c = (kr, kr*r0, a_n, b_n, k_n cos(gamma_n), k_n sin(gamma_n), epsilon*sigma^4 [, epsilon_ex*sigma_ex^4])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Array, Float

from cgcore.physics.bases import Harmonic
from cgcore.physics.prior import Params, Prior, Weights, standard_terms
from cgcore.physics.term import Term


@dataclass(frozen=True)
class Layout:
    """Where each coefficient stands in c; hashable, so that compiled functions can depend on it."""

    terms: tuple[Term, ...]

    @classmethod
    def of(cls, prior: Prior) -> Layout:
        """The layout of a prior's coefficients."""
        return cls(prior.linear)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Name of each coefficient."""
        return tuple(name for term in self.terms for name in term.coefficient_names)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """The coefficients of each term, by its name."""
        ends = list(accumulate((term.size for term in self.terms), initial=0))
        return {term.name: slice(a, b) for term, a, b in zip(self.terms, ends, ends[1:], strict=False)}

    @cached_property
    def parabolas(self) -> tuple[int, ...]:
        """Where stiffnesses stand, each before its product with the rest value."""
        return tuple(
            own.start + 2 * k
            for term, own in zip(self.terms, self.slices.values(), strict=True)
            if isinstance(term.basis, Harmonic)
            for k in range(len(term.group_labels))
        )

    @cached_property
    def size(self) -> int:
        """Number of coefficients."""
        return sum(term.size for term in self.terms)


def to_coefficients(params: Params, xp: ModuleType = np, terms: Sequence[Term] | None = None) -> Any:
    """c of these parameters, shape (n,), computed with NumPy or, to differentiate, with xp=jax.numpy.

    Arguments:
        params: parameters by name, see `Params`.
        xp: NumPy or jax.numpy.
        terms: that they are of; None: the prior's five, or four.
    """
    parts = [
        params[term.name].reshape(-1) if term.parametrisation is None else term.parametrisation.coefficients(params, xp)
        for term in _terms(params, terms)
    ]
    return xp.concatenate(parts)


def to_params(c: Float[np.ndarray, "*cases n"], start: Params, terms: Sequence[Term] | None = None) -> Params:
    """Parameters with the coefficients c, in the canonical gauge; leading axes of c are those of each parameter.

    k_dih >= 0 and gamma_dih in (-pi, pi]; sigma (and sigma_ex) as in `start`, epsilon carries the scale. What c
    does not determine stays as in `start`: r0 where kr = 0, gamma where k = 0, epsilon where sigma = 0.
    """
    c, start = np.asarray(c, np.float64), {name: np.asarray(v, np.float64) for name, v in start.items()}
    params: Params = {}
    for term, own in _parts(c, _terms(start, terms)):
        way = term.parametrisation
        params |= {term.name: own.reshape(*c.shape[:-1], *term.shape)} if way is None else way.params(own, start)
    return {name: np.asarray(params[name]) for name in start}


def to_cartesian(c: Float[Array, " n"], start: Params, terms: Sequence[Term] | None = None) -> Params:
    """Parameters with the coefficients c for energies alone, differentiable also where a dihedral amplitude is 0."""
    params: Params = {}
    for term, own in _parts(c, _terms(start, terms)):
        way = term.parametrisation
        params |= {term.name: own.reshape(term.shape)} if way is None else way.cartesian(own, start)
    return params


def _terms(params: Params, terms: Sequence[Term] | None) -> Sequence[Term]:
    return standard_terms(Weights(1.0, 1.0, 1.0, 1.0, 1.0), params) if terms is None else terms


def _parts(c: Any, terms: Sequence[Term]) -> list[tuple[Term, Any]]:
    ends = list(accumulate((term.size for term in terms), initial=0))
    return [(term, c[..., a:b]) for term, a, b in zip(terms, ends, ends[1:], strict=False)]
