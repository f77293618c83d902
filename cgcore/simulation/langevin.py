"""Langevin dynamics by BAOAB: kick, drift, friction and noise, drift, kick.

Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34 (the splitting) and J. Chem. Phys. 138, 174102 (2013) (why
this one): positions of a harmonic oscillator have their exact distribution at any stable step, and those of other
potentials an error that is of fourth order in the step where friction is high. `jax_md.simulate.nvt_langevin` splits in
the same way; it belongs to another extra, carries one system at a time, and knows no replica that is frozen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float

from cgcore.constants import BOLTZMANN, KCAL_PER_MOL

Vectors = Float[Array, "xyz beads replicas"]
Forces = Callable[[Vectors], Vectors]
"""Forces [kcal/mol/Å] at positions [Å], pure."""


class Dynamics(NamedTuple):
    """Constants of a step, see `dynamics`."""

    timestep: float  # ps
    acceleration: float  # Å/ps² for a force of 1 kcal/mol/Å
    kept: float  # part of a velocity that friction leaves in a step
    noise: float  # standard deviation of what it adds, Å/ps


class Phase(NamedTuple):
    """Positions [Å], velocities [Å/ps] and the forces at these positions [kcal/mol/Å]."""

    x: Vectors
    v: Vectors
    F: Vectors


def dynamics(temperature: float, timestep: float, friction: float, mass: float) -> Dynamics:
    """Constants of a step.

    Arguments:
        temperature: K.
        timestep: ps.
        friction: 1/ps.
        mass: of each bead, g/mol.
    """
    kept = float(np.exp(-friction * timestep))
    # -expm1: 1 - kept² without cancellation where friction is low.
    noise = thermal_velocity(temperature, mass) * float(np.sqrt(-np.expm1(-2 * friction * timestep)))
    return Dynamics(timestep, KCAL_PER_MOL / mass, kept, noise)


def thermal_velocity(temperature: float, mass: float) -> float:
    """Standard deviation of a component of the velocity, sqrt(kB T / m) [Å/ps]."""
    return float(np.sqrt(BOLTZMANN * temperature * KCAL_PER_MOL / mass))


def baoab(forces: Forces, constants: Dynamics, phase: Phase, noise: Vectors) -> tuple[Phase, Vectors]:
    """One step, with one evaluation of forces.

    Arguments:
        forces: the model.
        constants: see `dynamics`.
        phase: before the step.
        noise: standard normal numbers.

    Returns: the phase after it, and the velocities after friction and noise: those have the exact kinetic temperature
    of a harmonic oscillator at any stable step; the ones at the end of a step are too cold by (timestep * omega / 2)².
    """
    half = constants.timestep / 2
    v = phase.v + half * constants.acceleration * phase.F
    x = phase.x + half * v
    middle = constants.kept * v + constants.noise * noise
    x = x + half * middle
    F = forces(x)
    return Phase(x, middle + half * constants.acceleration * F, F), middle
