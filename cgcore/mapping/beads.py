"""One bead per residue, on its CA atom, and the atoms whose forces may contribute to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cgcore.data.residues import ONE_LETTER, letter
from cgcore.errors import InputError
from cgcore.mapping.topology import Topology

CAPS = ("ACE", "NME", "NMA", "NH2", "NHE", "FOR")
"""Residues at chain ends that belong to the solute although they have no CA."""

_KINDS = {code: number for number, code in enumerate(sorted(code for code in ONE_LETTER if code not in ("SEC", "PYL")))}
_OF_LETTER = {ONE_LETTER[code]: code for code in _KINDS}


class Beads(NamedTuple):
    """Beads of a topology.

    Arguments:
        atoms: the atom on which each bead is placed (beads,).
        solute: atoms of residues with a bead and of caps, in order (solute atoms,).
        bead_of: the bead of each atom's residue, -1 for caps (solute atoms,).
        resid, resname, chain: residue number, residue name and chain of each bead (beads,).
        species: 0 to 19 in the alphabetical order of three-letter codes, 20 for all others (beads,).
    """

    atoms: np.ndarray
    solute: np.ndarray
    bead_of: np.ndarray
    resid: np.ndarray
    resname: np.ndarray
    chain: np.ndarray
    species: np.ndarray


SPECIES = (*_KINDS, "UNK")
"""Names of the species."""


def ca_beads(topology: Topology) -> Beads:
    """Place a bead on each atom called CA of a residue that also has N and C, which excludes calcium.

    Raises:
        InputError: there are fewer than two beads, or a residue has two.
    """
    backbone = [np.unique(topology.residue[topology.names == name]) for name in ("N", "CA", "C")]
    residues = np.intersect1d(np.intersect1d(backbone[0], backbone[1]), backbone[2])
    atoms = np.flatnonzero((topology.names == "CA") & np.isin(topology.residue, residues))
    if len(atoms) < 2:
        raise InputError(
            f"{topology.name}: has {len(atoms)} residues with atoms N, CA and C, but at least two are needed; give the "
            "topology of a protein with all its atoms"
        )
    if len(atoms) != len(residues):
        double = topology.residue[atoms][:-1][np.diff(topology.residue[atoms]) == 0][0]
        number = topology.resid[topology.residue == double][0]
        raise InputError(f"{topology.name}: residue {number} has two CA atoms; keep only one alternative location")
    capped = np.isin(topology.resname, CAPS)
    solute = np.flatnonzero(np.isin(topology.residue, residues) | capped)
    place = np.full(int(topology.residue.max()) + 1, -1)
    place[topology.residue[atoms]] = np.arange(len(atoms))
    names = topology.resname[atoms]
    return Beads(
        atoms,
        solute,
        place[topology.residue[solute]],
        topology.resid[atoms],
        names,
        topology.chain[atoms],
        species_of(names),
    )


def species_of(resname: np.ndarray) -> np.ndarray:
    """The index of each residue in `SPECIES`, (beads,) int32; protonation and modification do not matter."""
    numbers = [_KINDS.get(_OF_LETTER.get(letter(name) or "", ""), len(_KINDS)) for name in resname.tolist()]
    return np.array(numbers, np.int32)
