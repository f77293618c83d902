"""Energy and forces of one frame: the terms lifted over the rows of the topology.

A padded bead may hold anything: a row that touches one is evaluated at a fixed harmless geometry and then left
out, so neither its value nor its gradient reaches the sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from cgcore.physics import geometry
from cgcore.physics.prior import SPLINED, Params, Prior
from cgcore.physics.rows import chain_numbers
from cgcore.physics.space import Displacement, Vector, free
from cgcore.physics.spline_terms import spline_energy
from cgcore.physics.splines import Splines
from cgcore.physics.term import Term

_HARMLESS = np.eye(3)
"""Displacement vectors of a left-out row: non-zero, and no two of them parallel."""


jax.tree_util.register_static(Prior)  # compiled functions depend on it as a whole


def term_energies(
    prior: Prior,
    params: Params,
    R: Float[Any, "beads 3"],
    mask: Shaped[Any, " beads"],
    species: Int[Any, " beads"] | None = None,
    displacement: Displacement = free,
    sites: Int[Any, " beads"] | None = None,
) -> dict[str, Float[Array, ""]]:
    """Weighted energy of each term of one frame [kcal/mol]; a term counts only if all of its beads are real.

    Arguments:
        prior: whose terms they are, its splines included.
        params: parameters by name, see `Params`, in the place of the prior's own.
        R: positions [Å]; padded beads may hold anything, NaN included.
        mask: 1 for a real bead, 0 for padding.
        species: of each bead, for terms with groups and for splines that differ by species; None: all are 0, and
            splines the shared ones.
        displacement: in jax-md's convention.
        sites: of the beads (see `topology`); None: all are one chain.
    """
    mask = jnp.asarray(mask, bool)
    R = jnp.where(mask[:, None], R, 0.0)
    return {
        term.name: term.weight * _term_energy(term, prior.splines, params, R, mask, species, displacement, sites)
        for term in prior.terms
    }


def energy(
    prior: Prior,
    params: Params,
    R: Float[Any, "beads 3"],
    mask: Shaped[Any, " beads"],
    species: Int[Any, " beads"] | None = None,
    displacement: Displacement = free,
    sites: Int[Any, " beads"] | None = None,
) -> Float[Array, ""]:
    """Prior energy of one frame [kcal/mol]; arguments as in `term_energies`."""
    each = term_energies(prior, params, R, mask, species, displacement, sites)
    return sum(each.values(), start=jnp.zeros((), R.dtype))


def forces(
    prior: Prior,
    params: Params,
    R: Float[Any, "beads 3"],
    mask: Shaped[Any, " beads"],
    species: Int[Any, " beads"] | None = None,
    displacement: Displacement = free,
    sites: Int[Any, " beads"] | None = None,
) -> Float[Array, "beads 3"]:
    """Minus the gradient of `energy` [kcal/mol/Å]; zero on padded beads."""
    return -jax.grad(energy, argnums=2)(prior, params, R, mask, species, displacement, sites)


def frame_forces(
    prior: Prior,
    params: Params,
    R: Float[Any, "frames beads 3"],
    mask: Shaped[Any, "frames beads"],
    species: Int[Any, "frames beads"] | None = None,
    displacement: Displacement = free,
    sites: Int[Any, "frames beads"] | None = None,
) -> Float[Array, "frames beads 3"]:
    """`forces` of several frames at once; arguments with a leading axis of frames."""

    def of_frame(R: Array, mask: Array, species: Array | None, sites: Array | None) -> Array:
        return forces(prior, params, R, mask, species, displacement, sites)

    return jax.vmap(of_frame)(jnp.asarray(R), jnp.asarray(mask), species, sites)


compiled_frame_forces = jax.jit(frame_forces, static_argnames=("prior", "displacement"))
"""The same, compiled for each prior and displacement."""


def _term_energy(
    term: Term,
    splines: Splines | None,
    params: Params,
    R: Float[Array, "beads 3"],
    mask: Bool[Array, " beads"],
    species: Int[Any, " beads"] | None,
    displacement: Displacement,
    sites: Int[Any, " beads"] | None,
) -> Float[Array, ""]:
    rows = term.rows.candidates(R.shape[0], sites is not None)
    counts, of_rows = mask[rows].all(axis=1), ()
    if sites is not None and term.rows.listed is None:
        first, last = (jnp.asarray(sites)[rows[:, k]] for k in (0, -1))
        if term.rows.pairs:
            chains = chain_numbers(jnp.asarray(sites), jnp)
            counts = counts & term.rows.count(first, last, chains[rows[:, 0]] != chains[rows[:, -1]])
        else:
            counts = counts & (last - first == term.rows.beads - 1)
    if splines is not None and term.name in SPLINED:
        kinds = jnp.full(len(rows), -1) if species is None else jnp.asarray(species)[rows[:, 1]]
        of_rows = (kinds,)
    elif term.groups is not None:
        own = term.row_groups(term.groups.classes(species, jnp.sum(mask), sites, R.shape[0], jnp), rows, jnp)
        counts, of_rows = counts & (own >= 0), (jnp.maximum(own, 0),)

    def value(*arguments: Any) -> Float[Array, ""]:
        x = _COORDINATES[term.rows.kind](*arguments[: term.rows.beads - 1])
        rest = arguments[term.rows.beads - 1 :]
        if splines is not None and term.name in SPLINED:
            return spline_energy(term.name, x, rest[0], splines)
        return term.energy(x, params, *rest)

    return _sum_over_rows(R, counts, displacement, rows, value, *of_rows)


def _distance(d: Vector) -> Float[Array, ""]:
    """Unguarded: beads that coincide must give a force that is not finite, never one of zero."""
    return jnp.sqrt(jnp.sum(d**2))


_COORDINATES = {
    "bonds": lambda d: geometry.norm(d),
    "angles": lambda u, v: geometry.angle(-u, v),
    "dihedrals": lambda *bonds: geometry.dihedral(*bonds),
    "pairs": _distance,
}


def _sum_over_rows(
    R: Float[Array, "beads 3"],
    counts: Bool[Array, " rows"],
    displacement: Displacement,
    rows: np.ndarray,
    term: Callable[..., Float[Array, ""]],
    *of_rows: Array,
) -> Float[Array, ""]:
    """Sum of `term`(bond vectors along a row, what else is given of it) over the rows that count."""
    if len(rows) == 0:
        return jnp.zeros((), R.dtype)
    vectors = [
        jnp.where(
            counts[:, None],
            jax.vmap(displacement)(R[rows[:, k + 1]], R[rows[:, k]]),
            jnp.asarray(_HARMLESS[None, k], R.dtype),
        )
        for k in range(rows.shape[1] - 1)
    ]
    return jnp.sum(jnp.where(counts, jax.vmap(term)(*vectors, *of_rows), 0.0))
