"""Recognising the unit of force from kr var(r) / kT."""

from __future__ import annotations

from typing import NamedTuple


class Unit(NamedTuple):
    """A unit of force.

    Arguments:
        name: the unit in symbols.
        factor: the value of 1 kcal/mol/Å in it.
        option: the name with which files that have positions in Å and forces in this unit are read; empty if there is
            none.
    """

    name: str
    factor: float
    option: str = ""

    @property
    def remedy(self) -> str:
        """What a user can do about forces in this unit."""
        read = f"read them with units {self.option}, or " if self.option else ""
        return f"{read}save them in kcal/mol/Å, divided by {self.factor:.6g}"


# 1 kcal = 4.184 kJ; 1 eV = 23.0605 kcal/mol; 1 hartree = 627.5095 kcal/mol; 1 bohr = 0.529177 Å (CODATA 2018).
UNITS = (
    Unit("kJ/mol/Å", 4.184, "angstrom-kj"),
    Unit("kJ/mol/nm", 41.84),
    Unit("kcal/mol/nm", 10.0),
    Unit("eV/Å", 1 / 23.0605, "angstrom-ev"),
    Unit("eV/nm", 10 / 23.0605),
    Unit("hartree/bohr", 0.529177 / 627.5095),
)

TOLERANCE = 1.3
"""Largest factor between a ratio and that of a unit: data in the right unit have 0.9 to 1, and an assumed temperature
changes that by some 10 %."""


def unit_of(ratio: float, error: float) -> Unit | None:
    """The unit of the forces, if a ratio that should be 1 indicates another unit beyond its error."""
    for unit in UNITS:
        if unit.factor / TOLERANCE < ratio < unit.factor * TOLERANCE and ratio > 5 * error:
            return unit
    return None


def factor_between(ratio: float) -> Unit | None:
    """The unit in which numbers are larger or smaller than in kcal/mol/Å by this ratio."""
    for unit in UNITS:
        for factor in (unit.factor, 1 / unit.factor):
            if factor / TOLERANCE < ratio < factor * TOLERANCE:
                return unit
    return None
