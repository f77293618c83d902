"""Energies of splines [kcal/mol]: of one bond, angle or dihedral."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from cgcore.physics.splines import Splines

Scalar = Float[Any, ""]


def spline_energy(name: str, splines: Splines, x: Scalar, species: Int[Any, ""]) -> Scalar:
    """The energy of a bond of length x [Å], of an angle [rad] by the species of its central bead, the shared spline's
    where no other is of it, or of a dihedral [rad] in the sign of `geometry.dihedral`."""
    if name == "dihedral":  # of period 2 pi from the first knot on
        first = jnp.asarray(splines.dihedral.knots[0], x.dtype)
        return cubic(first + jnp.mod(x - first, 2 * np.pi), *splines.dihedral)
    shared = cubic(x, *getattr(splines, name))
    if name == "bond" or splines.angle_types is None:
        return shared
    knots, coefficients, own = (jnp.asarray(part) for part in splines.angle_types)
    known = (species >= 0) & (species < len(own))
    kind = jnp.where(known, species, 0)
    return jnp.where(known & own[kind], cubic(x, knots[kind], coefficients[kind]), shared)


def cubic(x: Scalar, knots: Float[Any, " knots"], coefficients: Float[Any, "intervals 4"]) -> Scalar:
    """A spline at x, see `Spline`; outside the knots' range the value at its end, whose derivative is 0."""
    knots, coefficients = jnp.asarray(knots, x.dtype), jnp.asarray(coefficients, x.dtype)
    inside = jnp.clip(x, knots[0], knots[-1])
    # Few knots and many rows: comparing with all of them vectorises, a bisection does not.
    k = jnp.clip(jnp.searchsorted(knots, inside, side="right", method="compare_all") - 1, 0, len(coefficients) - 1)
    d, c = inside - knots[k], coefficients[k]
    return c[0] + d * (c[1] + d * (c[2] + d * c[3]))
