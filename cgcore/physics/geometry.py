"""Internal coordinates from displacement vectors: distance [Å], angle and dihedral [rad].

The operand of every square root is guarded, so that a degenerate geometry (coincident or collinear beads) gives a
finite value and a zero gradient instead of NaN.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from cgcore.physics.space import Vector


def norm(v: Vector) -> Float[Array, ""]:
    """Length of v. Its gradient at v = 0 is 0."""
    squared = jnp.sum(v**2)
    positive = squared > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squared, 1.0)), 0.0)


def angle(u: Vector, v: Vector) -> Float[Array, ""]:
    """Angle between u and v in [0, pi] [rad], accurate also for nearly parallel vectors."""
    return _atan2(norm(jnp.cross(u, v)), jnp.dot(u, v))


def dihedral(b1: Vector, b2: Vector, b3: Vector) -> Float[Array, ""]:
    """Dihedral of the bond vectors b1 = R1-R0, b2 = R2-R1, b3 = R3-R2, in (-pi, pi] [rad].

    phi = atan2((n1 x b2/|b2|) . n2, n1 . n2) with n1 = b1 x b2, n2 = b2 x b3. This is MINUS the IUPAC dihedral of
    MDTraj, OpenMM and LAMMPS: k [1 + cos(n phi - gamma)] here is k [1 + cos(n phi_IUPAC + gamma)] there.
    """
    n1, n2 = jnp.cross(b1, b2), jnp.cross(b2, b3)
    length = norm(b2)
    axis = b2 / jnp.where(length > 0, length, 1.0)
    return _atan2(jnp.dot(jnp.cross(n1, axis), n2), jnp.dot(n1, n2))


def _atan2(y: Float[Array, ""], x: Float[Array, ""]) -> Float[Array, ""]:
    """atan2(y, x), with gradient 0 at (0, 0)."""
    defined = (x != 0) | (y != 0)
    return jnp.where(defined, jax.lax.atan2(y, jnp.where(defined, x, 1.0)), 0.0)
