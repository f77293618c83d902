"""Which beads each term acts on: linear chains of one bead a residue.

Without further word all beads of a frame are one chain. Where they are not, each bead has a site, a number along its
chain: rows of consecutive beads exist where their sites are consecutive, and the separation of two beads is the
difference of their sites. Gaps and several chains are nothing but jumps in it (see `cgcore.data.chains`); beads of two
chains are further apart than any separation, so that they repel each other.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from jaxtyping import Bool, Int

REPULSIVE_MIN_SEPARATION = 6
EXCLUDED_VOLUME_SEPARATIONS = (2, 5)
"""Smallest and largest j - i, both inclusive."""

NEAREST = 3
"""Separation j - i from which beads must not overlap: nearer ones are held apart by their bonds and angle."""

CHAIN_JUMP = 1000
"""Jump of the sites from which on two neighbours in a row are of two chains."""

RULE = "linear chain; bonds, angles, dihedrals of consecutive beads; repulsive j-i>=6; excluded volume 2<=j-i<=5"
"""What a stored factor's fingerprint says of this file."""


Sites = Int[Any, "beads #frames"]
"""Site of each bead in each frame, or one row for all frames; padded beads may hold anything."""


def unbroken(sites: Any, bonds: int) -> Any:
    """Whether the beads i to i + `bonds` are bonded one to the next: one row less for each bond."""
    return sites[bonds:] - sites[: len(sites) - bonds] == bonds


def complete(rows: int, bonds: int, lengths: Any, sites: Any, xp: ModuleType) -> Bool[Any, "rows frames"]:
    """Which of so many rows, of the beads i to i + `bonds`, have them all in each frame, bonded one to the next."""
    real = xp.arange(rows)[:, None] < lengths[None] - bonds
    return real if sites is None else real & unbroken(sites, bonds)
