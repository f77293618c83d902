"""A box around all frames, and padded beads parked in it: what scripts do before they make a model."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from cgcore.physics.space import Vector


class CoordinatePreprocessor:
    """Shifts frames into a box that holds all of them. This changes no energy: terms see distances and angles in free
    space, and padded beads count for nothing.

    Arguments:
        cutoff: of the network [Å].
        buffer_multiplier: room around the beads, in cutoffs.
        park_multiplier: where padded beads go, in box lengths.
    """

    def __init__(self, cutoff: float, buffer_multiplier: float = 2.0, park_multiplier: float = 0.95) -> None:
        self.cutoff, self.buffer_multiplier, self.park_multiplier = cutoff, buffer_multiplier, park_multiplier

    def compute_box_extent(
        self, R: Float[Any, "frames beads 3"], mask: Shaped[Any, "frames beads"]
    ) -> tuple[Vector, Vector]:
        """Lengths of the box [Å], and what to add to positions so that real beads are in its middle."""
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
        """Shifted real beads; padded ones near the box's far corner."""
        parked = self.park_multiplier * np.asarray(extent)
        shifted = np.asarray(R) + np.asarray(R_shift)
        return np.where(np.asarray(mask)[..., None] > 0, shifted, parked).astype(np.asarray(R).dtype)

    def process_dataset(
        self, R: Float[Any, "frames beads 3"], mask: Shaped[Any, "frames beads"]
    ) -> tuple[Float[np.ndarray, "frames beads 3"], Vector, Vector]:
        """Frames in the box, its lengths, and the shift."""
        extent, shift = self.compute_box_extent(R, mask)
        return self.center_and_park(R, mask, extent, shift), extent, shift
