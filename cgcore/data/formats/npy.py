"""Sets of NPY files: `*coords*.npy` (positions), `*forces*.npy` and, optionally, `*embeddings*.npy` (species)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from cgcore.archive import LOADED_LIMIT
from cgcore.data.formats.opened import Content, Opened, refuse
from cgcore.data.layout import is_once
from cgcore.data.stored import Rows, StoredArray
from cgcore.errors import InputError
from cgcore.files import open_regular

NAME = "NPY pair"

_KINDS = {
    "R": ("coords", "coordinates", "positions"),
    "F": ("forces",),
    "species": ("embeddings", "embeds", "species"),
}
"""Words in the names of the files of a set; the rest of their names is the same."""

_NAME = re.compile(
    rf"(?P<before>.*?)(?P<kind>{'|'.join(word for words in _KINDS.values() for word in words)})(?P<after>[^a-z]*)\.npy"
)


class NpySet:
    """The set of files that a given file belongs to.

    Arguments:
        path: one of the files.

    Raises:
        InputError: the name contains none of the words.
    """

    def __init__(self, path: Path) -> None:
        found = _NAME.fullmatch(path.name)
        if found is None:
            raise InputError(
                f"{path}: is an NPY file, which holds a single array, not an NPZ archive; name "
                "positions *_coords.npy and "
                "forces *_forces.npy, or save both in an NPZ under R and F"
            )
        self.key = (path.parent, found["before"], found["after"])

    def file(self, kind: str) -> Path | None:
        """The file of positions ("R"), forces ("F") or species; None if it does not exist."""
        folder, before, after = self.key
        names = [folder / f"{before}{word}{after}.npy" for word in _KINDS[kind]]
        return next((name for name in names if name.exists()), None)

    def required(self, kind: str) -> Path:
        """The file of positions or forces.

        Raises:
            InputError: it does not exist.
        """
        if (found := self.file(kind)) is None:
            folder, before, after = self.key
            other = self.file("F" if kind == "R" else "R") or folder
            what = "positions" if kind == "R" else "forces"
            raise InputError(
                f"{other}: the matching file of {what} is missing; put {before}{_KINDS[kind][0]}{after}.npy "
                "into the same folder"
            )
        return found


def open_npy(path: Path) -> list[Opened]:
    """The frames of the set that a file belongs to.

    Raises:
        InputError: a file is missing, damaged, or does not contain numbers; or shapes are inconsistent.
    """
    files = NpySet(path)
    positions, forces, species = files.required("R"), files.required("F"), files.file("species")
    contents = []
    arrays: dict[str, Rows] = {}
    for key, file in (("R", positions), ("F", forces), ("species", species)):
        if file is not None:
            content, rows = _open(file)
            contents.append(content)
            arrays[key] = rows
    if arrays["R"].shape != arrays["F"].shape:
        raise InputError(
            f"{forces}: has shape {arrays['F'].shape}, but {positions.name} has {arrays['R'].shape}; give forces at "
            "the same frames and beads"
        )
    if "species" in arrays and is_once(arrays["species"].shape, arrays["R"].shape[1]):
        arrays["species"] = np.broadcast_to(arrays["species"][:], arrays["R"].shape[:2])
    return [
        Opened(
            name=str(positions),
            label=positions.name,
            form=NAME,
            arrays=arrays,
            contents=tuple(contents),
            may_be_atoms=True,
        )
    ]


def _open(path: Path) -> tuple[Content, Rows]:
    """The rows of one file: left in the file if they are in C order, else loaded."""
    with open_regular(path) as file:
        content = Content.of(path, file)
        try:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(file)
        except Exception as error:  # the header is a Python literal, and its parser raises many kinds of errors
            raise refuse(path, "is a damaged NPY file") from error
        if dtype.hasobject:
            raise InputError(f"{path}: is an object array, which is never unpickled; save plain numbers.")
        offset = file.tell()
        if content.stamp.size != offset + int(np.prod(shape, dtype=object)) * dtype.itemsize:
            raise refuse(path, "does not have the size that its header says")
        if not fortran and dtype.isnative and shape:
            return content, StoredArray(content.path, offset, dtype, shape, content.stamp)
        if content.stamp.size > LOADED_LIMIT:
            raise refuse(path, "is too large to be reordered", "save it as numpy.ascontiguousarray(...)")
        file.seek(0)
        return content, np.lib.format.read_array(file, allow_pickle=False)
