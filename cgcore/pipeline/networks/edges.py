"""Pairs of beads within the cutoff."""

from __future__ import annotations

from jaxtyping import Array, Bool, Float, Int

from cgcore.physics.geometry import Displacement, free


def count_edges(
    R: Float[Array, "beads 3"], mask: Bool[Array, " beads"], cutoff: float, displacement: Displacement = free
) -> Int[Array, ""]:
    """Directed edges of one frame: ordered pairs of real beads closer than the cutoff [Å]."""
    raise NotImplementedError


def average_neighbors(
    R: Float[Array, "frames beads 3"],
    mask: Bool[Array, "frames beads"],
    cutoff: float,
    displacement: Displacement = free,
) -> float:
    """Mean number of neighbours of a real bead: what `avg_num_neighbors` is."""
    raise NotImplementedError
