"""LAMMPS custom dumps, a text format. Columns are id, x y z (or xu, xs, xsu), fx fy fz and, optionally, type and mol.

Units are `real` (Å, kcal/mol/Å) unless the file states others (`dump_modify ... units yes`).
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from io import BufferedReader, FileIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cgcore.data.formats.opened import Content, Opened, Repeated, refuse, without_forces
from cgcore.data.stored import FileRows, Rows, Stamp, opened_again, read_into
from cgcore.errors import InputError
from cgcore.files import open_regular

NAME = "LAMMPS dump"
STYLES = {"real": "angstrom-kcal", "metal": "angstrom-ev"}
"""Units by LAMMPS unit style."""

POSITIONS = (("x", "y", "z"), ("xu", "yu", "zu"), ("xs", "ys", "zs"), ("xsu", "ysu", "zsu"))
FORCES = ("fx", "fy", "fz")
_LONGEST = 2**16
"""Largest length of a line [bytes]."""


class _Frame(NamedTuple):
    """A frame: the place of its atoms' lines, the columns, and the box."""

    first: int
    last: int
    atoms: int
    columns: tuple[str, ...]
    box: np.ndarray  # (4, 3), origin and vectors
    periodic: bool


@dataclass(frozen=True, eq=False)
class DumpRows(FileRows):
    """Three columns of the atoms of each frame, in the order of their ids.

    Arguments:
        path: path of the file.
        stamp: stamp of the file when it was checked.
        places: bytes [first, last) of the atoms' lines, (frames, 2) int64.
        n_columns: number of columns in a line.
        columns: columns to read.
        id_column: column that orders atoms; None to keep their order.
        boxes: origin and vectors of the box (1 or frames, 4, 3), if positions are fractions of them; else None.
        shape: (frames, atoms, 3).
    """

    path: str
    stamp: Stamp
    places: np.ndarray
    n_columns: int
    columns: tuple[int, ...]
    id_column: int | None
    boxes: np.ndarray | None
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Dtype of the rows read."""
        return np.dtype(np.float64)

    def alone(self, rows: np.ndarray) -> FileRows:
        """See `FileRows`."""
        boxes = self.boxes if self.boxes is None or len(self.boxes) == 1 else self.boxes[rows]
        return replace(self, places=self.places[rows], boxes=boxes, shape=(len(rows), *self.shape[1:]))

    def _read(self, runs: list[tuple[int, int]], n_rows: int) -> np.ndarray:
        out = np.empty((n_rows, *self.shape[1:]))
        done = 0
        with opened_again(self.path, self.stamp) as file:
            for start, stop in runs:
                for frame in range(start, stop):
                    out[done] = self._frame(file, frame)
                    done += 1
        return out

    def _frame(self, file: FileIO, frame: int) -> np.ndarray:
        first, last = self.places[frame].tolist()
        buffer = bytearray(last - first)
        file.seek(first)
        read_into(file, memoryview(buffer), self.path)
        words = bytes(buffer).split()
        if len(words) != self.shape[1] * self.n_columns:
            raise refuse(self.path, f"frame {frame} does not have {self.n_columns} columns in each line")
        try:
            values = np.array([words[k :: self.n_columns] for k in self.columns]).astype(np.float64).T
            ids = None if self.id_column is None else np.array(words[self.id_column :: self.n_columns]).astype(np.int64)
        except ValueError as error:
            raise refuse(self.path, f"frame {frame} holds something other than numbers") from error
        if ids is not None:
            order = np.argsort(ids, kind="stable")
            if (np.diff(ids[order]) == 0).any():
                raise refuse(self.path, f"an id occurs twice in frame {frame}")
            values = values[order]
        if self.boxes is None:
            return values
        box = self.boxes[frame if len(self.boxes) > 1 else 0]
        return box[0] + values @ box[1:]


def open_lammps(path: Path) -> list[Opened]:
    """The frames of a custom dump.

    Raises:
        InputError: the file cannot be read, is damaged, has no forces, or its frames have different atoms.
    """
    places, boxes, first, style = array("q"), Repeated(), None, None
    periodic = True
    with open_regular(path) as file:
        content = Content.of(path, file)
        while file.tell() < content.stamp.size:
            number = len(places) // 2
            frame, said = _frame(path, file, number)
            style, first = style or said, first or frame
            if (frame.atoms, frame.columns) != (first.atoms, first.columns):
                raise refuse(
                    path,
                    f"frame {number} does not have the atoms and columns of the first one",
                    "dump the same atoms in every frame",
                )
            places.extend((frame.first, frame.last))
            boxes.add(frame.box.tobytes())
            periodic &= frame.periodic
    if first is None:
        raise refuse(path, "holds no frames")
    if style is not None and style not in STYLES:
        raise InputError(
            f"{path}: LAMMPS units {style} cannot be converted to Å and kcal/mol; run the simulation in "
            "units real or metal"
        )
    index = _Index(np.array(places, np.int64).reshape(-1, 2), boxes.array("f8", (4, 3)), periodic)
    return [_opened(path, content, first, index, STYLES[style or "real"])]


class _Index(NamedTuple):
    """The places of the frames, and their boxes."""

    places: np.ndarray  # (frames, 2)
    boxes: np.ndarray  # (1 or frames, 4, 3)
    periodic: bool


def _opened(path: Path, content: Content, first: _Frame, index: _Index, units: str) -> Opened:
    columns = first.columns
    if not set(FORCES) <= set(columns):
        raise without_forces(path, "this dump", "also dump the columns fx fy fz")
    found = next((names for names in POSITIONS if set(names) <= set(columns)), None)
    if found is None:
        raise refuse(path, f"has the columns {' '.join(columns)} but no positions", "dump x y z, or xu yu zu")
    id_column = columns.index("id") if "id" in columns else None
    places, boxes, periodic = index
    shape = (len(places), first.atoms, 3)

    def rows(names: tuple[str, ...], scaled: bool = False) -> DumpRows:
        chosen = tuple(columns.index(name) for name in names)
        return DumpRows(content.path, content.stamp, places, len(columns), chosen, id_column,
                        boxes if scaled else None, shape)  # fmt: skip

    extras: dict[str, np.ndarray] = {}
    if periodic and not found[0].endswith("u"):
        extras["box"] = boxes[:, 1:]
    arrays: dict[str, Rows] = {"R": rows(found, "s" in found[0]), "F": rows(FORCES)}
    for name, key in (("type", "species"), ("mol", "chain")):
        if name in columns:
            whole = rows((name,) * 3)[:1][0, :, 0].astype(np.int32)
            if key == "species":
                arrays[key] = np.broadcast_to(whole, shape[:2])
            elif len(np.unique(whole)) > 1:
                extras[key] = whole
    notes = () if id_column is not None else (f"{path}: has no column id; atoms are taken in the order of their lines",)
    return Opened(
        name=str(path),
        label=path.name,
        form=NAME,
        arrays=arrays,
        contents=(content,),
        extras=extras,
        units=units,
        notes=notes,
        may_be_atoms=True,
    )


def _frame(path: Path, file: BufferedReader, number: int) -> tuple[_Frame, str | None]:
    """Read the frame at the file's position, with its unit style if stated; the position is then after the frame."""
    style, atoms, box = None, None, None
    while True:
        words = _line(path, file, number).split()
        item = " ".join(words[1:4]) if words[:1] == ["ITEM:"] else ""
        try:
            if item.startswith(("TIMESTEP", "TIME")):
                _line(path, file, number)
            elif item.startswith("UNITS"):
                style = _line(path, file, number).strip()
            elif item == "NUMBER OF ATOMS":
                atoms = int(_line(path, file, number))
            elif item.startswith("BOX BOUNDS"):
                box = _box(words[3:], [_line(path, file, number) for _ in range(3)])
            elif item.startswith("ATOMS") and atoms is not None and atoms > 0 and box is not None:
                break
            else:
                raise ValueError
        except ValueError as error:
            raise refuse(path, f"frame {number} is damaged at {' '.join(words)!r:.60}") from error
    first = file.tell()
    for _ in range(atoms):
        _line(path, file, number)
    return _Frame(first, file.tell(), atoms, tuple(words[2:]), *box), style


def _line(path: Path, file: BufferedReader, number: int) -> str:
    line = file.readline(_LONGEST)
    if not line.endswith(b"\n"):
        raise refuse(path, f"the file ends inside frame {number}")
    return line.decode("ascii", "replace")


def _box(flags: list[str], lines: list[str]) -> tuple[np.ndarray, bool]:
    """Origin and vectors as rows, (4, 3), and whether all sides are periodic; tilted boxes are given by their bounds.

    See https://docs.lammps.org/Howto_triclinic.html.
    """
    numbers = np.array([[float(word) for word in line.split()] for line in lines])
    if numbers.shape not in ((3, 2), (3, 3)) or not np.isfinite(numbers).all():
        raise ValueError
    low, high = numbers[:, 0].copy(), numbers[:, 1].copy()
    xy, xz, yz = numbers[:, 2].tolist() if numbers.shape[1] == 3 else (0.0, 0.0, 0.0)
    low -= [min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0]
    high -= [max(0.0, xy, xz, xy + xz), max(0.0, yz), 0.0]
    vectors = np.diag(high - low)
    vectors[1, 0], vectors[2, 0], vectors[2, 1] = xy, xz, yz
    return np.vstack([low, vectors]), flags[-3:] == ["pp", "pp", "pp"]
