"""All replicas in one compiled `lax.scan`, spread over the devices of all processes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int

from cgcore.errors import InputError
from cgcore.processes import placed
from cgcore.simulation.checks import Limits, look
from cgcore.simulation.langevin import Phase, baoab, dynamics, thermal_velocity
from cgcore.simulation.potential import Potential
from cgcore.simulation.settings import Settings
from cgcore.simulation.state import State, counted, no_tally

REPLICAS = "replicas"
"""Axis along which replicas are spread over devices."""

_VELOCITIES, _NOISE = 0, 1
"""Numbers of the streams of random numbers."""


class JaxEngine:
    """An engine with positions, velocities and sums in float64, so that distances stay accurate however far a chain
    diffuses.

    Arguments:
        potential: the potential that acts on the beads.
        settings: settings of the simulation.
        limits: limits beyond which a replica is lost.
    """

    name = "jax"

    def __init__(self, potential: Potential, settings: Settings, limits: Limits) -> None:
        self.settings = settings
        self._potential, self._limits = potential, limits
        self._key = jax.random.key(settings.seed)
        self._devices = devices_for(settings.replicas)
        self._advance = jax.jit(self._spread_advance)
        self._forces = jax.jit(potential.forces)

    def start(self, R: Float[np.ndarray, "replicas beads 3"]) -> State:
        x = np.array(np.transpose(R, (2, 1, 0)), np.float64)
        draw = jax.random.normal(jax.random.fold_in(self._key, _VELOCITIES), x.shape, x.dtype)
        v = np.asarray(thermal_velocity(self.settings.temperature, self.settings.mass) * draw)
        state = self.restore(State(np.int32(0), x, v, x, no_tally(*x.shape[1:])))
        return state._replace(F=self._forces(state.x))

    def advance(self, state: State) -> State:
        return self._advance(state)

    def restore(self, state: State) -> State:
        return jax.tree.map(lambda leaf: placed(leaf, self._sharding(leaf)), state)

    def _sharding(self, leaf: Any) -> NamedSharding:
        """The sharding of an array of the state, whose last axis is that of replicas."""
        axes = (*(None,) * (np.ndim(leaf) - 1), REPLICAS) if np.ndim(leaf) else ()
        return NamedSharding(self._devices, PartitionSpec(*axes))

    def _spread_advance(self, state: State) -> State:
        # Created here, since an argument would have to be on the devices of all processes.
        key = jax.random.fold_in(jax.random.key(self.settings.seed), _NOISE)
        after = _advance(self._potential, self.settings, self._limits, key, state)
        # The next call takes this one's output; with another sharding, it would be compiled again.
        return jax.tree.map(lambda leaf: jax.lax.with_sharding_constraint(leaf, self._sharding(leaf)), after)


def devices_for(replicas: int) -> Mesh:
    """Devices that get equal numbers of replicas: all of them, if possible.

    Raises:
        InputError: it is not possible, and there are several processes.
    """
    devices = jax.devices()
    if replicas % len(devices):
        if jax.process_count() > 1:
            raise InputError(
                f"replicas is {replicas}, and the processes have {len(devices)} devices; give a multiple of that"
            )
        devices = devices[:1]
    return Mesh(np.array(devices), (REPLICAS,))


def _advance(potential: Potential, settings: Settings, limits: Limits, key: Array, state: State) -> State:
    constants = dynamics(settings.temperature, settings.timestep / 1000, settings.friction, settings.mass)

    def step(state: State, number: Int[Array, ""]) -> tuple[State, None]:
        # A stream for each step, so that a resumed run draws the same numbers as an uninterrupted one. float32 halves
        # the work, and its rounding is far below the spread of the noise.
        noise = jax.random.normal(jax.random.fold_in(key, number), state.x.shape, jnp.float32)
        noise = jax.lax.optimization_barrier(noise)  # otherwise XLA draws it again for each use
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
