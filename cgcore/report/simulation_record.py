"""The record of a simulation for other programs: `simulation.json`."""

from __future__ import annotations

from typing import Any

from cgcore.physics.topology import BEAD
from cgcore.report.record import versions
from cgcore.simulation.checks import ANGLE_MARGIN, BOND_MARGIN, CLOSER, MOST_ANGLES, NEAREST
from cgcore.simulation.result import SimulationResult


def record(result: SimulationResult) -> dict[str, Any]:
    """The complete record of a simulation except its frames, in plain values and dataclasses."""
    return {
        "whole": result.whole,
        "lost": result.lost,
        "origin": result.origin,
        "engine": result.engine,
        "settings": result.settings,
        "limits": {
            "bond": result.limits.bond,
            "closest": result.limits.closest,
            "closest_sampled": result.limits.closest_sampled,
            "angle": result.limits.angle,
            "rule": {
                "bond_margin": BOND_MARGIN,
                "bead": BEAD,
                "part_of_closest_sampled": CLOSER,
                "least_separation": NEAREST,
                "angle_margin": ANGLE_MARGIN,
                "most_angles_outside": MOST_ANGLES,
            },
        },
        "closest_approach": result.closest_approach,
        "angles_outside": result.angles_outside,
        "kinetic_temperature": result.kinetic_temperature,
        "kinetic_error": result.kinetic_error,
        "replicas": result.replicas,
        "observables": result.observables,
        "ns_per_day": result.ns_per_day,
        "seconds": result.seconds,
        "notes": result.notes,
        "versions": versions(*(("openmm",) if result.engine.startswith("openmm") else ())),
    }
