"""The contents of a data set besides positions and forces: sources, proteins, species and other arrays."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from cgcore.data.blocks import real_mask, row_blocks
from cgcore.data.chains import FAR
from cgcore.data.dataset import Dataset
from cgcore.data.frames import Frames
from cgcore.data.residues import species_names
from cgcore.data.splitting import protein_rows


class SourceSummary(NamedTuple):
    """A file: its name, number of frames, and number of beads in a row."""

    name: str
    frames: int
    beads: int


class ProteinSummary(NamedTuple):
    """A protein: its name, number of real beads, and number of frames in all sources."""

    name: str
    length: int
    frames: int


def sources_of(dataset: Dataset) -> tuple[SourceSummary, ...]:
    """The sources in order."""
    return tuple(SourceSummary(source.source, source.n_frames, source.n_beads) for source in dataset.sources)


def proteins_of(dataset: Dataset) -> tuple[ProteinSummary, ...]:
    """The proteins in order of appearance; a protein in several sources is listed once."""
    found: dict[str, ProteinSummary] = {}
    for source in dataset.sources:
        for name, rows in protein_rows(source):
            before = found[name].frames if name in found else 0
            found[name] = ProteinSummary(name, int(source.lengths[rows[0]]), before + len(rows))
    return tuple(found.values())


def breaks_of(dataset: Dataset) -> dict[str, str]:
    """A description of the chains and gaps of each protein that is not one whole chain."""
    found: dict[str, str] = {}
    for source in dataset.sources:
        for label, rows in enumerate(source.sites if source.sites is not None else ()):
            own = np.flatnonzero(source.protein == label)
            if not len(own):
                continue
            jumps = np.diff(rows[: source.lengths[own[0]]])
            ends = np.flatnonzero(jumps >= FAR)
            lengths = np.diff(np.array([0, *(ends + 1).tolist(), len(jumps) + 1])).tolist()
            parts = [f"chains of {' + '.join(map(str, lengths))} beads"] if len(ends) else []
            parts += [f"{jumps[k] - 1} missing after bead {k}" for k in np.flatnonzero((jumps > 1) & (jumps < FAR))]
            if parts:
                found[source.protein_names[label]] = ", ".join(parts)
    return found


def species_of(dataset: Dataset) -> dict[int, int]:
    """Number of real beads of each species."""
    counts: Counter[int] = Counter()
    for source in dataset.sources:
        for block in row_blocks(source.n_frames, source.n_beads):
            species = source.species(block)
            if species is not None:
                values, n = np.unique(species[real_mask(source.lengths[block], source.n_beads)], return_counts=True)
                counts.update(dict(zip(values.tolist(), n.tolist(), strict=True)))
    return dict(sorted(counts.items()))


def species_names_of(dataset: Dataset) -> dict[int, str]:
    """The names of the species; empty if the sources disagree."""
    tables = [dict(species_names(source.extras)) or _from_residues(source) for source in dataset.sources]
    return tables[0] if all(table == tables[0] for table in tables) else {}


def _from_residues(source: Frames) -> dict[int, str]:
    """Species names from residue names that always have the same species, in a file of one protein."""
    species, names = source.species(slice(0, 1)), source.extras.get("resname")
    if species is None or names is None or names.dtype.kind != "U" or names.shape != species.shape[1:]:
        return {}
    length = int(source.lengths[0])
    pairs = set(zip(species[0, :length].tolist(), names[:length].tolist(), strict=True))
    one = len(source.protein_names) == 1 and len({k for k, _ in pairs}) == len(pairs)
    return dict(sorted(pairs)) if one else {}


def extras_of(dataset: Dataset) -> dict[str, str]:
    """Dtype and shape of other arrays, in words, by name."""
    found: dict[str, str] = {}
    for source in dataset.sources:
        for name, array in source.extras.items():
            shape = " x ".join(str(n) for n in array.shape) or "one value"
            found.setdefault(name, f"{array.dtype.name}, {shape}")
    return found
