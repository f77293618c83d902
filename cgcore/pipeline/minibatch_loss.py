"""The force-matching loss of minibatches of frames, which are kept on the devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int

from cgcore.pipeline.loader import DatasetLoader, FrameArrays, frame_arrays
from cgcore.pipeline.model import CombinedModel
from cgcore.pipeline.optimizers import ModelParams
from cgcore.processes import placed

AXIS = "batch"
"""Axis along which the frames of a minibatch are spread over the devices; parameters are on each device."""

MOST_AT_ONCE = 64
"""Number of minibatches that one compiled call evaluates."""

Minibatches = Int[np.ndarray, "minibatches frames"]
"""Frame numbers; -1 is padding, which does not contribute."""


class Sums(NamedTuple):
    """Sums over one minibatch."""

    force: Float[Array, ""]  # sum over real beads of |F_pred - F|^2 [(kcal/mol/Å)²]
    beads: Float[Array, ""]  # number of real beads
    structures: Float[Array, ""]  # sum over frames of the mean over their real components of (F_pred - F)^2
    energy: Float[Array, ""]  # sum over frames of (E_pred - U)^2 [(kcal/mol)²]
    frames: Float[Array, ""]


class MinibatchLoss:
    """The loss on frames that are kept on the devices; all stages of a training share it.

    Arguments:
        model: the energy function.
        train: frames to train on, which are numbered first.
        validation: held-out frames, numbered after the training frames; None for none.
        per_device: number of frames of a minibatch on each device, limited by the number of frames.
        devices: devices over which minibatches are spread; None for all devices of all processes (see
            `jax.distributed`).
    """

    def __init__(
        self,
        model: CombinedModel,
        train: FrameArrays,
        validation: FrameArrays | None = None,
        per_device: int = 8,
        devices: Sequence[Any] | None = None,
    ) -> None:
        self.model = model
        mesh = Mesh(np.array(jax.devices() if devices is None else devices), (AXIS,))
        self.everywhere = NamedSharding(mesh, PartitionSpec())
        self._spread = NamedSharding(mesh, PartitionSpec(None, AXIS))
        self._row = NamedSharding(mesh, PartitionSpec(AXIS))
        self.n_train = len(train.R)
        self.padding = {"train": _padding(train), "val": None if validation is None else _padding(validation)}
        """Fraction of real force components among frames x N_max x 3, padding included."""
        self.size = min(per_device, -(-self.n_train // mesh.size)) * mesh.size
        self.train = minibatches(np.arange(self.n_train), self.size)
        self.validation: Minibatches | None = None
        parts = [train]
        if validation is not None:
            parts.append(validation)
            self.validation = minibatches(self.n_train + np.arange(len(validation.R)), self.size)
        self.frames: tuple[Array | None, ...] = self.place(_joined(parts))
        self.traces = 0
        """How often the evaluation was traced; once, since it always takes the same number of minibatches."""
        self._at_once = min(
            len(self.train), len(self.train if self.validation is None else self.validation), MOST_AT_ONCE
        )
        self._measure = jax.jit(self._measured, out_shardings=self.everywhere)

    @classmethod
    def of_loaders(
        cls,
        model: CombinedModel,
        train: DatasetLoader,
        validation: DatasetLoader | None,
        per_device: int,
        devices: Sequence[Any] | None = None,
    ) -> MinibatchLoss:
        """The loss on the frames of loaders, in the precision of the model.

        Raises:
            InputError: frames do not match the model.
        """
        network = model.settings.model.network
        n_species = None if network is None else network.n_species

        def arrays(loader: DatasetLoader) -> FrameArrays:
            return frame_arrays(loader, model.N_max, n_species, model.dtype)

        frames, held_out = arrays(train), None if validation is None else arrays(validation)
        with model.precision():
            return cls(model, frames, held_out, per_device, devices)

    def place(self, tree: Any) -> Any:
        """Place a pytree of arrays on every device."""
        return placed(tree, self.everywhere)

    def place_params(self, params: ModelParams) -> ModelParams:
        """Place parameters on every device, in the precision of the model."""
        return self.place(self.model.in_precision(params))

    def spread(self, chosen: Minibatches) -> Array:
        """Place minibatches on the devices, with the frames of each spread over them."""
        return placed(chosen, self._spread)

    def in_mean(self, part: str, loss: float | None) -> float | None:
        """Convert a loss per real bead to the mean over frames x N_max x 3, padding included.

        Arguments:
            part: the frames of the loss, "train" or "val".
            loss: loss per real bead; None is returned unchanged.
        """
        padding = self.padding[part]
        return None if loss is None or padding is None else loss * padding / 3

    def loss(self, params: ModelParams, chosen: Minibatches) -> float:
        """Force loss of these frames per real bead [(kcal/mol/Å)²]; the sum over minibatches is taken in float64.

        Arguments:
            params: placed parameters of all parts of the model.
            chosen: minibatches of frames.
        """
        rows = len(chosen)
        filled = np.full((-(-rows // self._at_once) * self._at_once, self.size), -1, np.int32)
        filled[:rows] = chosen
        parts = [
            self._measure(params, self.frames, self.spread(part))
            for part in np.split(filled, len(filled) // self._at_once)
        ]
        return per_bead(jax.tree.map(lambda *x: np.concatenate(x), *parts))

    def sums(self, params: ModelParams, frames: tuple[Array | None, ...], chosen: Int[Array, " frames"]) -> Sums:
        """The sums for one minibatch, for use in compiled functions."""
        counts = chosen >= 0
        R, F, mask, species, U, sites = jax.tree.map(
            lambda array: jax.lax.with_sharding_constraint(array[jnp.maximum(chosen, 0)], self._row), frames
        )
        energy, gradient = jax.vmap(jax.value_and_grad(self.model.compute_energy, argnums=1), (None, 0, 0, 0, 0))(
            params, R, mask, species, sites
        )
        real = mask & counts[:, None]
        squares = jnp.sum(jnp.where(real[..., None], -gradient - F, 0.0) ** 2, axis=(1, 2))
        lengths = jnp.sum(real, axis=1, dtype=R.dtype)
        return Sums(
            jnp.sum(squares),
            jnp.sum(lengths),
            jnp.sum(squares / (3 * jnp.maximum(lengths, 1))),
            jnp.sum(jnp.where(counts, energy - U, 0.0) ** 2),
            jnp.sum(counts, dtype=R.dtype),
        )

    def _measured(self, params: ModelParams, frames: tuple[Array | None, ...], chosen: Array) -> Sums:
        self.traces += 1
        return jax.lax.map(lambda one: self.sums(params, frames, one), chosen)


def objective(sums: Sums, normalization: str, n_beads: int) -> Float[Array, ""]:
    """The force loss of a minibatch that a stage minimises, for use in compiled functions.

    Arguments:
        sums: sums for the minibatch.
        normalization: value of `training.force_loss_normalization`.
        n_beads: number of beads in a row, padding included.
    """
    frames, beads = jnp.maximum(sums.frames, 1), jnp.maximum(sums.beads, 1)
    match normalization:
        case "legacy_mean":
            return sums.force / (frames * n_beads * 3)
        case "valid_components":
            return sums.force / (3 * beads)
        case "per_structure_components":
            return sums.structures / frames
    return sums.force / beads


def minibatches(numbers: np.ndarray, size: int) -> Minibatches:
    """Split frame numbers, in this order, into minibatches of equal size; the last one is padded with -1."""
    filled = np.full(-(-len(numbers) // size) * size, -1, np.int32)
    filled[: len(numbers)] = numbers
    return filled.reshape(-1, size)


def per_bead(sums: Sums) -> float:
    """Force loss per real bead over several minibatches."""
    force, beads = (np.sum(np.asarray(x, np.float64)) for x in (sums.force, sums.beads))
    return float(force / max(beads, 1.0))


def _padding(frames: FrameArrays) -> float:
    """Fraction of real beads in the rows."""
    return float(np.mean(frames.mask))


def _joined(parts: Sequence[FrameArrays]) -> tuple[np.ndarray | None, ...]:
    """R, F, mask, species, U and sites of all parts; sites are None if no part has any."""
    arrays = [(part.R, part.F, part.mask, part.species, part.U) for part in parts]
    sites = None
    if any(part.sites is not None for part in parts):
        whole = np.arange(parts[0].mask.shape[1], dtype=np.int32)
        sites = np.concatenate(
            [np.broadcast_to(whole, part.mask.shape) if part.sites is None else part.sites for part in parts]
        )
    return (*(np.concatenate(one) for one in zip(*arrays, strict=True)), sites)
