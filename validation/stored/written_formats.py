"""Files in the formats that cgcore reads, written byte by byte or with plain libraries, with optional contents."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from validation.explicit import Array

NM, BOHR = 10.0, 0.529177210903
"""Lengths in Å (CODATA 2018)."""
KJ, EV, HARTREE = 1 / 4.184, 96.48533212 / 4.184, 627.5094740631
"""Energies in kcal/mol (CODATA 2018)."""

CELL = np.array([[40.0, 0.0, 0.0], [19.6, 45.0, 0.0], [-19.0, 22.0, 50.0]])
"""Vectors of a box [Å], as rows, with the strongest tilt that is usual."""

KELVIN = 325.0

Beside = frozenset[str]
"""Names of `OPTIONAL` contents to write."""


class Frames(NamedTuple):
    """The frames that are written, in Å, kcal/mol/Å and Å/ps."""

    R: Array  # (frames, beads, 3)
    F: Array  # (frames, beads, 3)
    V: Array  # (frames, beads, 3)
    species: Array  # (beads,)
    cells: Array  # (frames, 3, 3), vectors as rows

    @property
    def wrapped(self) -> Array:
        """Positions wrapped into their cells."""
        parts = self.R @ np.linalg.inv(self.cells)
        return (parts - np.floor(parts)) @ self.cells

    def positions(self, beside: Beside) -> Array:
        """Positions, wrapped if the cell is written."""
        return self.wrapped if "cell" in beside else self.R

    @property
    def chains(self) -> Array:
        """Chain numbers of two chains, the second of which begins in the middle."""
        return np.where(np.arange(len(self.species)) < len(self.species) // 2, 1, 2)


Write = Callable[[Path, Frames, Beside], Path]
"""Writes frames into a folder and returns the file to read."""


def lengths_and_angles(cell: Array) -> Array:
    """a, b, c [Å] and the angles between b and c, a and c, a and b [degrees]."""
    lengths = np.linalg.norm(cell, axis=1)
    unit = cell / lengths[:, None]
    return np.r_[lengths, np.degrees(np.arccos([unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]]))]


def _lammps(folder: Path, frames: Frames, beside: Beside, *, metal: bool = False, scaled: bool = False) -> Path:
    """A custom dump with the atoms in another order in each frame. Scaled positions are fractions of a tilted box,
    whose bounds the file states."""
    rng, lines = np.random.default_rng(0), []
    columns, tilted = ["type", "fx fy fz", "id", "xs ys zs" if scaled else "x y z"], scaled or "cell" in beside
    for name, place, column in (("velocities", 1, "vx vy vz"), ("chains", 1, "mol"), ("names", 3, "element"),
                                ("images", len(columns), "ix iy iz")):  # fmt: skip
        columns[place:place] = [column] if name in beside else []
    R, F = frames.positions(beside), frames.F / (EV if metal else 1)
    for k in range(len(R)):
        low, box = (np.zeros(3), frames.cells[k]) if "cell" in beside else (R.min(axis=(0, 1)) - 30.0, 3 * CELL)
        bounds, x = np.stack([low, low + np.diag(box)], axis=1), R[k]
        if tilted:
            xy, xz, yz = box[1, 0], box[2, 0], box[2, 1]
            bounds[0] += min(0.0, xy, xz, xy + xz), max(0.0, xy, xz, xy + xz)
            bounds[1] += min(0.0, yz), max(0.0, yz)
            bounds = np.column_stack([bounds, [xy, xz, yz]])
        if scaled:
            x = (x - low) @ np.linalg.inv(box)
        lines += ["ITEM: UNITS", "metal"] if metal and k == 0 else []
        lines += ["ITEM: TIME", str(0.5 * k)] if "time" in beside else []
        lines += ["ITEM: TIMESTEP", str(k), "ITEM: NUMBER OF ATOMS", str(len(x))]
        lines.append(f"ITEM: BOX BOUNDS {'xy xz yz ' if tilted else ''}pp pp pp")
        lines += [" ".join(map(_digits, side)) for side in bounds]
        lines.append(f"ITEM: ATOMS {' '.join(columns)}")
        for i in rng.permutation(len(x)):
            said = {"type": [frames.species[i]], "id": [i + 1], "mol": [frames.chains[i]], "element": ["C"],
                    "fx fy fz": map(_digits, F[k, i]), "vx vy vz": map(_digits, frames.V[k, i]),
                    "ix iy iz": [0, -1, 2]}  # fmt: skip
            lines.append(" ".join(str(word) for name in columns for word in said.get(name, map(_digits, x[i]))))
    (folder / "a.lammpstrj").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "a.lammpstrj"


def _digits(number: float) -> str:
    return f"{number:.17g}"


def _trr(folder: Path, frames: Frames, beside: Beside) -> Path:
    """GROMACS's format, by its layout. Each frame is followed by one without forces and by one with velocities
    alone."""
    n, real, written = frames.R.shape[1], "f" if "single" in beside else "d", []
    for k, (x, f, v) in enumerate(zip(frames.positions(beside) / NM, frames.F / (KJ / NM), frames.V / NM, strict=True)):
        whole = {"box": frames.cells[k] / NM, "vir": np.eye(3) * 7, "pres": np.eye(3) * 9, "x": x, "v": v, "f": f}
        named = {"box": "cell", "vir": "virial", "pres": "pressure", "v": "velocities"}
        whole = {name: own for name, own in whole.items() if named.get(name, name) in {*beside, "x", "f"}}
        for left_out in ((), ("f",), ("x", "f")):
            own = {name: part.astype(f">{real}").tobytes() for name, part in whole.items() if name not in left_out}
            if not own.keys() & {"box", "x", "v"}:  # the precision is known only from one of these
                continue
            names = ("ir", "e", "box", "vir", "pres", "top", "sym", "x", "v", "f")
            sizes = [len(own.get(name, b"")) for name in names]
            head = struct.pack(">iii12s", 1993, 13, 12, b"GMX_trn_file") + struct.pack(">13i", *sizes, n, k, 0)
            written.append(head + struct.pack(f">2{real}", k, 0.0))
            written += own.values()
    (folder / "a.trr").write_bytes(b"".join(written))
    return folder / "a.trr"


def _netcdf(folder: Path, frames: Frames, beside: Beside) -> Path:
    """NetCDF with AMBER's conventions."""
    from scipy.io import netcdf_file

    kind = "f" if "single" in beside else "d"
    with netcdf_file(folder / "a.nc", "w", version=2) as file:
        file.Conventions, file.ConventionVersion = "AMBER", "1.0"
        for name, length in (("frame", None), ("spatial", 3), ("atom", frames.R.shape[1]), ("cell_angular", 3)):
            file.createDimension(name, length)
        for key, (values, units, scale) in _amber(frames, beside).items():
            last = ("spatial", "cell_angular")[key == "cell_angles"]
            dims = {1: (), 2: (last,), 3: ("atom", last)}[values.ndim]
            variable = file.createVariable(key, kind, ("frame", *dims))
            variable.units = units
            if scale != 1:
                variable.scale_factor = scale
            variable[:] = values / scale
    return folder / "a.nc"


def _amber(frames: Frames, beside: Beside) -> dict[str, tuple[Array, str, float]]:
    """Variables of AMBER's conventions in the order in which they are written: values, units and scale factor."""
    cells = np.array([lengths_and_angles(cell) for cell in frames.cells])
    scale = 2.5 if "scaled" in beside else 1.0
    made = {
        "time": (0.5 * np.arange(len(frames.R)), "picosecond", 1.0),
        "coordinates": (frames.positions(beside), "angstrom", scale),
        "velocities": (frames.V, "angstrom/picosecond", 20.455),
        "cell_lengths": (cells[:, :3], "angstrom", 1.0),
        "forces": (frames.F, "kilocalorie/mole/angstrom", 2 * scale if scale != 1 else 1.0),
        "cell_angles": (cells[:, 3:], "degree", 1.0),
        "temp0": (np.full(len(frames.R), KELVIN), "kelvin", 1.0),
    }
    named = {"cell_lengths": "cell", "cell_angles": "cell", "temp0": "temperature"}
    return {key: own for key, own in made.items() if named.get(key, key) in {*beside, "coordinates", "forces"}}


def _amber_hdf5(folder: Path, frames: Frames, beside: Beside) -> Path:
    """The same variables in HDF5, without scale factors."""
    import h5py

    with h5py.File(folder / "a.nc", "w") as file:
        for key, (values, units, _) in _amber(frames, beside).items():
            file[key] = values.astype("f4" if "single" in beside else "f8")
            file[key].attrs["units"] = units
    return folder / "a.nc"


def _h5md(length: tuple[str, float], force: tuple[str, float], folder: Path, frames: Frames, beside: Beside) -> Path:
    """H5MD with units given as text; `length` and `force` contain each unit and its factor."""
    import h5py

    n = len(frames.R)
    cuts = [slice(0, n // 2), slice(n // 2, n)] if "two groups" in beside else [slice(0, n)]
    # Every second frame of positions is displaced and belongs to a step without forces.
    every = 2 if "fewer forces" in beside else 1
    with h5py.File(folder / "a.h5md", "w") as file:
        for name, cut in zip("ab", cuts, strict=False):
            group: Any = file.create_group(f"particles/{name}")
            own = {
                "velocity": (frames.V[cut], ("Angstrom ps-1", 1.0), 1),
                "position": (np.repeat(frames.positions(beside)[cut], every, axis=0), length, 1),
                "force": (frames.F[cut], force, every),
            }
            own["position"][0][1::every] += 3.0 * (every - 1)
            for key, (values, (unit, factor), apart) in own.items():
                if key != "velocity" or "velocities" in beside:
                    group[f"{key}/value"], group[f"{key}/step"] = values / factor, apart * np.arange(len(values))
                    group[f"{key}/value"].attrs["unit"] = unit
            group["species"] = frames.species
            if "masses" in beside:
                group["mass"] = np.full(len(frames.species), 110.0)
            if "cell" in beside:
                group.create_group("box").attrs["boundary"] = ["periodic"] * 3
                group["box/edges/value"] = np.repeat(frames.cells[cut], every, axis=0) / length[1]
                group["box/edges/step"] = np.arange(every * len(frames.cells[cut]))
    return folder / "a.h5md"


def _later_forces(folder: Path, frames: Frames, beside: Beside) -> Path:
    """H5MD with as many forces as positions, whose first frame is that of the second positions."""
    import h5py

    path = _h5md(("Angstrom", 1.0), ("kcal mol-1 Angstrom-1", 1.0), folder, frames, beside)
    with h5py.File(path, "r+") as file:
        group: Any = file["particles/a"]
        for key, first in (("position", 0), ("force", 1)):
            unit, values = group[f"{key}/value"].attrs["unit"], group[f"{key}/value"][:]
            alone = values[:1] + 1.0  # belongs to a step of its own
            del group[key]
            group[f"{key}/value"] = np.concatenate([values, alone] if first else [alone, values])
            group[f"{key}/value"].attrs["unit"], group[f"{key}/step"] = unit, first + np.arange(len(values) + 1)
    return path


def _mlcg(folder: Path, frames: Frames, beside: Beside) -> Path:
    """The HDF5 format of mlcg."""
    import h5py

    n = len(frames.R)
    cuts = [slice(0, n // 2), slice(n // 2, n)] if "two molecules" in beside else [slice(0, n)]
    with h5py.File(folder / "a.h5", "w") as file:
        for name, cut in zip(("one", "two"), cuts, strict=False):
            molecule = file.create_group(f"SET/{name}")
            molecule.attrs["cg_embeds"], molecule.attrs["N_frames"] = frames.species, cut.stop - cut.start
            molecule["cg_coords"], molecule["cg_forces"] = frames.R[cut], frames.F[cut]
            if "delta forces" in beside:
                molecule["cg_delta_forces"] = 0.5 * frames.F[cut]
            if "temperature" in beside:
                molecule.attrs["temperature"] = KELVIN
    return folder / "a.h5"


def _npy(folder: Path, frames: Frames, beside: Beside) -> Path:
    """NumPy files that belong together."""
    for kind, values in (("coords", frames.R), ("forces", frames.F), ("embeddings", frames.species)):
        np.save(folder / f"x_{kind}.npy", np.asfortranarray(values) if "columns first" in beside else values)
    return folder / "x_coords.npy"


def _npz(keys: tuple[str, str], folder: Path, frames: Frames, beside: Beside) -> Path:
    """NPZ with these keys for positions and forces, compressed if requested."""
    arrays: dict[str, Any] = dict(zip(keys, (frames.positions(beside), frames.F), strict=True))
    arrays |= {"V": frames.V} if "velocities" in beside else {}
    arrays |= {"box": frames.cells} if "cell" in beside else {}
    arrays |= {"temperature": np.full(len(frames.R), KELVIN)} if "temperature" in beside else {}
    (np.savez_compressed if "compressed" in beside else np.savez)(folder / "raw.npz", **arrays)
    return folder / "raw.npz"


WRITERS: dict[str, Write] = {
    "LAMMPS": _lammps,
    "LAMMPS metal": partial(_lammps, metal=True),
    "LAMMPS scaled": partial(_lammps, scaled=True),
    "TRR": _trr,
    "NetCDF": _netcdf,
    "AMBER HDF5": _amber_hdf5,
    "H5MD in nm": partial(_h5md, ("nm", NM), ("kJ mol-1 nm-1", KJ / NM)),
    "H5MD in nm, forces per Å": partial(_h5md, ("nm", NM), ("kJ mol-1 Angstrom-1", KJ)),
    "H5MD in bohr": partial(_h5md, ("bohr", BOHR), ("hartree/bohr", HARTREE / BOHR)),
    "H5MD, forces later": _later_forces,
    "mlcg": _mlcg,
    "NPY": _npy,
    "NPZ": partial(_npz, ("R", "F")),
    "projections": partial(_npz, ("coords", "Fs")),
}

OPTIONAL: dict[str, tuple[str, ...]] = {
    "LAMMPS": ("velocities", "chains", "names", "images", "time", "cell"),
    "LAMMPS scaled": ("cell",),
    "TRR": ("velocities", "virial", "pressure", "cell", "single"),
    "NetCDF": ("velocities", "time", "cell", "temperature", "scaled", "single"),
    "AMBER HDF5": ("velocities", "time", "cell", "temperature", "single"),
    "H5MD in nm": ("velocities", "masses", "cell", "fewer forces", "two groups"),
    "mlcg": ("delta forces", "temperature", "two molecules"),
    "NPY": ("columns first",),
    "NPZ": ("velocities", "cell", "temperature", "compressed"),
}
"""Optional contents of a file besides positions, forces and species, or other ways to store these."""
