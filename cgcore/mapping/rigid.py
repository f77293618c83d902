"""Atoms joined by constraints: pairs whose distance is constant, and the groups that they form.

Forces reported by constrained simulations do not include the constraint forces. A linear map of forces is nevertheless
consistent with the map of positions if it gives equal weights to atoms joined by a constraint (Krämer et al., J. Phys.
Chem. Lett. 2023, 14, 3970).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from cgcore.data.boxes import nearest_images

NEAR = 2.0
"""Pairs closer than this in the first frame [Å] form bonds and angles, which may be constrained."""

RIGID = 2e-3
"""Standard deviation below which a distance is constrained [Å]: constraint solvers leave errors of 1e-5 of a bond
length, float32 rounding less than 1e-5 Å near the origin, and the stiffest free bond varies by 0.03 Å at 300 K."""


def candidate_pairs(residue: np.ndarray, names: np.ndarray) -> np.ndarray:
    """Pairs of atoms that a constraint may join (pairs, 2): within a residue, C and N of neighbours, and SG atoms.

    Arguments:
        residue: number of the residue of each atom, in order (atoms,).
        names: names of the atoms (atoms,).
    """
    found = []
    starts = np.flatnonzero(np.append(True, np.diff(residue) != 0))
    for start, stop in pairwise([*starts.tolist(), len(residue)]):
        i, j = np.triu_indices(stop - start, 1)
        found.append(np.stack([i, j], axis=1) + start)
    ends, heads, bridges = (np.flatnonzero(names == name) for name in ("C", "N", "SG"))
    found.append(np.array([(c, n) for c in ends.tolist() for n in heads[heads > c][:1].tolist()]).reshape(-1, 2))
    found.append(bridges[np.stack(np.triu_indices(len(bridges), 1), axis=1)])
    return np.concatenate(found).astype(np.int64)


class Distances:
    """Mean and variance of the distances of pairs that are close to each other in the first frame.

    Arguments:
        pairs: pairs to examine (pairs, 2).
        first: positions of the first frame (atoms, 3) [Å].
        vectors: box vectors (3, 3) [Å]; None for free space.
    """

    def __init__(self, pairs: np.ndarray, first: np.ndarray, vectors: np.ndarray | None = None) -> None:
        lengths = _lengths(first[None], pairs, vectors)[0]
        near = lengths < NEAR
        self.pairs, self._reference = pairs[near], lengths[near]
        self._sums = np.zeros((2, len(self.pairs)))
        self._count = 0

    def add(self, R: np.ndarray, vectors: np.ndarray | None = None) -> None:
        """Add frames (frames, atoms, 3) [Å] and their box vectors (1 or frames, 3, 3)."""
        apart = _lengths(R, self.pairs, vectors) - self._reference  # small numbers, so that the variance is accurate
        self._sums += apart.sum(axis=0), np.sum(apart**2, axis=0)
        self._count += len(R)

    def rigid(self) -> np.ndarray:
        """The pairs whose distance does not vary (pairs, 2); none if fewer than two frames were added."""
        if self._count < 2:
            return self.pairs[:0]
        mean, square = self._sums / self._count
        return self.pairs[square - mean**2 < RIGID**2]


def groups(n_atoms: int, pairs: np.ndarray) -> np.ndarray:
    """The group of each atom (atoms,): pairs connect atoms to groups, numbered in the order of their first atoms."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    i, j = pairs.T
    _, labels = connected_components(coo_array((np.ones(len(i)), (i, j)), shape=(n_atoms, n_atoms)), directed=False)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def _lengths(R: np.ndarray, pairs: np.ndarray, vectors: np.ndarray | None) -> np.ndarray:
    """Distances of pairs to the nearest image (frames, pairs)."""
    steps = R[:, pairs[:, 0]].astype(np.float64) - R[:, pairs[:, 1]]
    if vectors is not None:
        steps -= nearest_images(steps, vectors)
    return np.linalg.norm(steps, axis=2)
