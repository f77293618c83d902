"""Whether a minimised start is one that a peptide can have: minimising neither frees threaded rings nor turns bonds."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError

STRETCH = 0.2
"""Å, by which no bond of a sound structure is off after minimisation: 0.04 Å is usual, and 1.5 Å where rings are
threaded."""

CIS = 3.4
"""Å, between the CA atoms of neighbours: 2.9 where the peptide bond is cis, 3.8 where it is trans."""


def require_bonds(name: str, mm: Any, system: Any, R: Float[np.ndarray, "atoms 3"]) -> None:
    """Refuse bonds that stay stretched.

    Arguments:
        name: of the peptide or its file.
        mm: OpenMM.
        system: of the peptide.
        R: positions after minimisation [Å].

    Raises:
        InputError: side chains pass through one another.
    """
    for force in system.getForces():
        if isinstance(force, mm.HarmonicBondForce):
            bonds = [force.getBondParameters(k) for k in range(force.getNumBonds())]
            i, j, rest = (np.array(part) for part in zip(*((i, j, 10 * r._value) for i, j, r, _ in bonds), strict=True))
            stretch = np.abs(np.linalg.norm(R[i] - R[j], axis=1) - rest).max()
            if stretch > STRETCH:
                raise InputError(
                    f"{name}: a bond is off by {stretch:.1f} Å after minimisation because side chains pass through one "
                    "another; give another shape or structure"
                )


def require_stereochemistry(name: str, topology: Any, R: Float[np.ndarray, "atoms 3"]) -> None:
    """Refuse cis peptide bonds and D amino acids, which clashes leave where all was trans and L.

    Arguments:
        name: of the peptide.
        topology: of OpenMM.
        R: positions after minimisation [Å].

    Raises:
        InputError: a residue is not as it was built.
    """
    at = {(atom.residue.index, atom.name): R[atom.index] for atom in topology.atoms()}
    own = [residue.index for residue in topology.residues() if (residue.index, "CA") in at]
    for one, other in pairwise(own):
        if np.linalg.norm(at[one, "CA"] - at[other, "CA"]) < CIS:
            raise InputError(
                f"{name}: the bond before residue {other + 1} is cis after minimisation; give another shape"
            )
    for k in own:
        if (k, "CB") in at and np.cross(at[k, "N"] - at[k, "CA"], at[k, "C"] - at[k, "CA"]) @ (
            at[k, "CB"] - at[k, "CA"]
        ) < 0:
            raise InputError(f"{name}: residue {k + 1} is a D amino acid after minimisation; give another shape")
