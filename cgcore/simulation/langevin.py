"""Langevin dynamics with the BAOAB splitting: kick, drift, friction and noise, drift, kick.

See Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34 for the splitting, and J. Chem. Phys. 138, 174102 (2013)
for its advantages: positions of a harmonic oscillator have the exact distribution at any stable step, and those in
other potentials an error of fourth order in the step at high friction. `jax_md.simulate.nvt_langevin` uses the same
splitting, but belongs to another extra, handles one system at a time, and cannot freeze lost replicas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float

from cgcore.constants import BOLTZMANN, KCAL_PER_MOL

Vectors = Float[Array, "xyz beads replicas"]
Forces = Callable[[Vectors], Vectors]
"""A pure function from positions [Å] to forces [kcal/mol/Å]."""


class Dynamics(NamedTuple):
    """Constants of a step, see `dynamics`."""

    timestep: float  # ps
    acceleration: float  # Å/ps² for a force of 1 kcal/mol/Å
    kept: float  # fraction of a velocity that remains after friction
    noise: float  # standard deviation of the noise, Å/ps


class Phase(NamedTuple):
    """Positions [Å], velocities [Å/ps] and the forces at these positions [kcal/mol/Å]."""

    x: Vectors
    v: Vectors
    F: Vectors


def dynamics(temperature: float, timestep: float, friction: float, mass: float) -> Dynamics:
    """Constants of a step.

    Arguments:
        temperature: temperature [K].
        timestep: time step [ps].
        friction: friction coefficient [1/ps].
        mass: mass of each bead [g/mol].
    """
    kept = float(np.exp(-friction * timestep))
    # -expm1 gives 1 - kept² without cancellation at low friction.
    noise = thermal_velocity(temperature, mass) * float(np.sqrt(-np.expm1(-2 * friction * timestep)))
    return Dynamics(timestep, KCAL_PER_MOL / mass, kept, noise)


def thermal_velocity(temperature: float, mass: float) -> float:
    """Standard deviation of a component of the velocity, sqrt(kB T / m) [Å/ps]."""
    return float(np.sqrt(BOLTZMANN * temperature * KCAL_PER_MOL / mass))


def baoab(forces: Forces, constants: Dynamics, phase: Phase, noise: Vectors) -> tuple[Phase, Vectors]:
    """One step, with one evaluation of forces.

    Arguments:
        forces: forces of the model.
        constants: constants of a step, see `dynamics`.
        phase: phase before the step.
        noise: standard normal numbers.

    Returns:
        The phase after the step, and the velocities after friction and noise. The latter have the exact kinetic
        temperature for a harmonic oscillator at any stable step, while those at the end of a step are too cold by
        (timestep * omega / 2)².
    """
    half = constants.timestep / 2
    v = phase.v + half * constants.acceleration * phase.F
    x = phase.x + half * v
    middle = constants.kept * v + constants.noise * noise
    x = x + half * middle
    F = forces(x)
    return Phase(x, middle + half * constants.acceleration * F, F), middle
