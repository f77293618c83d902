"""Forces of terms of pairs: on bead i, the sum over its pairs of -phi'(r) / r times Ri - Rj.

Arrays are (xyz, beads, frames), as in `internal`. Beads that coincide give a force that is not finite, which the caller
must report. The distance of each frame's closest pair is found on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from cgcore.physics.bases import Power
from cgcore.physics.internal import Chains, separations
from cgcore.physics.rows import Rows as PairRows
from cgcore.physics.rows import chain_numbers
from cgcore.physics.space import Displacement
from cgcore.physics.term import Term

Classes = Int[Array, " beads"]
Strengths = Callable[[Array, Array], Array]


class Sampled(NamedTuple):
    """Coordinates that rows of a term had.

    Arguments:
        values: [Å or rad], infinite where there is none; of pairs the distance of each frame's closest of a group.
        groups: of each.
    """

    values: Float[Array, "_ frames"]
    groups: Int[Array, " _"]

    @classmethod
    def closest(cls, distances: Float[Array, "_ frames"]) -> Sampled:
        """Of each group in turn."""
        return cls(distances, jnp.arange(len(distances)))


class Slots(NamedTuple):
    """Forces on beads for each coefficient being 1, of the few groups alone that a bead has rows of.

    Arguments:
        forces: a bead's forces by rows of one group are in one slot, or in several.
        groups: the group of a bead's slot, any where its forces are 0; None: one slot, of a term without groups.
        seen: what the rows sampled; None for rows of consecutive beads, see `design.Seen`.
    """

    forces: Float[Array, "slots functions xyz beads frames"]
    groups: Int[Array, "slots beads"] | None = None
    seen: Sampled | None = None

    def by_group(self, term: Term) -> Float[Array, "columns xyz beads frames"]:
        """The columns of all groups: forces are 0 on beads without rows of a group."""
        if self.groups is None:
            return self.forces[0]
        groups = jnp.arange(len(term.group_labels))[:, None, None]
        member = (self.groups[None] == groups).astype(self.forces.dtype)
        found = jnp.einsum("gsb,skxbf->gkxbf", member, self.forces, precision="highest")
        return found.reshape(-1, *self.forces.shape[2:])


PARTNERS = 20
"""Beads whose pairs with all others are taken at once. XLA computes a strength that is used by fewer once for each of
x, y and z; that of more does not stay in a core's cache (measured, 32 frames x 100 beads: 19 us a frame with 12
partners, 10 with 20, 15 with 50)."""

WRITTEN_OUT = 8
"""Functions up to which the sum over partners is written out for each, which takes long to compile for more."""


def pair_forces(term: Term, displacement: Displacement, chains: Chains, classes: Classes | None = None) -> Slots:
    """Forces for each coefficient being 1, without the term's weight.

    Arguments:
        term: of pairs.
        displacement: in jax-md's convention.
        chains: whose internal coordinates and weights do not matter.
        classes: of the beads, where the term has groups.
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
    """Over all of N x N: regular work that vector units like.

    Arguments:
        rows: of pairs.
        strengths: of functions at squared distances (partners, beads, frames), with the number of the first partner;
            `PARTNERS` are taken at once, of which the last may be beyond the row.
        size: number of functions.
        displacement, chains: as in `pair_forces`.
        power: the only function, where it is one: its strength tells the distance, and is at hand where XLA would
            compute squared distances anew.
    """
    R, n_beads = chains.R, chains.R.shape[1]
    chunks = -(-n_beads // PARTNERS)
    beyond = ((0, chunks * PARTNERS - n_beads), (0, 0))
    real = jnp.arange(n_beads)[:, None] < chains.lengths[None]
    # Added to a squared distance, which vectorises where a mask does not: 4 / inf^3 is 0.
    missing = jnp.pad(jnp.where(real, 0.0, jnp.inf), beyond, constant_values=jnp.inf)
    # x, y and z apart, here and below: XLA does not vectorise slices of (xyz, beads, frames) that move.
    every = list(R)
    along, numbers = _places(chains)
    padded = [jnp.pad(x, beyond) for x in (*every, along, numbers)]
    farthest = jnp.inf if power is None else 0.0

    def add(chunk: Int[Array, ""], found: tuple[list[Array], Array]) -> tuple[list[Array], Array]:
        forces, nearest = found
        first = chunk * PARTNERS
        sliced = (jax.lax.dynamic_slice_in_dim(x, first, PARTNERS) for x in (*padded, missing))
        *partners, place, number, absent = sliced
        d = separations(displacement, [x[None] for x in every], [x[:, None] for x in partners])
        apart = rows.count(along[None], place[:, None], number[:, None] != numbers[None])
        squared = jnp.where(apart, _squared(d) + absent[:, None], jnp.inf)
        found_strengths = strengths(squared, first)
        # Written out: XLA's sum over an axis does not vectorise here. Separations again: XLA would keep all of d.
        for k in range(PARTNERS):
            d = separations(displacement, every, [x[k, None] for x in partners])
            nearest = jnp.minimum(nearest, squared[k]) if power is None else jnp.maximum(nearest, found_strengths[0][k])
            for f, (strength, x) in enumerate(product(list(found_strengths), d)):
                forces[f] = forces[f] + strength[k] * x
        return forces, nearest

    zeros = [jnp.zeros(R.shape[1:], R.dtype)] * (3 * size)
    forces, nearest = jax.lax.fori_loop(0, chunks, add, (zeros, jnp.full(R.shape[1:], farthest, R.dtype)))
    # Rows of padding have met real beads, too.
    nearest = jnp.where(real, nearest, farthest)
    closest = jnp.sqrt(jnp.min(nearest, axis=0)) if power is None else power.distance(jnp.max(nearest, axis=0))
    total = jnp.where(real, jnp.stack(forces).reshape(1, size, *R.shape), 0.0)
    return Slots(total, None, Sampled.closest(closest[None]))


def _by_partner(term: Term, displacement: Displacement, chains: Chains, classes: Classes | None) -> Slots:
    """Over all of N x N, one partner at a time: its pairs with a bead are all in the slot of its class."""
    R, n_beads = chains.R, chains.R.shape[1]
    real = jnp.arange(n_beads)[:, None] < chains.lengths[None]
    if classes is not None:
        real = real & (classes >= 0)[:, None]
    along, numbers = _places(chains)
    slots = 1 if term.groups is None else len(term.groups.labels)
    slot = jnp.zeros(n_beads, int) if classes is None else jnp.maximum(classes, 0)
    every = list(R)

    def add(partner: Int[Array, ""], found: tuple[Array, Array]) -> tuple[Array, Array]:
        forces, nearest = found
        d = separations(displacement, every, [x[partner][None] for x in every])
        counted = term.rows.count(along, along[partner][None], numbers[partner][None] != numbers)
        counted = counted & real & real[partner][None]
        squared = jnp.where(counted, _squared(d), jnp.inf)
        strengths = term.basis.strengths(squared)
        # Kept, as XLA would compute them anew for each of x, y and z.
        strengths, d = jax.lax.optimization_barrier((strengths, jnp.stack(d)))
        own = slot[partner]
        return forces.at[own].add(strengths[:, None] * d[None]), nearest.at[own].min(squared)

    zeros = jnp.zeros((slots, term.basis.size, *R.shape), R.dtype)
    none = jnp.full((slots, *R.shape[1:]), jnp.inf, R.dtype)
    forces, nearest = jax.lax.fori_loop(0, n_beads, add, (zeros, none))
    if classes is None:
        return Slots(forces, None, Sampled.closest(jnp.sqrt(jnp.min(nearest, axis=1))))
    assert term.groups is not None
    table, labels = term.groups.of_rows(2, True)
    groups = jnp.asarray(table)[slot].T
    closest = jax.ops.segment_min(nearest.reshape(-1, R.shape[2]), groups.ravel(), len(labels))
    return Slots(forces, groups, Sampled.closest(jnp.sqrt(closest)))


def _places(chains: Chains) -> tuple[Int[Array, "beads 1"], Int[Array, "beads 1"]]:
    """The places of beads along their chains, and the numbers of these."""
    row = jnp.arange(chains.R.shape[1], dtype=jnp.int32)[:, None]
    along = row if chains.sites is None else jnp.asarray(chains.sites)
    return along, chain_numbers(along, jnp)


def _of_few_separations(term: Term, displacement: Displacement, chains: Chains) -> Slots:
    """One separation in the row at a time."""
    R, nearest, farthest = chains.R, term.rows.nearest, term.rows.farthest
    assert farthest is not None
    total = jnp.zeros((term.basis.size, *R.shape), R.dtype)
    closest = jnp.full(R.shape[1:], jnp.inf, R.dtype)
    bead = jnp.arange(R.shape[1])[:, None]
    along, numbers = _places(chains)
    # Sites grow along the row at least as fast as it does: across a gap neighbours in the row may be such a pair.
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
