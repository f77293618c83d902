"""Preprocessing that scripts do before they create a model: a box around all frames, with padded beads parked in it."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from cgcore.physics.space import Vector


class CoordinatePreprocessor:
    """Shifts frames into a box that holds all of them. This does not change any energy: terms depend on distances and
    angles in free space, and padded beads are ignored.

    Arguments:
        cutoff: cutoff of the network [Å].
        buffer_multiplier: margin around the beads, in cutoffs.
        park_multiplier: position of padded beads, in box lengths.
    """

    def __init__(self, cutoff: float, buffer_multiplier: float = 2.0, park_multiplier: float = 0.95) -> None:
        self.cutoff, self.buffer_multiplier, self.park_multiplier = cutoff, buffer_multiplier, park_multiplier

    def compute_box_extent(
        self, R: Float[Any, "frames beads 3"], mask: Shaped[Any, "frames beads"]
    ) -> tuple[Vector, Vector]:
        """Lengths of the box [Å], and the shift of positions that centres the real beads in it."""
        real = np.asarray(R)[np.asarray(mask) > 0]
        low, high = real.min(axis=0), real.max(axis=0)
        room = self.buffer_multiplier * self.cutoff
        extent = high - low + 2 * room
        return extent, room - low

    def center_and_park(
        self,
        R: Float[Any, "frames beads 3"],
        mask: Shaped[Any, "frames beads"],
        extent: Vector,
        R_shift: Vector,
    ) -> Float[np.ndarray, "frames beads 3"]:
        """Shift real beads, and place padded ones near the box's far corner."""
        parked = self.park_multiplier * np.asarray(extent)
        shifted = np.asarray(R) + np.asarray(R_shift)
        return np.where(np.asarray(mask)[..., None] > 0, shifted, parked).astype(np.asarray(R).dtype)

    def process_dataset(
        self, R: Float[Any, "frames beads 3"], mask: Shaped[Any, "frames beads"]
    ) -> tuple[Float[np.ndarray, "frames beads 3"], Vector, Vector]:
        """The frames in the box, the lengths of the box, and the shift."""
        extent, shift = self.compute_box_extent(R, mask)
        return self.center_and_park(R, mask, extent, shift), extent, shift
