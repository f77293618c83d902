"""Coefficients c in which forces are linear, and their conversion to and from parameters in one canonical gauge.

The coefficients of the prior's five terms are

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
from jaxtyping import Float

from cgcore.physics.bases import Harmonic
from cgcore.physics.prior import Params, Prior, Weights, standard_terms
from cgcore.physics.term import Term


@dataclass(frozen=True)
class Layout:
    """Position of each coefficient in the vector c. It is hashable, so compiled functions can depend on it.

    Arguments:
        terms: terms whose coefficients follow one another.

    Examples:
        >>> import cgcore
        >>> layout = cgcore.Layout.of(cgcore.default_prior())
        >>> layout.size, layout.slices["dihedral"], layout.names[:2]
        (28, slice(22, 26, None), ('kr', 'kr*r0'))
    """

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
        """Slice of c that belongs to each term, by the term's name."""
        ends = list(accumulate((term.size for term in self.terms), initial=0))
        return {term.name: slice(a, b) for term, a, b in zip(self.terms, ends, ends[1:], strict=False)}

    @cached_property
    def parabolas(self) -> tuple[int, ...]:
        """Positions in c of the stiffnesses of harmonic terms; each is followed by its product with the rest value."""
        harmonic = [self.slices[term.name] for term in self.terms if isinstance(term.basis, Harmonic)]
        return tuple(k for own in harmonic for k in range(own.start, own.stop, 2))

    @cached_property
    def size(self) -> int:
        """Number of coefficients."""
        return sum(term.size for term in self.terms)


def to_coefficients(params: Params, xp: ModuleType = np, terms: Sequence[Term] | None = None) -> Any:
    """Convert parameters to the coefficients c in which forces are linear.

    Arguments:
        params: parameters by name, see `Params`.
        xp: NumPy, or jax.numpy to differentiate through the conversion.
        terms: terms to which the parameters belong; None for the prior's five terms, or four without excluded volume.

    Returns:
        c, shape (n,), in units of kcal/mol, Å and radians.

    Examples:
        >>> import cgcore
        >>> prior = cgcore.default_prior()
        >>> c = cgcore.to_coefficients(prior.params)
        >>> c.shape, bool(c[1] == prior.params["kr"] * prior.params["r0"])
        ((28,), True)
    """
    parts = [
        params[term.name].reshape(-1) if term.parametrisation is None else term.parametrisation.coefficients(params, xp)
        for term in _terms(params, terms)
    ]
    return xp.concatenate(parts) if parts else xp.zeros(0)


def to_params(c: Float[np.ndarray, "*cases n"], start: Params, terms: Sequence[Term] | None = None) -> Params:
    """Convert coefficients to parameters in the canonical gauge: k_dih >= 0, gamma_dih in (-pi, pi], and sigma and
    sigma_ex as in `start`, so that epsilon carries the scale.

    Parameters that c does not determine keep their values in `start`: r0 if kr = 0, gamma if k = 0, epsilon if sigma =
    0.

    Arguments:
        c: coefficients (*cases, n); leading axes become leading axes of each parameter.
        start: parameters that supply the undetermined values.
        terms: terms to which the coefficients belong; None for the prior's five terms, or four without excluded volume.

    Returns:
        Parameters by name, see `Params`.

    Examples:
        >>> import cgcore
        >>> start = cgcore.default_prior().params
        >>> params = cgcore.to_params(2 * cgcore.to_coefficients(start), start)
        >>> bool(params["kr"] == 2 * start["kr"]), bool(params["sigma"] == start["sigma"])
        (True, True)
    """
    c, start = np.asarray(c, np.float64), {name: np.asarray(v, np.float64) for name, v in start.items()}
    params: Params = {}
    layout = Layout(tuple(_terms(start, terms)))
    for term, place in zip(layout.terms, layout.slices.values(), strict=True):
        own, way = c[..., place], term.parametrisation
        params |= {term.name: own.reshape(*c.shape[:-1], *term.shape)} if way is None else way.params(own, start)
    return {name: np.asarray(params[name]) for name in start}


def _terms(params: Params, terms: Sequence[Term] | None) -> Sequence[Term]:
    return standard_terms(Weights(1.0, 1.0, 1.0, 1.0, 1.0), params) if terms is None else terms
