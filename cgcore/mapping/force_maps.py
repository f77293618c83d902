"""Linear maps from forces on atoms to forces on beads, and their noise.

A map W (beads, atoms) gives F_I = sum_i W_Ii f_i. It is consistent with beads on CA atoms, i.e. its mean at given
positions of the beads is the force of their free energy, if each bead's own CA has weight 1, the CA atoms of other
beads have weight 0 (Noid et al., J. Chem. Phys. 2008, 128, 244114), and atoms joined by a constraint have equal weights
(Krämer et al., J. Phys. Chem. Lett. 2023, 14, 3970). All consistent maps have the same mean and differ only in their
noise, so the one with the smallest mean square has the smallest noise.
"""

from __future__ import annotations

import numpy as np

from cgcore.errors import InputError
from cgcore.mapping.beads import Beads

MAPS = ("slice", "residue", "optimal")

_CUTOFF = 1e-12
"""Relative eigenvalue of the Gram matrix below which a direction is considered absent from the data."""


def slice_map(beads: Beads, group: np.ndarray) -> np.ndarray:
    """The sum of the forces on each CA and the atoms that constraints join to it; (beads, solute atoms).

    Arguments:
        beads: beads of the topology.
        group: groups of rigidly connected atoms (solute atoms,), see `rigid.groups`.

    Raises:
        InputError: constraints join two CA atoms.
    """
    return (group == _own_groups(beads, group)[:, None]).astype(np.float64)


def residue_map(beads: Beads, group: np.ndarray) -> np.ndarray:
    """The sum of the forces on all atoms of each residue; (beads, solute atoms).

    Atoms of caps contribute to no bead, unless constraints join them to a residue with one.

    Raises:
        InputError: constraints join two residues.
    """
    W = (beads.bead_of == np.arange(len(beads.atoms))[:, None]).astype(np.float64)
    joined = W @ _members(group).T > 0  # (beads, groups)
    if (joined.sum(axis=0) > 1).any():
        raise InputError(
            "constraints connect atoms of two residues, so sums over residues are not consistent; choose "
            "--map optimal or slice"
        )
    return joined.astype(np.float64) @ _members(group)


class OptimalMaps:
    """The consistent maps with the smallest mean square force on some frames, for any ridge.

    For each bead I a map minimises w' G w + ridge g |w|², where g is the mean of G's diagonal, subject to w = 1 on the
    bead's own CA, 0 on the CA atoms of other beads, and equal weights in each group. These conditions are met by w = S'
    u with one u for each group (S: groups, atoms). u is given for groups of CA atoms, and for all others (free)

        (S G S' + ridge g D)_free,free u_free = -(S G S')_free,own,    D = S S', sizes of groups,

    which one eigendecomposition of D^-1/2 S G S' D^-1/2 solves for all ridges. Directions of G that are absent from the
    data, such as the sum of all forces if it is 0, get no weight: of equally good solutions, the smallest is taken.

    Arguments:
        G: sums of products of forces over frames and components (solute atoms, solute atoms).
        beads: beads of the topology.
        group: groups of rigidly connected atoms (solute atoms,), see `rigid.groups`.

    Raises:
        InputError: constraints join two CA atoms.
    """

    def __init__(self, G: np.ndarray, beads: Beads, group: np.ndarray) -> None:
        self._group, self._own = group, _own_groups(beads, group)
        self._unit = np.trace(G) / len(G)
        sizes = np.bincount(group)
        self._free = np.setdiff1d(np.arange(len(sizes)), self._own)
        root = np.sqrt(sizes[self._free])
        reduced = _summed(_summed(G, group).T, group)
        values, vectors = np.linalg.eigh(reduced[np.ix_(self._free, self._free)] / np.outer(root, root))
        kept = values > _CUTOFF * max(float(values.max(initial=0.0)), 0.0)
        self._values, vectors = values[kept], vectors[:, kept]
        self._back = vectors / root[:, None]
        self._right = self._back.T @ reduced[np.ix_(self._free, self._own)]

    def map(self, ridge: float = 0.0) -> np.ndarray:
        """The map (beads, solute atoms); the ridge is in units of the mean square force on an atom."""
        U = np.zeros((len(self._own), self._group.max() + 1))
        U[np.arange(len(self._own)), self._own] = 1.0
        U[:, self._free] = -(self._back @ (self._right / (self._values + ridge * self._unit)[:, None])).T
        return U[:, self._group]


def noise(W: np.ndarray, G: np.ndarray, frames: int) -> float:
    """Mean square force on a bead, summed over its three components [(kcal/mol/Å)²]."""
    return float(np.einsum("bi,ij,bj->", W, G, W, optimize=True)) / (frames * len(W))


def _summed(rows: np.ndarray, group: np.ndarray) -> np.ndarray:
    """The sum of the rows of each group."""
    order = np.argsort(group, kind="stable")
    return np.add.reduceat(rows[order], np.searchsorted(group[order], np.arange(group.max() + 1)), axis=0)


def _members(group: np.ndarray) -> np.ndarray:
    """Membership of atoms in groups, (groups, atoms), 0 or 1."""
    return (group == np.arange(group.max() + 1)[:, None]).astype(np.float64)


def _own_groups(beads: Beads, group: np.ndarray) -> np.ndarray:
    """The group of each bead's CA (beads,)."""
    own = group[np.searchsorted(beads.solute, beads.atoms)]
    if len(np.unique(own)) != len(own):
        raise InputError(
            "constraints connect the CA atoms of two residues, and no force map is known to be consistent with them; "
            "simulate with rigid bonds to hydrogen alone"
        )
    return own
