"""Forces of the pair terms for a coefficient of 1: on bead i, the sum over its pairs of 4 (Ri - Rj) / r^6."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from cgcore.physics.geometry import Displacement, free
from cgcore.physics.topology import EXCLUDED_VOLUME_SEPARATIONS, REPULSIVE_MIN_SEPARATION

Positions = Float[Array, "frames beads 3"]
Real = Bool[Array, "frames beads"]


def far_pair_forces(R: Positions, real: Real, displacement: Displacement = free) -> Positions:
    """Pairs of the repulsive term, over all of N x N: regular work that vector units and GPUs like."""
    bead = np.arange(R.shape[1])
    pairs = (np.abs(bead[:, None] - bead) >= REPULSIVE_MIN_SEPARATION) & real[:, :, None] & real[:, None, :]
    if displacement is not free:
        every = jax.vmap(jax.vmap(jax.vmap(displacement, (None, 0)), (0, None)))(R, R)
        return jnp.sum(_strength(jnp.sum(every**2, axis=3), pairs)[..., None] * every, axis=2)
    # sum_j w_ij (x_i - x_j) as a matrix product; about the centre, so that the difference loses few digits.
    count = jnp.maximum(jnp.sum(real, axis=1), 1)[:, None, None]
    centre = jnp.sum(jnp.where(real[..., None], R, 0.0), axis=1, keepdims=True) / count
    x = R - centre
    # Distances of R itself: those of beads that coincide must be exactly 0.
    squared = sum((R[:, :, None, k] - R[:, None, :, k]) ** 2 for k in range(3))
    strength = _strength(jnp.asarray(squared), pairs)
    return x * jnp.sum(strength, axis=2)[..., None] - jnp.einsum("fij,fjc->fic", strength, x)


def close_pair_forces(R: Positions, real: Real, displacement: Displacement = free) -> Positions:
    """Pairs of the excluded-volume term, one separation at a time."""
    nearest, farthest = EXCLUDED_VOLUME_SEPARATIONS
    total = jnp.zeros_like(R)
    for k in range(nearest, min(farthest, R.shape[1] - 1) + 1):
        d = jax.vmap(jax.vmap(displacement))(R[:, :-k], R[:, k:])
        force = _strength(jnp.sum(d**2, axis=2), real[:, k:])[..., None] * d
        total = total.at[:, :-k].add(force).at[:, k:].add(-force)
    return total


def _strength(squared: Array, pairs: ArrayLike) -> Array:
    """4 / r^6 where there is a pair, else 0; infinite where two beads coincide, which the caller must report."""
    return jnp.where(pairs, 4 / jnp.where(pairs, squared, 1.0) ** 3, 0.0)
