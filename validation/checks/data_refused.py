"""Files of other programs that cannot be used, in words, beside ones that can."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import cgcore
from cgcore.mapping import map_to_beads
from validation.check import Row, at_most, check, equal, says
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import chain
from validation.stored import netcdf_files
from validation.stored.written_formats import KJ, NM
from validation.tolerances import relative

FRAMES, BEADS = 4, 5
TRR = struct.Struct(">3i12s13i")
"""Header of a TRR frame up to its numbers: sizes of ten blocks, atoms, step and a count."""
SINGLE = 1e-6


class Case(NamedTuple):
    """An HDF5 file: its arrays, its attributes, and the words with which it is refused, or "accepted"."""

    arrays: Mapping[str, Any]
    attributes: Mapping[tuple[str, str], Any]
    words: str


@check("data-refused", quick=True, needs=("h5py", "scipy"))
def data_refused(context: Context) -> Iterator[Row]:
    """HDF5, TRR, NetCDF, LAMMPS and NumPy files that are damaged, incomplete or inconsistent, in words."""
    R, F = chain(np.random.default_rng(0), FRAMES, BEADS, 3.8, 0.06, 20.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, cases in (("H5MD", _h5md(R, F)), ("mlcg and AMBER", _others(R, F)), ("mdCATH", _mdcath(R, F))):
            for label, case in cases.items():
                path = _hdf5(folder / "a.h5", case)
                read = (
                    partial(map_to_beads, path, force_map="slice") if kind == "mdCATH" else partial(cgcore.read, path)
                )
                yield says(f"{kind}, {label}", read, case.words)
        yield from _beside(folder, R, F)
        yield from _trr(folder / "a.trr", R, F)
        yield from _netcdf(folder / "a.nc", R, F)
        yield from _lammps(folder / "a.lammpstrj", R, F)
        yield from _npy(folder, R, F)


def _hdf5(path: Path, case: Case) -> Path:
    import h5py

    with h5py.File(path, "w") as file:
        for key, values in case.arrays.items():
            file[key] = values
        for (key, name), value in case.attributes.items():
            file[key].attrs[name] = value
    return path


def _h5md(R: Array, F: Array) -> dict[str, Case]:
    x, f = "particles/a/position", "particles/a/force"
    stated = {(x, "unit"): "Angstrom", (f, "unit"): "kcal mol-1 Angstrom-1"}
    steps = {f"{x}/value": R, f"{x}/step": np.arange(4), f"{f}/value": F}
    said = {(f"{key}/value", name): unit for (key, name), unit in stated.items()}
    other = {"particles/b/position": R, "particles/b/force": F[:, :, :2]}
    return {
        "all": Case({x: R, f: F}, stated, "accepted"),
        "no units": Case({x: R, f: F}, {}, "does not state its units; give --units"),
        "unknown units": Case({x: R, f: F}, stated | {(x, "unit"): "furlong"}, "a.h5: the file states units 'furlong'"),
        "no positions": Case({f: F}, {}, "is an H5MD file without positions"),
        "no forces": Case({x: R}, {}, "holds no forces, so there is nothing to fit to; also write"),
        "forces of fewer beads": Case({x: R, f: F[:, :4]}, stated, "have shape (4, 5, 3) and forces (4, 4, 3)"),
        "a single frame without its dimension": Case({x: R[0], f: F[0]}, stated, "positions have shape (5, 3)"),
        "forces that are text": Case({x: R, f: F.astype("S")}, stated, "/particles/a/force holds no rows of numbers"),
        "no common step": Case(steps | {f"{f}/step": np.arange(4, 8)}, said, "have no step in common"),
        "one common step": Case(steps | {f"{f}/step": np.arange(3, 7)}, said, "accepted"),
        "two groups, one of them damaged": Case({x: R, f: F} | other, stated, "particles/b: positions have shape"),
    }  # fmt: skip


def _others(R: Array, F: Array) -> dict[str, Case]:
    return {
        "fewer forces of a molecule": Case({"S/a/cg_coords": R, "S/a/cg_forces": F[:3]}, {},
                                           "S/a: cg_coords has shape (4, 5, 3) and cg_forces (3, 5, 3)"),
        "positions of one frame": Case({"S/a/cg_coords": R[0], "S/a/cg_forces": F[0]}, {}, "cg_coords has shape (5,"),
        "species that are text": Case({"S/a/cg_coords": R, "S/a/cg_forces": F},
                                      {("S/a", "cg_embeds"): np.array([b"A"] * 5)}, "cg_embeds has shape (5,)"),
        "unknown units": Case({"coordinates": R, "forces": F}, {("forces", "units"): "furlong"}, "units 'furlong'"),
        "no forces": Case({"coordinates": R}, {}, "this trajectory holds no forces"),
        "forces alone": Case({"forces": F}, {}, "is an HDF5 file of an unknown kind"),
        "one frame": Case({"coordinates": R[0], "forces": F[0]}, {}, "coordinates have shape (5, 3)"),
    }  # fmt: skip


def _mdcath(R: Array, F: Array) -> dict[str, Case]:
    """Two residues with N, CA and C."""
    first = np.array([[-1.3, 0.5, 0], [0, 0, 0], [1.3, 0.5, 0]])
    atoms = np.concatenate([first, first + np.array([3.8, 0.1, 0.0])]) + 0.01 * np.random.default_rng(1).normal(
        size=(FRAMES, 6, 3)
    )
    forces = np.random.default_rng(2).normal(size=atoms.shape)
    pdb = "\n".join(f"ATOM  {k + 1:5d}  {('N', 'CA', 'C')[k % 3]:<3s} GLY A{k // 3 + 1:4d}" for k in range(6))

    def domain(name: str, **change: Any) -> dict[str, Any]:
        plain = {
            "z": np.array([7, 6, 6] * 2),
            "resid": np.repeat([1, 2], 3),
            "resname": np.full(6, b"GLY"),
            "chain": np.full(6, b"A"),
            "pdbProteinAtoms": pdb,
            "320/0/coords": atoms,
            "320/0/forces": forces,
        }
        return {f"{name}/{key}": value for key, value in (plain | change).items() if value is not None}

    nothing = {"320/0/coords": None, "320/0/forces": None}
    return {
        "all": Case(domain("a"), {}, "accepted"),
        "names and chains left out": Case(domain("a", resname=None, chain=None), {}, "accepted"),
        "no replicas": Case(domain("a", **nothing), {}, "holds no replicas at any temperature"),
        "no forces": Case(domain("a", **{"320/0/forces": None}), {}, "a/320/0: holds no coords and forces"),
        "no positions": Case(domain("a", **{"320/0/coords": None}), {}, "a/320/0: holds no coords and forces"),
        "fewer forces": Case(domain("a", **{"320/0/forces": forces[:3]}), {}, "forces (3, 6, 3), and there are 6"),
        "fewer atoms": Case(domain("a", z=np.array([7, 6, 6, 7, 6])), {}, "have different lengths"),
        "fewer chains": Case(domain("a", chain=np.full(5, b"A")), {}, "resname and chain have different"),
        "a PDB of other atoms": Case(domain("a", pdbProteinAtoms=pdb.rpartition("\n")[0]), {},
                                     "its PDB has 5 atoms, but z has 6"),
        "two proteins": Case(domain("b") | domain("a"), {}, "holds several proteins (a, b)"),
        "replicas at other keys": Case(domain("a", **{"-1/0/coords": atoms, "notes/0/coords": atoms}), {}, "accepted"),
    }  # fmt: skip


def _beside(folder: Path, R: Array, F: Array) -> Iterator[Row]:
    """Units that only one of two arrays states, a damaged file, and species that are no numbers of all beads."""
    x, f = "particles/a/position", "particles/a/force"
    for name, attributes, scale in (
        ("of positions", {(x, "unit"): "nm"}, (NM, 1 / NM)),
        ("of forces", {(f, "unit"): "kJ mol-1 nm-1"}, (NM, KJ / NM)),
    ):
        found = cgcore.read(_hdf5(folder / "b.h5", Case({x: R / NM, f: F}, attributes, ""))).join()
        yield at_most(f"units {name}", relative(found.R, R / NM * scale[0]), 1e-12, "relative")
        yield at_most(f"units {name}, forces", relative(found.F, F * scale[1]), 1e-7, "relative")
    path = folder / "b.h5"
    path.write_bytes(path.read_bytes()[:-100])
    yield says("HDF5, truncated", partial(cgcore.read, path), "the HDF5 file is truncated or damaged")
    for name, species, used in (("of all", np.arange(5), True), ("of four", np.arange(4), False),
                                ("as text", np.full(5, b"A"), False)):  # fmt: skip
        path = _hdf5(folder / "c.h5", Case({x: R, f: F, "particles/a/species": species}, {}, ""))
        read = partial(cgcore.read, path, units="angstrom-kcal")
        yield says(f"species {name}", read, "accepted")
        found = read().join().species
        yield equal(f"species {name}, numbers", str(found[-1].tolist()), str(list(range(5)) if used else [0] * 5))


def _frame(R: Array | None, F: Array | None, real: str = ">f8", box: Array | None = None, wrong: int = 0) -> bytes:
    """A frame of a TRR file."""
    blocks = [np.asarray(one, real).tobytes() if one is not None else b"" for one in (box, R, F)]
    size = [0, 0, len(blocks[0]), 0, 0, 0, 0, len(blocks[1]), 0, len(blocks[2]) + wrong]
    atoms = len(R if R is not None else F if F is not None else np.zeros(BEADS))
    head = TRR.pack(1993, 13, 12, b"GMX_trn_file", *size, atoms, 0, 0)
    return head + np.zeros(2, real).tobytes() + b"".join(blocks)


def _trr(path: Path, R: Array, F: Array) -> Iterator[Row]:
    x, f = R / NM, F * NM / KJ
    every = [_frame(*one) for one in zip(x, f, strict=True)]
    for name, content, words in (
        ("all", b"".join(every), "accepted"),
        ("none", b"", "this TRR file holds no forces"),
        ("no forces", b"".join(_frame(one, None) for one in x), "this TRR file holds no forces"),
        ("no positions", b"".join(_frame(None, one) for one in f), "this TRR file holds no forces"),
        ("a byte less", b"".join(every)[:-1], "the file ends inside frame 3"),
        ("a part of a header", b"".join(every) + every[0][:30], "the file ends inside frame 4"),
        ("other bytes", b"".join(every) + bytes(len(every[0])), "there is no TRR frame where frame 4 should begin"),
        ("fewer beads later", every[0] + _frame(x[1, :4], f[1, :4]), "frame 1 has 4 beads, others have 5"),
        ("forces of half the size", _frame(x[0], f[0], wrong=-60), "the header of frame 0 is damaged"),
    ):
        path.write_bytes(content)
        yield says(f"TRR, {name}", partial(cgcore.read, path), words)
    mixed = [_frame(x[0], f[0]), _frame(x[1], None), _frame(None, f[2]), _frame(x[3], f[3])]
    path.write_bytes(b"".join(mixed))
    data = cgcore.read(path)
    yield equal("TRR, noted", "2 of 4 frames without positions or forces are left out" in "".join(data.notes), True)
    yield at_most("TRR, frames with both", relative(data.join().R, R[[0, 3]]), 1e-12, "relative")
    yield at_most("TRR, forces of both", relative(data.join().F, F[[0, 3]]), 1e-12, "relative")
    box = 3.0 * np.eye(3)
    wrapped = np.mod(R + 3.0, 30.0) / NM  # cuts a few bonds
    for name, boxes in (("every", [box] * 4), ("not every", [box, box, None, box])):
        path.write_bytes(b"".join(_frame(*one, box=own) for *one, own in zip(wrapped, f, boxes, strict=True)))
        found = cgcore.read(path, accept_faults=True).join().R
        known = R if name == "every" else wrapped * NM
        yield at_most(f"TRR, a box in {name} frame", relative(np.diff(found, axis=1), np.diff(known, axis=1)), 1e-12)
    path.write_bytes(b"".join(_frame(*one, real=">f4") for one in zip(x, f, strict=True)))
    yield at_most("TRR, single precision", relative(cgcore.read(path).join().R, R), SINGLE, "relative")


def _netcdf(path: Path, R: Array, F: Array) -> Iterator[Row]:
    from scipy.io import netcdf_file

    text = np.full((FRAMES, BEADS, 3), b"a", "S1")
    plain, content = {"coordinates": R, "forces": F}, b""
    for name, arrays, units, words in (
        ("all", plain, {}, "accepted"),
        ("no positions", {"forces": F}, {}, "holds forces but no positions"),
        ("no forces", {"coordinates": R}, {}, "this NetCDF trajectory holds no forces"),
        ("neither", {"other": R}, {}, "is a NetCDF file without `coordinates`"),
        ("fewer beads", {"coordinates": R, "forces": F[:, :4]}, {}, "of shape (4, 5, 3) and forces of (4, 4, 3)"),
        ("one frame", {"coordinates": R[0], "forces": F[0]}, {}, "has positions of shape (5, 3)"),
        ("text", {"coordinates": text, "forces": F}, {}, "the variable `coordinates` holds no rows of numbers"),
        ("unknown units", plain, {"forces": "furlong"}, "a.nc: the file states units 'furlong'"),
        ("other units", plain, {"coordinates": "nm", "forces": "kcal/mol/nm"}, "looks like Å, not nm"),
    ):  # fmt: skip
        with netcdf_file(path, "w", version=2) as file:
            for key, values in arrays.items():
                dims = tuple(f"{key}{k}" for k in range(values.ndim))
                for own, length in zip(dims, values.shape, strict=True):
                    file.createDimension(own, length)
                file.createVariable(key, values.dtype.kind.lower().replace("s", "c").replace("f", "d"), dims)[:] = (
                    values
                )
                if key in units:
                    file.variables[key].units = units[key]
        yield says(f"NetCDF, {name}", partial(cgcore.read, path), words)
        if name == "all":
            content = path.read_bytes()
    for name, size, words in (("a byte less", -1, "the file ends before the last of its 4 frames"),
                              ("half of the header", 60, "the header is truncated or damaged")):  # fmt: skip
        path.write_bytes(content[:size])
        yield says(f"NetCDF, {name}", partial(cgcore.read, path), words)
    yield from netcdf_files.versions(path, R, F)

    with netcdf_file(path, "w", version=2) as file:
        for own, length in (("frame", None), ("atom", BEADS), ("spatial", 3)):
            file.createDimension(own, length)
        for key, values in plain.items():
            file.createVariable(key, "d", ("frame", "atom", "spatial"))[:] = values
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 4 + content[8:])  # a number of frames that was never written
    yield says("NetCDF, streamed", partial(cgcore.read, path), "accepted")
    yield at_most("NetCDF, streamed, forces", relative(cgcore.read(path).join().F, F), 0, "relative")


def _dump(R: Array, F: Array, columns: str = "id x y z fx fy fz", style: str = "") -> list[str]:
    lines = ["ITEM: UNITS", style] * bool(style)
    for x, f in zip(R, F, strict=True):
        lines += ["ITEM: TIMESTEP", "0", "ITEM: NUMBER OF ATOMS", str(len(x)), "ITEM: BOX BOUNDS ff ff ff"]
        lines += ["0.0 9.0"] * 3 + [f"ITEM: ATOMS {columns}"]
        lines += [" ".join([str(k + 1), *map(repr, [*x[k].tolist(), *f[k].tolist()])]) for k in range(len(x))]
    return lines


def _lammps(path: Path, R: Array, F: Array) -> Iterator[Row]:
    plain = _dump(R, F)
    swapped = [*plain[:-1], "4" + plain[-1][1:]]
    for name, lines, words in (
        ("all", plain, "accepted"),
        ("units real", _dump(R, F, style="real"), "accepted"),
        ("units lj", _dump(R, F, style="lj"), "LAMMPS units lj cannot be converted"),
        ("no forces", _dump(R, F, "id x y z a b c"), "also dump the columns fx fy fz"),
        ("two of three forces", _dump(R, F, "id x y z fx fy c"), "also dump the columns fx fy fz"),
        ("no positions", _dump(R, F, "id a b c fx fy fz"), "has the columns id a b c fx fy fz but no positions"),
        ("fewer atoms later", plain + _dump(R[:1, :4], F[:1, :4]), "frame 4 does not have the atoms and columns"),
        ("other columns later", plain + _dump(R[:1], F[:1], "id x z y fx fy fz"), "frame 4 does not have the atoms"),
        ("an id twice", swapped, "an id occurs twice in frame 3"),
        ("a word", [*plain[:-1], plain[-1].replace(".", "x", 1)], "frame 3 holds something other than numbers"),
        ("a number less", [*plain[:-1], plain[-1].rpartition(" ")[0]], "frame 3 does not have 7 columns in each line"),
        ("an unknown item", [*plain, "ITEM: NOTHING", "1"], "frame 4 is damaged at 'ITEM: NOTHING'"),
        ("a line less", plain[:-1], "the file ends inside frame 3"),
        ("no atoms", ["ITEM: TIMESTEP", "0", "ITEM: NUMBER OF ATOMS", "0", *plain[4:9]], "frame 0 is damaged at"),
        ("a bound that is none", [*plain[:5], "0.0 nan", *plain[6:]], "frame 0 is damaged at 'ITEM: BOX BOUNDS"),
    ):
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield says(f"LAMMPS, {name}", partial(cgcore.read, path), words)


def _npy(folder: Path, R: Array, F: Array) -> Iterator[Row]:
    np.save(folder / "x_coords.npy", R)
    np.save(folder / "x_forces.npy", F)
    content = (folder / "x_forces.npy").read_bytes()
    np.save(folder / "y.npy", np.array([{}], object))
    for name, own, words in (
        ("all", content, "accepted"),
        ("a byte less", content[:-1], "x_forces.npy: does not have the size that its header says"),
        ("a byte more", content + b"0", "x_forces.npy: does not have the size that its header says"),
        ("a damaged header", content[:20] + b"((" + content[22:], "x_forces.npy: is a damaged NPY file"),
        ("objects", (folder / "y.npy").read_bytes(), "x_forces.npy: is an object array, which is never unpickled"),
    ):
        (folder / "x_forces.npy").write_bytes(own)
        yield says(f"NPY, {name}", partial(cgcore.read, folder / "x_coords.npy"), words)
    yield says("NPY, another name", partial(cgcore.read, folder / "y.npy"), "which holds a single array")
