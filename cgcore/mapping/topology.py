"""Names, residues and chains of atoms, from PDB, PSF, GRO and prmtop files by MDAnalysis, or from mdCATH."""

from __future__ import annotations

import importlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cgcore.data.formats import mdcath
from cgcore.data.formats.hdf5 import INSTALL
from cgcore.errors import InputError
from cgcore.files import open_regular


@dataclass(frozen=True, eq=False)
class Topology:
    """The atoms in the order of the trajectory.

    Arguments:
        name: name of the file.
        names: names of the atoms (atoms,).
        residue: number of the residue of each atom, in order (atoms,).
        resid: residue numbers in the file (atoms,).
        resname: residue names (atoms,).
        chain: chain names (atoms,).
    """

    name: str
    names: np.ndarray
    residue: np.ndarray
    resid: np.ndarray
    resname: np.ndarray
    chain: np.ndarray

    def __len__(self) -> int:
        return len(self.names)


def read_topology(path: Path) -> Topology:
    """Read the atoms of a topology file.

    Raises:
        InputError: MDAnalysis is not installed, or cannot read the file.
    """
    with open_regular(path):
        pass  # refuses a missing or special file with our own message
    try:
        package = importlib.import_module("MDAnalysis")
    except ImportError as error:
        raise InputError(f"{path}: reading topologies needs MDAnalysis, which is not installed; {INSTALL}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about information missing from the topology, such as masses
            atoms = package.Universe(str(path)).atoms
            return _of_atoms(path, atoms)
    except InputError:
        raise
    except Exception as error:  # each parser raises errors of its own
        problem = " ".join(f"{type(error).__name__}: {error}".split())[:150]
        raise InputError(
            f"{path}: is not a topology that MDAnalysis can read ({problem}); give a PDB, PSF, GRO or prmtop file"
        ) from error


def _of_atoms(path: Path, atoms: Any) -> Topology:
    if not len(atoms) or not hasattr(atoms, "names"):
        raise InputError(f"{path}: contains no atom names; give a PDB, PSF, GRO or prmtop file")
    chain = np.asarray(atoms.segids, np.str_)
    if hasattr(atoms, "chainIDs"):
        chain = np.char.add(np.char.add(chain, "/"), np.asarray(atoms.chainIDs, np.str_))
    if hasattr(atoms, "bonds") and len(atoms.bonds) > len(atoms) / 2:  # and not just those of a ligand
        # Unconnected fragments are different chains, even if all have the same name.
        chain = np.char.add(chain, np.char.add("/", np.asarray(atoms.fragindices).astype(np.str_)))
    return Topology(
        str(path),
        np.asarray(atoms.names, np.str_),
        np.asarray(atoms.resindices),
        np.asarray(atoms.resids),
        np.asarray(atoms.resnames, np.str_),
        chain,
    )


def of_mdcath(name: str, atoms: mdcath.Atoms, first: np.ndarray) -> Topology:
    """The atoms of an mdCATH file, named by its PDB or, without one, by elements and distances.

    Arguments:
        name: name of the file.
        atoms: the atoms as described in the file.
        first: positions of a frame (atoms, 3) [Å].

    Raises:
        InputError: the PDB contains different atoms.
    """
    from cgcore.mapping.backbone import backbone_names

    new = np.ones(len(atoms.z), bool)
    new[1:] = (atoms.resid[1:] != atoms.resid[:-1]) | (atoms.chain[1:] != atoms.chain[:-1])
    residue = np.cumsum(new) - 1
    lines = [line for line in atoms.pdb.splitlines() if line.startswith(("ATOM", "HETATM"))]
    if lines and len(lines) != len(atoms.z):
        raise InputError(
            f"{name}: its PDB has {len(lines)} atoms, but z has {len(atoms.z)}; give a topology before this file"
        )
    names = np.array([line[12:16].strip() for line in lines]) if lines else backbone_names(atoms.z, residue, first)
    return Topology(name, names, residue, np.asarray(atoms.resid).astype(np.int64), atoms.resname, atoms.chain)
