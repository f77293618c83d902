"""Which frames belong to one protein, and what it is called."""

from __future__ import annotations

import numpy as np

from cgcore.data.blocks import real_mask, row_blocks
from cgcore.data.frames import clean_species
from cgcore.data.stored import Rows
from cgcore.errors import InputError

ONE_LETTER = {
    "ALA": "A", "ARG": "R", "ASN": "N", "ASP": "D", "CYS": "C", "GLN": "Q", "GLU": "E",
    "GLY": "G", "HIS": "H", "ILE": "I", "LEU": "L", "LYS": "K", "MET": "M", "PHE": "F",
    "PRO": "P", "SER": "S", "THR": "T", "TRP": "W", "TYR": "Y", "VAL": "V",
}  # fmt: skip
ALPHABET = "".join(ONE_LETTER[code] for code in sorted(ONE_LETTER))  # species index -> letter


def label_proteins(
    name: str, species: Rows | None, lengths: np.ndarray, n_beads: int, resname: np.ndarray | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Label of each frame, (frames,) int32, in order of appearance, and the name of each label.

    Frames with as many real beads and the same species in them are one protein; without species, the length
    decides. A protein is named by its one-letter sequence where `resname` or the species give one, else
    `protein-<length>-<k>`. Raises InputError for species of real beads that are not whole numbers of 32 bits.
    """
    keys: dict[bytes, int] = {}
    first_frame: list[int] = []
    labels = np.empty(len(lengths), np.int32)
    for block in row_blocks(len(lengths), n_beads):
        content = lengths[block, None]
        if species is not None:
            content = np.hstack([content, _checked_species(name, species[block], lengths[block], block.start)])
        # Only a row unlike the one before it is looked up: frames of a protein mostly come together.
        new = np.ones(len(content), bool)
        new[1:] = (content[1:] != content[:-1]).any(axis=1)
        starts = np.flatnonzero(new)
        looked_up = []
        for start in starts:
            label = keys.setdefault(content[start].tobytes(), len(keys))
            if label == len(first_frame):
                first_frame.append(block.start + int(start))
            looked_up.append(label)
        labels[block] = np.asarray(looked_up, np.int32)[np.cumsum(new) - 1]
    return labels, _names(np.asarray(first_frame), species, lengths, resname)


def _checked_species(name: str, stored: np.ndarray, lengths: np.ndarray, start: int) -> np.ndarray:
    # In float64, where the limits of int32 are exact; not so in float16, where they overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        values = stored.astype(np.float64)
    whole = (values >= -(2.0**31)) & (values < 2.0**31) & (np.floor(values) == values)
    bad = np.argwhere(~whole & real_mask(lengths, stored.shape[1]))
    if len(bad):
        frame, bead = bad[0]
        raise InputError(
            f"{name}: key 'species' is {stored[frame, bead]} at frame {start + frame}, bead {bead} "
            "(0-based); it needs whole numbers."
        )
    return clean_species(stored, lengths)


def _names(
    first_frame: np.ndarray, species: Rows | None, lengths: np.ndarray, resname: np.ndarray | None
) -> tuple[str, ...]:
    names: list[str] = []
    with_length: dict[int, int] = {}
    for frame in first_frame.tolist():
        length = int(lengths[frame])
        with_length[length] = k = with_length.get(length, 0) + 1
        sequence = _from_resname(resname, frame, length, len(lengths), len(first_frame))
        if sequence is None and species is not None:
            sequence = _from_species(species[frame : frame + 1][0, :length])
        generic = f"protein-{length}-{k}"
        # A name is an identity: two labels never share one.
        names.append(generic if sequence is None or sequence in names else sequence)
    return tuple(names)


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
