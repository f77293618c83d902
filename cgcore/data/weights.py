"""Weights of frames and beads, from the keys `frame_weights` and `bead_weights` of a file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cgcore.data.blocks import real_mask
from cgcore.errors import InputError

KEYS = ("frame_weights", "bead_weights")


def read_weights(name: str, arrays: Mapping[str, np.ndarray], lengths: np.ndarray, n_beads: int) -> np.ndarray | None:
    """The weight of each bead's squared residual in the loss, (frames, beads); None if the file has none.

    Arguments:
        name: name of the file.
        arrays: `frame_weights` (frames,), for reweighted, umbrella or clustered data, and `bead_weights` (beads,) or
            (frames, beads); if both exist, they are multiplied.
        lengths: number of real beads of each frame (frames,).
        n_beads: number of beads in a row.

    Raises:
        InputError: an array has another shape, a weight of a real bead is negative or not finite, or all are 0.
    """
    if not any(key in arrays for key in KEYS):
        return None
    weights, frames = np.ones((len(lengths), n_beads)), len(lengths)
    shapes = {"frame_weights": [(frames,), (frames, 1)], "bead_weights": [(n_beads,), (frames, n_beads)]}
    real = real_mask(lengths, n_beads)
    for key in (key for key in KEYS if key in arrays):
        given = arrays[key]
        if given.shape not in shapes[key] or given.dtype.kind not in "fiu":
            wanted = " or ".join(str(shape) for shape in shapes[key])
            kind = f"shape {given.shape} and dtype {given.dtype}"
            raise InputError(f"{name}: key {key!r} has {kind}; give numbers, {wanted}")
        factor = given.reshape(-1, 1) if key == "frame_weights" else given
        weights = np.where(real, weights * factor, 0.0)
    if not np.isfinite(weights).all() or (weights < 0).any():
        frame = int(np.argwhere(~np.isfinite(weights) | (weights < 0))[0][0])
        raise InputError(f"{name}: the weights of frame {frame} are negative or not finite; give numbers of at least 0")
    if not weights.any():
        raise InputError(f"{name}: all weights are 0; give at least one frame a weight above 0, or leave the key out")
    return weights
