"""Saved frames as a PDB file with many models, for VMD, PyMOL and similar programs; each bead is a CA atom."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cgcore.data.residues import three_letters
from cgcore.errors import InputError
from cgcore.files import atomic_path
from cgcore.simulation.result import SimulationResult

MOST_MODELS = 9999
"""Largest number of models in the format; if there are more frames, every k-th is written."""

MOST_BEADS = 9999
"""Largest residue number in the format."""

SUFFIX = ".pdb"


def check_trajectory(path: str | os.PathLike[str]) -> None:
    """Check the name of a trajectory file before the simulation.

    Raises:
        InputError: the name does not end in .pdb.
    """
    if Path(path).suffix.lower() != SUFFIX:
        raise InputError(
            f"{path}: trajectories are written as PDB files with many models; give a name that ends in {SUFFIX}"
        )


def write_trajectory(path: str | os.PathLike[str], result: SimulationResult) -> int:
    """Write the frames of all replicas, one replica after another, completely or not at all; returns their number.

    Each model has a remark with its replica and time. Frames are centred, but not superposed.

    Raises:
        InputError: the suffix is not .pdb, the chain is too long for the format, or the file cannot be written.
    """
    check_trajectory(path)
    if result.origin.beads > MOST_BEADS:
        raise InputError(f"{path}: a PDB file has room for {MOST_BEADS} beads, but the chain has {result.origin.beads}")
    places = np.argwhere(np.isfinite(result.frames).all(axis=(2, 3)))
    places = places[:: -(-len(places) // MOST_MODELS) or 1]
    with atomic_path(path) as temporary, temporary.open("w", encoding="ascii") as out:
        out.writelines(line + "\n" for line in _lines(result, places))
    return len(places)


def _lines(result: SimulationResult, places: np.ndarray) -> Iterator[str]:
    names = three_letters(result.origin.protein, result.origin.beads)
    yield "REMARK   1 ONE BEAD A RESIDUE, SIMULATED BY CGCORE"
    for model, (replica, frame) in enumerate(places.tolist(), start=1):
        time = result.settings.at((frame + 1) * result.settings.steps_per_frame)
        yield f"MODEL     {model:4d}"
        yield f"REMARK   2 REPLICA {replica} TIME {time:.3f} PS"
        for k, (name, (x, y, z)) in enumerate(zip(names, result.frames[replica, frame].tolist(), strict=True), start=1):
            yield f"ATOM  {k:5d}  CA  {name:3s} A{k:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           C  "
        yield f"TER   {len(names) + 1:5d}      {names[-1]:3s} A{len(names):4d}"
        yield "ENDMDL"
    for k in range(1, len(names)):
        yield f"CONECT{k:5d}{k + 1:5d}"
    yield "END"
