"""The frames of one protein in a data set, from which replicas start and with which they are compared."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from cgcore.data import Dataset
from cgcore.errors import InputError
from cgcore.simulation.settings import TEMPERATURE

MOST_FRAMES = 20_000
"""Largest number of frames that are used; if there are more, evenly spaced ones."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Frames of one protein, from which replicas start and with which they are compared.

    Arguments:
        protein: name of the protein.
        R: frames in order [Å].
        species: species of the beads; zeros if the data have none.
        sha256: checksum of the data.
        path: file or folder of the data.
        frames_in_data: number of frames of this protein.
    """

    protein: str
    R: Float[np.ndarray, "frames beads 3"]
    species: Int[np.ndarray, " beads"]
    sha256: str
    path: str
    frames_in_data: int

    @property
    def beads(self) -> int:
        """Number of beads of the chain."""
        return self.R.shape[1]

    def starts(self, replicas: int, seed: int) -> Float[np.ndarray, "replicas beads 3"]:
        """An initial frame for each replica, each drawn from another one of as many equal parts of the data."""
        drawn = (np.arange(replicas) + np.random.default_rng(seed).random(replicas)) / replicas
        return self.R[(drawn * len(self.R)).astype(int)].astype(np.float64)


def reference(dataset: Dataset, protein: str | None = None, beads: int | None = None) -> Reference:
    """The frames of a protein, which must be named only if several proteins match.

    Raises:
        InputError: no protein matches, or several do.
    """
    held: dict[str, int] = {}
    for source in dataset.sources:
        for label, length in np.unique(np.stack([source.protein, source.lengths], axis=1), axis=0).tolist():
            held[source.protein_names[label]] = length
    names = [name for name, length in held.items() if protein in (None, name) and beads in (None, length)]
    shown = ", ".join(f"{name} ({length} beads)" for name, length in list(held.items())[:10])
    shown += f" and {len(held) - 10} more" if len(held) > 10 else ""
    if not names:
        wanted = " with ".join(
            part for part in (protein and f"protein {protein!r}", beads is not None and f"{beads} beads") if part
        )
        raise InputError(f"{dataset.path}: does not contain {wanted}, but {shown}; give one of them, or other data")
    if len(names) > 1:
        raise InputError(f"{dataset.path}: holds several proteins: {shown}; choose one with --protein NAME")
    (name,) = names
    for source in dataset.sources:
        if source.sites is not None and name in source.protein_names:
            label = source.protein_names.index(name)
            if (np.diff(source.sites[label, : held[name]]) != 1).any():
                raise InputError(
                    f"{dataset.path}: {name} has a gap or several chains, but replicas have to be one "
                    "whole chain; give "
                    "data of a whole chain"
                )
    length = held[name]
    if length < 2:
        raise InputError(f"{dataset.path}: {name} is a single bead; give data of a chain")
    own = [
        np.flatnonzero(source.protein == source.protein_names.index(name))
        if name in source.protein_names
        else np.zeros(0, int)
        for source in dataset.sources
    ]
    total = sum(map(len, own))
    chosen = np.unique(np.linspace(0, total - 1, min(total, MOST_FRAMES)).astype(int))
    R, species, before = [], np.zeros(length, np.int32), 0
    for source, all_rows in zip(dataset.sources, own, strict=True):
        here = chosen[(chosen >= before) & (chosen < before + len(all_rows))] - before
        before += len(all_rows)
        if len(here):
            rows = all_rows[here]
            R.append(source.load(rows)[0][:, :length])
            of_frame = source.species(rows[:1])
            species = species if of_frame is None else of_frame[0, :length]
    return Reference(name, np.concatenate(R), species, dataset.sha256, dataset.path, total)


def temperature_of(dataset: Dataset, given: float | None) -> tuple[float, str | None]:
    """The temperature of the simulation [K], given or from the data or else `TEMPERATURE`, and a note on the choice.

    Raises:
        InputError: no temperature was given, and the data have several.
    """
    said = [t for t in dataset.temperatures if math.isfinite(t) and t > 0]
    shown = ", ".join(f"{t:g}" for t in said[:5]) + (" ..." if len(said) > 5 else "")
    if given is not None:
        differs = [t for t in said if abs(t - given) > 0.5]
        return given, f"simulated at {given:g} K, while the data are of {shown} K" if differs else None
    if len(said) > 1:
        raise InputError(f"{dataset.path}: holds several temperatures ({shown} K); choose one with --temperature")
    if said:
        return said[0], None
    return TEMPERATURE, f"the data say no temperature, and none was given: simulated at {TEMPERATURE:g} K"
