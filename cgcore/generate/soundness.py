"""Checks of a minimised initial structure, since minimisation cannot free threaded rings or invert stereochemistry."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError

STRETCH = 0.2
"""Largest deviation of a bond length after minimisation [Å]: usual are 0.04 Å, and 1.5 Å for threaded rings."""

CIS = 3.4
"""Distance of neighbouring CA atoms below which a peptide bond is cis [Å]: 2.9 Å for cis, 3.8 Å for trans."""


def require_bonds(name: str, mm: Any, system: Any, R: Float[np.ndarray, "atoms 3"]) -> None:
    """Refuse bonds that remain stretched.

    Arguments:
        name: name of the peptide or its file.
        mm: OpenMM.
        system: system of the peptide.
        R: positions after minimisation [Å].

    Raises:
        InputError: a bond is stretched, so side chains pass through one another.
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
    """Refuse cis peptide bonds and D amino acids, which clashes can produce from a trans and L structure.

    Arguments:
        name: name of the peptide.
        topology: OpenMM topology.
        R: positions after minimisation [Å].

    Raises:
        InputError: a residue has a cis peptide bond or is a D amino acid.
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
