"""Peptides and mini-proteins from the literature: sequences, and ideal backbones from which simulations start."""

from __future__ import annotations

from dataclasses import dataclass

from cgcore.errors import InputError

SHAPES = {
    "E": (-120.0, 140.0),
    "B": (-135.0, 135.0),
    "H": (-57.0, -47.0),
    "P": (-75.0, 145.0),
    "a": (-60.0, -30.0),
    "g": (-95.0, -5.0),
    "l": (60.0, 30.0),
    "m": (90.0, 0.0),
}
"""(phi, psi) in degrees, IUPAC: two strands, α-helix and polyproline; loop residues αR and γR; `l` and `m`, the two
residues of a type I' turn (Venkatachalam, Biopolymers 1968, 6, 1425)."""


@dataclass(frozen=True)
class Peptide:
    """A peptide to build.

    Arguments:
        sequence: one-letter codes.
        shape: a letter of `SHAPES` for each residue.
        capped: whether the ends are capped by ACE and NME; otherwise they are charged.
        source: where the sequence was published.

    Raises:
        InputError: letters are unknown or too few, or the lengths of sequence and shape differ.
    """

    sequence: str
    shape: str
    capped: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        unknown = set(self.sequence) - set("ACDEFGHIKLMNPQRSTVWY")
        if unknown or len(self.sequence) < 2:
            raise InputError(
                f"the sequence {self.sequence!r} is not one of two or more amino acids; give one-letter codes"
            )
        if set(self.shape) - set(SHAPES) or len(self.shape) != len(self.sequence):
            raise InputError(
                f"the shape {self.shape!r} does not fit {self.sequence}; give one letter of "
                f"{''.join(SHAPES)} per residue"
            )


PEPTIDES = {
    "cln025": Peptide("YYDPETGTWY", "EEEaagmEEE", source="Honda et al., J. Am. Chem. Soc. 2008, 130, 15327"),
    "trpzip2": Peptide(
        "SWTWENGKWTWK", "BBBBBlmBBBBB", source="Cochran et al., Proc. Natl. Acad. Sci. USA 2001, 98, 5578"
    ),
    "aaqaa3": Peptide(
        "AAQAAAAQAAAAQAA", "H" * 15, capped=True, source="Shalongo et al., J. Am. Chem. Soc. 1994, 116, 8288"
    ),
    "gb1": Peptide("GEWTYDDATKTFTVTE", "EEEEEEaaglEEEEEE", source="Blanco et al., Nat. Struct. Biol. 1994, 1, 584"),
    "tc5b": Peptide(
        "NLYIQWLKDGGPSSGRPPPS", "EHHHHHHHHmaaaamPPPPP", source="Neidigh et al., Nat. Struct. Biol. 2002, 9, 425"
    ),
}
"""Two helical peptides, (AAQAA)3 and the Trp-cage TC5b; three hairpins, CLN025, trpzip2 and residues 41-56 of GB1."""


def alanines(number: int) -> Peptide:
    """ACE-(ALA)n-NME as an extended chain.

    Arguments:
        number: number of residues.

    Raises:
        InputError: `number` is below two.
    """
    if number < 2:
        raise InputError(f"alanines is {number}; give at least 2")
    return Peptide("A" * number, "E" * number, capped=True)
