"""What bond lengths of a protein are usual, and whether its beads are in the order of the chain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

SAMPLED_BONDS, FEWEST_FRAMES, MOST_FRAMES = 10_000, 100, 500
"""Bonds of a protein, in frames spread over all of its frames, whose lengths say what is usual. The median of 10,000
is off by 0.013 standard deviations and their spread by 1.2 %, where an outlier is one of 10 of them. The median of
each bond, which its stretch is measured from, is off by 0.13 standard deviations in 100 frames: that makes the bond's
variance 1.6 % too large and its stiffness 1.6 % too small, so that kr var(r) stays."""

LONG, SHORT, SPREADS = 1.3, 0.6, 10.0
"""A bond is an outlier if it is longer or shorter than so many medians, and further from it than so many robust
standard deviations. CA atoms: 3.8 Å with a spread of 0.06, so above 5.0 Å, where a bond would hold 300 kT; a cis
peptide bond (2.9 Å, 0.76 medians) is none."""

LOOSE, RIGID, NEARER = 0.1, 0.05, 0.8
"""Bond lengths whose relative spread is above the first are none of a chain in order (CA atoms: 0.015); a pair whose
distance has one below the second, and is below so many medians of the neighbours, is bonded."""

DISORDER_FRAMES, DISORDER_BEADS = 25, 150
"""Frames and beads at most whose pairs are looked at: 14 MB."""

NORMAL = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True)
class BondLimits:
    """What is usual: median and robust standard deviation [Å], and the ends beyond which a bond is an outlier."""

    median: float
    spread: float
    low: float
    high: float


@dataclass(frozen=True)
class RigidPair:
    """Two beads that are no neighbours in the row, and as far apart in all frames as bonded beads are.

    Arguments:
        first, second: the beads.
        distance: mean [Å].
        spread: of the distances of neighbours in the row, relative to their median.
        frames: of the protein.
    """

    first: int
    second: int
    distance: float
    spread: float
    frames: Int[np.ndarray, " frames"]


def sampled_frames(frames: int, bonds: int) -> Int[np.ndarray, " sampled"]:
    """Which of so many frames of a protein say what is usual: evenly spread ones, in order."""
    count = min(max(SAMPLED_BONDS // max(bonds, 1), FEWEST_FRAMES), MOST_FRAMES, frames)
    return np.unique(np.linspace(0, frames - 1, count).astype(int))


def bond_limits(r: Float[np.ndarray, "bonds frames"]) -> BondLimits | None:
    """What is usual for bonds of these lengths [Å]; None where there are none."""
    if r.size == 0:
        return None
    median = float(np.median(r))
    spread = NORMAL * float(np.median(np.abs(r - median)))
    return BondLimits(
        median,
        spread,
        min(SHORT * median, median - SPREADS * spread),
        max(LONG * median, median + SPREADS * spread),
    )


def disorder(
    steps: Float[np.ndarray, "xyz bonds frames"], limits: BondLimits, number: Int[np.ndarray, " _"]
) -> RigidPair | None:
    """A rigid pair where neighbours are not; None where neighbours are, or little can be said.

    Arguments:
        steps: from each bead to the next one, in frames of one protein [Å].
        limits: what is usual for their lengths.
        number: all frames of the protein.
    """
    spread = limits.spread / limits.median
    some = steps[:, : DISORDER_BEADS - 1, :: -(-steps.shape[2] // DISORDER_FRAMES)]
    n = some.shape[1] + 1
    if spread < LOOSE or some.shape[2] < 5 or n < 3:
        return None
    R = np.pad(np.cumsum(some, axis=1), ((0, 0), (1, 0), (0, 0)))
    d = np.linalg.norm(R[:, :, None] - R[:, None], axis=0)
    mean, deviation = d.mean(axis=-1), d.std(axis=-1)
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) > 1
    rigid = apart & (deviation < RIGID * mean) & (mean < NEARER * limits.median)
    # The chain has a bond for each bead but one; a few rigid pairs are other things, such as a bridge.
    if np.count_nonzero(np.triu(rigid)) < (n - 1) / 3:
        return None
    i, j = np.unravel_index(np.argmin(np.where(rigid, mean, np.inf)), mean.shape)
    return RigidPair(int(min(i, j)), int(max(i, j)), float(mean[i, j]), spread, number)
