"""Analytic forces of the prior on many whole chains at once: the design matrix times c, without building the matrix.

Each term's potential is one function (see `summed`), whose slopes are distributed over beads. Pairs in short chains are
processed one separation at a time.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.physics.coefficients import Layout
from cgcore.physics.design import coordinate_of, onto_beads, slots_of
from cgcore.physics.internal import Chains, coordinates
from cgcore.physics.pair_forces import PARTNERS, over_all
from cgcore.physics.space import free
from cgcore.physics.term import Term
from cgcore.simulation.summed import Lookup, Summed, summed

Positions = Float[Array, "xyz beads frames"]

SHORT = 24
"""Largest number of beads for which pairs are processed one separation at a time: half the work of all pairs at once,
and faster to compile; for longer chains, compilation takes long."""


def chain_forces(
    layout: Layout, c: Float[Array, " n"], R: Positions, species: Int[np.ndarray, " beads"] | None = None
) -> Positions:
    """Forces on all beads of chains without padding and gaps, in free space [kcal/mol/Å].

    Arguments:
        layout: layout of the coefficients.
        c: coefficients, see `coefficients.to_coefficients`.
        R: positions [Å], frames innermost.
        species: species of the beads, for terms with groups; None for all 0.
    """
    _, beads, frames = R.shape
    lengths = jnp.full(frames, beads, jnp.int32)
    chains = Chains(R, lengths, coordinates(R, lengths, free), None, ())
    forces = jnp.zeros_like(R)
    for term, where in zip(layout.terms, layout.slices.values(), strict=True):
        own = c[where].reshape(len(term.group_labels), term.basis.size)
        classes = term.classes(species, beads, None, beads)
        if term.rows.listed is not None:
            kinds = None if classes is None else jnp.asarray(classes)
            slots = slots_of(term, kinds, free, chains)
            forces = forces + jnp.einsum("sbk,skxbf->xbf", own[slots.groups], slots.forces, precision="highest")
            continue
        # One more group, for rows that do not take part.
        potential = summed(term.basis, jnp.concatenate([own, jnp.zeros_like(own[:1])]))
        if term.rows.pairs:
            forces = forces + term.weight * _of_pairs(term, potential, chains, classes)
        else:
            kind = coordinate_of(term, chains.at)
            slope = -term.weight * potential.slope(
                kind.values, _group(term, classes, term.rows.candidates(beads, False))
            )
            forces = forces + onto_beads(slope[None], kind.gradients, beads)[0]
    return forces


def _group(term: Term, classes: Int[np.ndarray, " beads"] | None, rows: np.ndarray) -> np.ndarray:
    """The group of each row, with an additional axis for frames."""
    if classes is None:
        return np.zeros((1, 1), np.int32)
    own = term.row_groups(classes, rows, np)
    return np.where(own < 0, len(term.group_labels), own).astype(np.int32)[:, None]


def _of_pairs(
    term: Term, potential: Summed | Lookup, chains: Chains, classes: Int[np.ndarray, " beads"] | None
) -> Positions:
    R, beads, rows = chains.R, chains.R.shape[1], term.rows
    if rows.chains == "between":
        return jnp.zeros_like(R)
    if not (rows.few or beads <= SHORT):
        return _of_all_pairs(term, potential, chains, classes)
    forces = jnp.zeros_like(R)
    for k in range(rows.nearest, min(rows.farthest or beads, beads - 1) + 1):
        d = R[:, :-k] - R[:, k:]
        group = _group(term, classes, np.stack([np.arange(beads - k), np.arange(k, beads)], axis=1))
        force = potential.strength(d[0] ** 2 + d[1] ** 2 + d[2] ** 2, group)[None] * d
        # Padded and not added in place, because XLA fuses the former and copies for the latter.
        forces = forces + jnp.pad(force, ((0, 0), (0, k), (0, 0))) - jnp.pad(force, ((0, 0), (k, 0), (0, 0)))
    return forces


def _of_all_pairs(
    term: Term, potential: Summed | Lookup, chains: Chains, classes: Int[np.ndarray, " beads"] | None
) -> Positions:
    beads = chains.R.shape[1]
    i, j = (axis.ravel() for axis in np.indices((beads, beads)))
    group = np.broadcast_to(_group(term, classes, np.stack([i, j], axis=1)), (beads**2, 1)).reshape(beads, beads, 1)
    padded = np.pad(group, ((0, -beads % PARTNERS), (0, 0), (0, 0)))

    def strengths(squared: Array, first: Array) -> Array:
        pairs = 0 if classes is None else jax.lax.dynamic_slice_in_dim(jnp.asarray(padded), first, PARTNERS)
        return potential.strength(squared, pairs)[None]

    return over_all(term.rows, strengths, 1, free, chains).forces[0, 0]
