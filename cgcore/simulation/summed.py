"""A term's potential at given coefficients as one function of its coordinate: what dynamics evaluates at every step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.physics.bases import Basis, BSpline
from cgcore.physics.bases.basis import Values

Coefficients = Float[Any, "groups functions"]
Group = int | Int[Any, " ..."]
"""The group of each row; broadcasts against the coordinate."""

EVEN = 1e-9
"""Relative difference of distances between knots that rounding makes. A coordinate that is taken for one of the next
interval is so near the knot that both polynomials have its value."""


@dataclass(frozen=True, eq=False)
class Summed:
    """The sum of the functions of a basis, one by one.

    Arguments:
        basis: the functions.
        c: their coefficients in each group.
    """

    basis: Basis
    c: Coefficients

    def slope(self, values: Values, group: Group) -> Float[Array, " ..."]:
        """The derivative by a coordinate, see `Values`."""
        return self._total(self.basis.slopes(values), group)

    def strength(self, squared: Float[Array, " ..."], group: Group) -> Float[Array, " ..."]:
        """As `Basis.strengths`."""
        return self._total(self.basis.strengths(squared), group)

    def _total(self, each: Float[Array, "functions ..."], group: Group) -> Float[Array, " ..."]:
        c = jnp.asarray(self.c, each.dtype)
        # Written out: XLA turns a product with a matrix into a call that cannot be fused with what is around it.
        total = jnp.zeros(each.shape[1:], each.dtype)
        for k in range(self.basis.size):
            total = total + c[group, k] * each[k]
        return total


@dataclass(frozen=True, eq=False)
class Lookup:
    """The sum of splines: one polynomial in each interval, found by the number of the interval.

    Arguments:
        basis: the splines.
        c: their coefficients in each group.
    """

    basis: BSpline
    c: Coefficients

    def energy(self, x: Float[Array, " ..."], group: Group) -> Float[Array, " ..."]:
        """The potential [kcal/mol]."""
        return self._at(x, group, np.ones(self.basis.degree + 1), 0)

    def slope(self, values: Values, group: Group) -> Float[Array, " ..."]:
        """As that of `Summed`."""
        x = values[0] if len(values) == 1 else jnp.arctan2(values[1], values[0])
        return self._at(x, group, np.arange(self.basis.degree + 1.0), 1)

    def strength(self, squared: Float[Array, " ..."], group: Group) -> Float[Array, " ..."]:
        """As `Basis.strengths`."""
        r = jnp.sqrt(squared)
        # At an infinite distance 0, which the cut-off has, too.
        return -self.slope((jnp.minimum(r, self.basis.knots[-1]),), group) / r

    def _at(self, x: Array, group: Group, factors: Float[np.ndarray, " powers"], lowest: int) -> Array:
        """The sum of factor * coefficient * u^(power - lowest) at distances u from the left ends of intervals."""
        lefts, every = self.basis.pieces
        intervals, widths, periodic = len(lefts), np.diff(self.basis.knots), self.basis.ends == "periodic"
        if periodic:
            x = lefts[0] + jnp.mod(x - lefts[0], self.basis.knots[-1] - lefts[0])
        table = jnp.einsum("gf,fip->pgi", jnp.asarray(self.c), factors * every, precision="highest")
        table = table.astype(x.dtype).reshape(len(factors), -1)
        if np.ptp(widths) <= EVEN * widths[0]:
            scaled = (x - lefts[0]) / widths[0]
            knot = jnp.clip(jnp.floor(scaled), 0 if periodic else -1, len(widths) - 1 if periodic else len(widths))
            k = knot.astype(jnp.int32) + (0 if periodic else 1)
            u = (scaled - jnp.maximum(knot, 0)) * widths[0]
        else:  # comparing with all of them vectorises, a bisection does not
            k = jnp.searchsorted(jnp.asarray(lefts[1:], x.dtype), x, side="right", method="compare_all")
            u = x - _looked_up(jnp.asarray(lefts, x.dtype), k)
        place, total = group * intervals + k, jnp.zeros((), x.dtype)
        for power in range(len(factors) - 1, lowest - 1, -1):
            total = total * u + _looked_up(table[power], place)
        return total


def _looked_up(values: Float[Array, " entries"], at: Int[Array, " ..."]) -> Float[Array, " ..."]:
    return values.at[at].get(mode="promise_in_bounds")


def summed(basis: Basis, c: Coefficients) -> Summed | Lookup:
    """The potential of each group, by the quickest way."""
    return Lookup(basis, c) if isinstance(basis, BSpline) else Summed(basis, c)
