"""Deployment: the prior as LAMMPS tables and as an OpenMM `System`, any energy as StableHLO."""

from __future__ import annotations

from cgcore.pipeline.export.lammps import write_lammps
from cgcore.pipeline.export.openmm import openmm_system, write_openmm
from cgcore.pipeline.export.stablehlo import export_energy, read_stablehlo, write_stablehlo

__all__ = ["export_energy", "openmm_system", "read_stablehlo", "write_lammps", "write_openmm", "write_stablehlo"]
