"""Which frames belong to one protein, and what it is called."""

from __future__ import annotations

import numpy as np

from cgcore.data.blocks import real_mask
from cgcore.data.frames import clean_species
from cgcore.errors import InputError

ONE_LETTER = {
    "ALA": "A", "ARG": "R", "ASN": "N", "ASP": "D", "CYS": "C", "GLN": "Q", "GLU": "E",
    "GLY": "G", "HIS": "H", "ILE": "I", "LEU": "L", "LYS": "K", "MET": "M", "PHE": "F",
    "PRO": "P", "SER": "S", "THR": "T", "TRP": "W", "TYR": "Y", "VAL": "V",
}  # fmt: skip
ALPHABET = "".join(ONE_LETTER[code] for code in sorted(ONE_LETTER))  # species index -> letter


class Proteins:
    """Tells proteins apart. Frames with as many real beads and the same species in them are one; without species, the
    length decides. Labels are numbered in order of appearance.

    Arguments:
        name: of the file.
        lengths: (frames,) real beads of each frame.
        n_beads: of a row.
    """

    def __init__(self, name: str, lengths: np.ndarray, n_beads: int) -> None:
        self.name, self.lengths, self.n_beads = name, lengths, n_beads
        self.labels = np.empty(len(lengths), np.int32)
        self.wrong: str | None = None
        self._keys: dict[bytes, int] = {}
        self._first: list[tuple[int, np.ndarray | None]] = []  # first frame of each label, and its species

    def add(self, start: int, values: np.ndarray | None) -> None:
        """Rows of the species."""
        if self.wrong is not None:
            return
        block = slice(start, start + (len(values) if values is not None else len(self.lengths)))
        content, species = self.lengths[block, None], None
        if values is not None:
            self.wrong, species = _whole(values, content[:, 0], start)
            if self.wrong is not None:
                return
            content = np.hstack([content, species])
        # Only a row unlike the one before it is looked up: frames of a protein mostly come together.
        new = np.ones(len(content), bool)
        new[1:] = (content[1:] != content[:-1]).any(axis=1)
        looked_up = []
        for row in np.flatnonzero(new):
            label = self._keys.setdefault(content[row].tobytes(), len(self._keys))
            if label == len(self._first):
                self._first.append((start + int(row), None if species is None else species[row].copy()))
            looked_up.append(label)
        self.labels[block] = np.asarray(looked_up, np.int32)[np.cumsum(new) - 1]

    def names(self, resname: np.ndarray | None = None) -> tuple[str, ...]:
        """The name of each label: its one-letter sequence where `resname` or the species give one, else
        `protein-<length>-<k>`.

        Raises InputError for species of real beads that are not whole numbers of 32 bits.
        """
        if self.wrong is not None:
            raise InputError(f"{self.name}: {self.wrong}")
        names: list[str] = []
        with_length: dict[int, int] = {}
        for frame, species in self._first:
            length = int(self.lengths[frame])
            with_length[length] = k = with_length.get(length, 0) + 1
            sequence = _from_resname(resname, frame, length, len(self.lengths), len(self._first))
            if sequence is None and species is not None:
                sequence = _from_species(species[:length])
            generic = f"protein-{length}-{k}"
            # A name is an identity: two labels never share one.
            names.append(generic if sequence is None or sequence in names else sequence)
        return tuple(names)


def _whole(stored: np.ndarray, lengths: np.ndarray, start: int) -> tuple[str | None, np.ndarray]:
    """What is wrong with these species, and the species as int32."""
    if stored.dtype.kind == "f" or stored.dtype.itemsize > 4 or stored.dtype == np.uint32:
        # In float64, where the limits of int32 are exact; not so in float16, where they overflow.
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


def _from_species(row: np.ndarray) -> str | None:
    if row.min() < 0 or row.max() >= len(ALPHABET):
        return None
    return "".join(ALPHABET[int(index)] for index in row)


def _from_resname(resname: np.ndarray | None, frame: int, length: int, n_frames: int, n_proteins: int) -> str | None:
    """The sequence from residue names: a row for each frame, or one row when the file holds one protein."""
    if resname is None or resname.dtype.kind not in "US":
        return None
    if resname.ndim == 2 and len(resname) == n_frames:
        row = resname[frame]
    elif resname.ndim == 1 and n_proteins == 1:
        row = resname
    else:
        return None
    codes = [code.decode("ascii", "replace") if isinstance(code, bytes) else str(code) for code in row[:length]]
    letters = [ONE_LETTER.get(code.strip().upper(), "") for code in codes]
    return "".join(letters) if len(letters) == length and all(letters) else None
