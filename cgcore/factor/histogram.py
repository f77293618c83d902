"""Histograms of the coordinates that frames sampled, collected in the same pass as the factor.

For pairs only the closest pair of each frame is counted: a repulsion matters at contact, and the number of distant
pairs depends on the length of the chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Real

from cgcore.physics.design import Seen
from cgcore.physics.term import Term
from cgcore.physics.topology import Sites, complete

EDGES: Mapping[str, np.ndarray] = MappingProxyType(
    {
        "bond": np.linspace(2.0, 6.0, 401),
        "angle": np.linspace(0.0, np.pi, 181),
        "dihedral": np.linspace(-np.pi, np.pi, 181),
    }
)
"""Bin edges [Å, rad, rad]. A value outside counts in the outermost bin."""

CLOSEST = np.linspace(0.0, 20.0, 401)
"""Bin edges of the distance of a frame's closest pair [Å]; a larger distance counts in the last bin."""

_STARTS = (0, *accumulate(len(edges) - 1 for edges in EDGES.values()))
"""Number of the first bin of each coordinate, followed by the total number of bins."""


@dataclass(frozen=True, eq=False)
class Histograms:
    """Counts in the bins of `EDGES`; counts of disjoint data can be added.

    Arguments:
        counts: counts of all bonds, angles and dihedrals.
        groups: counts (groups, bins of `edges_of`) of each term that is counted `by_group`, by the term's name.
    """

    counts: Mapping[str, Int[np.ndarray, " bins"]]
    groups: Mapping[str, Int[np.ndarray, "_ _"]] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> Histograms:
        """Histograms without any values."""
        return cls({name: np.zeros(len(edges) - 1, np.int64) for name, edges in EDGES.items()})

    @classmethod
    def counted(cls, numbers: Real[np.ndarray, "_ frames"], terms: Sequence[Term] = (), seen: Seen = ()) -> Histograms:
        """Histograms from the `bin_numbers` of values, and from the coordinates that the rows of terms had."""
        groups = {}
        for term, sampled in zip(terms, seen, strict=True):
            if sampled is not None:
                values, edges = np.asarray(sampled.values), edges_of(term)
                bins = np.clip(np.searchsorted(edges, values, "right") - 1, 0, len(edges) - 2)
                which, counts = np.broadcast_to(np.asarray(sampled.groups)[:, None], values.shape), values < np.inf
                shape = len(term.group_labels), len(edges) - 1
                found = np.bincount(which[counts] * shape[1] + bins[counts], minlength=shape[0] * shape[1])
                groups[term.name] = found.reshape(shape)
        every = np.bincount(numbers.astype(np.int64).ravel(), minlength=_STARTS[-1] + 1)
        return cls({name: every[a:b] for name, a, b in zip(EDGES, _STARTS[:-1], _STARTS[1:], strict=True)}, groups)

    def __add__(self, other: Histograms) -> Histograms:
        groups = dict(self.groups)
        for name, counts in other.groups.items():
            groups[name] = groups[name] + counts if name in groups else counts
        return Histograms({name: self.counts[name] + other.counts[name] for name in EDGES}, groups)

    def of_group(self, term: Term, group: int) -> Int[np.ndarray, " bins"]:
        """Counts of one group of a term in the bins of `edges_of`; for a term that is not counted `by_group`, the
        counts of all values."""
        return self.groups[term.name][group] if by_group(term) else self.counts[term.coordinate]

    def sampled_range(self, name: str) -> tuple[float, float] | None:
        """Edges of the outermost bins that hold a value; None if there is none."""
        (filled,) = np.nonzero(self.counts[name])
        return (float(EDGES[name][filled[0]]), float(EDGES[name][filled[-1] + 1])) if len(filled) else None

    def known(self, name: str, ends: tuple[float, float] | None) -> tuple[float, float] | None:
        """The range `ends`, with an infinite end where the outermost bin of bond lengths holds values.

        That bin holds all lengths beyond the edges, so the true end is unknown.
        """
        if ends is None or name != "bond":
            return ends
        first, last = EDGES[name][1], EDGES[name][-2]
        low, high = (first <= end <= last for end in ends)
        return (ends[0] if low else -np.inf, ends[1] if high else np.inf)


def by_group(term: Term) -> bool:
    """Whether a term's coordinates are counted separately, not with all bonds, angles or dihedrals."""
    return term.groups is not None or term.on_beads


def edges_of(term: Term) -> Float[np.ndarray, " edges"]:
    """Edges of the bins in which the term's coordinates are counted."""
    return CLOSEST if term.rows.pairs else EDGES[term.coordinate]


def bin_numbers(values: Mapping[str, Any], lengths: Any, sites: Sites | None = None, xp: ModuleType = np) -> Any:
    """The number of each value's bin among the bins of all coordinates, (rows of all coordinates, frames).

    A chain of n beads has n-1 bonds, n-2 angles and n-3 dihedrals. Values beyond these in a column of (rows, frames),
    values of rows that are not bonded throughout according to `sites`, and NaN get the number after the last bin.
    Computed with NumPy, or with xp=jax.numpy inside a compiled function. The numbers are floats, because XLA's
    conversion to integers does not vectorise.
    """
    numbers = []
    for spanned, (name, edges) in enumerate(EDGES.items(), start=1):
        first, bins, x = _STARTS[spanned - 1], len(edges) - 1, values[name]
        index = xp.floor((x - edges[0]) * (bins / (edges[-1] - edges[0])))
        counts = complete(len(x), spanned, lengths, sites, xp) & ~xp.isnan(index)
        numbers.append(xp.where(counts, first + xp.clip(index, 0, bins - 1), _STARTS[-1]))
    return xp.concatenate(numbers)
