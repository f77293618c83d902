"""Energy and forces of one frame: each term is evaluated on all of its rows of beads and summed.

A padded bead may hold anything: a row that contains one is evaluated at a fixed harmless geometry and then masked, so
neither its value nor its gradient reaches the sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from cgcore.physics import geometry
from cgcore.physics.prior import SPLINED, Params, Prior
from cgcore.physics.rows import chain_numbers
from cgcore.physics.space import Displacement, free
from cgcore.physics.splines import Splines
from cgcore.physics.term import Term

Scalar = Float[Array, ""]

_HARMLESS = np.eye(3)
"""Displacement vectors that replace those of a masked row: nonzero, and no two of them parallel."""

jax.tree_util.register_static(Prior)  # compiled functions depend on the prior as a whole


def term_energies(
    prior: Prior,
    params: Params,
    R: Float[Any, "beads 3"],
    mask: Shaped[Any, " beads"],
    species: Int[Any, " beads"] | None = None,
    displacement: Displacement = free,
    sites: Int[Any, " beads"] | None = None,
) -> dict[str, Scalar]:
    """Weighted energy of each term for one frame; a term acts only on rows whose beads are all real.

    Arguments:
        prior: the prior, including its fixed splines if it has any.
        params: parameters by name, see `Params`; they are used instead of the prior's own.
        R: positions (beads, 3) [Å]; padded beads may hold anything, even NaN.
        mask: (beads,), 1 for real beads and 0 for padding.
        species: (beads,), for terms with groups and splines that differ by species; None: all species are 0, and the
            shared splines are used.
        displacement: displacement function in jax-md's convention.
        sites: sites of the beads (see `topology`); None if the beads form one chain.

    Returns:
        Energies [kcal/mol] by the name of the term.

    Examples:
        >>> import cgcore, numpy as np
        >>> prior = cgcore.default_prior()
        >>> R = 3.8 * np.eye(3)[[0, 1, 2]].cumsum(axis=0)
        >>> sorted(cgcore.term_energies(prior, prior.params, R, np.ones(3)))
        ['angle', 'bond', 'dihedral', 'excluded_volume', 'repulsive']
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
) -> Scalar:
    """Energy of the prior for one frame.

    Arguments:
        prior: the prior, including its fixed splines if it has any.
        params: parameters by name, see `Params`; they are used instead of the prior's own.
        R: positions (beads, 3) [Å]; padded beads may hold anything, even NaN.
        mask: (beads,), 1 for real beads and 0 for padding.
        species: see `term_energies`.
        displacement: displacement function in jax-md's convention.
        sites: see `term_energies`.

    Returns:
        The energy [kcal/mol], a scalar that JAX can differentiate.

    Examples:
        >>> import cgcore, jax.numpy as jnp
        >>> prior = cgcore.default_prior()
        >>> two = jnp.array([[0.0, 0.0, 0.0], [3.9, 0.0, 0.0]])
        >>> print(f"{cgcore.energy(prior, prior.params, two, jnp.ones(2)):.3f} kcal/mol")
        0.151 kcal/mol
    """
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
    """Forces of the prior on the beads of one frame, minus the gradient of `energy`.

    Arguments:
        prior: the prior, including its fixed splines if it has any.
        params: parameters by name, see `Params`; they are used instead of the prior's own.
        R: positions (beads, 3) [Å]; padded beads may hold anything, even NaN.
        mask: (beads,), 1 for real beads and 0 for padding.
        species: see `term_energies`.
        displacement: displacement function in jax-md's convention.
        sites: see `term_energies`.

    Returns:
        Forces (beads, 3) [kcal/mol/Å]; zero on padded beads.

    Examples:
        >>> import cgcore, jax.numpy as jnp
        >>> prior = cgcore.default_prior()
        >>> two = jnp.array([[0.0, 0.0, 0.0], [3.9, 0.0, 0.0]])
        >>> print(f"{cgcore.forces(prior, prior.params, two, jnp.ones(2))[0, 0]:.1f} kcal/mol/Å")
        4.8 kcal/mol/Å
    """
    return -jax.grad(energy, argnums=2)(prior, params, R, mask, species, displacement, sites)


def frame_forces(
    prior: Prior,
    params: Params,
    R: Float[Any, "frames beads 3"],
    mask: Shaped[Any, "frames beads"],
    species: Int[Any, "*frames beads"] | None = None,
    displacement: Displacement = free,
    sites: Int[Any, "*frames beads"] | None = None,
) -> Float[Array, "frames beads 3"]:
    """`forces` of several frames at once.

    All arrays have a leading axis of frames; `species` and `sites` may be (beads,) if they are the same for all frames.
    """

    def of_frame(R: Array, mask: Array, species: Array | None, sites: Array | None) -> Array:
        return forces(prior, params, R, mask, species, displacement, sites)

    axes = (0, 0, *(None if one is None or np.ndim(one) == 1 else 0 for one in (species, sites)))
    return jax.vmap(of_frame, axes)(jnp.asarray(R), jnp.asarray(mask), species, sites)


compiled_frame_forces = jax.jit(frame_forces, static_argnames=("prior", "displacement"))
"""`frame_forces`, compiled for each prior and displacement."""


def _term_energy(
    term: Term,
    splines: Splines | None,
    params: Params,
    R: Float[Array, "beads 3"],
    mask: Bool[Array, " beads"],
    species: Int[Any, " beads"] | None,
    displacement: Displacement,
    sites: Int[Any, " beads"] | None,
) -> Scalar:
    rows = term.rows.candidates(R.shape[0], sites is not None)
    if len(rows) == 0:
        return jnp.zeros((), R.dtype)
    counts, kinds = mask[rows].all(axis=1), ()
    if sites is not None and term.rows.listed is None:
        first, last = (jnp.asarray(sites)[rows[:, k]] for k in (0, -1))
        chains = chain_numbers(jnp.asarray(sites), jnp)
        counts = counts & term.rows.count(first, last, chains[rows[:, 0]] != chains[rows[:, -1]])
    fixed = splines if term.name in SPLINED else None
    if fixed is not None:
        kinds = (jnp.full(len(rows), -1) if species is None else jnp.asarray(species)[rows[:, 1]],)
    elif (classes := term.classes(species, jnp.sum(mask), sites, R.shape[0], jnp)) is not None:
        own = term.row_groups(classes, rows, jnp)
        counts, kinds = counts & (own >= 0), (jnp.maximum(own, 0),)

    def of_row(vectors: Sequence[Array], *kind: Array) -> Scalar:
        x = _COORDINATES[term.rows.kind](*vectors)
        return term.energy(x, params, *kind) if fixed is None else spline_energy(term.name, fixed, x, *kind)

    vectors = [jax.vmap(displacement)(R[last], R[first]) for first, last in pairwise(rows.T)]
    harmless = jnp.asarray(_HARMLESS, R.dtype)
    vectors = [jnp.where(counts[:, None], bond, harmless[k]) for k, bond in enumerate(vectors)]
    return jnp.sum(jnp.where(counts, jax.vmap(of_row)(vectors, *kinds), 0.0))


_COORDINATES = {
    "bonds": lambda d: geometry.norm(d),
    "angles": lambda u, v: geometry.angle(-u, v),
    "dihedrals": lambda *bonds: geometry.dihedral(*bonds),
    # Unguarded: beads that coincide must give a force that is not finite, never a force of zero.
    "pairs": lambda d: jnp.sqrt(jnp.sum(d**2)),
}


def spline_energy(name: str, splines: Splines, x: Scalar, species: Int[Any, ""]) -> Scalar:
    """Energy [kcal/mol] of a bond length [Å], of an angle [rad] or of a dihedral [rad] in the sign of
    `geometry.dihedral`.

    The spline of an angle is that of its central bead's species, or the shared one if the species has none.
    """
    if name == "dihedral":  # has period 2 pi from the first knot
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
    """The spline (see `Spline`) at x; outside the knots it is constant, with derivative 0."""
    knots, coefficients = jnp.asarray(knots, x.dtype), jnp.asarray(coefficients, x.dtype)
    inside = jnp.clip(x, knots[0], knots[-1])
    # For few knots and many rows, comparing with all knots vectorises, whereas bisection does not.
    k = jnp.clip(jnp.searchsorted(knots, inside, side="right", method="compare_all") - 1, 0, len(coefficients) - 1)
    d, c = inside - knots[k], coefficients[k]
    return c[0] + d * (c[1] + d * (c[2] + d * c[3]))
