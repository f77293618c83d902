"""The direct objective: at every step, the loss over all frames, which are in memory once and processed in batches.

Memory is needed for the frames in their stored precision and for one batch: intermediate values for the gradient are
recomputed batch by batch, so that none are kept for other batches.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from cgcore.data import Dataset
from cgcore.data.blocks import real_mask
from cgcore.fitting.loss import squared_residuals, total_weight
from cgcore.physics.energy import compiled_frame_forces
from cgcore.physics.prior import Params, Prior
from cgcore.physics.space import Displacement

ROWS_AT_ONCE = 2**17
"""Number of rows (3 * beads * frames) of a batch: its gradient needs 0.6 to 0.7 kB per row (measured), i.e. 90 MB."""

ALIGNMENT = 64
"""Alignment [bytes] with which JAX takes over memory as an array without a copy."""


class AllFrames(NamedTuple):
    """All frames of a data set; if they exceed one batch, they are padded with empty frames to whole batches.

    Arguments:
        R, F: positions [Å] and forces [kcal/mol/Å].
        mask: whether beads are real.
        species: species of the beads; None if no term needs them.
        sites: sites of the beads, see `cgcore.physics.topology`; None if each frame is one whole chain.
        weights: weight of each bead in the loss; None if all are 1.
    """

    R: Float[Array, "frames beads 3"]
    F: Float[Array, "frames beads 3"]
    mask: Bool[Array, "frames beads"]
    species: Int[Array, "frames beads"] | None
    sites: Int[Array, "frames beads"] | None
    weights: Float[Array, "frames beads"] | None


def frames_at_once(n_beads: int) -> int:
    """Number of frames of a batch."""
    return max(ROWS_AT_ONCE // (3 * n_beads), 1)


def all_frames(
    data: Dataset, dtype: np.dtype, species: bool, held: Prior | None, displacement: Displacement
) -> AllFrames:
    """Load all frames, each once.

    Arguments:
        data: the data set.
        dtype: precision of the computation; frames are kept in the lower of this and the stored precision.
        species: whether species are needed.
        held: prior of the terms that are not fitted; its forces are subtracted from the reference forces, in float64.
        displacement: displacement function between beads.
    """
    n, beads, size = data.n_frames, data.n_beads, frames_at_once(data.n_beads)
    rows = n if n <= size else -(-n // size) * size
    stored = np.result_type(*(source.store.dtype for source in data.sources))
    kept = dtype if dtype.itemsize < stored.itemsize else stored
    F = _zeros((rows, beads, 3), kept if held is None else dtype)
    R, mask = _zeros((rows, beads, 3), kept), _zeros((rows, beads), np.dtype(bool))
    kinds = _zeros((rows, beads), np.dtype(np.int32)) if species else None
    sites = None
    if (found := data.sites()) is not None:
        sites = _zeros((rows, beads), np.dtype(np.int32))
        sites[:n] = found
    weights = None
    if (given_weights := data.weights()) is not None:
        weights = _zeros((rows, beads), dtype)
        weights[:n] = given_weights
    done = 0
    for source in data.sources:
        own = slice(0, source.n_beads)
        for start in range(0, source.n_frames, size):
            block = slice(start, min(start + size, source.n_frames))
            out = slice(done + start, done + block.stop)
            positions, forces = source.load(block)
            mask[out, own] = real_mask(source.lengths[block], source.n_beads)
            of_beads = source.species(block)
            if held is not None:
                along = None if sites is None else sites[out, own]
                given = (positions.astype(np.float64), mask[out, own], of_beads, displacement, along)
                forces = forces - np.asarray(compiled_frame_forces(held, held.params, *given))
            R[out, own], F[out, own] = positions, forces
            if kinds is not None and of_beads is not None:
                kinds[out, own] = of_beads
        done += source.n_frames
    return AllFrames(*jax.tree.map(jax.device_put, (R, F, mask, kinds, sites, weights)))


def loss_over(
    prior: Prior, params: Params, frames: AllFrames, displacement: Displacement, dtype: Any
) -> Float[Array, ""]:
    """The force-matching loss of `frames` [(kcal/mol/Å)²] in this dtype, for use in compiled functions."""

    def arguments(batch: AllFrames) -> tuple[Any, ...]:
        R, F = batch.R.astype(dtype), batch.F.astype(dtype)
        return prior, params, R, F, batch.mask, batch.species, displacement, batch.sites, batch.weights

    def add(total: Float[Array, ""], batch: AllFrames) -> tuple[Float[Array, ""], None]:
        return total + squared_residuals(*arguments(batch)), None

    size = frames_at_once(frames.R.shape[1])
    if len(frames.R) <= size:
        total = squared_residuals(*arguments(frames))
    else:
        batches = jax.tree.map(lambda x: x.reshape(-1, size, *x.shape[1:]), frames)
        total, _ = jax.lax.scan(jax.checkpoint(add), jnp.zeros((), dtype), batches)
    return total / total_weight(frames.mask, frames.weights)


def _zeros(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array of zeros that JAX takes over without a copy."""
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    first = -memory.ctypes.data % ALIGNMENT
    return memory[first : first + size].view(dtype).reshape(shape)
