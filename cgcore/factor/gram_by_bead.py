"""The Gram matrix of [X | F] where terms have groups: each bead by itself.

A bead has rows of few groups, so that most of its columns are 0. The forces that it does have are kept in slots (see
`physics.design.Slots`), and the inner products of these are added where their groups' coefficients are: with 20 kinds
of residues and splines for each pair of them, a hundredth of the work that all columns would be.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.factor.preconditioning import Preconditioner, whitened
from cgcore.physics.coefficients import Layout
from cgcore.physics.design import Chains, Seen, slots_of, term_slopes
from cgcore.physics.space import Displacement


def gram_by_bead(
    layout: Layout,
    displacement: Displacement,
    basis: Preconditioner,
    chains: Chains,
    F: Float[Array, "xyz beads frames"],
) -> tuple[Float[np.ndarray, "m m"], Seen]:
    """As `gram.gram`, for a prior whose terms have groups."""
    products, columns, seen = _products(layout, displacement, basis, chains, F)
    m = layout.size + 1
    where = np.asarray(columns)
    entries = (where[:, :, None] * m + where[:, None, :]).ravel()
    return np.bincount(entries, np.asarray(products).ravel(), m * m).reshape(m, m), seen


@partial(jax.jit, static_argnums=(0, 1))
def _products(
    layout: Layout, displacement: Displacement, basis: Preconditioner, chains: Chains, F: Array
) -> tuple[Float[Array, "beads own own"], Int[Array, "beads own"], Seen]:
    """Of each bead, the inner products of the columns in which it has forces, and which columns these are; what rows
    sampled."""
    n_beads = F.shape[1]
    forces, columns, seen = [], [], []
    for term, T, own, place in zip(layout.terms, basis.each, chains.classes, layout.slices.values(), strict=True):
        slots, sampled = slots_of(
            term, own, displacement, chains, lambda term, kind, T=T: whitened(T, term_slopes(term, kind))
        )
        groups = jnp.zeros((1, n_beads), int) if slots.groups is None else slots.groups
        each = jnp.arange(term.basis.size)[:, None]
        columns.append((place.start + groups[:, None] * term.basis.size + each[None]).reshape(-1, n_beads))
        forces.append(slots.forces.reshape(-1, *F.shape))
        seen.append(sampled)
    Y = jnp.concatenate([*forces, F[None]])
    columns.append(jnp.full((1, n_beads), layout.size))
    products = jnp.einsum("pxbf,qxbf->bpq", Y, Y, precision="highest")
    return products, jnp.concatenate(columns).T, tuple(seen)
