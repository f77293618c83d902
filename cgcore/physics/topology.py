"""The beads on which each term acts: linear chains with one bead per residue.

By default all beads of a frame form one chain. Otherwise each bead has a site, its number along its chain: beads form a
row of consecutive beads if their sites are consecutive, and the separation of two beads is the difference of their
sites. Gaps and chain ends are jumps in the sites (see `cgcore.data.chains`). Beads of different chains are further
apart than any separation, so they repel each other.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from jaxtyping import Bool, Int

REPULSIVE_MIN_SEPARATION = 6
EXCLUDED_VOLUME_SEPARATIONS = (2, 5)
"""Smallest and largest j - i, both inclusive."""

NEAREST = 3
"""Smallest separation j - i of beads that must not overlap; closer ones are held apart by their bonds and angle."""

BEAD = 3.0
"""Beads closer than this overlap [Å]: CA atoms of residues that are not neighbours are at least 3.5 Å apart."""

CHAIN_JUMP = 1000
"""Smallest jump of the site between neighbouring beads that belong to different chains."""

RULE = "linear chain; bonds, angles, dihedrals of consecutive beads; repulsive j-i>=6; excluded volume 2<=j-i<=5"
"""Description of this topology in a factor's fingerprint."""

Sites = Int[Any, "beads #frames"]
"""Site of each bead in each frame, or one column for all frames; padded beads may hold anything."""


def unbroken(sites: Any, bonds: int) -> Any:
    """Whether beads i to i + `bonds` are bonded in sequence, for each i (beads - bonds, ...)."""
    return sites[bonds:] - sites[: len(sites) - bonds] == bonds


def complete(rows: int, bonds: int, lengths: Any, sites: Any, xp: ModuleType) -> Bool[Any, "rows frames"]:
    """Which of the first `rows` rows, of beads i to i + `bonds`, consist of real beads that are bonded in sequence."""
    real = xp.arange(rows)[:, None] < lengths[None] - bonds
    return real if sites is None else real & unbroken(sites, bonds)
