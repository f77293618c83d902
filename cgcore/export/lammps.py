"""The prior as LAMMPS tables, with a data file, settings that use the tables, and a script to run.

`special_bonds` covers only three bonds along a chain, but a repulsion may exclude beads that are further apart.
Therefore all pairs below the separation from which all far-pair terms act are bonded as well, with bond types that
carry their interaction or zero energy, and `special_bonds lj/coul 0 1 1` excludes exactly the bonded pairs from the
pair style. For the default prior these are beads 2 to 5 apart, one atom type is enough, and several chains may share a
box: beads of two chains repel each other like beads far apart in one chain.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from cgcore.errors import InputError
from cgcore.export.chain_data import data_file, extended
from cgcore.export.checks import MASS, check_beads, check_finite, check_mass, check_prior, check_species
from cgcore.export.lammps_types import Types, bonded_below, types_of
from cgcore.export.potentials import Potential, potentials
from cgcore.export.tables import (
    Table,
    angle_table,
    bond_points,
    bond_table,
    dihedral_table,
    no_bond_table,
    pair_points,
    pair_table,
)
from cgcore.files import atomic_group, atomic_write
from cgcore.judging.precision import bond_length
from cgcore.physics.prior import Prior

CUTOFF = 60.0
"""Default cutoff of the repulsion [Å]; the prior itself has none."""

_LIMITS = 30.0, 200.0
"""Limits of the cutoff [Å]: LAMMPS communicates beads between processors over this distance, and beads 5 apart are
bonded; a table that extends beyond 200 Å takes tens of megabytes."""


_MOST_SPAN = 4.0
"""Largest distance per bond that is spanned [Å]: pairs bonded over several bonds must stay within the cutoff."""

_LEAST_REACH = 30.0
"""Smallest upper end of tables over bond lengths [Å]."""


def write_lammps(
    folder: str | os.PathLike[str],
    prior: Prior,
    beads: int,
    *,
    mass: float = MASS,
    cutoff: float = CUTOFF,
    positions: Any = None,
    species: Any = None,
) -> list[Path]:
    """Write all files that LAMMPS needs into a folder; each is written completely or not at all.

    Arguments:
        folder: created if it is missing; run LAMMPS in it (`lmp -in run.in`).
        prior: weights, parameters and splines; the tables include the weights.
        beads: number of beads of the chain.
        mass: mass of a bead [g/mol].
        cutoff: cutoff of far pairs [Å], beyond which they do not interact.
        positions: initial positions (beads, 3) [Å]; an extended chain if left out.
        species: species of the beads (beads,), for terms with groups and for splines that differ by species.

    Returns:
        The paths of the files.

    Raises:
        InputError: an argument is out of range, LAMMPS cannot exclude the separations of a term, or the folder cannot
            be written.
    """
    check_beads(beads)
    check_mass(mass)
    check_prior(prior)
    kinds = check_species(prior, beads, species)
    if not _LIMITS[0] <= cutoff <= _LIMITS[1]:
        raise InputError(f"cutoff is {cutoff}; give {_LIMITS[0]:g} to {_LIMITS[1]:g} Å")
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise InputError(f"cannot write {folder}: it is a file; give the name of a folder")
    length = abs(bond_length(prior))
    R = extended(beads, length) if positions is None else np.asarray(positions, np.float64)
    if R.shape != (beads, 3):
        raise InputError(f"positions have shape {R.shape}; give ({beads}, 3)")
    if not np.isfinite(R).all():
        raise InputError("positions are not finite; give finite numbers")
    every = potentials(prior)
    _check_separations(every, cutoff)
    types = types_of(every, beads, kinds)
    tables = {"bond": _bond_tables(types, length, float(cutoff)), "pair": _pair_tables(types, float(cutoff))}
    for style, make, nothing in (("angle", angle_table, "NO_ANGLE"), ("dihedral", dihedral_table, "NO_DIHEDRAL")):
        if acting := types.acting[style]:
            names, curves = types.names(acting, nothing), [types.curve(own) for own in acting]
            scale = min(curve.scale for curve in curves)
            tables[style] = [make(name, curve, scale) for name, curve in zip(names, curves, strict=True)]
    for style, made in tables.items():
        for table in made:
            check_finite(f"{style}.table", np.stack([table.x, table.energy, table.force]))
    texts = {f"{style}.table": "# UNITS: real\n\n" + "\n".join(t.text() for t in ts) for style, ts in tables.items()}
    texts |= {"chain.data": data_file(R, mass, types), "prior.in": _settings(types, tables, beads, cutoff)}
    paths = {Path(folder) / name: text for name, text in (texts | {"run.in": _SCRIPT}).items()}
    with atomic_group():
        for path, text in paths.items():
            atomic_write(path, text)
    return list(paths)


def _check_separations(every: tuple[Potential, ...], cutoff: float) -> None:
    """Refuse separations that cannot be bonded.

    Raises:
        InputError: beads at such a separation may be further apart than the cutoff.
    """
    most = int(cutoff / _MOST_SPAN)
    for one in every:
        if (least := bonded_below([one])) - 1 > most:
            raise InputError(
                f"no LAMMPS export: term {one.term.name!r} has beads {least - 1} apart along the chain feel something "
                f"else than those further apart, and with a cutoff of {cutoff:g} Å that is possible up to {most}; "
                "give a longer cutoff, or export for OpenMM"
            )


def _bond_tables(types: Types, length: float, cutoff: float) -> list[Table]:
    """Tables for all bond types, with the same number of points. They extend to ten bond lengths and at least 30 Å, for
    listed pairs at least to the cutoff."""
    curves = [types.curve(acting) for acting in types.acting["bond"]]
    usual = max(_LEAST_REACH, 10 * length)
    reaches = [max(usual, cutoff if span == 0 else _MOST_SPAN * span) for span in types.reach]
    points = max(bond_points(reach, curve.scale) for reach, curve in zip(reaches, curves, strict=True))
    names = types.names(types.acting["bond"], "NONE")
    return [
        bond_table(name, curve, reach, length, points) if curve.of else no_bond_table(name, reach, length, points)
        for name, curve, reach in zip(names, curves, reaches, strict=True)
    ]


def _pair_tables(types: Types, cutoff: float) -> list[Table]:
    """Tables for all pairs of atom types, in ascending order, all with the same number of points."""
    curves = [types.curve(acting) for acting in types.pairs.values()]
    points = max(pair_points(curve, cutoff) for curve in curves)
    names = types.names(types.pairs.values(), "REPULSIVE")
    return [pair_table(name, curve, cutoff, points) for name, curve in zip(names, curves, strict=True)]


def _settings(types: Types, tables: dict[str, list[Table]], beads: int, cutoff: float) -> str:
    """The LAMMPS commands between `read_data` and `run`."""
    left_out = max((float(table.energy[-1]) for table in tables["pair"]), key=abs)
    last = max(bonded_below(types.potentials) - 1, 1)
    lines = [
        f"# Prior of one chain of {beads} beads, made by cgcore: units real, atom_style molecular, after read_data.",
        f"# The repulsion is cut off at {cutoff:g} Å, where it is {left_out:.1e} kcal/mol; the prior has no cutoff.",
        f"# Bonds join all beads up to {last} apart. special_bonds takes bonded beads out of the pair style, and those",
        "# alone. By itself it reaches 3 bonds only.",
    ]
    for style in ("bond", "angle", "dihedral"):
        for kind, table in enumerate(tables.get(style, []), start=1):
            if kind == 1:
                lines.append(f"{style}_style table spline {len(table.x)}")
            lines.append(f"{style}_coeff {kind} {style}.table {table.keyword}")
    lines += ["special_bonds lj/coul 0 1 1", f"pair_style table spline {len(tables['pair'][0].x)}"]
    for (a, b), table in zip(types.pairs, tables["pair"], strict=True):
        atoms = "* *" if len(types.pairs) == 1 else f"{a + 1} {b + 1}"
        lines.append(f"pair_coeff {atoms} pair.table {table.keyword}")
    return "\n".join(lines) + "\n"


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
