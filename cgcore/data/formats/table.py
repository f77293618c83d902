"""Which reader a file needs: determined by its first bytes, or by its name if these are not conclusive."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cgcore.data.formats.hdf5 import open_hdf5
from cgcore.data.formats.lammps import open_lammps
from cgcore.data.formats.netcdf import open_netcdf
from cgcore.data.formats.npy import NpySet, open_npy
from cgcore.data.formats.opened import Source
from cgcore.data.formats.trr import open_trr
from cgcore.data.npz import open_npz
from cgcore.errors import InputError
from cgcore.files import open_regular


class Format(NamedTuple):
    """A file format.

    Arguments:
        name: name for messages.
        suffixes: suffixes of file names, in lower case.
        begins: places and bytes near the start of a file, any of which identifies the format.
        units: units in words.
        open: function that returns the sources of a file; None for a format without forces.
        remedy: what to do about a file without forces.
    """

    name: str
    suffixes: tuple[str, ...]
    begins: tuple[tuple[int, bytes], ...]
    units: str = ""
    open: Callable[[Path], Sequence[Any]] | None = None
    remedy: str = ""


_TRR = "in GROMACS set nstfout equal to nstxout and give the .trr file"
_OTHER = "write TRR, AMBER NetCDF, a LAMMPS dump with fx fy fz, or H5MD, which hold them"
_SETTINGS = "give the data, and this file with --config"
_NOT_FRAMES = "give the trajectory with forces; a topology goes to `cgcore map`"

FORMATS = (
    Format("NPZ", (".npz",), ((0, b"PK"),), "Å, kcal/mol/Å", lambda path: [open_npz(path)]),
    Format("NPY pair", (".npy",), ((0, b"\x93NUMPY"),), "Å, kcal/mol/Å", open_npy),
    Format(
        "HDF5 (mlcg, mdCATH, H5MD, AMBER)",
        (".h5", ".hdf5", ".h5md"),
        ((0, b"\x89HDF\r\n\x1a\n"),),
        "mlcg and mdCATH Å, kcal/mol/Å; H5MD as its attributes say",
        open_hdf5,
    ),
    Format("GROMACS TRR", (".trr",), ((0, b"\0\0\x07\xc9"),), "nm, kJ/mol/nm", open_trr),
    Format("AMBER NetCDF", (".nc", ".ncdf", ".mdcrd"), ((0, b"CDF"),), "Å, kcal/mol/Å", open_netcdf),
    Format("LAMMPS dump", (".lammpstrj", ".dump", ".lammpsdump"), ((0, b"ITEM:"),), "Å, kcal/mol/Å", open_lammps),
    Format("XTC", (".xtc",), ((0, b"\0\0\x07\xcb"), (0, b"\0\0\x07\xe7")), remedy=_TRR),
    Format("DCD", (".dcd",), ((4, b"CORD"),), remedy=_OTHER),
    Format("PDB", (".pdb", ".ent"), ((0, b"HEADER"), (0, b"ATOM  "), (0, b"CRYST1")), remedy=_NOT_FRAMES),
    Format("YAML", (".yaml", ".yml"), (), remedy=_SETTINGS),
    Format("a topology", (".psf", ".gro", ".prmtop", ".parm7", ".top", ".cif", ".tpr"), (), remedy=_NOT_FRAMES),
)


def open_sources(path: Path) -> list[Source]:
    """The sources of a file in any format.

    Raises:
        InputError: the file cannot be read, has no known format, is damaged, or contains no forces.
    """
    form = format_of(path)
    if form.open is None:
        holds = "hold" if form.name == "XTC" else "holds"
        words = "XTC files" if form.name == "XTC" else form.name if form.name[0].islower() else f"a {form.name} file"
        raise InputError(f"{path}: {words} {holds} no forces, so there is nothing to fit to; {form.remedy}")
    return list(form.open(path))


def format_of(path: Path) -> Format:
    """The format of a file.

    Raises:
        InputError: the file cannot be read, or its format is unknown.
    """
    with open_regular(path) as file:
        start = file.read(16)
    for form in FORMATS:
        if any(start[place : place + len(magic)] == magic for place, magic in form.begins):
            return form
    for form in FORMATS:
        if path.name.lower().endswith(form.suffixes):
            return form
    known = ", ".join(form.name for form in FORMATS if form.open is not None)
    raise InputError(f"{path}: is neither an NPZ archive nor another known file of frames; give one of {known}")


def files_of(folder: Path) -> list[Path]:
    """The files of frames in a folder, sorted by name: those of the first format in the table that occurs.

    Raises:
        InputError: there are no such files, or the folder cannot be read.
    """
    names = sorted(entry for entry in os.listdir(folder) if not entry.startswith("."))
    for form in FORMATS:
        found = [folder / name for name in names if form.open and name.lower().endswith(form.suffixes)]
        if form.open is open_npy:
            found = unique_sets([file for file in found if _complete(file)])
        if found:
            return found
    for incomplete in filter(None, (_set_of(folder / name) for name in names if name.endswith(".npy"))):
        incomplete.required("R")
        incomplete.required("F")
    raise InputError(f"{folder}: the folder holds no *.npz file and no other file of frames; give a folder that does.")


def unique_sets(files: Sequence[Path]) -> list[Path]:
    """The files in order, keeping only one file of each set of NPY files."""
    found: dict[Any, Path] = {}
    for file in files:
        own = _set_of(file) if file.suffix.lower() == ".npy" else None
        key: Any = (len(found), file) if own is None else own.key
        found.setdefault(key, file)
    return list(found.values())


def _complete(file: Path) -> bool:
    """Whether an NPY file belongs to a set with positions and forces."""
    files = _set_of(file)
    return files is not None and files.file("R") is not None and files.file("F") is not None


def _set_of(file: Path) -> NpySet | None:
    """The set to which an NPY file belongs by its name; None if the name fits no set."""
    try:
        return NpySet(file)
    except InputError:
        return None
