"""The forces that a prior does not explain, which a network in addition to it has to learn."""

from __future__ import annotations

import os

import numpy as np
from jaxtyping import Float, Int

from cgcore.data import Dataset
from cgcore.data.blocks import real_mask
from cgcore.data.frames import Frames
from cgcore.data.writing import write_npz
from cgcore.physics.energy import compiled_frame_forces
from cgcore.physics.prior import Prior
from cgcore.physics.space import Displacement, free
from cgcore.x64 import solving


def write_residual(
    path: str | os.PathLike[str], dataset: Dataset, prior: Prior, displacement: Displacement = free
) -> None:
    """Write frames as an NPZ in which the prior's forces are subtracted from the reference forces, block by block.

    F is always written as float64: a fit of further terms to the file then equals a fit to the original frames with
    this prior's terms frozen.

    Arguments:
        path: path of the new file.
        dataset: the frames.
        prior: the prior, including splines and further terms.
        displacement: displacement function in jax-md's convention.

    Raises:
        InputError: the file cannot be written, a source can no longer be read, or JAX is tracing.
    """
    with solving("residual"):
        write_npz(path, dataset, lambda frames, rows: residual_forces(frames, rows, prior, displacement))


def residual_forces(
    frames: Frames, rows: slice | Int[np.ndarray, " rows"], prior: Prior, displacement: Displacement = free
) -> Float[np.ndarray, "rows beads 3"]:
    """Reference forces minus those of the prior, 0 in padded beads; must be called with x64 enabled.

    Arguments:
        frames: frames of one source.
        rows: rows of `frames` to compute.
        prior: the prior, including splines and further terms.
        displacement: displacement function in jax-md's convention.
    """
    R, F = frames.load(rows)
    real, labels = real_mask(frames.lengths[rows], frames.n_beads), frames.protein[rows]
    sites = None
    if frames.sites is not None:
        sites = np.stack([frames.sites_of(int(label)) for label in labels])
    R, species = R.astype(np.float64), frames.species(rows)
    predicted = compiled_frame_forces(prior, prior.params, R, real, species, displacement, sites)
    return np.where(real[..., None], F - np.asarray(predicted), 0.0)
