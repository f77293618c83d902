"""Which beads each term acts on: a linear chain of one bead a residue."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

REPULSIVE_MIN_SEPARATION = 6
EXCLUDED_VOLUME_SEPARATIONS = (2, 5)
"""Smallest and largest j - i, both inclusive."""

RULE = "linear chain; bonds, angles, dihedrals of consecutive beads; repulsive j-i>=6; excluded volume 2<=j-i<=5"
"""What a stored factor's fingerprint says of this file."""


class Topology(NamedTuple):
    """Rows of bead indices, one row a term instance."""

    bonds: Int[np.ndarray, "bonds 2"]
    angles: Int[np.ndarray, "angles 3"]
    dihedrals: Int[np.ndarray, "dihedrals 4"]
    repulsive: Int[np.ndarray, "pairs 2"]
    excluded_volume: Int[np.ndarray, "close_pairs 2"]


@lru_cache(maxsize=32)
def chain(n_beads: int) -> Topology:
    """Topology of a linear chain of `n_beads` beads; a list is empty where the chain is too short."""
    near, far = EXCLUDED_VOLUME_SEPARATIONS
    return Topology(
        bonds=_consecutive(n_beads, 2),
        angles=_consecutive(n_beads, 3),
        dihedrals=_consecutive(n_beads, 4),
        repulsive=_pairs(n_beads, REPULSIVE_MIN_SEPARATION, n_beads),
        excluded_volume=_pairs(n_beads, near, far),
    )


def _consecutive(n_beads: int, width: int) -> np.ndarray:
    return (np.arange(max(n_beads - width + 1, 0))[:, None] + np.arange(width)).astype(np.int32)


def _pairs(n_beads: int, nearest: int, farthest: int) -> np.ndarray:
    i, j = np.triu_indices(n_beads, k=nearest)
    return np.stack([i, j], axis=1)[j - i <= farthest].astype(np.int32)
