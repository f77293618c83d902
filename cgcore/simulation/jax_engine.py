"""All replicas in one compiled `lax.scan`."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.simulation.checks import Limits, look
from cgcore.simulation.langevin import Phase, baoab, dynamics, thermal_velocity
from cgcore.simulation.potential import Potential
from cgcore.simulation.settings import Settings
from cgcore.simulation.state import State, counted, no_tally

_VELOCITIES, _NOISE = 0, 1
"""Streams of random numbers."""


class JaxEngine:
    """Positions, velocities and sums in float64: distances stay exact however far a chain diffuses.

    Arguments:
        potential: what acts on the beads.
        settings: see `Settings`.
        limits: a replica beyond them is lost.
    """

    name = "jax"

    def __init__(self, potential: Potential, settings: Settings, limits: Limits) -> None:
        self.settings = settings
        self._potential = potential
        self._key = jax.random.key(settings.seed)
        self._advance = jax.jit(partial(_advance, potential, settings, limits))
        self._forces = jax.jit(potential.forces)

    def start(self, R: Float[np.ndarray, "replicas beads 3"]) -> State:
        x = jnp.asarray(np.transpose(R, (2, 1, 0)), jnp.float64)
        draw = jax.random.normal(jax.random.fold_in(self._key, _VELOCITIES), x.shape, x.dtype)
        v = thermal_velocity(self.settings.temperature, self.settings.mass) * draw
        return State(jnp.int32(0), x, v, self._forces(x), jax.tree.map(jnp.asarray, no_tally(*x.shape[1:])))

    def advance(self, state: State) -> State:
        return self._advance(jax.random.fold_in(self._key, _NOISE), state)

    def restore(self, state: State) -> State:
        return jax.tree.map(jnp.asarray, state)


def _advance(potential: Potential, settings: Settings, limits: Limits, key: Array, state: State) -> State:
    constants = dynamics(settings.temperature, settings.timestep / 1000, settings.friction, settings.mass)

    def step(state: State, number: Int[Array, ""]) -> tuple[State, None]:
        # A stream for each step: a run that goes on from a file draws what one that was not stopped would draw.
        # In float32, half the work: what it rounds off is far below the noise's own spread.
        noise = jax.random.normal(jax.random.fold_in(key, number), state.x.shape, jnp.float32)
        noise = jax.lax.optimization_barrier(noise)  # else XLA draws it anew for each of its uses
        after, middle = baoab(
            potential.forces, constants, Phase(state.x, state.v, state.F), noise.astype(state.x.dtype)
        )
        whole = (state.tally.lost_at < 0)[None, None]
        x, v, F = (jnp.where(whole, new, old) for new, old in zip(after, (state.x, state.v, state.F), strict=True))
        kinetic = jnp.mean(middle**2, axis=(0, 1))
        tally = counted(state.tally, look(limits, x, v, jnp), number, kinetic, jnp)
        return State(number, x, v, F, tally), None

    numbers = state.step + 1 + jnp.arange(settings.steps_per_frame, dtype=jnp.int32)
    return jax.lax.scan(step, state, numbers)[0]
