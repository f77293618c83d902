"""When the box of a file is used: fixed boxes, boxes of each frame, sides that are not periodic, boxes of zeros."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import cgcore
from cgcore.mapping import map_to_beads
from validation.check import Row, at_most, check, equal
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import chain
from validation.stored.written_formats import CELL, NM, lengths_and_angles
from validation.tolerances import relative

FRAMES, BEADS = 6, 12
CLOSE = 1e-12
"""Tolerance of bonds of 4 Å from positions in a box of 60 Å, in double precision; files of text have 17 digits."""
SINGLE = 1e-5
"""The same in single precision."""
LENGTHS = np.array([41.0, 47.0, 52.0])
PERIODIC = ("periodic",) * 3


class Wrapped(NamedTuple):
    """Frames that are cut by a box: positions of whole chains and in the box, and forces."""

    whole: Array
    cut: Array
    F: Array


@check("formats-boxes", quick=True, needs=("h5py", "scipy"))
def boxes_of_files(context: Context) -> Iterator[Row]:
    """H5MD, LAMMPS, AMBER and mdCATH with boxes that have to be used, and with ones that must not be."""
    rng = np.random.default_rng(0)
    growing = LENGTHS * rng.uniform(1.0, 1.2, (FRAMES, 1))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _h5md(folder / "a.h5md", rng)
        yield from _lammps(folder / "a.lammpstrj", _wrapped(rng, np.diag(LENGTHS)))
        yield from _tilted(folder / "a.lammpstrj", rng)
        yield from _netcdf(folder / "a.nc", rng, growing)
        yield from _mdcath(folder / "a.h5", rng)
        frames = _wrapped(rng, np.diag(LENGTHS))
        for said, used in ((LENGTHS, True), (0 * LENGTHS, False), (np.zeros((FRAMES, 3, 3)), False)):
            np.savez(folder / "a.npz", R=frames.cut, F=frames.F, box=said)
            yield _row(f"NPZ, box {said.shape}{'' if used else ' of zeros'}", folder / "a.npz", frames, used)


def _wrapped(rng: np.random.Generator, vectors: Array) -> Wrapped:
    """Chains anywhere, wrapped into these boxes (3, 3) or (frames, 3, 3)."""
    R, F = chain(rng, FRAMES, BEADS, 3.8, 0.06, 20.0)
    R += rng.uniform(-50, 50, (FRAMES, 1, 3))
    parts = R @ np.linalg.inv(vectors)
    return Wrapped(R, (parts - np.floor(parts)) @ vectors, F)


def _row(name: str, path: Path, frames: Wrapped, used: bool) -> Row:
    """Steps between beads, of whole chains or of the positions in the file, and between their forces."""
    known = frames.whole if used else frames.cut
    word = "used" if used else "not used"
    off = max(
        relative(np.diff(a, axis=1), np.diff(b, axis=1)) for a, b in zip(_read(path), (known, frames.F), strict=True)
    )
    return at_most(f"{name}, {word}", off, CLOSE, "relative")


def _read(path: Path) -> tuple[Array, Array]:
    """Positions and forces of a file; not numbers, if it is refused."""
    try:
        found = cgcore.read(path, accept_faults=True).join()
    except cgcore.InputError:
        nothing = np.full((FRAMES, BEADS, 3), np.nan)
        return nothing, nothing
    return found.R, found.F


def _h5md(path: Path, rng: np.random.Generator) -> Iterator[Row]:
    """Edges that are fixed or change, as lengths or vectors, in nm; forces of every second frame; other boundaries."""
    import h5py

    growing = np.linspace(1.0, 1.3, FRAMES)[:, None]
    tilted = CELL * growing[..., None]
    cases: list[tuple[str, Array, Array, tuple[str, ...] | None, bool]] = [
        ("fixed lengths", LENGTHS, LENGTHS, PERIODIC, True),
        ("fixed vectors", CELL, CELL, PERIODIC, True),
        ("lengths in one row", LENGTHS, LENGTHS[None], PERIODIC, True),
        ("lengths of each frame", LENGTHS * growing, LENGTHS * growing, PERIODIC, True),
        ("vectors of each frame", tilted, tilted, PERIODIC, True),
        ("vectors of fewer frames", tilted, tilted[:-1], PERIODIC, False),
        ("one side is open", LENGTHS, LENGTHS, ("periodic", "periodic", "none"), False),
        ("no boundary", LENGTHS, LENGTHS, None, False),
        ("no edges", LENGTHS, LENGTHS[:0], PERIODIC, False),
    ]
    for name, vectors, edges, boundary, used in cases:
        frames = _wrapped(rng, vectors if vectors.shape[-2:] == (3, 3) else np.eye(3) * vectors[..., None])
        for every in (1, 2):
            with h5py.File(path, "w") as file:
                group: Any = file.create_group("particles/all")
                for key, values, unit in (
                    ("position", frames.cut / NM, "nm"),
                    ("force", frames.F[::every], "kcal mol-1 Angstrom-1"),
                ):
                    group[f"{key}/value"] = values
                    group[f"{key}/step"] = (every if key == "force" else 1) * np.arange(len(values))
                    group[f"{key}/value"].attrs["unit"] = unit
                box = group.create_group("box")
                if boundary is not None:
                    box.attrs["boundary"] = list(boundary)
                if len(edges):
                    box["edges" if edges.shape in ((3,), (3, 3)) else "edges/value"] = edges / NM
            own = Wrapped(*(x[::every] for x in frames))
            yield _row(f"H5MD, {name}{', half of the forces' * (every - 1)}", path, own, used)


def _lammps(path: Path, frames: Wrapped) -> Iterator[Row]:
    """Boundaries, and names of columns that say whether positions are wrapped; atoms without numbers."""
    for name, columns, flags, used in (
        ("x y z", "x y z", ["pp pp pp"], True),
        ("unwrapped columns", "xu yu zu", ["pp pp pp"], False),
        ("an open side", "x y z", ["pp pp ff"], False),
        ("a side that opens", "x y z", ["pp pp pp"] * (FRAMES - 1) + ["pp ff pp"], False),
        ("a side that closes", "x y z", ["fm pp pp"] + ["pp pp pp"] * (FRAMES - 1), False),
    ):  # fmt: skip
        for numbered in (True, False):
            order = np.random.default_rng(0).permutation(BEADS) if numbered else np.arange(BEADS)
            bounds = [f"0.0 {edge}" for edge in LENGTHS]
            each = [flags[min(k, len(flags) - 1)] for k in range(FRAMES)]
            _write_dump(path, frames, each, bounds, columns, order, numbered=numbered)
            yield _row(f"LAMMPS, {name}{', no id' * (not numbered)}", path, frames, used)
            notes = cgcore.read(path, accept_faults=True).notes
            noted = any("has no column id" in note for note in notes)
            yield equal(f"LAMMPS, {name}{', no id' * (not numbered)}, noted", noted, not numbered)


def _write_dump(
    path: Path,
    frames: Wrapped,
    flags: list[str],
    bounds: list[str],
    columns: str,
    order: Array,
    *,
    numbered: bool = True,
) -> None:
    """A LAMMPS dump with the flags of the box of each frame, and atoms in this order, with their numbers or without."""
    lines = []
    for k, (x, f) in enumerate(zip(frames.cut, frames.F, strict=True)):
        lines += ["ITEM: TIMESTEP", str(k), "ITEM: NUMBER OF ATOMS", str(BEADS)]
        lines += [f"ITEM: BOX BOUNDS {flags[k]}", *bounds, f"ITEM: ATOMS {'id ' * numbered}{columns} fx fy fz"]
        for i in order:
            values = " ".join(f"{one:.17g}" for one in (*x[i], *f[i]))
            lines.append(f"{f'{i + 1} ' * numbered}{values}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _tilted(path: Path, rng: np.random.Generator) -> Iterator[Row]:
    """LAMMPS states the bounds of the smallest upright box around a tilted one; tilts of all signs."""
    for signs in product((1.0, -1.0), repeat=3):
        xy, xz, yz = np.array([9.0, 7.0, 11.0]) * signs
        vectors = np.array([[LENGTHS[0], 0, 0], [xy, LENGTHS[1], 0], [xz, yz, LENGTHS[2]]])
        frames = _wrapped(rng, vectors)
        corners = np.array(list(product((0, 1), repeat=3))) @ vectors
        sides = zip(corners.min(axis=0), corners.max(axis=0), (xy, xz, yz), strict=True)
        bounds = [" ".join(f"{one:.17g}" for one in side) for side in sides]
        _write_dump(path, frames, ["xy xz yz pp pp pp"] * FRAMES, bounds, "x y z", np.arange(BEADS))
        yield _row(f"LAMMPS, tilts {xy:g}, {xz:g} and {yz:g}", path, frames, used=True)


def _netcdf(path: Path, rng: np.random.Generator, lengths: Array) -> Iterator[Row]:
    """Frames along the unlimited dimension or one of fixed length, beside variables that belong to no frame, with right
    angles or with others."""
    from scipy.io import netcdf_file

    angles = np.degrees(np.pi / 2) * np.ones((FRAMES, 3))
    for name, tilted in (("right angles", False), ("other angles", True)):
        cells = CELL * (lengths[:, :1] / LENGTHS[0])[..., None] if tilted else np.eye(3) * lengths[:, None]
        frames = _wrapped(rng, cells)
        said = np.array([lengths_and_angles(cell) for cell in cells]) if tilted else np.hstack([lengths, angles])
        for unlimited in (True, False):
            with netcdf_file(path, "w", version=2) as file:
                for key, length in (
                    ("frame", None if unlimited else FRAMES),
                    ("spatial", 3),
                    ("atom", BEADS),
                    ("odd", 5),
                ):
                    file.createDimension(key, length)
                file.createVariable("spatial", "c", ("spatial",))[:] = np.array(list("xyz"), "S1")
                file.createVariable("numbers", "b", ("odd",))[:] = np.arange(5)
                for key, dims, values in (
                    ("coordinates", ("frame", "atom", "spatial"), frames.cut),
                    ("cell_lengths", ("frame", "spatial"), said[:, :3]),
                    ("flags", ("frame", "odd"), np.zeros((FRAMES, 5))),
                    ("cell_angles", ("frame", "spatial"), said[:, 3:]),
                    ("forces", ("frame", "atom", "spatial"), frames.F),
                ):
                    file.createVariable(key, "b" if key == "flags" else "d", dims)[:] = values
            way = "unlimited" if unlimited else "of fixed length"
            yield _row(f"NetCDF, {name}, frames {way}", path, frames, True)


def _mdcath(path: Path, rng: np.random.Generator) -> Iterator[Row]:
    """All atoms in a box in nm: one for all frames or one for each, none, or zeros."""
    import h5py

    names, residues = ("N", "CA", "C"), BEADS // 3
    pdb = "\n".join(f"ATOM  {k + 1:5d}  {names[k % 3]:<3s} GLY A{k // 3 + 1:4d}" for k in range(BEADS))
    lengths = LENGTHS * np.linspace(1.0, 1.2, FRAMES)[:, None]
    put: Callable[[Array], Array] = lambda edges: np.eye(3) * edges[..., None]  # noqa: E731
    for name, edges, box in (
        ("one box", LENGTHS, put(LENGTHS)),
        ("boxes of frames", lengths, put(lengths)),
        ("none", LENGTHS, None),
        ("zeros", LENGTHS, np.zeros((FRAMES, 3, 3))),
    ):
        frames = _wrapped(rng, put(edges))
        with h5py.File(path, "w") as file:
            domain = file.create_group("1abcA00")
            domain["z"], domain["resid"] = np.tile([7, 6, 6], residues), np.repeat(np.arange(residues), 3)
            domain["resname"], domain["chain"] = np.full(BEADS, b"GLY"), np.full(BEADS, b"A")
            domain["pdbProteinAtoms"] = pdb
            run = domain.create_group("320/0")
            run["coords"], run["forces"] = frames.cut.astype("f4"), frames.F.astype("f4")
            if box is not None:
                run["box"] = box / NM
        found = map_to_beads(path, force_map="slice").dataset.join().R
        known = frames.whole if name in ("one box", "boxes of frames") else frames.cut.astype("f4")
        ours, theirs = np.diff(found, axis=1), np.diff(known[:, 1::3], axis=1)
        yield at_most(f"mdCATH, {name}", relative(ours, theirs), SINGLE, "relative")
