"""GROMACS TRR: positions [nm] and forces [kJ/mol/nm] in single or double precision, frame after frame.

A frame is a header of big-endian numbers (a magic number, a version, thirteen sizes and counts, time and lambda), then
the box, and the blocks x, v and f that the header gives a size. See `gmx_trr_header` in GROMACS' `trrio.cpp`.
"""

from __future__ import annotations

import struct
from array import array
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cgcore.data.formats.opened import Content, Opened, once, refuse, without_forces
from cgcore.data.stored import ScatteredArray
from cgcore.files import open_regular

MAGIC, VERSION = 1993, b"GMX_trn_file"
UNITS = "nm-kj"
NAME = "GROMACS TRR"

_HEADER = struct.Struct(">3i12s13i")
_WRITE_FORCES = "write them with nstfout equal to nstxout in the .mdp file"


class _Frame(NamedTuple):
    """A frame's header: bytes of the blocks, and where they begin."""

    real: int  # bytes of a number
    box: int
    x: int
    v: int
    f: int
    atoms: int
    start: int  # of the box
    end: int
    blocks: int  # first byte of x

    @property
    def has_both(self) -> bool:
        return bool(self.x and self.f)


def open_trr(path: Path) -> list[Opened]:
    """The frames of a TRR file that hold both positions and forces.

    Raises:
        InputError: it cannot be read, is damaged, or has no frame with forces.
    """
    with open_regular(path) as file:
        content = Content.of(path, file)
        positions, forces, boxes, found = array("q"), array("q"), array("q"), 0
        first: _Frame | None = None
        while file.tell() < content.stamp.size:
            frame = _header(path, file, found, content.stamp.size)
            found += 1
            if frame.has_both:
                first = first or frame
                if (frame.atoms, frame.real) != (first.atoms, first.real):
                    raise refuse(path, f"frame {found - 1} has {frame.atoms} beads, others have {first.atoms}")
                positions.append(frame.blocks)
                forces.append(frame.blocks + frame.x + frame.v)
                if frame.box:
                    boxes.append(frame.start)
            file.seek(frame.end)
    if first is None:
        raise without_forces(path, "this TRR file", _WRITE_FORCES)
    dtype = np.dtype(f">f{first.real}")

    def rows(places: array[int], *shape: int) -> ScatteredArray:
        offsets = np.array(places, np.int64)
        return ScatteredArray(content.path, offsets, dtype, (len(offsets), *shape), content.stamp)

    left_out = found - len(positions)
    notes = (f"{path}: {left_out} of {found} frames without positions or forces are left out",) if left_out else ()
    return [
        Opened(
            name=str(path),
            label=path.name,
            form=NAME,
            arrays={"R": rows(positions, first.atoms, 3), "F": rows(forces, first.atoms, 3)},
            contents=(content,),
            extras={"box": once(rows(boxes, 3, 3))} if len(boxes) == len(positions) else {},
            units=UNITS,
            notes=notes,
            may_be_atoms=True,
        )
    ]


def _header(path: Path, file: BufferedReader, number: int, size: int) -> _Frame:
    """The header at the file's position, which is moved to the box."""
    start = file.tell()
    raw = file.read(_HEADER.size)
    if len(raw) < _HEADER.size:
        raise refuse(path, f"the file ends inside frame {number}")
    magic, _, _, version, ir, e, box, vir, pres, top, sym, x, v, f, atoms, _, _ = _HEADER.unpack(raw)
    if (magic, version) != (MAGIC, VERSION):
        raise refuse(path, f"no frame of a TRR file begins at byte {start} (frame {number})")
    blocks = (ir, e, box, vir, pres, top, sym, x, v, f)
    real = next((block // count for block, count in ((box, 9), (x, 3 * atoms), (f, 3 * atoms)) if block and count), 4)
    sound = real in (4, 8) and box in (0, 9 * real) and all(n in (0, 3 * atoms * real) for n in (x, v, f))
    if min(blocks) < 0 or atoms < 1 or not sound:
        raise refuse(path, f"the header of frame {number} is damaged")
    at = start + _HEADER.size + 2 * real
    end = at + sum(blocks)
    if end > size:
        raise refuse(path, f"the file ends inside frame {number}")
    file.seek(at)
    return _Frame(real, box, x, v, f, atoms, at, end, at + box + vir + pres + top + sym + ir + e)
