"""Units of files, and the factors that convert them to Å and kcal/mol/Å.

A name consists of a unit of length and one of energy (per mole, where usual): positions are in the first, forces in the
second per the first. If the length unit of forces differs from that of positions, the name ends in `-per-LENGTH`.

| name            | positions | forces      |
|-----------------|-----------|-------------|
| `angstrom-kcal` | Å         | kcal/mol/Å  |
| `nm-kj`         | nm        | kJ/mol/nm   |
| `angstrom-kj`   | Å         | kJ/mol/Å    |
| `angstrom-ev`   | Å         | eV/Å        |
| `nm-kcal`       | nm        | kcal/mol/nm |
"""

from __future__ import annotations

import re

from cgcore.constants import JOULES_PER_CALORIE
from cgcore.errors import InputError

UNITS = ("angstrom-kcal", "nm-kj", "angstrom-kj", "angstrom-ev", "nm-kcal")
"""Units that can be chosen; files may state any that `factors` knows."""

ANGSTROM_PER_NM = 10.0
KJ_PER_KCAL = JOULES_PER_CALORIE

LENGTHS = {"angstrom": 1.0, "nm": ANGSTROM_PER_NM, "pm": 0.01, "bohr": 0.529177210903}
"""Å (CODATA 2018)."""

ENERGIES = {"kcal": 1.0, "kj": 1.0 / KJ_PER_KCAL, "ev": 96.48533212 / KJ_PER_KCAL, "hartree": 627.509474}
"""kcal/mol (CODATA 2018)."""

_WORDS = {
    "angstrom": "angstrom angstroms å ångström ångstrom a",
    "nm": "nm nanometer nanometers nanometre nanometres",
    "pm": "pm picometer picometers",
    "bohr": "bohr bohrs a0",
    "kcal": "kcal kilocalorie kilocalories",
    "kj": "kj kilojoule kilojoules",
    "ev": "ev electronvolt electronvolts",
    "hartree": "hartree hartrees ha",
}
"""Spellings of units in files, in lower case."""

_KNOWN = {word: unit for unit, words in _WORDS.items() for word in words.split()}


def factors(units: str) -> tuple[float, float]:
    """Factors that convert stored positions to Å and stored forces to kcal/mol/Å.

    Raises InputError for an unknown name.
    """
    length, _, rest = units.partition("-")
    energy, _, per = rest.partition("-per-")
    if length not in LENGTHS or energy not in ENERGIES or (per or length) not in LENGTHS:
        raise InputError(f"units {units!r} are not known; choose one of {', '.join(UNITS)}.")
    if units == "nm-kj":
        return ANGSTROM_PER_NM, 1.0 / (KJ_PER_KCAL * ANGSTROM_PER_NM)  # rounded once
    return LENGTHS[length], ENERGIES[energy] / LENGTHS[per or length]


def energy_factor(units: str) -> float:
    """The factor that converts an energy in these units to kcal/mol."""
    factors(units)
    return ENERGIES[units.split("-")[1]]


def in_words(units: str) -> str:
    """The units of positions and of forces: "nm and kJ/mol/nm"."""
    factors(units)
    length, energy = units.split("-")[:2]
    per = units.partition("-per-")[2] or length
    names = {"angstrom": "Å", "kcal": "kcal/mol", "kj": "kJ/mol", "ev": "eV"}
    return f"{names.get(length, length)} and {names.get(energy, energy)}/{names.get(per, per)}"


def units_said(position: str | None, force: str | None) -> str | None:
    """The name of the units that a file states in words, such as "kJ mol-1 nm-1" or "kilocalorie/mole/angstrom".

    Arguments:
        position: the unit of positions; None if not stated.
        force: the unit of forces; None if not stated.

    Returns:
        A name that `factors` knows; None if nothing is stated.

    Raises:
        InputError: an unknown unit is stated; the caller adds the name of the file to the message.
    """
    if position is None and force is None:
        return None
    length = _one(position, LENGTHS) if position is not None else None
    energy = _one(force, ENERGIES) if force is not None else "kcal"
    per = _one(force, LENGTHS) if force is not None else length
    if energy is None or per is None or (position is not None and length is None):
        said = " and ".join(repr(words) for words in (position, force) if words is not None)
        raise InputError(f"the file states units {said}, which are not known; give --units")
    length = length or per
    return f"{length}-{energy}" + ("" if per == length else f"-per-{per}")


def _one(words: str, among: dict[str, float]) -> str | None:
    """The unit that a text contains, if it contains exactly one of these."""
    found = {_KNOWN.get(word) for word in re.findall(r"[^\W\d_]+0?", words.lower())} & set(among)
    return found.pop() if len(found) == 1 else None
