"""A repulsive wall between beads that are closer than in any sampled frame, for models with a network.

A network that is trained only on sampled frames may attract beads that come closer, and the prior's repulsion is soft.
The wall is zero on every frame that it was made for, so that it changes neither the loss nor its gradient.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from cgcore.physics.space import Displacement, free
from cgcore.physics.topology import NEAREST

STIFFNESS = 50.0
"""Stiffness of the wall [kcal/mol/Å²]: 40 kT at 320 K for 1 Å, and softer than bonds, so that the time step need not be
reduced."""

BELOW = 0.9
"""Fraction of the closest approach in the frames at which the wall begins, since other frames come slightly closer."""


def core_energy(
    R: Float[Any, "beads 3"], mask: Shaped[Any, " beads"], distance: float, displacement: Displacement = free
) -> Float[Array, ""]:
    """Half `STIFFNESS` times the squared depth below `distance`, summed over pairs of beads of one frame [kcal/mol].

    Arguments:
        R: positions [Å]; padded beads may hold anything.
        mask: 1 for a real bead, 0 for padding.
        distance: distance at which the wall begins [Å].
        displacement: displacement function in jax-md's convention.
    """
    depth = jnp.maximum(distance - _distances(R, mask, displacement), 0.0)
    return 0.5 * STIFFNESS * jnp.sum(depth**2)


def closest_approach(
    R: Float[Any, "frames beads 3"], mask: Shaped[Any, "frames beads"], displacement: Displacement = free
) -> float:
    """Smallest distance, in any frame, of beads `NEAREST` or more apart in the chain [Å]; infinite if there are
    none."""

    def of_frame(frame: tuple[Array, Array]) -> Array:
        return jnp.min(_distances(*frame, displacement), initial=jnp.inf)

    return float(jnp.min(jax.lax.map(of_frame, (jnp.asarray(R), jnp.asarray(mask))), initial=jnp.inf))


def _distances(
    R: Float[Any, "beads 3"], mask: Shaped[Any, " beads"], displacement: Displacement
) -> Float[Array, " pairs"]:
    """Distances of pairs; infinite, without gradient, if a bead is padding."""
    mask = jnp.asarray(mask, bool)
    R = jnp.where(mask[:, None], R, 0.0)
    i, j = np.triu_indices(R.shape[0], NEAREST)
    real = mask[i] & mask[j]
    # Guarded only for padding: coinciding beads must give a non-finite force, never a zero one.
    squared = jnp.sum(jax.vmap(displacement)(R[j], R[i]) ** 2, axis=1)
    return jnp.where(real, jnp.sqrt(jnp.where(real, squared, 1.0)), jnp.inf)
