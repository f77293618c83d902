"""The backbone by elements and distances, where a file does not name its atoms."""

from __future__ import annotations

import numpy as np

_N, _C, _O = 7, 6, 8
_SINGLE, _DOUBLE = 1.65, 1.35
"""Å. Bonds among N, C and O are shorter than the first; C=O (1.23) and C-O of a carboxylate (1.25) than the second."""


def backbone_names(z: np.ndarray, residue: np.ndarray, R: np.ndarray) -> np.ndarray:
    """Names of atoms, (atoms,): N, CA and C of each residue that has them, and the element's number for all others.

    CA is the carbon that is bonded to a nitrogen and to a carbon with a double-bonded oxygen, all of one residue. In
    side chains (Asn, Gln) the carbon between such atoms is the carbonyl itself, so that there is one CA or none.

    Arguments:
        z: (atoms,), atomic numbers.
        residue: (atoms,), a number for each residue.
        R: (atoms, 3), positions of one frame [Å].
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
