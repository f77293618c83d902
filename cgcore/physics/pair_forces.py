"""Forces of pair terms: the force on bead i is the sum over its pairs of -phi'(r) / r times Ri - Rj.

Arrays have shape (xyz, beads, frames), as in `internal`. Beads that coincide give a force that is not finite, which the
caller must report. The distance of each frame's closest pair is found in the same loop.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.physics.bases import Power
from cgcore.physics.groups import Classes
from cgcore.physics.internal import Chains, separations
from cgcore.physics.rows import Rows as PairRows
from cgcore.physics.rows import chain_numbers
from cgcore.physics.space import Displacement
from cgcore.physics.term import Term

Strengths = Callable[[Array, Array], Array]


class Sampled(NamedTuple):
    """Coordinates that the rows of a term had.

    Arguments:
        values: coordinates [Å or rad], infinite for missing rows; for pairs, the distance of the closest pair of each
            group in each frame.
        groups: the group of each line of `values`.
    """

    values: Float[Array, "_ frames"]
    groups: Int[Array, " _"]

    @classmethod
    def closest(cls, distances: Float[Array, "_ frames"]) -> Sampled:
        """Closest distances (groups, frames) [Å], in the order of the groups."""
        return cls(distances, jnp.arange(len(distances)))


class Slots(NamedTuple):
    """Forces on beads for unit coefficients, stored only for the few groups to whose rows each bead belongs.

    Arguments:
        forces: forces of each slot; those on a bead by the rows of one group may be spread over several slots.
        groups: group of each bead's slots, arbitrary where the forces are 0; None for the one slot of a term without
            groups.
        seen: coordinates that the rows had; None if `Coordinates` contains them, see `design.Seen`.
    """

    forces: Float[Array, "slots functions xyz beads frames"]
    groups: Int[Array, "slots beads"] | None = None
    seen: Sampled | None = None

    def by_group(self, term: Term) -> Float[Array, "columns xyz beads frames"]:
        """The columns of all groups, with zero forces on beads that belong to no row of a group."""
        if self.groups is None:
            return self.forces[0]
        groups = jnp.arange(len(term.group_labels))[:, None, None]
        member = (self.groups[None] == groups).astype(self.forces.dtype)
        found = jnp.einsum("gsb,skxbf->gkxbf", member, self.forces, precision="highest")
        return found.reshape(-1, *self.forces.shape[2:])


PARTNERS = 20
"""Number of beads whose pairs with all others are computed together. With fewer, XLA computes each strength once for
each of x, y and z; with more, the arrays do not stay in a core's cache (measured, 32 frames x 100 beads: 19 us a
frame with 12 partners, 10 with 20, 15 with 50)."""

WRITTEN_OUT = 8
"""Largest number of functions for which the sum over partners is written out for each; more take long to compile."""


def pair_forces(term: Term, displacement: Displacement, chains: Chains, classes: Classes | None = None) -> Slots:
    """Forces of a pair term for unit coefficients, without the term's weight.

    Arguments:
        term: a term of pairs.
        displacement: displacement function in jax-md's convention.
        chains: the frames; their internal coordinates and weights are not used.
        classes: class of each bead; None for a term without groups.
    """
    if classes is None and term.rows.few:
        return _of_few_separations(term, displacement, chains)
    if classes is not None or term.basis.size > WRITTEN_OUT:
        return _by_partner(term, displacement, chains, classes)
    basis = term.basis
    power = basis if isinstance(basis, Power) else None
    return over_all(term.rows, lambda x, _: basis.strengths(x), basis.size, displacement, chains, power)


def over_all(
    rows: PairRows,
    strengths: Strengths,
    size: int,
    displacement: Displacement,
    chains: Chains,
    power: Power | None = None,
) -> Slots:
    """Forces summed over all N x N pairs, regular work that suits vector units.

    Arguments:
        rows: rows of pairs.
        strengths: function of squared distances (partners, beads, frames) and the number of the first partner, see
            `Basis.strengths`. There are `PARTNERS` partners, of which the last may lie beyond the real beads.
        size: number of basis functions.
        displacement, chains: see `pair_forces`.
        power: the only basis function, if it is a power: closest distances are then computed from its strengths, since
            XLA would compute the squared distances again.
    """
    R, n_beads = chains.R, chains.R.shape[1]
    chunks = -(-n_beads // PARTNERS)
    beyond = ((0, chunks * PARTNERS - n_beads), (0, 0))
    real = jnp.arange(n_beads)[:, None] < chains.lengths[None]
    # Added to squared distances, which vectorises where a mask does not: 4 / inf^3 is 0.
    missing = jnp.pad(jnp.where(real, 0.0, jnp.inf), beyond, constant_values=jnp.inf)
    # x, y and z are separate arrays, here and below: XLA does not vectorise moving slices of (xyz, beads, frames).
    every = list(R)
    along, numbers = _places(chains)
    padded = [*(jnp.pad(x, beyond) for x in (*every, along, numbers)), missing]
    farthest = jnp.inf if power is None else 0.0

    def add(chunk: Int[Array, ""], found: tuple[list[Array], Array]) -> tuple[list[Array], Array]:
        forces, nearest = found
        first = chunk * PARTNERS
        *partners, place, number, absent = (jax.lax.dynamic_slice_in_dim(x, first, PARTNERS) for x in padded)
        d = separations(displacement, [x[None] for x in every], [x[:, None] for x in partners])
        apart = rows.count(along[None], place[:, None], number[:, None] != numbers[None])
        squared = jnp.where(apart, _squared(d) + absent[:, None], jnp.inf)
        found_strengths = strengths(squared, first)
        # Written out, because XLA's sum over an axis does not vectorise here. Separations are computed again, because
        # XLA would otherwise store all of d.
        for k in range(PARTNERS):
            d = separations(displacement, every, [x[k, None] for x in partners])
            nearest = jnp.minimum(nearest, squared[k]) if power is None else jnp.maximum(nearest, found_strengths[0][k])
            for f, (strength, x) in enumerate(product(list(found_strengths), d)):
                forces[f] = forces[f] + strength[k] * x
        return forces, nearest

    zeros = [jnp.zeros(R.shape[1:], R.dtype)] * (3 * size)
    forces, nearest = jax.lax.fori_loop(0, chunks, add, (zeros, jnp.full(R.shape[1:], farthest, R.dtype)))
    # Padded beads also met real ones.
    nearest = jnp.where(real, nearest, farthest)
    closest = jnp.sqrt(jnp.min(nearest, axis=0)) if power is None else power.distance(jnp.max(nearest, axis=0))
    total = jnp.where(real, jnp.stack(forces).reshape(1, size, *R.shape), 0.0)
    return Slots(total, None, Sampled.closest(closest[None]))


def _by_partner(term: Term, displacement: Displacement, chains: Chains, classes: Classes | None) -> Slots:
    """Forces summed over all N x N pairs, one partner at a time. The slot of a pair's forces is the class of the
    partner."""
    R, n_beads = chains.R, chains.R.shape[1]
    own = jnp.zeros(n_beads, int) if classes is None else jnp.asarray(classes)
    real = (jnp.arange(n_beads)[:, None] < chains.lengths[None]) & (own >= 0)[:, None]
    along, numbers = _places(chains)
    table = np.zeros((1, 1), int) if term.groups is None else term.groups.of_rows(2, True)[0]
    slot, every = jnp.maximum(own, 0), list(R)

    def add(partner: Int[Array, ""], found: tuple[Array, Array]) -> tuple[Array, Array]:
        forces, nearest = found
        d = separations(displacement, every, [x[partner][None] for x in every])
        counted = term.rows.count(along, along[partner][None], numbers[partner][None] != numbers)
        counted = counted & real & real[partner][None]
        squared = jnp.where(counted, _squared(d), jnp.inf)
        strengths = term.basis.strengths(squared)
        # Stored, because XLA would compute the strengths again for each of x, y and z.
        strengths, d = jax.lax.optimization_barrier((strengths, jnp.stack(d)))
        k = slot[partner]
        return forces.at[k].add(strengths[:, None] * d[None]), nearest.at[k].min(squared)

    zeros = jnp.zeros((len(table), term.basis.size, *R.shape), R.dtype)
    none = jnp.full((len(table), *R.shape[1:]), jnp.inf, R.dtype)
    forces, nearest = jax.lax.fori_loop(0, n_beads, add, (zeros, none))
    groups = jnp.asarray(table)[slot].T
    closest = jax.ops.segment_min(nearest.reshape(-1, R.shape[2]), groups.ravel(), len(term.group_labels))
    return Slots(forces, groups, Sampled.closest(jnp.sqrt(closest)))


def _places(chains: Chains) -> tuple[Int[Array, "beads 1"], Int[Array, "beads 1"]]:
    """Position of each bead along its chain, and number of its chain."""
    row = jnp.arange(chains.R.shape[1], dtype=jnp.int32)[:, None]
    along = row if chains.sites is None else jnp.asarray(chains.sites)
    return along, chain_numbers(along, jnp)


def _of_few_separations(term: Term, displacement: Displacement, chains: Chains) -> Slots:
    """Forces summed over one separation in the array at a time."""
    R, nearest, farthest = chains.R, term.rows.nearest, term.rows.farthest
    assert farthest is not None
    total = jnp.zeros((term.basis.size, *R.shape), R.dtype)
    closest = jnp.full(R.shape[1:], jnp.inf, R.dtype)
    bead = jnp.arange(R.shape[1])[:, None]
    along, numbers = _places(chains)
    # Sites increase along the array by at least 1 per bead: beads on two sides of a gap are closer in the array.
    for k in range(nearest if chains.sites is None else 1, min(farthest, R.shape[1] - 1) + 1):
        d = separations(displacement, list(R[:, :-k]), list(R[:, k:]))
        counts = term.rows.count(along[:-k], along[k:], numbers[k:] != numbers[:-k]) & (bead[k:] < chains.lengths[None])
        squared = jnp.where(counts, _squared(d), jnp.inf)
        strengths = term.basis.strengths(squared)
        force = strengths[:, None] * jnp.stack(d)[None]
        total = total.at[:, :, :-k].add(force).at[:, :, k:].add(-force)
        closest = closest.at[:-k].min(squared)
    return Slots(total[None], None, Sampled.closest(jnp.sqrt(jnp.min(closest, axis=0))[None]))


def _squared(d: list[Array]) -> Array:
    x, y, z = d
    return x**2 + y**2 + z**2
