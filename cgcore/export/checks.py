"""What every export asks of its arguments."""

from __future__ import annotations

import math

from cgcore.errors import InputError

MASS = 110.0
"""Of a bead, where none is given [g/mol]: the mean residue of a protein. Averages over configurations do not depend
on masses, only the speed of motion does."""


def check_beads(beads: int) -> None:
    """Refuse what is no chain.

    Raises:
        InputError: `beads` is below 2.
    """
    if beads < 2:
        raise InputError(f"beads is {beads}; give at least 2, the length of the chain to export")


def check_positive(name: str, value: float) -> None:
    """Refuse a quantity that is not a finite number above 0.

    Raises:
        InputError: it is not.
    """
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{name} is {value}; give a finite number above 0")
