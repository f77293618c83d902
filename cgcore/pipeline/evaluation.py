"""How good forces are: RMSE, MAE, cosine, and what each component of the energy contributes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from cgcore.pipeline.loader import DatasetLoader, frame_arrays
from cgcore.pipeline.minibatch_loss import minibatches
from cgcore.pipeline.model import CombinedModel
from cgcore.pipeline.optimizers import ModelParams

FRAMES_AT_ONCE = 32


def evaluate(model: CombinedModel, params: ModelParams, loader: DatasetLoader) -> dict[str, Any]:
    """Compare the model's forces with the reference on all frames of a loader.

    Returns:
        loss: sum over real beads of |F_pred - F|^2, over their number [(kcal/mol/Å)²].
        force_rmse, force_mae: root mean square and mean absolute difference of a Cartesian component [kcal/mol/Å].
        cosine: of the angle between predicted and reference force of a bead, mean over real beads.
        components: mean over real beads of |F|^2 of each energy component alone [(kcal/mol/Å)²].
        reference: the same of the reference forces.
        frames, real_beads: how many were compared.

    Raises:
        InputError: the frames do not suit the model.
    """
    network = model.settings.model.network
    arrays = frame_arrays(loader, model.N_max, None if network is None else network.n_species, model.dtype)
    with model.precision():
        given = arrays.R, arrays.F, arrays.mask, arrays.species, arrays.sites
        frames = jax.tree.map(jnp.asarray, given)
        chosen = jnp.asarray(minibatches(np.arange(loader.n_frames), min(FRAMES_AT_ONCE, loader.n_frames)))
        sums = jax.jit(lambda params, *args: _sums(model, params, *args))(model.in_precision(params), frames, chosen)
    total = jax.tree.map(lambda x: float(np.sum(np.asarray(x, np.float64))), sums)
    beads = max(int(arrays.mask.sum()), 1)
    return {
        "loss": total["squared"] / beads,
        "force_rmse": (total["squared"] / (3 * beads)) ** 0.5,
        "force_mae": total["absolute"] / (3 * beads),
        "cosine": total["cosine"] / beads,
        "components": {name: value / beads for name, value in total["components"].items()},
        "reference": total["reference"] / beads,
        "frames": loader.n_frames,
        "real_beads": beads,
    }


def _sums(
    model: CombinedModel, params: ModelParams, frames: tuple[Array | None, ...], minibatches: Array
) -> dict[str, Any]:
    """Sums over the real beads of each minibatch."""

    def of_minibatch(chosen: Array) -> dict[str, Any]:
        R, F, mask, species, sites = jax.tree.map(lambda array: array[jnp.maximum(chosen, 0)], frames)
        parts = jax.vmap(model.compute_force_components, (None, 0, 0, 0, 0))(params, R, mask, species, sites)
        real = (mask & (chosen >= 0)[:, None])[..., None]
        parts = {name: jnp.where(real, force, 0.0) for name, force in parts.items()}
        predicted = sum(parts.values(), start=jnp.zeros_like(F))
        F = jnp.where(real, F, 0.0)
        lengths = jnp.linalg.norm(predicted, axis=-1) * jnp.linalg.norm(F, axis=-1)
        cosine = jnp.sum(predicted * F, axis=-1) / jnp.where(lengths > 0, lengths, 1.0)
        return {
            "squared": jnp.sum((predicted - F) ** 2),
            "absolute": jnp.sum(jnp.abs(predicted - F)),
            "cosine": jnp.sum(cosine),
            "reference": jnp.sum(F**2),
            "components": {name: jnp.sum(force**2) for name, force in parts.items()},
        }

    return jax.lax.map(of_minibatch, minibatches)
