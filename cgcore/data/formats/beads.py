"""Beads or atoms: a fit needs one bead a residue, and most formats do not say what their rows are."""

from __future__ import annotations

import numpy as np

from cgcore.data.formats.opened import Source
from cgcore.data.units import factors
from cgcore.errors import InputError

LONGEST_ATOMS = 2.6
"""Å. Median distance of neighbours in a row: atoms in the order of a topology are bonded, or bonded to one other atom
(1.0 to 2.6 Å), CA beads are 3.8 Å apart, and 2.9 Å at a cis peptide bond."""

_MAP = "make beads of them by `cgcore map TOPOLOGY TRAJECTORY -o data.npz`"


def units_of(source: Source, given: str | None) -> str:
    """The units that a source is read in: those given, else its own.

    Raises:
        InputError: there are none of either kind.
    """
    if given is None and not source.units:
        raise InputError(f"{source.name}: does not state its units; give --units (in Python: units=...)")
    return source.units if given is None else given


def require_beads(source: Source, units: str) -> None:
    """Refuse sources that hold atoms.

    Arguments:
        source: with `R` (frames, beads, 3).
        units: that it is read in.

    Raises:
        InputError: it says that it holds atoms, or its neighbours are as near as bonded atoms.
    """
    if source.atoms is not None:
        raise InputError(
            f"{source.name}: holds all atoms ({source.arrays['R'].shape[1]} of them), not one bead per residue; make "
            f"beads from them with `cgcore map {source.name.split(': ')[0]} -o data.npz`"
        )
    if not source.may_be_atoms:
        return
    first = source.arrays["R"][:1].astype(np.float64)[0] * factors(units)[0]
    median = float(np.median(np.linalg.norm(np.diff(first, axis=0), axis=1)))
    # Below 1 Å positions are in another unit, which has a sentence of its own.
    if 1.0 <= median < LONGEST_ATOMS:
        raise InputError(
            f"{source.name}: neighbours are {median:.2g} Å apart (median), which suggests atoms and "
            "not one bead per residue; "
            f"{_MAP}"
        )
