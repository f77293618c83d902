"""HDF5 of mdCATH: `DOMAIN/{z, resid, resname, chain}` and `DOMAIN/TEMPERATURE/REPLICA/{coords, forces, box}`.

The files contain all atoms in Å and kcal/mol/Å (boxes in nm), at several temperatures and in several replicas. See
Mirarchi, Giorgino and De Fabritiis, Sci. Data 2024, 11, 1299.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cgcore.data.formats.hdf5 import DatasetRows, is_group, text
from cgcore.data.formats.opened import Content, Opened, once, refuse
from cgcore.data.units import ANGSTROM_PER_NM
from cgcore.errors import InputError

NAME = "mdCATH HDF5"


class Atoms(NamedTuple):
    """What the file states about its atoms: arrays (atoms,), and the text of a PDB, which may be empty."""

    z: np.ndarray
    resid: np.ndarray
    resname: np.ndarray
    chain: np.ndarray
    pdb: str


def open_kind(path: Path, content: Content, file: Any) -> list[Opened] | None:
    """A source for each replica at each temperature; None if no group contains atoms.

    Raises:
        InputError: arrays are missing or inconsistent.
    """
    domains = [group for group in file.values() if is_group(group) and "z" in group and "resid" in group]
    if not domains:
        return None
    found = []
    for domain in domains:
        atoms = _atoms(path, domain)
        for kelvin in sorted((key for key in domain if _is_number(key)), key=float):
            found += [_opened(path, content, atoms, kelvin, run) for run in domain[kelvin].values() if is_group(run)]
    if not found:
        raise refuse(path, "holds no replicas at any temperature")
    return found


def _opened(path: Path, content: Content, atoms: Atoms, kelvin: str, run: Any) -> Opened:
    part = run.name.strip("/")
    name = f"{path}: {part}"
    if "coords" not in run or "forces" not in run:
        raise InputError(f"{name}: holds no coords and forces, so there is nothing to fit to; give a complete file")
    R, F = (DatasetRows.of(content, run[key]) for key in ("coords", "forces"))
    if R.shape != F.shape or len(R.shape) != 3 or R.shape[1] != len(atoms.z):
        raise refuse(name, f"coords have shape {R.shape}, forces {F.shape}, and there are {len(atoms.z)} atoms")
    extras: dict[str, np.ndarray] = {"temperature": np.array(float(kelvin))}
    if "box" in run:
        box = np.asarray(run["box"][()], np.float64)
        box = box[None] if box.shape == (3, 3) else box
        if box.ndim == 3 and box.any():
            extras["box"] = once(box * ANGSTROM_PER_NM)
    return Opened(
        name=name,
        label=f"{path.name}:{part}",
        form=NAME,
        arrays={"R": R, "F": F},
        contents=(content,),
        extras=extras,
        part=part,
        atoms=atoms,
    )


def _atoms(path: Path, domain: Any) -> Atoms:
    z = domain["z"][:]
    columns = [domain[key][:] if key in domain else np.full(len(z), "") for key in ("resid", "resname", "chain")]
    if any(len(column) != len(z) for column in columns):
        raise refuse(path, "z, resid, resname and chain have different lengths")
    resname, chain = (np.array([text(name) for name in column.tolist()]) for column in columns[1:])
    pdb = text(domain["pdbProteinAtoms"][()]) if "pdbProteinAtoms" in domain else ""
    return Atoms(z, np.asarray(columns[0]), resname, chain, pdb)


def _is_number(key: str) -> bool:
    try:
        return float(key) > 0
    except ValueError:
        return False
