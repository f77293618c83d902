"""Which beads each term acts on: linear chains of one bead a residue.

Without further word all beads of a frame are one chain. Where they are not, each bead has a site, a number along its
chain: rows of consecutive beads exist where their sites are consecutive, and the separation of two beads is the
difference of their sites. Gaps and several chains are nothing but jumps in it (see `cgcore.data.chains`); beads of two
chains are further apart than any separation, so that they repel each other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

REPULSIVE_MIN_SEPARATION = 6
EXCLUDED_VOLUME_SEPARATIONS = (2, 5)
"""Smallest and largest j - i, both inclusive."""

CHAIN_JUMP = 1000
"""Jump of the sites from which on two neighbours in a row are of two chains."""

RULE = "linear chain; bonds, angles, dihedrals of consecutive beads; repulsive j-i>=6; excluded volume 2<=j-i<=5"
"""What a stored factor's fingerprint says of this file."""


class Topology(NamedTuple):
    """Rows of bead indices, one row a term instance."""

    bonds: Int[np.ndarray, "bonds 2"]
    angles: Int[np.ndarray, "angles 3"]
    dihedrals: Int[np.ndarray, "dihedrals 4"]
    repulsive: Int[np.ndarray, "pairs 2"]
    excluded_volume: Int[np.ndarray, "close_pairs 2"]


Sites = Int[Any, "beads #frames"]
"""Site of each bead in each frame, or one row for all frames; padded beads may hold anything."""


def unbroken(sites: Any, bonds: int) -> Any:
    """Whether the beads i to i + `bonds` are bonded one to the next: one row less for each bond."""
    return sites[bonds:] - sites[: len(sites) - bonds] == bonds


@lru_cache(maxsize=32)
def chain(n_beads: int) -> Topology:
    """Topology of a linear chain of `n_beads` beads; a list is empty where the chain is too short."""
    nearest, farthest = EXCLUDED_VOLUME_SEPARATIONS
    return Topology(
        bonds=_consecutive(n_beads, 2),
        angles=_consecutive(n_beads, 3),
        dihedrals=_consecutive(n_beads, 4),
        repulsive=_pairs(n_beads, REPULSIVE_MIN_SEPARATION, n_beads),
        excluded_volume=_pairs(n_beads, nearest, farthest),
    )


def _consecutive(n_beads: int, width: int) -> np.ndarray:
    return (np.arange(max(n_beads - width + 1, 0))[:, None] + np.arange(width)).astype(np.int32)


def _pairs(n_beads: int, nearest: int, farthest: int) -> np.ndarray:
    i, j = np.triu_indices(n_beads, k=nearest)
    return np.stack([i, j], axis=1)[j - i <= farthest].astype(np.int32)
