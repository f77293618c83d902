"""Beads or atoms: a fit needs one bead per residue, and most formats do not say what their rows hold."""

from __future__ import annotations

import numpy as np

from cgcore.data.formats.opened import Source
from cgcore.data.units import factors
from cgcore.errors import InputError

LONGEST_ATOMS = 2.6
"""Largest median distance of neighbours in a row that indicates atoms [Å]: atoms in the order of a topology are bonded,
or bonded to the same atom (1.0 to 2.6 Å), while CA beads are 3.8 Å apart, or 2.9 Å at a cis peptide bond."""

_MAP = "make beads of them by `cgcore map TOPOLOGY TRAJECTORY -o data.npz`"


def units_of(source: Source, given: str | None) -> str:
    """The units in which a source is read: those given, else its own.

    Raises:
        InputError: there are neither.
    """
    if given is None and not source.units:
        raise InputError(f"{source.name}: does not state its units; give --units (in Python: units=...)")
    return source.units if given is None else given


def require_beads(source: Source, units: str) -> None:
    """Refuse sources that contain atoms.

    Arguments:
        source: source with `R` (frames, beads, 3).
        units: units in which it is read.

    Raises:
        InputError: the source states that it contains atoms, or its neighbours are as close as bonded atoms.
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
    # Below 1 Å, positions are in the wrong unit, which another check reports.
    if 1.0 <= median < LONGEST_ATOMS:
        raise InputError(
            f"{source.name}: neighbours are {median:.2g} Å apart (median), which suggests atoms and "
            "not one bead per residue; "
            f"{_MAP}"
        )
