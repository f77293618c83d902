"""Deployment: the prior as LAMMPS tables and as an OpenMM `System`, any energy as StableHLO.

Names are loaded when they are first used: LAMMPS's files need neither JAX nor OpenMM.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cgcore.export.lammps import write_lammps as write_lammps
    from cgcore.export.openmm import openmm_system as openmm_system
    from cgcore.export.openmm import write_openmm as write_openmm
    from cgcore.export.stablehlo import export_energy as export_energy
    from cgcore.export.stablehlo import read_stablehlo as read_stablehlo
    from cgcore.export.stablehlo import write_stablehlo as write_stablehlo

_HOME = {
    "export_energy": "stablehlo",
    "openmm_system": "openmm",
    "read_stablehlo": "stablehlo",
    "write_lammps": "lammps",
    "write_openmm": "openmm",
    "write_stablehlo": "stablehlo",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOME)
