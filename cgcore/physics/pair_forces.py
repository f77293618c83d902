"""Forces of the pair terms for a coefficient of 1: on bead i, the sum over its pairs of 4 (Ri - Rj) / r^6.

Arrays are (xyz, beads, frames), as in `internal`. Beads that coincide give a force that is not finite, which the caller
must report. The distance of each frame's closest pair is found on the way.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from cgcore.physics.internal import separations
from cgcore.physics.space import Displacement, free
from cgcore.physics.topology import EXCLUDED_VOLUME_SEPARATIONS, REPULSIVE_MIN_SEPARATION, Sites

Positions = Float[Array, "xyz beads frames"]
Lengths = Int[Array, " frames"]


class PairForces(NamedTuple):
    """Forces on beads, and the distance of each frame's closest pair [Å], infinite where a frame has no pair."""

    forces: Positions
    closest: Float[Array, " frames"]


PARTNERS = 20
"""Beads whose pairs with all others are taken at once. XLA computes a strength that is used by fewer once for each of
x, y and z; that of more does not stay in a core's cache (measured, 32 frames x 100 beads: 19 us a frame with 12
partners, 10 with 20, 15 with 50)."""


def far_pair_forces(
    R: Positions, lengths: Lengths, displacement: Displacement = free, sites: Sites | None = None
) -> PairForces:
    """Pairs of the repulsive term, over all of N x N: regular work that vector units like.

    Arguments:
        R: positions [Å], finite.
        lengths: real beads of each frame.
        displacement: in jax-md's convention.
        sites: of the beads; None: all of a frame are one chain.
    """
    n_beads = R.shape[1]
    chunks = -(-n_beads // PARTNERS)
    beyond = ((0, chunks * PARTNERS - n_beads), (0, 0))
    real = jnp.arange(n_beads)[:, None] < lengths[None]
    # Added to a squared distance, which vectorises where a mask does not: 4 / inf^3 is 0.
    missing = jnp.pad(jnp.where(real, 0.0, jnp.inf), beyond, constant_values=jnp.inf)
    # x, y and z apart, here and below: XLA does not vectorise slices of (xyz, beads, frames) that move.
    every = list(R)
    padded = [jnp.pad(x, beyond) for x in every]
    padded_sites = None if sites is None else jnp.pad(sites, beyond)

    def add(chunk: Int[Array, ""], found: tuple[list[Array], Array]) -> tuple[list[Array], Array]:
        forces, strongest = found
        first = chunk * PARTNERS
        *partners, absent = (jax.lax.dynamic_slice_in_dim(x, first, PARTNERS) for x in (*padded, missing))
        d = separations(displacement, [x[None] for x in every], [x[:, None] for x in partners])
        if sites is None or padded_sites is None:
            i, j = (jax.lax.broadcasted_iota(jnp.int32, (PARTNERS, *R.shape[1:]), axis) for axis in (1, 0))
            j = j + first
        else:
            i, j = sites[None], jax.lax.dynamic_slice_in_dim(padded_sites, first, PARTNERS)[:, None]
        apart = jnp.abs(i - j) >= REPULSIVE_MIN_SEPARATION
        strength = _strength(jnp.where(apart, _squared(d) + absent[:, None], jnp.inf))
        # Written out: XLA's sum over an axis does not vectorise here. Separations again: XLA would keep all of d.
        for k in range(PARTNERS):
            d = separations(displacement, every, [x[k, None] for x in partners])
            forces = [f + strength[k] * x for f, x in zip(forces, d, strict=True)]
            strongest = jnp.maximum(strongest, strength[k])
        return forces, strongest

    zeros = [jnp.zeros_like(x) for x in every]
    forces, strongest = jax.lax.fori_loop(0, chunks, add, (zeros, zeros[0]))
    # Rows of padding have met real beads, too.
    return PairForces(jnp.where(real, jnp.stack(forces), 0.0), _closest(jnp.where(real, strongest, 0.0)))


def close_pair_forces(
    R: Positions, lengths: Lengths, displacement: Displacement = free, sites: Sites | None = None
) -> PairForces:
    """Pairs of the excluded-volume term, one separation in the row at a time; arguments as `far_pair_forces`."""
    nearest, farthest = EXCLUDED_VOLUME_SEPARATIONS
    total, strongest = jnp.zeros_like(R), jnp.zeros_like(R[0])
    bead = jnp.arange(R.shape[1])[:, None]
    # Sites grow along the row at least as fast as it does: across a gap neighbours in the row may be such a pair.
    for k in range(nearest if sites is None else 1, min(farthest, R.shape[1] - 1) + 1):
        d = separations(displacement, list(R[:, :-k]), list(R[:, k:]))
        counts = bead[k:] < lengths[None]
        if sites is not None:
            apart = sites[k:] - sites[:-k]
            counts = counts & (apart >= nearest) & (apart <= farthest)
        strength = _strength(jnp.where(counts, _squared(d), jnp.inf))
        force = strength[None] * jnp.stack(d)
        total = total.at[:, :-k].add(force).at[:, k:].add(-force)
        strongest = strongest.at[:-k].max(strength)
    return PairForces(total, _closest(strongest))


def _closest(strongest: Float[Array, "beads frames"]) -> Float[Array, " frames"]:
    """The distance at which the strength is the largest of a frame's."""
    return (4 / jnp.max(strongest, axis=0)) ** (1 / 6)


def _squared(d: list[Array]) -> Array:
    x, y, z = d
    return x**2 + y**2 + z**2


def _strength(squared: Array) -> Array:
    """4 / r^6: 0 at an infinite distance, infinite where two beads coincide."""
    return 4 / squared**3
