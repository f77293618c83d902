"""Heavy atoms of a peptide with an ideal backbone, by PeptideBuilder (Tien et al., PeerJ 2013, 1, e80)."""

from __future__ import annotations

import io
import warnings
from typing import Any

from cgcore.errors import InputError
from cgcore.generate.peptides import SHAPES, Peptide

_CAPS = {"ACE": {"CA": "CH3", "C": "C", "O": "O"}, "NME": {"N": "N", "CA": "C"}}
"""Names in the caps of atoms of the alanines built before and after the peptide; other atoms are left out."""


def heavy_atoms(app: Any, peptide: Peptide) -> tuple[Any, Any]:
    """OpenMM's topology and positions of the heavy atoms.

    Arguments:
        app: module `openmm.app`.
        peptide: the peptide to build.

    Raises:
        InputError: PeptideBuilder is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ignores warnings about its own imports
            import PeptideBuilder
            from Bio.PDB.PDBIO import PDBIO
    except ImportError as error:
        raise InputError(
            "building peptides needs PeptideBuilder, which is not installed; pip install 'cgcore[generate]'"
        ) from error
    more = "A" * peptide.capped
    angles = [SHAPES[letter] for letter in f"{'E' * len(more)}{peptide.shape}{'E' * len(more)}"]
    phi, psi = zip(*angles, strict=True)
    # The first residue has no phi and the last no psi; PeptideBuilder's lists of both start at the second residue.
    structure = PeptideBuilder.make_structure(f"{more}{peptide.sequence}{more}", list(phi[1:]), list(psi[:-1]))
    if peptide.capped:
        residues = list(structure.get_residues())
        for residue, (name, atoms) in zip((residues[0], residues[-1]), _CAPS.items(), strict=True):
            residue.resname = name
            found = list(residue)
            for atom in found:
                residue.detach_child(atom.id)
            for atom in found:
                if atom.id in atoms:
                    atom.id = atom.name = atoms[atom.id]
                    atom.fullname = f" {atom.name:<3}"
                    residue.add(atom)
    else:
        PeptideBuilder.add_terminal_OXT(structure)
    written, output = io.StringIO(), PDBIO()
    output.set_structure(structure)
    output.save(written)
    found = app.PDBFile(io.StringIO(written.getvalue()))
    return found.topology, found.positions
