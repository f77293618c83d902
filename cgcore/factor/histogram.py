"""Histograms of the internal coordinates, gathered in the same pass as the factor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Int

EDGES: Mapping[str, np.ndarray] = MappingProxyType(
    {
        "bond": np.linspace(2.0, 6.0, 401),
        "angle": np.linspace(0.0, np.pi, 181),
        "dihedral": np.linspace(-np.pi, np.pi, 181),
    }
)
"""Bin edges [Å, rad, rad]. A value beyond them counts in the outermost bin."""


@dataclass(frozen=True)
class Histograms:
    """Counts in the bins of `EDGES`; they add up over disjoint data."""

    counts: Mapping[str, Int[np.ndarray, " bins"]]

    @classmethod
    def empty(cls) -> Histograms:
        """No values yet."""
        return cls({name: np.zeros(len(edges) - 1, np.int64) for name, edges in EDGES.items()})

    @classmethod
    def of(cls, values: Mapping[str, np.ndarray], lengths: Int[np.ndarray, " frames"]) -> Histograms:
        """Histograms of arrays (frames, rows), one for each coordinate.

        A chain of n beads has n-1 bonds, n-2 angles and n-3 dihedrals: what stands behind them in a row of
        `values` does not count.
        """
        return cls(
            {
                name: _count(_real(np.asarray(values[name]), lengths - spanned), edges)
                for spanned, (name, edges) in enumerate(EDGES.items(), start=1)
            }
        )

    def __add__(self, other: Histograms) -> Histograms:
        return Histograms({name: self.counts[name] + other.counts[name] for name in EDGES})

    def sampled_range(self, name: str) -> tuple[float, float] | None:
        """Edges of the outermost bins that hold a value; None where there is none."""
        (filled,) = np.nonzero(self.counts[name])
        return (float(EDGES[name][filled[0]]), float(EDGES[name][filled[-1] + 1])) if len(filled) else None


def _real(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    real = np.arange(values.shape[1]) < rows[:, None]
    return values.ravel() if real.all() else values[real]


def _count(values: np.ndarray, edges: np.ndarray) -> Int[np.ndarray, " bins"]:
    bins = len(edges) - 1
    index = ((values - edges[0]) * (bins / (edges[-1] - edges[0]))).astype(np.int64)
    return np.bincount(np.clip(index, 0, bins - 1), minlength=bins)
