"""Frames that stand in for the proteins of the study."""

from __future__ import annotations

import numpy as np

import cgcore
from benchmarks.study.proteins import MAPS, Protein


def protein(name: str, beads: int, frames: int = 100) -> Protein:
    """The first beads of the bundled set; the forces of the maps differ by multiples of one noise."""
    batch = cgcore.datasets.chignolin().join()
    R, F = (array[:frames, :beads].astype(np.float64) for array in (batch.R, batch.F))
    noise = 0.1 * np.random.default_rng(0).normal(size=F.shape)
    forces = {one: F + k * noise for k, one in enumerate(reversed(MAPS))}
    return Protein(name, R, forces, batch.species[0, :beads], 320.0, dict.fromkeys(MAPS, 1.0))
