"""AMBER and MDTraj trajectories in HDF5 (NetCDF-4): datasets `coordinates` and `forces` of the root group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cgcore.data.formats.hdf5 import DatasetRows, text
from cgcore.data.formats.netcdf import BESIDE, WRITE_FORCES, amber_trajectory
from cgcore.data.formats.opened import Content, Opened, refuse, without_forces


def open_kind(path: Path, content: Content, file: Any) -> list[Opened] | None:
    """The single source; None if the root group has no coordinates.

    Raises:
        InputError: there are no forces, or arrays are inconsistent.
    """
    if "coordinates" not in file:
        return None
    if "forces" not in file:
        raise without_forces(path, "this trajectory", WRITE_FORCES)
    R, F = (DatasetRows.of(content, file[key]) for key in ("coordinates", "forces"))
    if R.shape != F.shape or len(R.shape) != 3:
        raise refuse(path, f"coordinates have shape {R.shape} and forces {F.shape}")
    said = [file[key].attrs.get("units") for key in ("coordinates", "forces")]
    words = [None if one is None else text(one) for one in said]
    beside = {key: DatasetRows.of(content, file[key]) for key in BESIDE if key in file}
    return amber_trajectory(path, content, R, F, words, beside)
