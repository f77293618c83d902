"""The proteins of the study: made by OpenMM where they are not there yet, and mapped to beads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

import cgcore
from cgcore.generate import PEPTIDES, TOPOLOGY, TRAJECTORY, Run, generate
from cgcore.mapping import map_to_beads

RUN = Run(frames=500, every=250, step=4.0, hydrogen_mass=3.0, seed=1)
"""500 frames, 1 ps apart, after 20 ps."""

MAPS = ("slice", "residue", "optimal")


@dataclass(frozen=True, eq=False)
class Protein:
    """Frames of one protein.

    Arguments:
        name: of the protein.
        R: positions of beads [Å].
        F: forces on beads by name of the force map [kcal/mol/Å].
        species: of the beads.
        temperature: [K].
        held_out_noise: mean square force on a bead [(kcal/mol/Å)²] of each map made from the first 80 % of frames, on
            the others; None: not known.
    """

    name: str
    R: Float[np.ndarray, "frames beads 3"]
    F: Mapping[str, Float[np.ndarray, "frames beads 3"]]
    species: Int[np.ndarray, " beads"]
    temperature: float
    held_out_noise: Mapping[str, float | None]

    def frames(self, force_map: str, rows: slice = slice(None)) -> cgcore.Dataset:
        """These frames with the forces of a map."""
        R, F = self.R[rows], self.F[force_map][rows]
        species = np.tile(self.species, (len(R), 1))
        name = f"{self.name}, {force_map}, from frame {rows.start or 0}"
        return cgcore.from_arrays(R, F, species=species, name=name, temperature=self.temperature)


def made(folder: Path, run: Run = RUN, names: Sequence[str] = tuple(PEPTIDES)) -> list[Protein]:
    """Proteins; trajectories that the folder does not hold are made and left there.

    Arguments:
        folder: with a folder for each protein.
        run: how trajectories are made.
        names: of the proteins.

    Raises:
        InputError: OpenMM or PeptideBuilder is missing, or a file can't be used.
    """
    return [_mapped(name, folder / name, run) for name in names]


def _mapped(name: str, folder: Path, run: Run) -> Protein:
    if not (folder / TRAJECTORY).exists():
        print(f"{name}: {run.frames} frames are made, which takes minutes", flush=True)
        generate(folder, run, PEPTIDES[name])
    by_map = {one: map_to_beads(folder / TOPOLOGY, [folder / TRAJECTORY], force_map=one) for one in MAPS}
    batches = {one: mapped.dataset.join() for one, mapped in by_map.items()}
    first = batches[MAPS[0]]
    return Protein(
        name,
        first.R.astype(np.float64),
        {one: batch.F.astype(np.float64) for one, batch in batches.items()},
        first.species[0],
        by_map[MAPS[0]].dataset.temperatures[0],
        {one.name: one.held_out for one in by_map["optimal"].maps},
    )
