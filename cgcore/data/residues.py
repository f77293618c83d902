"""Names of residues: three-letter codes of a protein that is named by its sequence."""

from __future__ import annotations

from cgcore.data.proteins import ONE_LETTER

UNKNOWN = "UNK"
_CODES = {letter: code for code, letter in ONE_LETTER.items()}


def residues(protein: str, beads: int) -> list[str]:
    """Three-letter codes of a protein of so many beads that is named by its sequence, else `UNKNOWN` for each bead."""
    known = len(protein) == beads and all(letter in _CODES for letter in protein)
    return [_CODES[letter] for letter in protein] if known else [UNKNOWN] * beads
