"""GROMACS TRR: positions [nm] and forces [kJ/mol/nm] in single or double precision.

A frame consists of a header of big-endian numbers (a magic number, a version, thirteen sizes and counts, time and
lambda), the box, and those of the blocks x, v and f that have a size in the header. See `gmx_trr_header` in GROMACS'
`trrio.cpp`.
"""

from __future__ import annotations

import struct
from array import array
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
_FIXED = _HEADER.size - 8
"""Size of the part of a header with the sizes of blocks [bytes]; it is followed by the step and a count."""

_WRITE_FORCES = "write them with nstfout equal to nstxout in the .mdp file"


class _Layout(NamedTuple):
    """The blocks of a frame according to its header; places are in bytes from the start of the frame."""

    real: int  # bytes of a number
    atoms: int
    box: int | None  # place; None if there is no box
    x: int | None
    f: int | None
    size: int  # of the whole frame


def open_trr(path: Path) -> list[Opened]:
    """The frames of a TRR file that hold both positions and forces.

    Raises:
        InputError: the file cannot be read, is damaged, or has no frame with forces.
    """
    with open_regular(path) as file:
        content = Content.of(path, file)
        positions, forces, boxes = array("q"), array("q"), array("q")
        layouts: dict[bytes, _Layout] = {}
        first: _Layout | None = None
        found = at = 0
        while at < content.stamp.size:
            file.seek(at)
            raw = file.read(_HEADER.size)
            if len(raw) < _HEADER.size:
                raise refuse(path, f"the file ends inside frame {found}")
            layout = layouts.get(raw[:_FIXED]) or layouts.setdefault(raw[:_FIXED], _layout(path, raw, found))
            if at + layout.size > content.stamp.size:
                raise refuse(path, f"the file ends inside frame {found}")
            if layout.x is not None and layout.f is not None:
                first = first or layout
                if (layout.atoms, layout.real) != (first.atoms, first.real):
                    raise refuse(path, f"frame {found} has {layout.atoms} beads, others have {first.atoms}")
                positions.append(at + layout.x)
                forces.append(at + layout.f)
                if layout.box is not None:
                    boxes.append(at + layout.box)
            at += layout.size
            found += 1
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


def _layout(path: Path, raw: bytes, number: int) -> _Layout:
    """Read a header.

    Raises:
        InputError: it is not a header, or is damaged.
    """
    magic, _, _, version, ir, e, box, vir, pres, top, sym, x, v, f, atoms, _, _ = _HEADER.unpack(raw)
    if (magic, version) != (MAGIC, VERSION):
        raise refuse(path, f"there is no TRR frame where frame {number} should begin")
    blocks = (ir, e, box, vir, pres, top, sym, x, v, f)
    counts = (box, 9), *((block, 3 * atoms) for block in (x, v, f))
    real = next((block // count for block, count in counts if block and count), 4)
    sound = real in (4, 8) and box in (0, 9 * real) and all(n in (0, 3 * atoms * real) for n in (x, v, f))
    if min(blocks) < 0 or atoms < 1 or not sound:
        raise refuse(path, f"the header of frame {number} is damaged")
    behind = _HEADER.size + 2 * real  # time and lambda
    at_x = behind + ir + e + box + vir + pres + top + sym
    return _Layout(
        real,
        atoms,
        behind + ir + e if box else None,
        at_x if x else None,
        at_x + x + v if f else None,
        behind + sum(blocks),
    )
