"""Langevin dynamics of a model, to test whether it is stable and samples the distributions of the data.

Units are Å, kcal/mol, g/mol and ps (time steps in fs); internal arrays are (xyz, beads, replicas), replicas innermost.
"""

from __future__ import annotations

from cgcore.simulation.checks import Limits, Outcome
from cgcore.simulation.divergence import Observable, Summary
from cgcore.simulation.potential import Potential, model_potential, prior_potential
from cgcore.simulation.result import SimulationResult
from cgcore.simulation.run import Progress
from cgcore.simulation.settings import Settings
from cgcore.simulation.simulate import simulate
from cgcore.simulation.verdict import Replica

__all__ = [
    "Limits", "Observable", "Outcome", "Potential", "Progress", "Replica", "Settings", "SimulationResult", "Summary",
    "model_potential", "prior_potential", "simulate",
]  # fmt: skip
