"""A chain as a LAMMPS data file of `atom_style molecular`."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from cgcore.physics.topology import chain

_MARGIN = 30.0
"""Between the chain and the faces of its box [Å]."""

_BEND = np.pi / 3
"""How much an extended chain turns at each bead [rad]."""


def extended(beads: int, bond: float) -> Float[np.ndarray, "beads 3"]:
    """A zigzag with angles of 120 degrees [Å]."""
    steps = bond * np.array([np.cos(_BEND / 2), np.sin(_BEND / 2), 0.0])
    i = np.arange(beads)
    return np.stack([i, i % 2, 0 * i], axis=1) * steps


def data_file(R: Float[np.ndarray, "beads 3"], mass: float) -> str:
    """The file's text: one atom type, one molecule; bond type 1 for neighbours, 2 for beads 2 to 5 apart.

    Arguments:
        R: positions [Å].
        mass: of a bead [g/mol].
    """
    rows = chain(len(R))
    lists = {
        "Bonds": [(1, row) for row in rows.bonds] + [(2, row) for row in rows.excluded_volume],
        "Angles": [(1, row) for row in rows.angles],
        "Dihedrals": [(1, row) for row in rows.dihedrals],
    }
    lists = {name: found for name, found in lists.items() if found}
    low, high = (R.min(axis=0) - _MARGIN).tolist(), (R.max(axis=0) + _MARGIN).tolist()
    lines = [
        "One chain of one bead a residue, made by cgcore",
        "",
        f"{len(R)} atoms",
        *(f"{len(found)} {name.lower()}" for name, found in lists.items()),
        "1 atom types",
        *(f"{2 if name == 'Bonds' else 1} {name.lower()[:-1]} types" for name in lists),
        "",
        *(f"{a!r} {b!r} {x}lo {x}hi" for a, b, x in zip(low, high, "xyz", strict=True)),
        "",
        "Masses",
        "",
        f"1 {float(mass)!r}",
        "",
        "Atoms # molecular",
        "",
        *(f"{i} 1 1 {x!r} {y!r} {z!r}" for i, (x, y, z) in enumerate(R.tolist(), start=1)),
    ]
    for name, found in lists.items():
        lines += ["", name, ""]
        lines += [" ".join(map(str, (i, kind, *row + 1))) for i, (kind, row) in enumerate(found, start=1)]
    return "\n".join(lines) + "\n"
