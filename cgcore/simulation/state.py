"""The state of a run between saved frames, the same for all engines."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from cgcore.simulation.checks import Outcome, Seen


class Tally(NamedTuple):
    """Counts during a run; those of a lost replica no longer change."""

    outcome: Int[Any, " replicas"]
    lost_at: Int[Any, " replicas"]  # step, -1 while the replica is whole
    closest: Float[Any, " replicas"]  # squared, Å²
    outside: Int[Any, "angles replicas"]  # number of checks with this angle outside the limits
    first_outside: Int[Any, " replicas"]  # step, -1 if there was none
    looks: Int[Any, " replicas"]
    kinetic: Float[Any, " replicas"]  # sum over checks of the mean squared velocity component [Å²/ps²]


class State(NamedTuple):
    """The state between two steps; lost replicas keep the positions at which they were lost."""

    step: Int[Any, ""]
    x: Float[Any, "xyz beads replicas"]
    v: Float[Any, "xyz beads replicas"]
    F: Float[Any, "xyz beads replicas"]
    tally: Tally
    engine: Any = ()  # further arrays that the engine needs to continue


@runtime_checkable
class Engine(Protocol):
    """Integrates the equations of motion of all replicas."""

    name: str

    def start(self, R: Float[np.ndarray, "replicas beads 3"]) -> State:
        """The state before the first step."""
        ...

    def advance(self, state: State) -> State:
        """The state at the next saved frame."""
        ...

    def restore(self, state: State) -> State:
        """Prepare a state from a file for `advance`."""
        ...


def no_tally(beads: int, replicas: int) -> Tally:
    """The tally at the start."""
    none = np.full(replicas, -1, np.int32)
    return Tally(
        np.full(replicas, Outcome.WHOLE, np.int32),
        none,
        np.full(replicas, np.inf),
        np.zeros((max(beads - 2, 0), replicas), np.int32),
        none,
        np.zeros(replicas, np.int32),
        np.zeros(replicas),
    )


def counted(tally: Tally, seen: Seen, step: Any, kinetic: Any, xp: Any) -> Tally:
    """The tally after a check, with NumPy or xp=jax.numpy."""
    whole = tally.lost_at < 0
    lost = whole & (seen.outcome != Outcome.WHOLE)
    sound = whole & (seen.outcome != Outcome.NOT_FINITE)
    outside = sound[None] & seen.outside
    first = xp.any(outside, axis=0) & (tally.first_outside < 0)
    after = Tally(
        xp.where(lost, seen.outcome, tally.outcome),
        xp.where(lost, step, tally.lost_at),
        xp.where(sound, xp.minimum(tally.closest, seen.closest), tally.closest),
        tally.outside + outside,
        xp.where(first, step, tally.first_outside),
        tally.looks + sound,
        xp.where(sound, tally.kinetic + kinetic, tally.kinetic),
    )
    return Tally(*(new.astype(old.dtype) for new, old in zip(after, tally, strict=True)))
