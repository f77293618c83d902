"""How close beads come: histograms of the distance of each frame's closest pair, gathered in the same pass as the
factor.

The closest pair of a frame, and not all pairs, since a repulsion has to hold at contact, and how many pairs are far
apart depends on the length of the chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from cgcore.factor.histogram import percentile
from cgcore.physics.term import Term

EDGES = np.linspace(0.0, 20.0, 401)
"""Bin edges [Å]; a larger distance counts in the last bin."""


def of_pairs(terms: Sequence[Term]) -> tuple[str, ...]:
    """Names of the terms whose closest pairs are counted, in the order of their columns in the design matrix."""
    return tuple(term.name for term in terms if term.rows.pairs and term.rows.listed is None)


@dataclass(frozen=True, eq=False)
class ClosestPairs:
    """For each pair term, frames by the distance of their closest pair, in the bins of `EDGES`; counts add up over
    disjoint data. A frame without such a pair is not counted."""

    counts: Mapping[str, Int[np.ndarray, " bins"]]

    @classmethod
    def empty(cls) -> ClosestPairs:
        """No frames yet."""
        return cls({})

    @classmethod
    def of(cls, names: Sequence[str], distances: Float[np.ndarray, "terms frames"]) -> ClosestPairs:
        """Counts of the distances of these terms; infinite: no pair."""
        return cls(
            {
                name: np.histogram(np.minimum(row[np.isfinite(row)], EDGES[-1]), EDGES)[0]
                for name, row in zip(names, distances, strict=True)
            }
        )

    def __add__(self, other: ClosestPairs) -> ClosestPairs:
        names = dict.fromkeys((*self.counts, *other.counts))
        none = np.zeros(len(EDGES) - 1, np.int64)
        return ClosestPairs({name: self.counts.get(name, none) + other.counts.get(name, none) for name in names})

    def require_values_of(self, frames: int) -> None:
        """Refuse counts that so many frames cannot have.

        Raises:
            ValueError: says what is wrong.
        """
        for name, counts in self.counts.items():
            total = int(counts.sum(dtype=object))
            if (counts < 0).any() or total > frames:
                raise ValueError(f"the closest pairs of {name} come from {total} frames, but there are {frames}")

    def percentile(self, name: str, percent: float) -> float | None:
        """The distance [Å] that the closest pair of `percent` of the frames is below; None without such pairs."""
        return percentile(self.counts[name], EDGES, percent) if name in self.counts else None
