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

from cgcore.physics import geometry, terms
from cgcore.physics.prior import Params, Prior, Weights
from cgcore.physics.space import Displacement, free
from cgcore.physics.spline_terms import spline_angle, spline_bond, spline_dihedral
from cgcore.physics.splines import Splines
from cgcore.physics.topology import SEPARATIONS, candidates, chain

_HARMLESS = np.eye(3)
"""Displacement vectors of a left-out row: non-zero, and no two of them parallel."""


def term_energies(
    weights: Weights,
    params: Params,
    R: Float[Any, "beads 3"],
    mask: Shaped[Any, " beads"],
    displacement: Displacement = free,
    sites: Int[Any, " beads"] | None = None,
    *,
    splines: Splines | None = None,
    species: Int[Any, " beads"] | None = None,
) -> dict[str, Float[Array, ""]]:
    """Weighted energy of each term of one frame [kcal/mol]; a term counts only if all of its beads are real.

    Arguments:
        weights: factor of each term; with `excluded_volume` None that term is absent.
        params: parameters by name, see `Params`.
        R: positions [Å]; padded beads may hold anything, NaN included.
        mask: 1 for a real bead, 0 for padding.
        displacement: in jax-md's convention.
        sites: of the beads (see `topology`); None: all are one chain.
        splines: take the place of the formulas for bonds, angles and dihedrals, whose parameters then act on nothing.
        species: of each bead, for splines that differ by species; None: the shared ones.
    """
    mask = jnp.asarray(mask, bool)
    R = jnp.where(mask[:, None], R, 0.0)
    p, rows = params, chain(R.shape[0]) if sites is None else candidates(R.shape[0])

    def total(name: str, term: Callable[..., Float[Array, ""]], *of_rows: Array) -> Float[Array, ""]:
        own = getattr(rows, name)
        counts = mask[own].all(axis=1)
        if sites is not None:
            near, far = SEPARATIONS[name]
            apart = jnp.asarray(sites)[own[:, -1]] - jnp.asarray(sites)[own[:, 0]]
            counts = counts & (apart >= near) & (apart <= far)
        return _sum_over_rows(R, counts, displacement, own, term, *of_rows)

    def repulsion(epsilon: str, sigma: str) -> Callable[[Array], Array]:
        # An unguarded length: beads that coincide must give a force that is not finite, never one of zero.
        return lambda d: terms.soft_repulsion(jnp.sqrt(jnp.sum(d**2)), p[epsilon], p[sigma])

    if splines is None:
        energies = {
            "bond": total("bonds", lambda d: terms.harmonic_bond(geometry.norm(d), p["r0"], p["kr"])),
            "angle": total("angles", lambda u, v: terms.fourier_angle(geometry.angle(-u, v), p["a"], p["b"])),
            "dihedral": total(
                "dihedrals",
                lambda *b: terms.cosine_dihedral(geometry.dihedral(*b), p["k_dih"], p["gamma_dih"]),
            ),
        }
    else:
        kinds = jnp.full(len(rows.angles), -1) if species is None else jnp.asarray(species)[rows.angles[:, 1]]
        energies = {
            "bond": total("bonds", lambda d: spline_bond(geometry.norm(d), splines)),
            "angle": total("angles", lambda u, v, kind: spline_angle(geometry.angle(-u, v), kind, splines), kinds),
            "dihedral": total("dihedrals", lambda *b: spline_dihedral(geometry.dihedral(*b), splines)),
        }
    energies["repulsive"] = total("repulsive", repulsion("epsilon", "sigma"))
    if weights.excluded_volume is not None:
        energies["excluded_volume"] = total("excluded_volume", repulsion("epsilon_ex", "sigma_ex"))
    return {name: getattr(weights, name) * value for name, value in energies.items()}


def prior_energies(
    prior: Prior,
    params: Params,
    R: Float[Any, "beads 3"],
    mask: Shaped[Any, " beads"],
    species: Int[Any, " beads"] | None = None,
    displacement: Displacement = free,
    sites: Int[Any, " beads"] | None = None,
) -> dict[str, Float[Array, ""]]:
    """`term_energies` of a prior, its splines included, with these parameters in the place of its own."""
    return term_energies(prior.weights, params, R, mask, displacement, sites, splines=prior.splines, species=species)


def prior_energy(
    prior: Prior,
    params: Params,
    R: Float[Any, "beads 3"],
    mask: Shaped[Any, " beads"],
    species: Int[Any, " beads"] | None = None,
) -> Float[Array, ""]:
    """Sum of `prior_energies` in free space [kcal/mol]."""
    return sum(prior_energies(prior, params, R, mask, species).values(), start=jnp.zeros((), R.dtype))


def energy(
    weights: Weights,
    params: Params,
    R: Float[Any, "beads 3"],
    mask: Shaped[Any, " beads"],
    displacement: Displacement = free,
    sites: Int[Any, " beads"] | None = None,
) -> Float[Array, ""]:
    """Prior energy of one frame [kcal/mol]; arguments as in `term_energies`."""
    return sum(term_energies(weights, params, R, mask, displacement, sites).values(), start=jnp.zeros((), R.dtype))


def forces(
    weights: Weights,
    params: Params,
    R: Float[Any, "beads 3"],
    mask: Shaped[Any, " beads"],
    displacement: Displacement = free,
    sites: Int[Any, " beads"] | None = None,
) -> Float[Array, "beads 3"]:
    """Minus the gradient of `energy` [kcal/mol/Å]; zero on padded beads."""
    return -jax.grad(energy, argnums=2)(weights, params, R, mask, displacement, sites)


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
