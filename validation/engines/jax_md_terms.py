"""The terms that jax-md also has: springs, and a dihedral angle (from its AMBER force field)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import cgcore
from validation.geometries import consecutive


def jax_md_terms(prior: cgcore.Prior) -> Callable[[np.ndarray], dict[str, tuple[float, np.ndarray]]]:
    """Energy [kcal/mol] and forces [kcal/mol/Å] of bonds and dihedrals of a chain without padding, as a function of
    R."""
    import jax
    import jax.numpy as jnp
    from jax_md import energy, smap, space
    from jax_md.mm_forcefields.base import compute_dihedral

    displacement, _ = space.free()
    p, w = prior.params, prior.weights
    harmonics = jnp.arange(1, len(p["k_dih"]) + 1)

    def torsion(b1: jax.Array, b2: jax.Array, b3: jax.Array) -> jax.Array:
        phi = jax.vmap(compute_dihedral)(b1, b2, b3)  # the IUPAC dihedral, hence + gamma
        return p["k_dih"] * (1 + jnp.cos(harmonics * phi[:, None] + p["gamma_dih"]))

    def terms(R: jax.Array) -> dict[str, jax.Array]:
        # simple_spring_bond would round its parameters to float32.
        metric = space.metric(displacement)
        bonds = smap.bond(energy.simple_spring, metric, consecutive(len(R), 2), length=p["r0"], epsilon=p["kr"])
        dihedrals = smap.torsion(torsion, displacement, consecutive(len(R), 4))
        return {"bond": w.bond * bonds(R), "dihedral": w.dihedral * dihedrals(R)}

    values, gradients = jax.jit(terms), jax.jit(jax.jacrev(terms))

    def engine(R: np.ndarray) -> dict[str, tuple[float, np.ndarray]]:
        E, dE = values(jnp.asarray(R)), gradients(jnp.asarray(R))
        return {term: (float(E[term]), -np.asarray(dE[term])) for term in E}

    return engine
