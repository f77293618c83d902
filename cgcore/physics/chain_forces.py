"""Forces of the prior on many chains at once, analytic: the design matrix times c, without building the matrix.

The slopes of a term's columns are summed before they are spread over beads, and pairs of short chains are taken one
separation at a time.
"""

from __future__ import annotations

from collections.abc import Iterable

import jax.numpy as jnp
from jaxtyping import Array, Float

from cgcore.physics.coefficients import Layout
from cgcore.physics.design import onto_beads, slopes
from cgcore.physics.internal import coordinates, separations
from cgcore.physics.pair_forces import close_pair_forces, far_pair_forces
from cgcore.physics.prior import Weights
from cgcore.physics.space import Displacement, free
from cgcore.physics.topology import EXCLUDED_VOLUME_SEPARATIONS, REPULSIVE_MIN_SEPARATION, Sites

Positions = Float[Array, "xyz beads frames"]

SHORT = 24
"""Beads of a chain whose pairs are taken one separation at a time: half the work of all pairs at once, and less to
compile; for more beads than these a long compile."""


def chain_forces(
    weights: Weights,
    layout: Layout,
    c: Float[Array, " n"],
    R: Positions,
    displacement: Displacement = free,
    sites: Sites | None = None,
) -> Positions:
    """Forces on all beads of chains without padding [kcal/mol/Å].

    Arguments:
        weights: factor of each term.
        layout: which coefficients there are.
        c: see `coefficients.to_coefficients`.
        R: positions [Å], frames innermost.
        displacement: in jax-md's convention, for free space or a periodic box (its gradient must be 1).
        sites: of the beads; None: they are one chain.
    """
    _, beads, frames = R.shape
    lengths = jnp.full(frames, beads, jnp.int32)
    at = coordinates(R, lengths, displacement, sites)
    forces = jnp.zeros_like(R)
    for name, slope, kind in zip(at._fields, slopes(weights, layout, at), at, strict=True):
        own = c[layout.terms[name]]
        # Written out: XLA turns a product with a matrix into a call that cannot be fused with what is around it.
        total = sum((own[k] * slope[k] for k in range(slope.shape[0])), start=jnp.zeros(slope.shape[1:], R.dtype))
        forces = forces + onto_beads(total[None], kind.gradients, beads)[0]
    strength = weights.repulsive * c[layout.terms["repulsive"]][0]
    if beads <= SHORT and sites is None:
        forces = forces + strength * _pairs(R, range(REPULSIVE_MIN_SEPARATION, beads), displacement)
    else:
        forces = forces + strength * far_pair_forces(R, lengths, displacement, sites).forces
    if weights.excluded_volume is not None:
        near, far = EXCLUDED_VOLUME_SEPARATIONS
        strength = weights.excluded_volume * c[layout.terms["excluded_volume"]][0]
        if sites is None:
            forces = forces + strength * _pairs(R, range(near, min(far, beads - 1) + 1), displacement)
        else:
            forces = forces + strength * close_pair_forces(R, lengths, displacement, sites).forces
    return forces


def _pairs(R: Positions, apart: Iterable[int], displacement: Displacement) -> Positions:
    """Sum over the pairs of these separations of 4 (Ri - Rj) / r^6, as in `pair_forces`."""
    forces = jnp.zeros_like(R)
    for k in apart:
        d = separations(displacement, list(R[:, :-k]), list(R[:, k:]))
        strength = 4 / (d[0] ** 2 + d[1] ** 2 + d[2] ** 2) ** 3
        force = jnp.stack([strength * x for x in d])
        # Padded and not added in place: XLA fuses the one and copies for the other.
        forces = forces + jnp.pad(force, ((0, 0), (0, k), (0, 0))) - jnp.pad(force, ((0, 0), (k, 0), (0, 0)))
    return forces
