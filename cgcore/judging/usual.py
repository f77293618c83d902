"""The usual bond lengths of a protein, and whether its beads are in chain order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

SAMPLED_BONDS, FEWEST_FRAMES, MOST_FRAMES = 10_000, 100, 500
"""Number of bond lengths that determine the usual ones, and smallest and largest number of frames, evenly spaced, from
which they are taken. With 10,000, the error of the median is 0.013 standard deviations and that of the spread 1.2 %,
while an outlier deviates by 10 standard deviations. With 100 frames, the error of the median of each bond, from which
its stretch is measured, is 0.13 standard deviations: this makes the bond's variance 1.6 % too large and its stiffness
1.6 % too small, so that kr var(r) is unchanged."""

LONG, SHORT, SPREADS = 1.3, 0.6, 10.0
"""A bond is an outlier if its length is above LONG or below SHORT medians, and differs from the median by more than
SPREADS robust standard deviations. For CA atoms (3.8 Å with a spread of 0.06 Å) this is above 5.0 Å, where the energy
of a bond would be 300 kT; a cis peptide bond (2.9 Å, 0.76 medians) is not an outlier."""

LOOSE, RIGID, NEARER = 0.1, 0.05, 0.8
"""If the relative spread of the distances of neighbours is above LOOSE, beads are not in chain order (CA atoms: 0.015).
A pair whose distance has a relative spread below RIGID, and is below NEARER medians of the neighbours, is bonded."""

DISORDER_FRAMES, DISORDER_BEADS = 25, 150
"""Largest numbers of frames and beads whose pairs are examined, which takes 14 MB."""

NORMAL = 1.4826
"""Ratio of the standard deviation of a normal distribution to its median absolute deviation."""


@dataclass(frozen=True)
class BondLimits:
    """Median and robust standard deviation of bond lengths, and the limits beyond which a bond is an outlier [Å]."""

    median: float
    spread: float
    low: float
    high: float


@dataclass(frozen=True)
class RigidPair:
    """Two beads that are not neighbours in the row, but whose distance varies as little as that of bonded beads.

    Arguments:
        first, second: the beads.
        distance: mean distance [Å].
        spread: spread of the distances of neighbours in the row, relative to their median.
        frames: frames of the protein.
    """

    first: int
    second: int
    distance: float
    spread: float
    frames: Int[np.ndarray, " frames"]


def sampled_frames(frames: int, bonds: int) -> Int[np.ndarray, " sampled"]:
    """Indices of the evenly spaced frames of a protein that determine the usual bond lengths."""
    count = min(max(SAMPLED_BONDS // max(bonds, 1), FEWEST_FRAMES), MOST_FRAMES, frames)
    return np.unique(np.linspace(0, frames - 1, count).astype(int))


def bond_limits(r: Float[np.ndarray, "bonds frames"]) -> BondLimits | None:
    """The limits for these bond lengths [Å]; None if there are none."""
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
    """A rigid pair in a protein whose neighbours are not rigid; None if there is none, or if data are insufficient.

    Arguments:
        steps: vectors from each bead to the next one, in frames of one protein [Å].
        limits: limits of the distances of neighbours.
        number: numbers of all frames of the protein.
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
    # A chain of n beads has n - 1 bonds; a few rigid pairs have other reasons, such as a disulfide bridge.
    if np.count_nonzero(np.triu(rigid)) < (n - 1) / 3:
        return None
    i, j = np.unravel_index(np.argmin(np.where(rigid, mean, np.inf)), mean.shape)
    return RigidPair(int(min(i, j)), int(max(i, j)), float(mean[i, j]), spread, number)
