"""HDF5 of mlcg: `/SET/MOLECULE/{cg_coords, cg_forces}` with attributes `cg_embeds` and `N_frames`; Å and kcal/mol/Å.

See the module `mlcg.datasets.h5_dataset` of https://github.com/ClementiGroup/mlcg.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cgcore.data.formats.hdf5 import DatasetRows, is_group
from cgcore.data.formats.opened import Content, Opened, refuse
from cgcore.data.stored import Rows
from cgcore.errors import InputError

NAME = "mlcg HDF5"
COORDS, FORCES, DELTA = "cg_coords", "cg_forces", "cg_delta_forces"
_DEEPEST = 4
"""Largest number of nested groups from the root to a molecule."""


def open_kind(path: Path, content: Content, file: Any) -> list[Opened] | None:
    """A source for each molecule; None if the file contains none.

    Raises:
        InputError: a molecule has no forces, only delta forces, or inconsistent arrays.
    """
    molecules = list(_molecules(file, _DEEPEST))
    return [_opened(path, content, molecule) for molecule in molecules] or None


def _molecules(group: Any, depth: int) -> Iterator[Any]:
    for item in group.values():
        if is_group(item):
            if COORDS in item:
                yield item
            elif depth:
                yield from _molecules(item, depth - 1)


def _opened(path: Path, content: Content, molecule: Any) -> Opened:
    part = molecule.name.strip("/")
    name = f"{path}: {part}"
    if FORCES not in molecule:
        if DELTA in molecule:
            raise InputError(
                f"{name}: {DELTA} are forces minus those of a prior, so a prior cannot be fitted to them; give a file "
                f"with {FORCES}"
            )
        raise InputError(f"{name}: holds no {FORCES}, so there is nothing to fit to; give a file with forces")
    R, F = (DatasetRows.of(content, molecule[key]) for key in (COORDS, FORCES))
    if R.shape != F.shape or len(R.shape) != 3:
        raise refuse(name, f"{COORDS} has shape {R.shape} and {FORCES} {F.shape}")
    said = molecule.attrs.get("N_frames")
    if said is not None and int(said) != len(R):
        raise refuse(name, f"N_frames is {int(said)}, and {COORDS} has {len(R)} frames")
    arrays: dict[str, Rows] = {"R": R, "F": F}
    embeds = molecule.attrs.get("cg_embeds")
    if embeds is not None:
        embeds = np.asarray(embeds)
        if embeds.shape != R.shape[1:2] or embeds.dtype.kind not in "iuf":
            raise refuse(name, f"cg_embeds has shape {embeds.shape} and dtype {embeds.dtype} for {R.shape[1]} beads")
        arrays["species"] = np.broadcast_to(embeds, R.shape[:2])
    extras = {}
    temperature = molecule.attrs.get("temperature")
    if temperature is not None and np.asarray(temperature).dtype.kind in "iuf":
        extras["temperature"] = np.asarray(temperature, np.float64)
    skipped = tuple(f"{part}/{key}" for key in molecule if key not in (COORDS, FORCES))
    return Opened(
        name=name,
        label=f"{path.name}:{part}",
        form=NAME,
        arrays=arrays,
        contents=(content,),
        extras=extras,
        part=part,
        skipped_keys=skipped,
        may_be_atoms=True,
    )
