"""Export to other programs: the prior as LAMMPS tables and as an OpenMM `System`, any energy as StableHLO.

Names are loaded when they are first used: writing LAMMPS files requires neither JAX nor OpenMM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cgcore.lazy import lazily

if TYPE_CHECKING:
    from cgcore.export.lammps import write_lammps as write_lammps
    from cgcore.export.openmm import openmm_system as openmm_system
    from cgcore.export.openmm import write_openmm as write_openmm
    from cgcore.export.stablehlo import export_energy as export_energy
    from cgcore.export.stablehlo import read_stablehlo as read_stablehlo
    from cgcore.export.stablehlo import write_stablehlo as write_stablehlo

_HOME = {
    "export_energy": "cgcore.export.stablehlo",
    "openmm_system": "cgcore.export.openmm",
    "read_stablehlo": "cgcore.export.stablehlo",
    "write_lammps": "cgcore.export.lammps",
    "write_openmm": "cgcore.export.openmm",
    "write_stablehlo": "cgcore.export.stablehlo",
}

__getattr__, __dir__ = lazily(__name__, _HOME)
