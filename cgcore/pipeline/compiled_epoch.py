"""An epoch of minibatch force matching of the combined model, compiled once, spread over the devices."""

from __future__ import annotations

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from cgcore.pipeline.minibatch_loss import MinibatchLoss, Sums, minibatches, objective, per_bead
from cgcore.pipeline.optimizers import ModelParams


class CompiledEpoch:
    """An epoch as a compiled pure function. `traces` counts how often it was traced, which must be once.

    Arguments:
        loss: loss of minibatches, with their frames.
        optimizer: optimizer, see `make_optimizer`.
        gammas: factors of force loss and energy loss.
        normalization: normalisation of the force loss in the objective, see `minibatch_loss.objective`.
        drop: whether to leave out the frames of an incomplete last minibatch, unless it is the only one.
    """

    def __init__(
        self,
        loss: MinibatchLoss,
        optimizer: optax.GradientTransformationExtraArgs,
        gammas: tuple[float, float] = (1.0, 0.0),
        normalization: str = "per_bead",
        drop: bool = False,
    ) -> None:
        self.loss, self.optimizer, self.gammas, self.normalization = loss, optimizer, gammas, normalization
        self.updates = updates_of(loss, drop)
        self.traces = 0
        # The next epoch takes this one's output; with another sharding, it would be compiled again.
        self._compiled = jax.jit(self._epoch, out_shardings=loss.everywhere)

    def __call__(
        self, trained: ModelParams, state: Any, fixed: ModelParams, seed: tuple[int, ...]
    ) -> tuple[ModelParams, Any, float]:
        """One pass over the training frames, in a random order that depends only on the seed.

        Returns:
            New parameters, new state, and the mean force loss per real bead during the epoch.
        """
        loss = self.loss
        order = minibatches(np.random.default_rng(seed).permutation(loss.n_train), loss.size)[: self.updates]
        trained, state, sums = self._compiled(trained, state, fixed, loss.frames, loss.spread(order))
        return trained, state, per_bead(sums)

    def _epoch(
        self, trained: ModelParams, state: Any, fixed: ModelParams, frames: tuple[Array | None, ...], order: Array
    ) -> tuple[ModelParams, Any, Sums]:
        self.traces += 1

        def step(carry: tuple[ModelParams, Any], chosen: Array) -> tuple[tuple[ModelParams, Any], Sums]:
            trained, state = carry
            differentiated = jax.value_and_grad(self._objective, has_aux=True)
            (value, sums), gradient = differentiated(trained, fixed, frames, chosen)
            updates, state = self.optimizer.update(gradient, state, trained, value=value)
            return (cast(ModelParams, optax.apply_updates(trained, updates)), state), sums

        (trained, state), sums = jax.lax.scan(step, (trained, state), order)
        return trained, state, sums

    def _objective(
        self, trained: ModelParams, fixed: ModelParams, frames: tuple[Array | None, ...], chosen: Array
    ) -> tuple[Float[Array, ""], Sums]:
        """The objective for a minibatch: F * force loss + U * energy loss per frame."""
        sums = self.loss.sums(fixed | trained, frames, chosen)
        force, energy = self.gammas
        value = force * objective(sums, self.normalization, self.loss.model.N_max)
        if energy:
            value += energy * sums.energy / jnp.maximum(sums.frames, 1)
        return value, sums


def updates_of(loss: MinibatchLoss, drop: bool) -> int:
    """Number of minibatches of an epoch; with `drop`, only complete ones, but at least one."""
    return max(loss.n_train // loss.size, 1) if drop else len(loss.train)
