"""Units of the files, and the factors that bring them to Å and kcal/mol/Å.

| name            | positions | forces      |
|-----------------|-----------|-------------|
| `angstrom-kcal` | Å         | kcal/mol/Å  |
| `nm-kj`         | nm        | kJ/mol/nm   |
"""

from __future__ import annotations

from cgcore.errors import InputError

UNITS = ("angstrom-kcal", "nm-kj")

ANGSTROM_PER_NM = 10.0
KJ_PER_KCAL = 4.184


def factors(units: str) -> tuple[float, float]:
    """Factors that take stored positions to Å and stored forces to kcal/mol/Å.

    Raises InputError for a name that is not in `UNITS`.
    """
    if units == "angstrom-kcal":
        return 1.0, 1.0
    if units == "nm-kj":
        return ANGSTROM_PER_NM, 1.0 / (KJ_PER_KCAL * ANGSTROM_PER_NM)
    raise InputError(f"units {units!r} are not known; choose one of {', '.join(UNITS)}.")
