"""BAOAB against exact results."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from simulation_helpers import sound_prior

from cgcore.constants import BOLTZMANN, KCAL_PER_MOL
from cgcore.simulation.checks import Limits
from cgcore.simulation.jax_engine import JaxEngine
from cgcore.simulation.langevin import Phase, baoab, dynamics, thermal_velocity
from cgcore.simulation.potential import Potential, prior_potential
from cgcore.simulation.settings import Settings

pytestmark = pytest.mark.numerical
"""Long runs, compiled as for users."""

ANYTHING = Limits((0.0, 1e9), 0.0, (0.0, np.pi), np.inf)
TEMPERATURE, MASS, FRICTION = 320.0, 110.0, 2.0
KT = BOLTZMANN * TEMPERATURE


def test_constants() -> None:
    # CODATA 2018: R = 8.314462618... J/mol/K, and a thermochemical calorie of 4.184 J.
    assert pytest.approx(0.0019872042586, rel=1e-10) == BOLTZMANN
    joule, angstrom, picosecond, gram = 1.0, 1e-10, 1e-12, 1e-3
    assert pytest.approx(4184 * joule / (gram * angstrom**2 / picosecond**2), rel=1e-12) == KCAL_PER_MOL
    # Root mean square velocity component of argon at 300 K: sqrt(kB T / m) = 249.9 m/s.
    assert thermal_velocity(300.0, 39.948) == pytest.approx(2.499, abs=1e-3)


def linear_map(stiffness: float, timestep: float) -> tuple[np.ndarray, np.ndarray]:
    """(x, v, velocity after the noise) = A (x, v) + b noise: the linear map of one step under a harmonic force."""
    constants = dynamics(TEMPERATURE, timestep, FRICTION, MASS)
    step = jax.jit(partial(baoab, lambda R: -stiffness * R, constants))

    def moved(x: float, v: float, noise: float) -> np.ndarray:
        def one(value: float) -> Any:
            return jnp.full((1, 1, 1), float(value))

        phase = Phase(one(x), one(v), one(-stiffness * x))
        after, middle = step(phase, one(noise))
        return np.array([after.x, after.v, middle]).ravel()

    return np.stack([moved(1, 0, 0), moved(0, 1, 0)], axis=1), moved(0, 0, 1)


@pytest.mark.parametrize("omega_dt", [0.05, 1.0, 1.9])
def test_harmonic_positions_are_exact_at_any_stable_step(omega_dt: float) -> None:
    k = 80.0
    omega = np.sqrt(k * KCAL_PER_MOL / MASS)
    A, b = linear_map(k, omega_dt / omega)
    # The stationary covariance, S = M S M' + n n', is the solution of a linear system.
    M, n = A[:2], b[:2]
    S = np.linalg.solve(np.eye(4) - np.kron(M, M), np.outer(n, n).ravel()).reshape(2, 2)
    assert S[0, 0] == pytest.approx(KT / k, rel=1e-9)
    # Velocities after the noise have the exact temperature; those at the end of the step are too cold by a known
    # factor.
    v2 = thermal_velocity(TEMPERATURE, MASS) ** 2
    assert A[2] @ S @ A[2] + b[2] ** 2 == pytest.approx(v2, rel=1e-9)
    assert S[1, 1] == pytest.approx(v2 * (1 - (omega_dt / 2) ** 2), rel=1e-9)


def test_a_free_particle_diffuses() -> None:
    timestep, steps = 0.005, 2000
    A, b = linear_map(0.0, timestep)
    M, n = A[:2], b[:2]
    S = np.diag([0.0, thermal_velocity(TEMPERATURE, MASS) ** 2])
    for _ in range(steps):
        S = M @ S @ M.T + np.outer(n, n)
    t = steps * timestep
    D = KT * KCAL_PER_MOL / (MASS * FRICTION)
    # Ornstein and Uhlenbeck, Phys. Rev. 36, 823 (1930); the step adds a fraction (friction * timestep)²/12 = 8e-6.
    assert S[0, 0] == pytest.approx(2 * D * (t - (1 - np.exp(-FRICTION * t)) / FRICTION), rel=2e-5)


def moved(engine: JaxEngine, R: np.ndarray, frames: int) -> tuple[np.ndarray, Any]:
    """Positions (frames, xyz, beads, replicas) and the last state."""
    state, found = engine.start(R), []
    for _ in range(frames):
        state = engine.advance(state)
        found.append(np.asarray(state.x))
    return np.array(found), state


@pytest.mark.slow
def test_noise_of_the_engine() -> None:
    """The random numbers: with springs to the origin, all replicas and beads are independent."""
    k = 5.0
    settings = Settings(TEMPERATURE, 400, 40.0, 20.0, 5.0, MASS, 1.0, 3)
    engine = JaxEngine(Potential("springs", lambda R: -k * R, ""), settings, ANYTHING)
    x, state = moved(engine, np.zeros((400, 3, 3)), 40)
    x = x[10:]  # relaxed after 1 ps
    # 3600 degrees of freedom, each independent every picosecond at most: errors are estimated from their spread.
    squares = np.mean(x**2, axis=0).ravel() * k / KT
    error = np.std(squares, ddof=1) / np.sqrt(squares.size)
    assert error < 0.01
    assert abs(np.mean(squares) - 1) < 5 * error
    means = np.mean(x, axis=0).ravel()
    assert abs(np.mean(means)) < 5 * np.std(means) / np.sqrt(means.size)
    kinetic = np.asarray(state.tally.kinetic / state.tally.looks) / thermal_velocity(TEMPERATURE, MASS) ** 2
    assert abs(np.mean(kinetic) - 1) < 5 * np.std(kinetic, ddof=1) / np.sqrt(kinetic.size)


@pytest.mark.slow
def test_an_ideal_chain() -> None:
    """With bonds only, their directions are independent, so <R²> is the number of bonds times <r²>."""
    prior = sound_prior()
    free = type(prior)(
        prior.weights._replace(angle=0.0, dihedral=0.0, repulsive=0.0, excluded_volume=0.0), prior.params
    )
    bonds, replicas = 4, 200
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(replicas, bonds, 3))
    R = np.concatenate(
        [np.zeros((replicas, 1, 3)), np.cumsum(3.86 * steps / np.linalg.norm(steps, axis=2, keepdims=True), 1)], 1
    )
    x, _ = moved(
        JaxEngine(prior_potential(free), Settings(TEMPERATURE, replicas, 40.0, 10.0, FRICTION), ANYTHING), R, 40
    )
    r = np.linspace(2.5, 5.5, 3001)
    p = r**2 * np.exp(-0.5 * 350.0 * (r - 3.86) ** 2 / (2 * KT))
    exact = {"end": bonds * np.sum(p * r**2) / np.sum(p), "bond": np.sum(p * r) / np.sum(p)}
    found = {
        "end": np.mean(np.sum((x[:, :, -1] - x[:, :, 0]) ** 2, axis=1), axis=0),
        "bond": np.mean(np.linalg.norm(np.diff(x, axis=2), axis=1), axis=(0, 1)),
    }
    for name, worst in (("end", 0.05), ("bond", 0.001)):
        error = np.std(found[name], ddof=1) / np.sqrt(replicas)
        assert error < worst * exact[name], name
        assert abs(np.mean(found[name]) - exact[name]) < 5 * error, name
