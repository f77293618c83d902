"""How close beads come: histograms of the distance of each frame's closest pair, gathered in the same pass as the
factor.

The closest pair of a frame, and not all pairs, since a repulsion has to hold at contact, and how many pairs are far
apart depends on the length of the chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from cgcore.factor.histogram import percentile

EDGES = np.linspace(0.0, 20.0, 401)
"""Bin edges [Å]; a larger distance counts in the last bin."""

PAIR_TERMS = ("repulsive", "excluded_volume")
"""In the order of their columns in the design matrix."""


@dataclass(frozen=True, eq=False)
class ClosestPairs:
    """For each pair term, frames by the distance of their closest pair, in the bins of `EDGES`; counts add up over
    disjoint data. A frame without such a pair is not counted."""

    counts: Mapping[str, Int[np.ndarray, " bins"]]

    @classmethod
    def empty(cls) -> ClosestPairs:
        """No frames yet."""
        return cls({name: np.zeros(len(EDGES) - 1, np.int64) for name in PAIR_TERMS})

    @classmethod
    def of(cls, distances: Float[np.ndarray, "terms frames"]) -> ClosestPairs:
        """Counts of the distances of the terms that there are, the first ones of `PAIR_TERMS`; infinite: no pair."""
        counts = dict(cls.empty().counts)
        for name, row in zip(PAIR_TERMS, distances, strict=False):
            counts[name] = np.histogram(np.minimum(row[np.isfinite(row)], EDGES[-1]), EDGES)[0]
        return cls(counts)

    def __add__(self, other: ClosestPairs) -> ClosestPairs:
        return ClosestPairs({name: self.counts[name] + other.counts[name] for name in PAIR_TERMS})

    def require_values_of(self, frames: int) -> None:
        """Refuse counts that so many frames cannot have.

        Raises:
            ValueError: says what is wrong.
        """
        for name, counts in self.counts.items():
            total = int(counts.sum(dtype=object))
            if (counts < 0).any() or total > frames:
                raise ValueError(f"the closest pairs of {name} are of {total} frames, and there are {frames}")

    def percentile(self, name: str, percent: float) -> float | None:
        """The distance [Å] that the closest pair of `percent` of the frames is below; None without such pairs."""
        return percentile(self.counts[name], EDGES, percent)
