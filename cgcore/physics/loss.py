"""The force-matching loss, read plainly: autodiff through energy and forces over all frames."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from cgcore.physics.energy import frame_forces
from cgcore.physics.prior import Params, Prior
from cgcore.physics.space import Displacement, free


def force_matching_loss(
    prior: Prior,
    params: Params,
    R: Float[Any, "frames beads 3"],
    F: Float[Any, "frames beads 3"],
    mask: Shaped[Any, "frames beads"],
    species: Int[Any, "frames beads"] | None = None,
    displacement: Displacement = free,
    sites: Int[Any, "frames beads"] | None = None,
) -> Float[Array, ""]:
    """Sum over real beads of |F_pred - F|^2, over their number [(kcal/mol/Å)²].

    Arguments are those of `energy.term_energies`, with a leading axis of frames; F are reference forces
    [kcal/mol/Å]. Padded beads may hold anything.
    """
    mask = jnp.asarray(mask, bool)
    predicted = frame_forces(prior, params, R, mask, species, displacement, sites)
    residual = jnp.where(mask[..., None], predicted - F, 0.0)
    return jnp.sum(residual**2) / jnp.maximum(jnp.sum(mask), 1)
