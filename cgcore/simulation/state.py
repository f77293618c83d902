"""All that a run is between two saved frames, the same for every engine."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from cgcore.simulation.checks import Outcome, Seen


class Tally(NamedTuple):
    """What is counted on the way; a lost replica's counts stand still."""

    outcome: Int[Any, " replicas"]
    lost_at: Int[Any, " replicas"]  # step, -1 while the replica is whole
    closest: Float[Any, " replicas"]  # squared, Å²
    outside: Int[Any, "angles replicas"]  # looks that saw this angle outside its limits
    first_outside: Int[Any, " replicas"]  # step, -1 where there was none
    looks: Int[Any, " replicas"]
    kinetic: Float[Any, " replicas"]  # sum over looks of the mean squared velocity component [Å²/ps²]


class State(NamedTuple):
    """Between two steps. Of a lost replica, the positions at which it was lost."""

    step: Int[Any, ""]
    x: Float[Any, "xyz beads replicas"]
    v: Float[Any, "xyz beads replicas"]
    F: Float[Any, "xyz beads replicas"]
    tally: Tally
    engine: Any = ()  # what else the engine needs to go on, arrays


@runtime_checkable
class Engine(Protocol):
    """Moves all replicas on."""

    name: str

    def start(self, R: Float[np.ndarray, "replicas beads 3"]) -> State:
        """The state before the first step."""
        ...

    def advance(self, state: State) -> State:
        """The state a saved frame later."""
        ...

    def restore(self, state: State) -> State:
        """A state from a file, ready for `advance`."""
        ...


def no_tally(beads: int, replicas: int) -> Tally:
    """Nothing counted yet."""
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
    """The tally after a look, with NumPy or xp=jax.numpy."""
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
