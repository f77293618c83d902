"""H5MD: `/particles/GROUP/{position, force, box}`, units in attributes `unit`. See https://nongnu.org/h5md/h5md.html."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cgcore.data.formats.hdf5 import DatasetRows, is_group, text
from cgcore.data.formats.opened import Content, Opened, once, refuse, without_forces
from cgcore.data.stored import Rows, SelectedRows
from cgcore.data.units import units_said
from cgcore.errors import InputError

NAME = "H5MD"
UNSTATED = ""
"""Units of a file that states none, so that they must be given."""


def open_kind(path: Path, content: Content, file: Any) -> list[Opened] | None:
    """A source for each group of particles; None if the file has none.

    Raises:
        InputError: a group has no forces, unknown units, or inconsistent arrays.
    """
    particles = file.get("particles")
    if particles is None or not is_group(particles):
        return None
    groups = [group for group in particles.values() if is_group(group) and "position" in group]
    if not groups:
        raise refuse(path, "is an H5MD file without positions", "give one with particles/GROUP/position and force")
    return [_opened(path, content, group, len(groups) > 1) for group in groups]


def _opened(path: Path, content: Content, group: Any, several: bool) -> Opened:
    part = group.name.strip("/") if several else ""
    name = f"{path}: {part}" if several else str(path)
    if "force" not in group:
        raise without_forces(name, "this H5MD file", "also write particles/GROUP/force")
    values = [_value(group[key]) for key in ("position", "force")]
    R, F = (DatasetRows.of(content, value) for value in values)
    kept: list[Rows] = [R, F]
    ours, theirs = (_steps(group[key], len(rows)) for key, rows in (("position", R), ("force", F)))
    notes = []
    if ours is not None and theirs is not None and not np.array_equal(ours, theirs):
        _, *rows = np.intersect1d(ours, theirs, return_indices=True)
        if not len(rows[0]):
            raise refuse(name, "positions and forces have no step in common", "write both at the same steps")
        kept = [SelectedRows(stored, chosen) for stored, chosen in zip((R, F), rows, strict=True)]
        notes.append(f"{name}: {len(R)} frames of positions and {len(F)} of forces, {len(rows[0])} of both are used")
    if kept[0].shape != kept[1].shape or len(R.shape) != 3:
        raise refuse(name, f"positions have shape {R.shape} and forces {F.shape}")
    said = [value.attrs.get("unit") for value in values]
    try:
        units = units_said(*(text(words) if words is not None else None for words in said))
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    arrays: dict[str, Rows] = {"R": kept[0], "F": kept[1]}
    species = _fixed(group, "species", R.shape[1])
    if species is not None:
        arrays["species"] = np.broadcast_to(species, kept[0].shape[:2])
    extras = {}
    if (edges := _edges(content, group, len(R))) is not None:
        rows = kept[0].rows if isinstance(kept[0], SelectedRows) and len(edges) > 1 else slice(None)
        extras["box"] = edges[rows]
    return Opened(
        name=name,
        label=f"{path.name}:{part}" if several else path.name,
        form=NAME,
        arrays=arrays,
        contents=(content,),
        extras=extras,
        units=units or UNSTATED,
        part=part,
        notes=tuple(notes),
        may_be_atoms=True,
    )


def _value(element: Any) -> Any:
    """The values of an H5MD element, which is a group if they depend on time."""
    return element["value"] if is_group(element) else element


def _steps(element: Any, n_rows: int) -> np.ndarray | None:
    """Step number of each row; None if the file has none, or only the increment."""
    step = element.get("step") if is_group(element) else None
    return None if step is None or step.shape != (n_rows,) else step[:]


def _fixed(group: Any, key: str, n_beads: int) -> np.ndarray | None:
    """Time-independent integers of all beads; None if there are none."""
    found = group.get(key)
    if found is None or is_group(found) or found.shape != (n_beads,) or found.dtype.kind not in "iu":
        return None
    return found[:]


def _edges(content: Content, group: Any, n_frames: int) -> np.ndarray | None:
    """Box lengths (1 or frames, 3) or vectors (1 or frames, 3, 3), if all sides are periodic; else None."""
    box = group.get("box")
    if box is None or "edges" not in box:
        return None
    boundary = [text(side) for side in np.atleast_1d(box.attrs.get("boundary", []))]
    if boundary != ["periodic"] * 3:
        return None
    edges = box["edges"]
    if not is_group(edges):
        return np.asarray(edges[()], np.float64)[None]
    rows = DatasetRows.of(content, edges["value"])
    return once(rows) if len(rows) in (1, n_frames) else None
