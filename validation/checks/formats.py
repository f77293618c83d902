"""Frames as other programs write them, made here byte by byte or by plain libraries: units, order of atoms, boxes."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from validation.check import Row, at_most, check, equal
from validation.context import Context
from validation.explicit import Array
from validation.tolerances import relative

FRAMES = 5
EXACT = 1e-14
"""A factor or two in float64; text has 17 digits."""

NM, BOHR = 10.0, 0.529177210903
"""Å (CODATA 2018)."""
KJ, EV, HARTREE = 1 / 4.184, 96.48533212 / 4.184, 627.5094740631
"""kcal/mol (CODATA 2018)."""

UNITS = {
    "angstrom-kcal": (1.0, 1.0),
    "nm-kj": (NM, KJ / NM),
    "angstrom-kj": (1.0, KJ),
    "angstrom-ev": (1.0, EV),
    "nm-kcal": (NM, 1 / NM),
}
"""What positions and forces of a file have to be multiplied by."""

CELL = np.array([[40.0, 0.0, 0.0], [19.6, 45.0, 0.0], [-19.0, 22.0, 50.0]])
"""Vectors of a box [Å], as rows, that is tilted as far as boxes are."""

Write = Callable[[Path, Array, Array, Array], Path]
"""Writes R [Å], F [kcal/mol/Å] and species into a folder, and gives the file to read."""


@check("formats", quick=True, needs=("h5py", "scipy"))
def formats(context: Context) -> Iterator[Row]:
    """Positions, forces and species of every format, in its units; chains that a box has cut."""
    batch = context.some(FRAMES).join()
    R, F = np.asarray(batch.R, float), np.asarray(batch.F, float)
    species = (3 * np.arange(R.shape[1])) % 5 + 1
    with tempfile.TemporaryDirectory() as folder:
        for units, (length, force) in UNITS.items():
            np.savez(Path(folder) / "units.npz", R=R / length, F=F / force)
            found = cgcore.read(Path(folder) / "units.npz", units=units, accept_faults=True).join()
            yield from _same(units, found, R, F, EXACT)
        for name, write in WRITERS.items():
            (Path(folder) / name).mkdir()
            data = cgcore.read(write(Path(folder) / name, R, F, species), accept_faults=True)
            found = data.join()
            yield from _same(name, found, R, F, SINGLE.get(name, EXACT))
            if name not in WITHOUT_SPECIES:
                yield equal(f"{name}, species", bool((found.species == species).all()), True)
        yield from _boxes(Path(folder), R, F)


def _same(name: str, found: Any, R: Array, F: Array, tolerance: float) -> Iterator[Row]:
    yield at_most(f"{name}, positions", relative(found.R, R), tolerance, "relative")
    yield at_most(f"{name}, forces", relative(found.F, F), tolerance, "relative")


def _boxes(folder: Path, R: Array, F: Array) -> Iterator[Row]:
    """Wrapped into boxes, each frame moved elsewhere: the steps from bead to bead are as before."""
    rng = np.random.default_rng(0)
    shifted = R + rng.uniform(-50, 50, (len(R), 1, 3))
    lengths = rng.uniform(40, 60, (len(R), 3))
    for name, vectors, said in (
        ("of each frame", np.eye(3) * lengths[:, None], lengths),
        ("tilted", np.tile(CELL, (len(R), 1, 1)), CELL),
        ("by angles", np.tile(CELL, (len(R), 1, 1)), _lengths_and_angles(CELL)),
    ):
        parts = shifted @ np.linalg.inv(vectors)
        wrapped = (parts - np.floor(parts)) @ vectors
        np.savez(folder / "box.npz", R=wrapped, F=F, box=said)
        found = cgcore.read(folder / "box.npz", accept_faults=True).join()
        yield at_most(f"box, {name}", relative(np.diff(found.R, axis=1), np.diff(R, axis=1)), 1e-12, "relative")
        cut = float(np.abs(np.diff(wrapped, axis=1) - np.diff(R, axis=1)).max())
        yield equal(f"box, {name}, cuts chains", cut > 10, True)


def _lengths_and_angles(cell: Array) -> Array:
    """a, b, c [Å] and the angles between b and c, a and c, a and b [degrees]."""
    lengths = np.linalg.norm(cell, axis=1)
    unit = cell / lengths[:, None]
    return np.r_[lengths, np.degrees(np.arccos([unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]]))]


def _lammps(folder: Path, R: Array, F: Array, species: Array, *, metal: bool = False, scaled: bool = False) -> Path:
    """A custom dump, its atoms in another order in each frame; scaled positions are parts of a tilted box, of which the
    file gives the bounds."""
    rng, lines = np.random.default_rng(0), []
    low, box, tilt = R.min(axis=(0, 1)) - 30.0, 3 * CELL, ""
    bounds, columns = np.stack([low, low + np.diag(box)], axis=1), "x y z"
    x = R
    if scaled:
        (xy, xz, yz), columns, tilt = (box[1, 0], box[2, 0], box[2, 1]), "xs ys zs", "xy xz yz "
        bounds[0] += min(0.0, xy, xz, xy + xz), max(0.0, xy, xz, xy + xz)
        bounds[1] += min(0.0, yz), max(0.0, yz)
        bounds, x = np.column_stack([bounds, [xy, xz, yz]]), (R - low) @ np.linalg.inv(box)
    for k, (r, f) in enumerate(zip(x, F / (EV if metal else 1), strict=True)):
        lines += ["ITEM: UNITS", "metal"] if metal and k == 0 else []
        lines += ["ITEM: TIMESTEP", str(k), "ITEM: NUMBER OF ATOMS", str(len(r)), f"ITEM: BOX BOUNDS {tilt}pp pp pp"]
        lines += [" ".join(f"{number:.17g}" for number in side) for side in bounds]
        lines.append(f"ITEM: ATOMS type fx fy fz id {columns}")
        for i in rng.permutation(len(r)):
            numbers = [*(f"{value:.17g}" for value in f[i]), str(i + 1), *(f"{value:.17g}" for value in r[i])]
            lines.append(f"{species[i]} {' '.join(numbers)}")
    (folder / "a.lammpstrj").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "a.lammpstrj"


def _trr(folder: Path, R: Array, F: Array, species: Array) -> Path:
    """GROMACS' own, in double precision, by its layout; a frame without forces between each two."""
    n, frames = R.shape[1], []
    for k, (x, f) in enumerate(zip(R / NM, F / (KJ / NM), strict=True)):
        for own in (f, None):
            sizes = [0, 0, 72, 0, 0, 0, 0, 24 * n, 0, 0 if own is None else 24 * n]
            head = struct.pack(">iii12s", 1993, 13, 12, b"GMX_trn_file") + struct.pack(">13i", *sizes, n, k, 0)
            body = [np.eye(3) * 20.0, x] if own is None else [np.eye(3) * 20.0, x, own]
            frames.append(head + struct.pack(">2d", float(k), 0.0) + b"".join(b.astype(">f8").tobytes() for b in body))
    (folder / "a.trr").write_bytes(b"".join(frames))
    return folder / "a.trr"


def _netcdf(folder: Path, R: Array, F: Array, species: Array) -> Path:
    """AMBER's conventions."""
    from scipy.io import netcdf_file

    with netcdf_file(folder / "a.nc", "w", version=2) as file:
        file.Conventions, file.ConventionVersion = "AMBER", "1.0"
        for name, length in (("frame", None), ("spatial", 3), ("atom", R.shape[1])):
            file.createDimension(name, length)
        for key, values, units in (("coordinates", R, "angstrom"), ("forces", F, "kilocalorie/mole/angstrom")):
            variable = file.createVariable(key, "d", ("frame", "atom", "spatial"))
            variable.units = units
            variable[:] = values
    return folder / "a.nc"


def _h5md(length: str, force: str, *factors: float) -> Write:
    """H5MD with these units in words, which positions and forces are multiplied by so much."""

    def write(folder: Path, R: Array, F: Array, species: Array) -> Path:
        return _write_h5md(folder / "a.h5md", (R, F, species), (length, force), factors)

    return write


def _write_h5md(path: Path, arrays: tuple[Array, ...], units: tuple[str, str], factors: tuple[float, ...]) -> Path:
    import h5py

    R, F, species = arrays

    with h5py.File(path, "w") as file:
        for key, values, factor, unit in zip(("position", "force"), (R, F), factors, units, strict=True):
            value: Any = file.create_dataset(f"particles/all/{key}/value", data=values / factor)
            value.attrs["unit"] = unit
            file[f"particles/all/{key}/step"] = np.arange(len(values))
        file["particles/all/species"] = species
    return path


def _mlcg(folder: Path, R: Array, F: Array, species: Array) -> Path:
    """HDF5 of mlcg."""
    import h5py

    with h5py.File(folder / "a.h5", "w") as file:
        molecule = file.create_group("SET/one")
        molecule.attrs["cg_embeds"], molecule.attrs["N_frames"] = species, len(R)
        molecule["cg_coords"], molecule["cg_forces"] = R, F
    return folder / "a.h5"


def _npy(folder: Path, R: Array, F: Array, species: Array) -> Path:
    """Three files that belong together."""
    for kind, values in (("coords", R), ("forces", F), ("embeddings", species)):
        np.save(folder / f"x_{kind}.npy", values)
    return folder / "x_coords.npy"


def _projections(folder: Path, R: Array, F: Array, species: Array) -> Path:
    """NPZ with the keys of projections."""
    np.savez(folder / "raw.npz", coords=R, Fs=F)
    return folder / "raw.npz"


WRITERS: dict[str, Write] = {
    "LAMMPS": _lammps,
    "LAMMPS metal": lambda *given: _lammps(*given, metal=True),
    "LAMMPS scaled": lambda *given: _lammps(*given, scaled=True),
    "TRR": _trr,
    "NetCDF": _netcdf,
    "H5MD in nm": _h5md("nm", "kJ mol-1 nm-1", NM, KJ / NM),
    "H5MD in nm, forces per Å": _h5md("nm", "kJ mol-1 Angstrom-1", NM, KJ),
    "H5MD in bohr": _h5md("bohr", "hartree/bohr", BOHR, HARTREE / BOHR),
    "mlcg": _mlcg,
    "NPY": _npy,
    "projections": _projections,
}
WITHOUT_SPECIES = ("TRR", "NetCDF", "projections")
SINGLE = {"H5MD in bohr": 1e-9}
"""The hartree is rounded to nine digits."""
SINGLE |= {"LAMMPS scaled": 1e-13}
"""Of positions far from the origin of a box, and back."""
