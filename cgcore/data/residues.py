"""Residue names: one-letter codes, and tables of the names that a file's numbers stand for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

ONE_LETTER = {
    "ALA": "A", "ARG": "R", "ASN": "N", "ASP": "D", "CYS": "C", "GLN": "Q", "GLU": "E",
    "GLY": "G", "HIS": "H", "ILE": "I", "LEU": "L", "LYS": "K", "MET": "M", "PHE": "F",
    "PRO": "P", "SER": "S", "THR": "T", "TRP": "W", "TYR": "Y", "VAL": "V", "SEC": "U", "PYL": "O",
}  # fmt: skip

VARIANTS = {
    "HIS": "HSD HSE HSP HID HIE HIP HISA HISB HISD HISE HISH HISP HIS1 HIS2",
    "CYS": "CYX CYM CYSH CYS1 CYS2 CYN CSO CME CSX",
    "ASP": "ASH ASPP ASPH AS4",
    "GLU": "GLH GLUP GLUH GL4 PCA",
    "LYS": "LYN LYP LSN LYSH MLY KCX",
    "ARG": "ARN ARGN",
    "MET": "MSE",
    "PRO": "HYP",
    "SER": "SEP",
    "THR": "TPO",
    "TYR": "TYM PTR",
}
"""Force fields' names of residues by protonation, bridge or modification (Amber, CHARMM, GROMACS, PDB)."""

_CODES = {
    **ONE_LETTER,
    **{variant: ONE_LETTER[code] for code, variants in VARIANTS.items() for variant in variants.split()},
    **{letter: letter for letter in ONE_LETTER.values()},
}

TABLES = ("id_to_aa", "aa_to_id")
"""Keys of tables of species names in files."""

UNKNOWN = "UNK"
"""Three-letter code of an unknown residue."""

_THREE_LETTERS = {letter: code for code, letter in ONE_LETTER.items()}

Names = Mapping[int, str]
"""Species names: number -> name as in the file."""


def letter(name: Any) -> str | None:
    """The one-letter code of a residue name of one, three or four letters, upper or lower case; None if unknown.

    Amber's names of terminal residues have an N or a C before the usual three letters.
    """
    code = (name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)).strip().upper()
    if len(code) == 4 and code not in _CODES and code[0] in "NC":
        code = code[1:]
    return _CODES.get(code)


def letters(names: Iterable[Any]) -> str | None:
    """The sequence of these residues; None if one is unknown, or if there are none."""
    found = [letter(name) for name in names]
    return None if not found or None in found else "".join(code for code in found if code)


def three_letters(protein: str, beads: int) -> list[str]:
    """Residue codes of a protein that is named by its sequence, else `UNKNOWN` for each of its beads."""
    known = len(protein) == beads and all(letter in _THREE_LETTERS for letter in protein)
    return [_THREE_LETTERS[letter] for letter in protein] if known else [UNKNOWN] * beads


def species_names(extras: Mapping[str, np.ndarray]) -> Names:
    """Species names from a table in the file; empty if it has none that can be read.

    A table is an array of names (species k is the k-th), an array of pairs of name and number, or the JSON text of a
    dictionary in either direction. Object arrays, which are pickled dictionaries, are never read.
    """
    for key in TABLES:
        table = extras.get(key)
        if table is not None and table.dtype.kind in "US" and (found := _table(table)):
            return found
    return {}


def _table(table: np.ndarray) -> dict[int, str]:
    if table.ndim == 0:
        try:
            plain = json.loads(_text(table.item()))
        except (ValueError, RecursionError):
            return {}
        if isinstance(plain, list):
            return dict(enumerate(map(str, plain)))
        return _pairs(plain.items()) if isinstance(plain, dict) else {}
    if table.ndim == 1:
        return dict(enumerate(map(_text, table.tolist())))
    if table.ndim == 2 and table.shape[1] == 2:
        return _pairs([(_text(a), _text(b)) for a, b in table.tolist()])
    return {}


def _pairs(pairs: Iterable[tuple[Any, Any]]) -> dict[int, str]:
    """A table from pairs of name and number, in either order."""
    found = {}
    for pair in pairs:
        numbers = [_number(x) for x in pair]
        if (numbers[0] is None) == (numbers[1] is None):
            return {}
        number, name = (numbers[0], pair[1]) if numbers[0] is not None else (numbers[1], pair[0])
        found[number] = str(name)
    return {number: name for number, name in found.items() if number is not None}


def _number(text: Any) -> int | None:
    try:
        return int(text)
    except (TypeError, ValueError):
        return None


def _text(name: Any) -> str:
    return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)
