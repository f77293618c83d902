"""Assignment of frames to proteins, and the proteins' names."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cgcore.data.blocks import real_mask
from cgcore.data.frames import clean_species
from cgcore.data.residues import Names, letters
from cgcore.errors import InputError


class _First(NamedTuple):
    """The first frame of a protein, and its species."""

    frame: int
    species: np.ndarray | None


class Known:
    """Names given so far in all files that are read together, so that the same protein always gets the same name."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}
        self._counts: dict[int, int] = {}

    def name(self, identity: bytes, length: int, sequence: str | None) -> str:
        """The sequence, if it is known and no other protein has it, else `protein-<length>-<k>`.

        Arguments:
            identity: key of the protein, which no other protein has.
            length: number of real beads.
            sequence: one-letter codes; None if unknown.
        """
        if identity not in self._names:
            taken = set(self._names.values())
            self._counts[length] = k = self._counts.get(length, 0) + 1
            self._names[identity] = f"protein-{length}-{k}" if sequence is None or sequence in taken else sequence
        return self._names[identity]


class Proteins:
    """Assigns frames to proteins, which differ in their number of real beads, species or sites.

    Proteins get numeric labels in order of appearance.

    Arguments:
        name: name of the file.
        lengths: number of real beads of each frame (frames,).
        n_beads: number of beads in a row.
        sites: sites of the beads (1 or frames, beads), see `chains`; None for whole chains.
    """

    def __init__(self, name: str, lengths: np.ndarray, n_beads: int, sites: np.ndarray | None = None) -> None:
        self.name, self.lengths, self.n_beads, self._sites = name, lengths, n_beads, sites
        self.labels = np.empty(len(lengths), np.int32)
        self.wrong: str | None = None
        self._keys: dict[bytes, int] = {}
        self._first: list[_First] = []  # for each label

    def add(self, start: int, values: np.ndarray | None) -> None:
        """Read rows of the species."""
        if self.wrong is not None:
            return
        block = slice(start, start + (len(values) if values is not None else len(self.lengths)))
        content, species = self.lengths[block, None], None
        if values is not None:
            self.wrong, species = _whole(values, content[:, 0], start)
            if self.wrong is not None:
                return
            content = np.hstack([content, species])
        if self._sites is not None:
            content = np.hstack([content, self._sites_of(block)])
        # Only rows that differ from the previous one are looked up, since frames of a protein are mostly consecutive.
        new = np.ones(len(content), bool)
        new[1:] = (content[1:] != content[:-1]).any(axis=1)
        looked_up = []
        for row in np.flatnonzero(new):
            label = self._keys.setdefault(content[row].tobytes(), len(self._keys))
            if label == len(self._first):
                self._first.append(_First(start + int(row), None if species is None else species[row].copy()))
            looked_up.append(label)
        self.labels[block] = np.asarray(looked_up, np.int32)[np.cumsum(new) - 1]

    def sites(self) -> np.ndarray | None:
        """Sites (proteins, beads), int32, 0 at padded beads; None if each protein is one chain without gaps."""
        if self._sites is None:
            return None
        return np.concatenate([self._sites_of(slice(first.frame, first.frame + 1)) for first in self._first])

    def names(self, resname: np.ndarray | None, table: Names, known: Known) -> tuple[str, ...]:
        """The name of each label: the one-letter sequence if residue names give one, else `protein-<length>-<k>`.

        Every tool numbers species differently, so numbers alone never give a sequence.

        Arguments:
            resname: residue names, (beads,) or (frames, beads).
            table: names of the species; empty if the file does not give any.
            known: names given so far.

        Raises:
            InputError: species of real beads are not 32-bit integers.
        """
        if self.wrong is not None:
            raise InputError(f"{self.name}: {self.wrong}")
        names: list[str] = []
        sites = self.sites()
        for label, (frame, species) in enumerate(self._first):
            length = int(self.lengths[frame])
            sequence = _from_resname(resname, frame, length, len(self.lengths), len(self._first))
            if sequence is None and species is not None and table:
                sequence = letters(table.get(int(k), "") for k in species[:length])
            parts = [
                np.array(length).tobytes(),
                b"" if species is None else species[:length].tobytes(),
                b"" if sites is None else sites[label, :length].tobytes(),
                (sequence or "").encode(),
            ]
            names.append(known.name(b"\0".join(parts), length, sequence))
        return tuple(names)

    def _sites_of(self, block: slice) -> np.ndarray:
        assert self._sites is not None
        rows = self._sites if len(self._sites) == 1 else self._sites[block]
        return np.where(real_mask(self.lengths[block], self.n_beads), rows, 0).astype(np.int32)


def _whole(stored: np.ndarray, lengths: np.ndarray, start: int) -> tuple[str | None, np.ndarray]:
    """The problem of these species, if any, and the species as int32."""
    if stored.dtype.kind == "f" or stored.dtype.itemsize > 4 or stored.dtype == np.uint32:
        # Compared in float64, which represents the limits of int32 exactly; in float16 they overflow.
        with np.errstate(over="ignore", invalid="ignore"):
            values = stored.astype(np.float64)
        whole = (values >= -(2.0**31)) & (values < 2.0**31) & (np.floor(values) == values)
        if not whole.all():
            bad = np.argwhere(~whole & real_mask(lengths, stored.shape[1]))
            if len(bad):
                frame, bead = bad[0]
                return (
                    f"key 'species' is {stored[frame, bead]} at frame {start + frame}, bead {bead} "
                    "(0-based); it needs whole numbers."
                ), stored
    return None, clean_species(stored, lengths)


def _from_resname(resname: np.ndarray | None, frame: int, length: int, n_frames: int, n_proteins: int) -> str | None:
    """The sequence from residue names, which have a row for each frame or, in a file of one protein, a single row."""
    if resname is None or resname.dtype.kind not in "US":
        return None
    if resname.ndim == 2 and len(resname) == n_frames:
        row = resname[frame]
    elif resname.ndim == 1 and n_proteins == 1:
        row = resname
    else:
        return None
    return letters(row[:length].tolist()) if len(row) >= length else None
