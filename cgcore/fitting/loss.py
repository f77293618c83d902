"""The force-matching loss in its plain form: automatic differentiation through energy and forces, over all frames."""

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
    weights: Shaped[Any, "frames beads"] | None = None,
) -> Float[Array, ""]:
    """The force-matching loss: the mean of |F_pred - F|² over real beads.

    Arguments:
        prior: the prior, including its fixed splines if it has any.
        params: parameters by name, see `Params`; they are used instead of the prior's own.
        R: positions (frames, beads, 3) [Å]; padded beads may hold anything.
        F: reference forces (frames, beads, 3) [kcal/mol/Å]; padded beads may hold anything.
        mask: (frames, beads), 1 for real beads and 0 for padding.
        species: (frames, beads), see `term_energies`.
        displacement: displacement function in jax-md's convention.
        sites: (frames, beads), see `term_energies`.
        weights: weight of each bead in the mean (frames, beads); None for equal weights.

    Returns:
        The loss [(kcal/mol/Å)²], a scalar that JAX can differentiate.

    Examples:
        >>> import cgcore
        >>> prior, frames = cgcore.default_prior(), cgcore.datasets.chignolin().join()
        >>> loss = cgcore.force_matching_loss(prior, prior.params, frames.R, frames.F, frames.mask)
        >>> print(f"{loss:.1f}")
        1494.3
    """
    return squared_residuals(prior, params, R, F, mask, species, displacement, sites, weights) / total_weight(
        mask, weights
    )


def squared_residuals(
    prior: Prior,
    params: Params,
    R: Float[Any, "frames beads 3"],
    F: Float[Any, "frames beads 3"],
    mask: Shaped[Any, "frames beads"],
    species: Int[Any, "frames beads"] | None = None,
    displacement: Displacement = free,
    sites: Int[Any, "frames beads"] | None = None,
    weights: Shaped[Any, "frames beads"] | None = None,
) -> Float[Array, ""]:
    """The weighted sum of |F_pred - F|² over real beads [(kcal/mol/Å)²]; arguments as for `force_matching_loss`."""
    mask = jnp.asarray(mask, bool)
    predicted = frame_forces(prior, params, R, mask, species, displacement, sites)
    residual = jnp.where(mask[..., None], predicted - F, 0.0)
    return jnp.sum(residual**2 if weights is None else jnp.where(mask, weights, 0.0)[..., None] * residual**2)


def total_weight(mask: Shaped[Any, "frames beads"], weights: Shaped[Any, "frames beads"] | None) -> Shaped[Array, ""]:
    """The denominator of the loss: the number of real beads, or the sum of their weights."""
    mask = jnp.asarray(mask, bool)
    return jnp.maximum(jnp.sum(mask), 1) if weights is None else jnp.sum(jnp.where(mask, weights, 0.0))
