"""Simulation by OpenMM, on its CPU platform: an exported System is run by the program that it was exported for."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from jaxtyping import Float

from cgcore.errors import InputError
from cgcore.export.openmm import NM, require_openmm
from cgcore.simulation.checks import Limits, look
from cgcore.simulation.settings import Settings
from cgcore.simulation.state import State, counted, no_tally

PLATFORM = "CPU"
LOOK = 0.1
"""Time between checks of the beads [ps]: a check takes about as long as a few steps of a small chain."""


class OpenMMEngine:
    """An engine with an OpenMM context for each replica. OpenMM's `LangevinMiddleIntegrator` is BAOAB shifted by half a
    step (Zhang et al., J. Phys. Chem. A 123, 6056 (2019)): positions have the same distribution, and velocities are
    those after the noise.

    Arguments:
        system: system of one chain; its masses are used.
        settings: settings of the simulation.
        limits: limits beyond which a replica is lost.

    Raises:
        InputError: openmm is not installed.
    """

    name = f"openmm {PLATFORM}"

    def __init__(self, system: Any, settings: Settings, limits: Limits) -> None:
        mm = require_openmm()
        self.settings, self._limits, self._unit = settings, limits, mm.unit
        per_look = max(round(LOOK * 1000 / settings.timestep), 1)
        self._strides = [
            min(per_look, settings.steps_per_frame - k) for k in range(0, settings.steps_per_frame, per_look)
        ]
        self._contexts: list[Any] = []
        platform = mm.Platform.getPlatformByName(PLATFORM)
        for replica in range(settings.replicas):
            integrator = mm.LangevinMiddleIntegrator(settings.temperature, settings.friction, settings.timestep / 1000)
            integrator.setRandomNumberSeed(self._seed(replica))
            # One thread each, so that the order of summation, and thus the run, is reproducible.
            self._contexts.append(mm.Context(system, integrator, platform, {"Threads": "1"}))

    def start(self, R: Float[np.ndarray, "replicas beads 3"]) -> State:
        for replica, context in enumerate(self._contexts):
            context.setPositions(R[replica] * NM)
            context.setVelocitiesToTemperature(self.settings.temperature, self._seed(replica))
        x = np.transpose(R, (2, 1, 0))
        v = np.stack([self._read(context)[1].T for context in self._contexts], axis=2)
        return State(np.int32(0), x, v, np.zeros_like(x), no_tally(*x.shape[1:]), self._checkpoints())

    def advance(self, state: State) -> State:
        for context, checkpoint in zip(self._contexts, state.engine, strict=True):
            context.loadCheckpoint(checkpoint.tobytes())
        x, v, tally, step = state.x.copy(), state.v.copy(), state.tally, int(state.step)
        for stride in self._strides:
            step += stride
            for replica in np.flatnonzero(tally.lost_at < 0):
                x[..., replica], v[..., replica] = self._move(self._contexts[replica], stride)
            with np.errstate(all="ignore"):  # `look` reports non-finite values
                seen = look(self._limits, x, v, np)
                tally = counted(tally, seen, np.int32(step), np.mean(v**2, axis=(0, 1)), np)
        return State(np.int32(step), x, v, state.F, tally, self._checkpoints())

    def restore(self, state: State) -> State:
        try:
            for context, checkpoint in zip(self._contexts, state.engine, strict=True):
                context.loadCheckpoint(checkpoint.tobytes())
        except self._failure as error:
            raise InputError(
                f"OpenMM cannot continue from the saved state ({error}); leave out --resume to start anew"
            ) from None
        return state

    def _seed(self, replica: int) -> int:
        """OpenMM's seed of a replica, which no replica of the next seeds shares. For a seed of 0, OpenMM would choose a
        random one."""
        return 1 + (self.settings.seed * self.settings.replicas + replica) % (2**31 - 1)

    def _move(self, context: Any, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """Positions and velocities after this number of steps; NaN if OpenMM raises an error."""
        try:
            context.getIntegrator().step(steps)
            x, v = self._read(context)
        except self._failure:
            x = v = np.full((context.getSystem().getNumParticles(), 3), np.nan)
        return x.T, v.T

    @property
    def _failure(self) -> type[Exception]:
        return require_openmm().OpenMMException

    def _read(self, context: Any) -> tuple[np.ndarray, np.ndarray]:
        """Positions [Å] and velocities [Å/ps]."""
        state, nm = context.getState(positions=True, velocities=True), self._unit.nanometer
        x = state.getPositions(asNumpy=True).value_in_unit(nm)
        v = state.getVelocities(asNumpy=True).value_in_unit(nm / self._unit.picosecond)
        return np.asarray(x) / NM, np.asarray(v) / NM

    def _checkpoints(self) -> tuple[np.ndarray, ...]:
        return tuple(np.frombuffer(context.createCheckpoint(), np.uint8) for context in self._contexts)


def identity_of(system: Any) -> str:
    """A hash that differs between different Systems."""
    return hashlib.sha256(require_openmm().XmlSerializer.serialize(system).encode()).hexdigest()
