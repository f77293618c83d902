"""Frames of beads made from frames of all atoms, whose forces are read and mapped on demand."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cgcore.data import Dataset
from cgcore.data.formats import Source, open_sources, unique_sets
from cgcore.data.formats.beads import units_of
from cgcore.data.formats.opened import Opened
from cgcore.data.reading import dataset_of
from cgcore.data.stored import FileRows, Rows
from cgcore.data.units import factors
from cgcore.errors import InputError
from cgcore.mapping.beads import SPECIES, Beads, ca_beads
from cgcore.mapping.choosing import ForceMap, best_map, fixed_maps
from cgcore.mapping.force_maps import MAPS
from cgcore.mapping.moments import Moments, moments
from cgcore.mapping.rigid import candidate_pairs, groups
from cgcore.mapping.topology import Topology, of_mdcath, read_topology


@dataclass(frozen=True, eq=False)
class MappedRows(FileRows):
    """Mapped rows, W times the rows of atoms, (frames, beads, 3), float64.

    Arguments:
        base: rows of atoms (frames, atoms, 3).
        atoms: the atom of each column of W.
        W: the map (beads, columns).
    """

    base: Rows
    atoms: np.ndarray
    W: np.ndarray

    @property
    def dtype(self) -> np.dtype:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Dtype of the mapped rows."""
        return np.dtype(np.float64)

    @property
    def shape(self) -> tuple[int, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """(frames, beads, 3)."""
        return (self.base.shape[0], len(self.W), 3)

    def _read(self, runs: list[tuple[int, int]], n_rows: int) -> np.ndarray:
        found = np.empty((n_rows, *self.shape[1:]))
        done = 0
        step = max(1, _PIECE // (3 * 8 * max(1, self.base.shape[1])))
        for start, stop in runs:
            for first in range(start, stop, step):
                last = min(first + step, stop)
                rows = self.base[first:last][:, self.atoms].astype(np.float64)
                found[done : done + last - first] = np.einsum("bi,fix->fbx", self.W, rows, optimize=True)
                done += last - first
        return found


_PIECE = 2**23
"""Size of the rows of atoms that are mapped at once [bytes]."""


@dataclass(frozen=True, eq=False)
class PickedRows(FileRows):
    """Rows of selected atoms, (frames, picked, 3).

    Arguments:
        base: rows of atoms (frames, atoms, 3).
        atoms: the selected atoms (picked,).
    """

    base: Rows
    atoms: np.ndarray

    @property
    def dtype(self) -> np.dtype:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Dtype as stored."""
        return self.base.dtype

    @property
    def shape(self) -> tuple[int, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """(frames, picked, 3)."""
        return (self.base.shape[0], len(self.atoms), 3)

    def _read(self, runs: list[tuple[int, int]], n_rows: int) -> np.ndarray:
        rows = [self.base[start:stop][:, self.atoms] for start, stop in runs]
        return np.concatenate([np.empty((0, *self.shape[1:]), self.dtype), *rows])


class Mapped(NamedTuple):
    """Frames of beads, and how they were made.

    Arguments:
        dataset: the frames of beads.
        maps: all maps with their noise, including the chosen one.
        chosen: name of the map used for the forces.
        ridge: ridge of the optimal map.
        rigid: number of pairs of atoms joined by constraints.
        atoms: number of atoms of the protein and its caps.
    """

    dataset: Dataset
    maps: tuple[ForceMap, ...]
    chosen: str
    ridge: float
    rigid: int
    atoms: int


def map_to_beads(
    topology: str | os.PathLike[str],
    trajectories: Sequence[str | os.PathLike[str]] = (),
    *,
    force_map: str = "optimal",
    units: str | None = None,
    box: Any = None,
    temperature: float | None = None,
) -> Mapped:
    """Map frames of all atoms to frames with one bead per residue, on its CA.

    Arguments:
        topology: a PDB, PSF, GRO or prmtop file, or a trajectory that describes its own atoms (mdCATH).
        trajectories: files with positions and forces of these atoms, in any format that `cgcore.read` knows.
        force_map: "slice", "residue" or "optimal", see `force_maps`.
        units: units of the trajectories; None for those of their formats.
        box: periodic box, as in `cgcore.read`.
        temperature: use only frames at this temperature [K], for files with several; None for all.

    Raises:
        InputError: a file cannot be used, atoms do not match, or the map is not consistent with constraints.
    """
    if force_map not in MAPS:
        raise InputError(f"the map {force_map!r} is not known; choose one of {', '.join(MAPS)}")
    paths = [Path(path) for path in (trajectories or (topology,))]
    sources = [source for path in unique_sets(paths) for source in open_sources(path)]
    if temperature is not None:
        sources = [source for source in sources if _is_at(source, temperature)]
        if not sources:
            raise InputError(f"{paths[0]}: has no frames at {temperature:g} K; leave the temperature out")
    for source in sources:
        source.read({})  # verifies checksums, if the format has them
    atoms = _atoms(Path(topology), sources, bool(trajectories), units)
    beads = ca_beads(atoms)
    pairs = candidate_pairs(atoms.residue[beads.solute], atoms.names[beads.solute])
    found = moments(sources, beads.solute, pairs, units)
    group = groups(len(beads.solute), found.rigid)
    maps = fixed_maps(found, beads, group, force_map)
    ridge = 0.0
    if _enough(found, len(beads.solute), force_map == "optimal", paths[0]):
        best = best_map(found, beads, group, maps)
        maps.append(best.map)
        ridge = best.ridge
    W = next(one.W for one in maps if one.name == force_map)
    made: list[Source] = [_beads(source, beads, W) for source in sources]
    path = ", ".join(map(str, paths))
    dataset = dataset_of(made, path, units=units, box=box)
    return Mapped(dataset, tuple(maps), force_map, ridge, len(found.rigid), len(beads.solute))


def _enough(found: Moments, atoms: int, wanted: bool, path: Path) -> bool:
    """Whether there are more forces than weights of an optimal map, so that it cannot make all forces 0 by overfitting.

    Raises:
        InputError: there are not, and the optimal map is requested.
    """
    frames = sum(found.frames)
    enough = 3 * frames > atoms
    if wanted and not enough:
        raise InputError(
            f"{path}: {frames} frames are too few for the optimal map of {atoms} atoms; give more than {atoms // 3}, "
            "or --map residue"
        )
    return enough


def _atoms(path: Path, sources: list[Source], separate: bool, units: str | None) -> Topology:
    """The atoms of the trajectories, whose number must agree with the topology.

    Raises:
        InputError: it does not, or the atoms have no names.
    """
    first = sources[0]
    if separate:
        atoms = read_topology(path)
    elif first.atoms is not None:
        names = {source.part.split("/")[0] for source in sources}
        if len(names) > 1:
            raise InputError(f"{path}: holds several proteins ({', '.join(sorted(names))}); give a file of one")
        R = first.arrays["R"][:1][0].astype(np.float64) * factors(units_of(first, units))[0]
        atoms = of_mdcath(str(path), first.atoms, R)
    else:
        raise InputError(
            f"{path}: does not name its atoms; give a topology (PDB, PSF, GRO, prmtop) before the trajectory"
        )
    for source in sources:
        units_of(source, units)
        if source.arrays["R"].shape[1] != len(atoms):
            raise InputError(
                f"{source.name}: has {source.arrays['R'].shape[1]} atoms, but {atoms.name} has {len(atoms)}; give the "
                "topology of exactly these atoms"
            )
    return atoms


def _beads(source: Source, beads: Beads, W: np.ndarray) -> Opened:
    """A source of beads that maps a source of atoms on demand."""
    frames = source.arrays["R"].shape[0]
    extras = {key: value for key, value in source.extras.items() if key in ("box", "temperature")}
    extras |= {"resid": beads.resid, "resname": beads.resname, "id_to_aa": np.array(SPECIES)}
    if len(np.unique(beads.chain)) > 1:
        extras["chain"] = beads.chain
    arrays: dict[str, Rows] = {
        "R": PickedRows(source.arrays["R"], beads.atoms),
        "F": MappedRows(source.arrays["F"], beads.solute, W),
        "species": np.broadcast_to(beads.species, (frames, len(beads.species))),
    }
    return Opened(
        name=source.name,
        label=source.label,
        form=source.form,
        arrays=arrays,
        contents=source.contents,
        extras=extras,
        units=source.units,
        part=f"{source.part}\n{hashlib.sha256(W.tobytes()).hexdigest()}",
        notes=source.notes,
    )


def _is_at(source: Source, kelvin: float) -> bool:
    said = source.extras.get("temperature")
    return said is not None and bool(np.allclose(said, kelvin))
