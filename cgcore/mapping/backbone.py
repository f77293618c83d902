"""Finding the backbone from elements and distances, for files that do not name their atoms."""

from __future__ import annotations

import numpy as np

_N, _C, _O = 7, 6, 8
_SINGLE, _DOUBLE = 1.65, 1.35
"""Distances among N, C and O below which atoms are bonded, and below which C and O have a double bond [Å]: C=O has
1.23 Å, and C-O in a carboxylate 1.25 Å."""


def backbone_names(z: np.ndarray, residue: np.ndarray, R: np.ndarray) -> np.ndarray:
    """Names of atoms (atoms,): N, CA and C of each residue that has them, and "Z" with the atomic number for all
    others.

    CA is the carbon bonded to a nitrogen and to a carbon with a double-bonded oxygen in the same residue. In side
    chains (Asn, Gln) the carbon bonded to nitrogen is the carbonyl itself, so each residue has at most one CA.

    Arguments:
        z: atomic numbers (atoms,).
        residue: number of the residue of each atom (atoms,).
        R: positions of one frame (atoms, 3) [Å].
    """
    names = np.array([f"Z{number}" for number in z.tolist()], "U8")
    for number in np.unique(residue):
        own = np.flatnonzero(residue == number)
        distance = np.linalg.norm(R[own, None] - R[None, own], axis=2)
        kind = np.asarray(z)[own]
        bonded = (distance < _SINGLE) & (distance > 0)
        carbonyl = (kind == _C) & ((kind == _O)[None] & (distance < _DOUBLE)).any(axis=1)
        for centre in np.flatnonzero((kind == _C) & ~carbonyl):
            nitrogens = np.flatnonzero(bonded[centre] & (kind == _N))
            carbonyls = np.flatnonzero(bonded[centre] & carbonyl)
            if len(nitrogens) == 1 and len(carbonyls) == 1:
                names[own[[nitrogens[0], centre, carbonyls[0]]]] = "N", "CA", "C"
                break
    return names
