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
from cgcore.physics.design import (
    Closest,
    Grouping,
    Roots,
    coordinate_of,
    slots_along,
    slots_on_beads,
    stacked,
    term_slopes,
)
from cgcore.physics.internal import Coordinates
from cgcore.physics.space import Displacement
from cgcore.physics.topology import Sites


def gram_by_bead(
    layout: Layout,
    displacement: Displacement,
    basis: Preconditioner,
    R: Float[Array, "xyz beads frames"],
    F: Float[Array, "xyz beads frames"],
    lengths: Int[np.ndarray, " frames"],
    at: Coordinates,
    sites: Sites | None,
    classes: Grouping,
    roots: Roots | None,
) -> tuple[Float[np.ndarray, "m m"], Closest]:
    """As `gram.gram`, for a prior whose terms have groups."""
    given = (R, F, jnp.asarray(lengths), at, sites, tuple(classes), roots)
    products, columns, closest = _products(layout, displacement, basis, *given)
    m = layout.size + 1
    where = np.asarray(columns)
    entries = (where[:, :, None] * m + where[:, None, :]).ravel()
    return np.bincount(entries, np.asarray(products).ravel(), m * m).reshape(m, m), closest


@partial(jax.jit, static_argnums=(0, 1))
def _products(
    layout: Layout,
    displacement: Displacement,
    basis: Preconditioner,
    R: Array,
    F: Array,
    lengths: Array,
    at: Coordinates,
    sites: Sites | None,
    classes: Grouping,
    roots: Roots | None,
) -> tuple[Float[Array, "beads own own"], Int[Array, "beads own"], Closest]:
    """For each bead, the inner products of the columns in which it has forces, and the numbers of these columns."""
    n_beads = R.shape[1]
    forces, columns, closest = [], [], []
    for term, T, own, place in zip(layout.terms, basis.each, classes, layout.slices.values(), strict=True):
        if T is None:
            slots, nearest = slots_on_beads(term, R, lengths, displacement, sites, own)
            slots = slots if roots is None else slots.times(roots)
            closest += [] if nearest is None else [nearest]
        else:
            kind = coordinate_of(term, at)
            slots = slots_along(term, whitened(T, term_slopes(term, kind)), kind, n_beads, own)
        groups = jnp.zeros((1, n_beads), int) if slots.groups is None else slots.groups
        each = jnp.arange(term.basis.size)[:, None]
        columns.append((place.start + groups[:, None] * term.basis.size + each[None]).reshape(-1, n_beads))
        forces.append(slots.forces.reshape(-1, *R.shape))
    Y = jnp.concatenate([*forces, F[None]])
    columns.append(jnp.full((1, n_beads), layout.size))
    products = jnp.einsum("pxbf,qxbf->bpq", Y, Y, precision="highest")
    return products, jnp.concatenate(columns).T, stacked(closest, R.shape[2], R.dtype)
