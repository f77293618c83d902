"""AMBER's and MDTraj's trajectories in HDF5 (NetCDF-4): datasets `coordinates` and `forces` of the root group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cgcore.data.formats.hdf5 import DatasetRows, text
from cgcore.data.formats.netcdf import NAME, WRITE_FORCES, box_of
from cgcore.data.formats.opened import Content, Opened, once, refuse, without_forces
from cgcore.data.units import UNITS, units_said
from cgcore.errors import InputError


def open_kind(path: Path, content: Content, file: Any) -> list[Opened] | None:
    """The one source; None where the root has no coordinates.

    Raises:
        InputError: it has no forces, or arrays that disagree.
    """
    if "coordinates" not in file:
        return None
    if "forces" not in file:
        raise without_forces(path, "this trajectory", WRITE_FORCES)
    R, F = (DatasetRows.of(content, file[key]) for key in ("coordinates", "forces"))
    if R.shape != F.shape or len(R.shape) != 3:
        raise refuse(path, f"coordinates have shape {R.shape} and forces {F.shape}")
    said = [file[key].attrs.get("units") for key in ("coordinates", "forces")]
    try:
        units = units_said(*(text(words) if words is not None else None for words in said))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    extras = {}
    if "cell_lengths" in file and "cell_angles" in file:
        extras["box"] = box_of(*(DatasetRows.of(content, file[key]) for key in ("cell_lengths", "cell_angles")))
    if "temp0" in file:
        extras["temperature"] = once(DatasetRows.of(content, file["temp0"]))
    return [
        Opened(
            name=str(path),
            label=path.name,
            form=NAME,
            arrays={"R": R, "F": F},
            contents=(content,),
            extras=extras,
            units=units or UNITS[0],
            may_be_atoms=True,
        )
    ]
