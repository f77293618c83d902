"""The forces that a prior does not explain, which a network beside it has to learn."""

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
    """Write frames as an NPZ in which the prior's forces are taken from the reference forces, block by block.

    F is float64, whatever it was: a fit of further terms to the file is then the fit to all frames with this prior's
    terms frozen.

    Arguments:
        path: of the new file.
        dataset: frames.
        prior: its weights and parameters, splines and further terms included.
        displacement: in jax-md's convention.

    Raises:
        InputError: the file cannot be written, a source cannot be read any more, or JAX is tracing.
    """
    with solving("residual"):
        write_npz(path, dataset, lambda frames, rows: residual_forces(frames, rows, prior, displacement))


def residual_forces(
    frames: Frames, rows: slice | Int[np.ndarray, " rows"], prior: Prior, displacement: Displacement = free
) -> Float[np.ndarray, "rows beads 3"]:
    """Reference forces less those of the prior, 0 where there is no bead; to be called with x64 on.

    Arguments:
        frames: of one source.
        rows: of it.
        prior: its weights and parameters, splines and further terms included.
        displacement: in jax-md's convention.
    """
    R, F = frames.load(rows)
    real, labels = real_mask(frames.lengths[rows], frames.n_beads), frames.protein[rows]
    sites = None
    if frames.sites is not None:
        sites = np.stack([frames.sites_of(int(label)) for label in labels])
    R, species = R.astype(np.float64), frames.species(rows)
    predicted = compiled_frame_forces(prior, prior.params, R, real, species, displacement, sites)
    return np.where(real[..., None], F - np.asarray(predicted), 0.0)
