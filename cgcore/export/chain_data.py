"""A chain as a LAMMPS data file of `atom_style molecular`."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from cgcore.export.lammps_types import Types

_MARGIN = 30.0
"""Distance between the chain and the faces of its box [Å]."""

_BEND = np.pi / 3
"""Angle by which an extended chain turns at each bead [rad]."""


def extended(beads: int, bond: float) -> Float[np.ndarray, "beads 3"]:
    """A zigzag with angles of 120 degrees [Å]."""
    steps = bond * np.array([np.cos(_BEND / 2), np.sin(_BEND / 2), 0.0])
    i = np.arange(beads)
    return np.stack([i, i % 2, 0 * i], axis=1) * steps


def data_file(R: Float[np.ndarray, "beads 3"], mass: float, types: Types) -> str:
    """The text of a data file with one molecule.

    Arguments:
        R: positions [Å].
        mass: mass of a bead [g/mol].
        types: types of atoms, bonds, angles and dihedrals.
    """
    found = {style: types.rows[style] for style in ("bond", "angle", "dihedral") if types.rows[style]}
    atom_types = int(types.atoms.max()) + 1
    low, high = (R.min(axis=0) - _MARGIN).tolist(), (R.max(axis=0) + _MARGIN).tolist()
    lines = [
        "One chain of one bead a residue, made by cgcore",
        "",
        f"{len(R)} atoms",
        *(f"{len(rows)} {style}s" for style, rows in found.items()),
        f"{atom_types} atom types",
        *(f"{len(types.acting[style])} {style} types" for style in found),
        "",
        *(f"{a!r} {b!r} {x}lo {x}hi" for a, b, x in zip(low, high, "xyz", strict=True)),
        "",
        "Masses",
        "",
        *(f"{kind} {float(mass)!r}" for kind in range(1, atom_types + 1)),
        "",
        "Atoms # molecular",
        "",
        *(
            f"{i} 1 {kind + 1} {x!r} {y!r} {z!r}"
            for i, (kind, (x, y, z)) in enumerate(zip(types.atoms.tolist(), R.tolist(), strict=True), start=1)
        ),
    ]
    for style, rows in found.items():
        lines += ["", f"{style.capitalize()}s", ""]
        lines += [
            " ".join(map(str, (i, kind + 1, *(bead + 1 for bead in row))))
            for i, (row, kind) in enumerate(rows, start=1)
        ]
    return "\n".join(lines) + "\n"
