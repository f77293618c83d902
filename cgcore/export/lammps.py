"""The prior as LAMMPS tables, with a data file, the settings that use them, and a script that runs.

`special_bonds` reaches three bonds along a chain, but the repulsion leaves out beads up to five apart. So beads 2 to 5
apart are bonded too, by a second bond type, which carries the excluded volume or else no energy at all, and
`special_bonds lj/coul 0 1 1` takes exactly the bonded pairs, 1 to 5 apart, out of the pair style. One atom type is
enough, and several chains may share a box: beads of two chains repel each other as those far apart in one do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from cgcore.errors import InputError
from cgcore.export.chain_data import data_file, extended
from cgcore.export.checks import MASS, check_beads, check_finite, check_mass, check_prior
from cgcore.export.tables import Table, angle_table, bond_tables, dihedral_table, pair_table
from cgcore.files import atomic_group, atomic_write
from cgcore.physics.prior import Prior, require_formulas

CUTOFF = 60.0
"""Of the repulsion, where none is given [Å]; the prior itself has none."""

_LIMITS = 30.0, 200.0
"""Of the cutoff [Å]: LAMMPS sends beads to other processors as far as it reaches, and beads 5 apart are bonded; a table
that reaches further than 200 Å has tens of megabytes."""


def write_lammps(
    folder: str | os.PathLike[str],
    prior: Prior,
    beads: int,
    *,
    mass: float = MASS,
    cutoff: float = CUTOFF,
    positions: Any = None,
) -> list[Path]:
    """Write all that LAMMPS needs into a folder, each file whole or not at all; their paths are returned.

    Arguments:
        folder: made if it is missing; LAMMPS is run in it (`lmp -in run.in`).
        prior: weights and parameters; the weights go into the tables.
        beads: of the chain.
        mass: of a bead [g/mol].
        cutoff: of the repulsion [Å]; pairs further apart feel nothing.
        positions: where the chain starts, (beads, 3) [Å]; extended if left out.

    Raises:
        InputError: an argument is out of range, or the folder cannot be written.
    """
    check_beads(beads)
    check_mass(mass)
    check_prior(prior)
    require_formulas(prior, "no LAMMPS export")
    if not _LIMITS[0] <= cutoff <= _LIMITS[1]:
        raise InputError(f"cutoff is {cutoff}; give {_LIMITS[0]:g} to {_LIMITS[1]:g} Å")
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise InputError(f"cannot write {folder}: it is a file; give the name of a folder")
    r0 = abs(float(prior.params["r0"]))
    R = extended(beads, r0 or 1.0) if positions is None else np.asarray(positions, np.float64)
    if R.shape != (beads, 3):
        raise InputError(f"positions have shape {R.shape}; give ({beads}, 3)")
    if not np.isfinite(R).all():
        raise InputError("positions are not finite; give finite numbers")
    tables = {"bond": bond_tables(prior), "pair": [pair_table(prior, float(cutoff))]}
    if beads >= 3:
        tables["angle"] = [angle_table(prior)]
    if beads >= 4:
        tables["dihedral"] = [dihedral_table(prior)]
    for style, made in tables.items():
        for table in made:
            check_finite(f"{style}.table", np.stack([table.x, table.energy, table.force]))
    texts = {f"{style}.table": "# UNITS: real\n\n" + "\n".join(t.text() for t in ts) for style, ts in tables.items()}
    texts |= {"chain.data": data_file(R, mass), "prior.in": _settings(tables, beads, cutoff), "run.in": _SCRIPT}
    paths = {Path(folder) / name: text for name, text in texts.items()}
    with atomic_group():
        for path, text in paths.items():
            atomic_write(path, text)
    return list(paths)


def _settings(tables: dict[str, list[Table]], beads: int, cutoff: float) -> str:
    """The commands between `read_data` and `run`."""
    left_out = tables["pair"][0].energy[-1]
    lines = [
        f"# Prior of one chain of {beads} beads, made by cgcore: units real, atom_style molecular, after read_data.",
        f"# The repulsion is cut off at {cutoff:g} Å, where it is {left_out:.1e} kcal/mol; the prior has no cutoff.",
        "# Bonds of type 2 join beads 2 to 5 apart. special_bonds takes bonded beads out of the pair style, and those",
        "# alone: 1 to 5 apart. By itself it reaches 3 bonds only.",
    ]
    for style in ("bond", "angle", "dihedral"):
        for kind, table in enumerate(tables.get(style, []), start=1):
            if kind == 1:
                lines.append(f"{style}_style table spline {len(table.x)}")
            lines.append(f"{style}_coeff {kind} {style}.table {table.keyword}")
    (pair,) = tables["pair"]
    return "\n".join(
        [
            *lines,
            "special_bonds lj/coul 0 1 1",
            f"pair_style table spline {len(pair.x)}",
            f"pair_coeff * * pair.table {pair.keyword}\n",
        ]
    )


_SCRIPT = """\
# An example: Langevin dynamics at 300 K of the chain in chain.data.
units real
atom_style molecular
boundary m m m
read_data chain.data
include prior.in

minimize 1e-6 1e-6 1000 10000
velocity all create 300 1 mom yes rot yes
fix bath all langevin 300 300 1000 2 zero yes
fix move all nve
timestep 5
thermo 1000
dump frames all custom 1000 frames.dump id x y z
run 10000
"""
