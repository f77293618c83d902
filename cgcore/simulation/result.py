"""What a simulation gave."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from cgcore.simulation.checks import Limits
from cgcore.simulation.divergence import Observable
from cgcore.simulation.settings import Settings
from cgcore.simulation.verdict import Replica


@dataclass(frozen=True)
class Origin:
    """What was simulated and compared, for a record.

    Arguments:
        model: in words.
        identity: differs where the model does.
        data: path.
        sha256: of the data.
        protein: its name.
        beads: of its chain.
        frames: of it in the data.
    """

    model: str
    identity: str
    data: str
    sha256: str
    protein: str
    beads: int
    frames: int


@dataclass(frozen=True)
class SimulationResult:
    """Arguments:
    settings: as they were used.
    origin: what was simulated and compared.
    engine: that moved the beads.
    replicas: the verdict on each.
    limits: beyond which a replica is lost.
    closest_approach: least distance of beads 3 or more apart along the chain, at any step of any replica [Å].
    angles_outside: part of all angles at all steps outside `limits.angle`.
    kinetic_temperature: over all steps [K]; NaN where there was none.
    kinetic_error: its standard error, from replicas [K]; NaN with fewer than two.
    observables: by name, reference against simulation; empty where no frame was left.
    ns_per_day: summed over replicas, each while it was whole; without the time that compiling took.
    seconds: of wall time spent moving beads.
    notes: what a reader should know.
    frames: (replicas, frames, beads, 3) float32, each about its centre [Å]; NaN once a replica is lost.
    """

    settings: Settings
    origin: Origin
    engine: str
    replicas: tuple[Replica, ...]
    limits: Limits
    closest_approach: float
    angles_outside: float
    kinetic_temperature: float
    kinetic_error: float
    observables: dict[str, Observable]
    ns_per_day: float
    seconds: float
    notes: tuple[str, ...]
    frames: Float[np.ndarray, "replicas frames beads 3"] = field(repr=False)

    @property
    def lost(self) -> int:
        """Replicas that are not whole."""
        return sum(replica.status != 0 for replica in self.replicas)

    @property
    def whole(self) -> bool:
        """No replica was lost."""
        return self.lost == 0
