"""The proteins of the study: simulated by OpenMM if missing, and mapped to beads."""

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
"""Settings of the simulations: 500 frames, 1 ps apart, after 20 ps."""

MAPS = ("slice", "residue", "optimal")


@dataclass(frozen=True, eq=False)
class Protein:
    """Frames of one protein.

    Arguments:
        name: name of the protein.
        R: positions of beads [Å].
        F: forces on beads by force map [kcal/mol/Å].
        species: species of the beads.
        temperature: temperature [K].
        held_out_noise: mean square force on a bead of each map made from the first 80 % of frames, on the other frames
            [(kcal/mol/Å)²]; None if unknown.
    """

    name: str
    R: Float[np.ndarray, "frames beads 3"]
    F: Mapping[str, Float[np.ndarray, "frames beads 3"]]
    species: Int[np.ndarray, " beads"]
    temperature: float
    held_out_noise: Mapping[str, float | None]

    def frames(self, force_map: str, rows: slice = slice(None)) -> cgcore.Dataset:
        """The data set of these frames with the forces of a map."""
        R, F = self.R[rows], self.F[force_map][rows]
        species = np.tile(self.species, (len(R), 1))
        name = f"{self.name}, {force_map}, from frame {rows.start or 0}"
        return cgcore.from_arrays(R, F, species=species, name=name, temperature=self.temperature)


def made(folder: Path, run: Run = RUN, names: Sequence[str] = tuple(PEPTIDES)) -> list[Protein]:
    """The named proteins; missing trajectories are generated and kept in the folder.

    Arguments:
        folder: folder with a subfolder for each protein.
        run: settings for generating trajectories.
        names: names of the proteins.

    Raises:
        InputError: OpenMM or PeptideBuilder is not installed, or a file can't be used.
    """
    return [_mapped(name, folder / name, run) for name in names]


def _mapped(name: str, folder: Path, run: Run) -> Protein:
    if not (folder / TRAJECTORY).exists():
        print(f"{name}: generating {run.frames} frames, which takes minutes", flush=True)
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
