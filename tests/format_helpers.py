"""The same frames in every supported format, each file written by the format's own library."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import MDAnalysis
import numpy as np
import scipy.io
from cli_helpers import bundled
from MDAnalysis.coordinates.TRJ import NCDFReader, NCDFWriter
from MDAnalysis.lib.formats.libmdaxdr import TRRFile, XTCFile

FRAMES = 30
File: Any = h5py.File  # whose type hints allow a group or a data set for anything
KJ = 4.184


class Arrays(NamedTuple):
    """The contents of a file as returned by its own library, and their units."""

    R: np.ndarray
    F: np.ndarray
    species: np.ndarray | None = None
    units: str = "angstrom-kcal"


def frames(n: int = FRAMES) -> dict[str, np.ndarray]:
    """R, F, mask and species of the bundled set."""
    return bundled(n)


def trr(path: Path, arrays: dict[str, np.ndarray], *, forces: bool = True, every: int = 1, box: float = 0.0) -> Arrays:
    """GROMACS's format, by the library behind MDAnalysis, with forces in every `every`th frame."""
    x, f = (arrays["R"] / 10).astype(np.float32), (arrays["F"] * KJ * 10).astype(np.float32)
    with TRRFile(str(path), "w") as file:
        for k in range(len(x)):
            own = f[k] if forces and k % every == 0 else None
            file.write(x[k], None, own, np.eye(3, dtype=np.float32) * box / 10, k, float(k), 0.0, x.shape[1])
    return Arrays(x[::every], f[::every], None, "nm-kj")


def xtc(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """A file with positions only."""
    with XTCFile(str(path), "w") as file:
        for k, x in enumerate((arrays["R"] / 10).astype(np.float32)):
            file.write(x, np.eye(3, dtype=np.float32), k, float(k), 1000)


def universe(arrays: dict[str, np.ndarray], folder: Path, *, forces: bool = True) -> Any:
    """The frames as MDAnalysis represents them after reading a TRR."""
    file = folder / f".{uuid.uuid4()}.trr"  # MDAnalysis keeps an index beside it, which must not belong to another file
    trr(file, arrays, forces=forces)
    made = MDAnalysis.Universe.empty(arrays["R"].shape[1], trajectory=True)
    made.load_new(str(file))
    return made


def netcdf(path: Path, arrays: dict[str, np.ndarray], *, forces: bool = True) -> Arrays:
    """AMBER's format, by MDAnalysis."""
    source, found = universe(arrays, path.parent, forces=forces), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about which library writes NetCDF
        with NCDFWriter(str(path), source.atoms.n_atoms, velocities=False, forces=forces) as writer:
            for _ in source.trajectory:
                writer.write(source.atoms)
        for step in NCDFReader(str(path), convert_units=False):
            found.append((step.positions.copy(), step.forces.copy() if forces else step.positions.copy()))
    R, F = (np.array(part) for part in zip(*found, strict=True))
    return Arrays(R, F)


def h5md(path: Path, arrays: dict[str, np.ndarray], **units: str) -> Arrays:
    """H5MD, by MDAnalysis."""
    source = universe(arrays, path.parent)
    with MDAnalysis.Writer(str(path), source.atoms.n_atoms, velocities=False, forces=True, **units) as writer:
        for _ in source.trajectory:
            writer.write(source.atoms)
    with File(path) as file:
        R, F = (file[f"particles/trajectory/{key}/value"][:] for key in ("position", "force"))
    return Arrays(R, F, None, "nm-kj" if not units else "angstrom-kcal")


def lammps(path: Path, arrays: dict[str, np.ndarray]) -> Arrays:
    """A custom dump with the keywords of the real one in tests/data, and the atoms in another order in each frame."""
    rng = np.random.default_rng(4)
    with path.open("w") as file:
        for k, (R, F) in enumerate(zip(arrays["R"], arrays["F"], strict=True)):
            file.write(f"ITEM: TIMESTEP\n{k}\nITEM: NUMBER OF ATOMS\n{len(R)}\n")
            file.write("ITEM: BOX BOUNDS ff ff ff\n" + "-50.0 50.0\n" * 3 + "ITEM: ATOMS id type x y z fx fy fz\n")
            for i in rng.permutation(len(R)):
                numbers = " ".join(f"{value:.17g}" for value in (*R[i].astype(float), *F[i].astype(float)))
                file.write(f"{i + 1} {arrays['species'][0, i] + 1:g} {numbers}\n")
    species = arrays["species"] + 1
    return Arrays(arrays["R"].astype(float), arrays["F"].astype(float), species)


def mlcg(path: Path, arrays: dict[str, np.ndarray], keys: tuple[str, str] = ("cg_coords", "cg_forces")) -> Arrays:
    """mlcg's HDF5 with one molecule, by h5py."""
    with File(path, "w") as file:
        molecule = file.create_group("OPEP/opep_0000")
        molecule.attrs["cg_embeds"] = arrays["species"][0].astype(np.int64)
        molecule.attrs["N_frames"] = len(arrays["R"])
        for key, values in zip(keys, (arrays["R"], arrays["F"]), strict=True):
            molecule.create_dataset(
                key, data=values, chunks=(min(7, len(values)), *values.shape[1:]), compression="gzip"
            )
    return Arrays(arrays["R"], arrays["F"], arrays["species"])


def npy(path: Path, arrays: dict[str, np.ndarray]) -> Arrays:
    """A set of three files; `path` is that of the positions."""
    for kind, values in (("coords", arrays["R"]), ("forces", arrays["F"]), ("embeddings", arrays["species"][0])):
        np.save(path.with_name(path.name.replace("coords", kind)), values)
    return Arrays(arrays["R"], arrays["F"], arrays["species"])


def raw(path: Path, arrays: dict[str, np.ndarray]) -> Arrays:
    """An NPZ with the keys of projections."""
    np.savez(path, coords=arrays["R"], Fs=arrays["F"])
    return Arrays(arrays["R"], arrays["F"])


def mdcath(path: Path, n_frames: int = 4, pdb: str = "", atoms: dict[str, Any] | None = None) -> dict[str, Any]:
    """All atoms of an alanine residue at two temperatures, by h5py."""
    rng = np.random.default_rng(0)
    atoms = atoms or {"z": [7, 1, 6, 1, 6, 1, 1, 1, 6, 8], "resid": [1] * 10, "resname": ["ALA"] * 10}
    n = len(atoms["z"])
    R = np.cumsum(rng.normal(size=(n_frames, n, 3)), axis=1).astype(np.float32)
    with File(path, "w") as file:
        domain = file.create_group("1abcA00")
        domain["z"], domain["resid"] = np.array(atoms["z"]), np.array(atoms["resid"])
        domain["resname"] = np.array(atoms["resname"], "S")
        domain["chain"] = np.array(["A"] * n, "S")
        domain["pdbProteinAtoms"] = pdb
        for kelvin in ("320", "413"):
            for replica in ("0", "1"):
                run = domain.create_group(f"{kelvin}/{replica}")
                run["coords"], run["forces"], run["box"] = R, R * 2, np.eye(3, dtype=np.float32) * 6
    return {"R": R, "F": R * 2}


def netcdf_at_once(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """AMBER's NetCDF without a frame-by-frame writer, which is slow."""
    with scipy.io.netcdf_file(path, "w", version=2) as file:
        file.Conventions, file.ConventionVersion = "AMBER", "1.0"
        for name, length in (("frame", None), ("spatial", 3), ("atom", arrays["R"].shape[1])):
            file.createDimension(name, length)
        for key, name, units in (("R", "coordinates", "angstrom"), ("F", "forces", "kilocalorie/mole/angstrom")):
            variable = file.createVariable(name, "f", ("frame", "atom", "spatial"))
            variable.units = units
            variable[:] = arrays[key]


def h5md_at_once(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """H5MD without a frame-by-frame writer."""
    with File(path, "w") as file:
        for name, key, unit in (("position", "R", "Angstrom"), ("force", "F", "kcal mol-1 Angstrom-1")):
            value = file.create_dataset(f"particles/all/{name}/value", data=arrays[key])
            value.attrs["unit"] = unit
            file[f"particles/all/{name}/step"] = np.arange(len(value))


AT_ONCE: dict[str, tuple[str, Callable[..., Any]]] = {
    "TRR": ("a.trr", trr),
    "NetCDF": ("a.nc", netcdf_at_once),
    "H5MD": ("a.h5md", h5md_at_once),
    "LAMMPS": ("a.lammpstrj", lammps),
    "mlcg": ("a.h5", mlcg),
    "NPY": ("cln_ca_coords.npy", npy),
    "raw NPZ": ("raw.npz", raw),
}
"""Writers that are fast for many frames."""

WRITERS: dict[str, tuple[str, Callable[..., Arrays]]] = {
    "TRR": ("a.trr", trr),
    "NetCDF": ("a.nc", netcdf),
    "H5MD": ("a.h5md", h5md),
    "H5MD in other units": (
        "b.h5md",
        lambda path, arrays: h5md(path, arrays, lengthunit="Angstrom", forceunit="kcal/(mol*Angstrom)"),
    ),
    "LAMMPS": ("a.lammpstrj", lammps),
    "mlcg": ("a.h5", mlcg),
    "NPY": ("cln_ca_coords.npy", npy),
    "raw NPZ": ("raw.npz", raw),
}
"""A file name and a writer for each format."""
