"""A term's potential with given coefficients as one function of its coordinate, evaluated at every step of dynamics."""

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
"""The group of each row, which broadcasts against the coordinate."""

EVEN = 1e-9
"""Largest relative difference of knot spacings that is due to rounding. A coordinate assigned to the neighbouring
interval is then so close to the knot that both polynomials have the same value."""


@dataclass(frozen=True, eq=False)
class Summed:
    """The sum of the functions of a basis, evaluated one by one.

    Arguments:
        basis: the basis.
        c: coefficients of each group.
    """

    basis: Basis
    c: Coefficients

    def slope(self, values: Values, group: Group) -> Float[Array, " ..."]:
        """The derivative with respect to the coordinate, see `Values`."""
        return self._total(self.basis.slopes(values), group)

    def strength(self, squared: Float[Array, " ..."], group: Group) -> Float[Array, " ..."]:
        """As `Basis.strengths`."""
        return self._total(self.basis.strengths(squared), group)

    def _total(self, each: Float[Array, "functions ..."], group: Group) -> Float[Array, " ..."]:
        c = jnp.asarray(self.c, each.dtype)
        # Written as a loop, since XLA turns a matrix product into a call that cannot be fused with its surroundings.
        total = jnp.zeros(each.shape[1:], each.dtype)
        for k in range(self.basis.size):
            total = total + c[group, k] * each[k]
        return total


@dataclass(frozen=True, eq=False)
class Lookup:
    """The sum of splines: a polynomial for each interval, looked up by the number of the interval.

    Arguments:
        basis: the splines.
        c: coefficients of each group.
    """

    basis: BSpline
    c: Coefficients

    def energy(self, x: Float[Array, " ..."], group: Group) -> Float[Array, " ..."]:
        """The potential [kcal/mol]."""
        return self._at(x, group, np.ones(self.basis.degree + 1), 0)

    def slope(self, values: Values, group: Group) -> Float[Array, " ..."]:
        """As `Summed.slope`."""
        x = values[0] if len(values) == 1 else jnp.arctan2(values[1], values[0])
        return self._at(x, group, np.arange(self.basis.degree + 1.0), 1)

    def strength(self, squared: Float[Array, " ..."], group: Group) -> Float[Array, " ..."]:
        """As `Basis.strengths`."""
        r = jnp.sqrt(squared)
        # 0 at infinite distance, as at the cut-off.
        return -self.slope((jnp.minimum(r, self.basis.knots[-1]),), group) / r

    def _at(self, x: Array, group: Group, factors: Float[np.ndarray, " powers"], lowest: int) -> Array:
        """The sum of factor * coefficient * u^(power - lowest), with u the distance from the left end of the
        interval."""
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
        else:  # comparing with all knots vectorises, bisection does not
            k = jnp.searchsorted(jnp.asarray(lefts[1:], x.dtype), x, side="right", method="compare_all")
            u = x - _looked_up(jnp.asarray(lefts, x.dtype), k)
        place, total = group * intervals + k, jnp.zeros((), x.dtype)
        for power in range(len(factors) - 1, lowest - 1, -1):
            total = total * u + _looked_up(table[power], place)
        return total


def _looked_up(values: Float[Array, " entries"], at: Int[Array, " ..."]) -> Float[Array, " ..."]:
    return values.at[at].get(mode="promise_in_bounds")


def summed(basis: Basis, c: Coefficients) -> Summed | Lookup:
    """The potential of each group, in the form that is fastest to evaluate."""
    return Lookup(basis, c) if isinstance(basis, BSpline) else Summed(basis, c)
