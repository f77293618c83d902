"""Residue names of beads from a topology, for formats that contain only positions and forces."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cgcore.data import Dataset
from cgcore.data.formats import Source, open_sources, unique_sets
from cgcore.data.reading import dataset_of
from cgcore.errors import InputError
from cgcore.mapping.beads import SPECIES, ca_beads, species_of
from cgcore.mapping.topology import Topology, read_topology


def read_named(
    topology: str | os.PathLike[str],
    trajectories: Sequence[str | os.PathLike[str]],
    *,
    units: str | None = None,
    box: Any = None,
) -> Dataset:
    """Read frames of beads, with residues and chains from a topology.

    Arguments:
        topology: a PDB, PSF, GRO or prmtop file of the same beads, or of all atoms, in which case the beads are the CA
            atoms.
        trajectories: files that `cgcore.read` knows; their own information takes precedence over the topology.
        units, box: as in `cgcore.read`.

    Raises:
        InputError: a file cannot be used, or beads and topology do not match.
    """
    atoms = read_topology(Path(topology))
    sources = [source for path in unique_sets([Path(p) for p in trajectories]) for source in open_sources(path)]
    named = [_named(source, atoms) for source in sources]
    return dataset_of(named, ", ".join(str(path) for path in trajectories), units=units, box=box)


def _named(source: Any, atoms: Topology) -> Source:
    """The source with residues, chains and species."""
    frames, beads = source.arrays["R"].shape[:2]
    rows = _rows(source, atoms, beads)
    names = {"resname": atoms.resname[rows], "resid": atoms.resid[rows], "id_to_aa": np.array(SPECIES)}
    if len(np.unique(atoms.chain[rows])) > 1:
        names["chain"] = atoms.chain[rows]
    species = np.broadcast_to(species_of(names["resname"]), (frames, beads))
    own = {"species"} & set(source.arrays)
    if own:
        del names["id_to_aa"]  # which may number the species differently
    return replace(
        source,
        arrays={"species": species, **source.arrays},
        extras={**names, **source.extras},
        may_be_atoms=False,
    )


def _rows(source: Source, atoms: Topology, beads: int) -> np.ndarray:
    """The atoms of the topology that correspond to the beads.

    Raises:
        InputError: the topology has as many atoms as there are beads, but several per residue; or nothing in it matches
            the beads.
    """
    residues = len(np.unique(atoms.residue))
    if beads == len(atoms) == residues:
        return np.arange(beads)
    if beads == len(atoms):
        raise InputError(
            f"{source.name}: holds {beads} atoms, and {atoms.name} has them in {residues} residues; make one bead per "
            f"residue with `cgcore map {atoms.name} {source.name} -o data.npz`"
        )
    found = ca_beads(atoms).atoms
    if len(found) != beads:
        raise InputError(
            f"{source.name}: has {beads} beads, but {atoms.name} has {len(atoms)} atoms, {len(found)} "
            "of them CA; give the "
            "topology of these beads"
        )
    return found
