"""The result of a simulation."""

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
    """The model and the data of a simulation, for records.

    Arguments:
        model: the model in words.
        identity: text that differs between different models.
        data: file or folder of the data.
        sha256: checksum of the data.
        protein: name of the protein.
        beads: number of beads of its chain.
        frames: number of its frames in the data.
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
    """The result of a simulation.

    Arguments:
        settings: the settings that were used.
        origin: what was simulated and compared.
        engine: the program that moved the beads.
        replicas: the verdict on each replica.
        limits: limits beyond which a replica is lost.
        closest_approach: smallest distance of beads 3 or more apart along the chain, at any step of any replica [Å].
        angles_outside: fraction of all angles at all steps that lay outside `limits.angle`.
        kinetic_temperature: mean over all steps [K]; NaN without any.
        kinetic_error: its standard error, from replicas [K]; NaN with fewer than two.
        observables: distributions in data and simulation by name; empty if no frame was left.
        ns_per_day: simulated time per day, summed over replicas while they were whole, without compilation.
        seconds: wall time spent on dynamics.
        notes: remarks for users.
        frames: saved frames (replicas, frames, beads, 3) in float32, each about its centre [Å]; NaN once a replica is
            lost.
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
        """Number of replicas that were lost."""
        return sum(replica.status != 0 for replica in self.replicas)

    @property
    def whole(self) -> bool:
        """Whether no replica was lost."""
        return self.lost == 0
