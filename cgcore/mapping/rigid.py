"""Atoms that constraints tie together: pairs whose distance stays the same, and the groups they make.

Constrained simulations report forces that hold no force of constraint. A linear map of forces is consistent with the
map of positions all the same if it gives the atoms of a constraint equal weights (Krämer et al., J. Phys. Chem. Lett.
2023, 14, 3970).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from cgcore.data.boxes import nearest_images

NEAR = 2.0
"""Å. Pairs that are nearer than this in the first frame are bonds and angles, of which constraints are made."""

RIGID = 2e-3
"""Å. Standard deviation below which a distance is constrained: solvers of constraints leave 1e-5 of a bond, rounding of
float32 less than 1e-5 Å near the origin, and the stiffest free bond varies by 0.03 Å at 300 K."""


def candidate_pairs(residue: np.ndarray, names: np.ndarray) -> np.ndarray:
    """(pairs, 2), atoms that a constraint can join: those of one residue, C and N of neighbours, sulfurs of bridges.

    Arguments:
        residue: (atoms,), a number for each residue, in order.
        names: (atoms,).
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
    """Mean and variance of distances of pairs that are near to each other in the first frame shown.

    Arguments:
        pairs: (pairs, 2), those that may be near.
        first: (atoms, 3) [Å].
        vectors: (3, 3) of the box [Å]; None: free space.
    """

    def __init__(self, pairs: np.ndarray, first: np.ndarray, vectors: np.ndarray | None = None) -> None:
        lengths = _lengths(first[None], pairs, vectors)[0]
        near = lengths < NEAR
        self.pairs, self._reference = pairs[near], lengths[near]
        self._sums = np.zeros((2, len(self.pairs)))
        self._count = 0

    def add(self, R: np.ndarray, vectors: np.ndarray | None = None) -> None:
        """Frames, (frames, atoms, 3) [Å], and their boxes, (1 or frames, 3, 3)."""
        apart = _lengths(R, self.pairs, vectors) - self._reference  # of small numbers the variance is exact
        self._sums += apart.sum(axis=0), np.sum(apart**2, axis=0)
        self._count += len(R)

    def rigid(self) -> np.ndarray:
        """(pairs, 2), those whose distance does not vary; none where fewer than two frames were shown."""
        if self._count < 2:
            return self.pairs[:0]
        mean, square = self._sums / self._count
        return self.pairs[square - mean**2 < RIGID**2]


def groups(n_atoms: int, pairs: np.ndarray) -> np.ndarray:
    """(atoms,), a number for each group of atoms that pairs tie together, counted in order of its first atom."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    i, j = pairs.T
    _, labels = connected_components(coo_array((np.ones(len(i)), (i, j)), shape=(n_atoms, n_atoms)), directed=False)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def _lengths(R: np.ndarray, pairs: np.ndarray, vectors: np.ndarray | None) -> np.ndarray:
    """(frames, pairs), to the nearest image."""
    steps = R[:, pairs[:, 0]].astype(np.float64) - R[:, pairs[:, 1]]
    if vectors is not None:
        steps -= nearest_images(steps, vectors)
    return np.linalg.norm(steps, axis=2)
