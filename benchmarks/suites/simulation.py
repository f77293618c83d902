"""Langevin dynamics of the prior, of the prior in OpenMM (CPU), and of prior and network: simulated time per day.

Times are summed over replicas. Chains are extended, the prior has repulsion at every separation, and time steps are
5 fs. OpenMM runs its replicas one after another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .inputs import DEVICES, use
from .pipeline import trainer

if TYPE_CHECKING:
    import cgcore

BEADS = [10, 100]
REPLICAS = 32
ALLEGRO = "prior + allegro"
STEPS = {"cgcore": {10: 1000, 100: 100}, "openmm": {10: 100, 100: 10}, ALLEGRO: {10: 100, 100: 4}}
"""Number of steps between saved frames, which take about a second."""

FRAMES = 2


def prior() -> cgcore.Prior:
    """A prior with ten harmonics of angles, like the default one, and repulsion at every separation."""
    import cgcore

    given = cgcore.default_prior()
    pairs = {"epsilon": 1.0, "sigma": 4.5, "epsilon_ex": 1.0, "sigma_ex": 4.5}
    params: dict[str, Any] = dict(given.params) | pairs | {"a": 0.1 * given.params["a"], "b": 0.1 * given.params["b"]}
    return cgcore.Prior(given.weights._replace(excluded_volume=1.0), params)


def extended(beads: int) -> cgcore.Dataset:
    """Zigzag chains with a little noise: beads are far apart, so that no replica is lost in a short time."""
    import cgcore

    i = np.arange(beads)
    zigzag = np.stack([3.3 * i, 1.9 * (i % 2), 0.0 * i], axis=1)
    R = zigzag + 0.05 * np.random.default_rng(0).normal(size=(4 * REPLICAS, beads, 3))
    return cgcore.from_arrays(R, np.ones_like(R))  # the forces are not used


def model_of(engine: str, beads: int, device: str) -> Any:
    """The model: the prior, its OpenMM System, or prior and Allegro with random parameters."""
    from cgcore.export.openmm import openmm_system

    if engine == ALLEGRO:
        made = trainer(ALLEGRO, beads, device)
        return made.model, made.params
    return prior() if engine == "cgcore" else openmm_system(prior(), beads)


def simulated(engine: str, beads: int, device: str) -> cgcore.SimulationResult:
    """A short run."""
    import cgcore

    interval = STEPS[engine][beads] * 5e-3  # ps
    return cgcore.simulate(
        model_of(engine, beads, device),
        extended(beads),
        temperature=320.0,
        replicas=REPLICAS,
        time=FRAMES * interval / 1000,
        interval=interval,
    )


class Simulation:
    """Speed of simulations, which `cgcore.simulate` compiles before it measures time."""

    params = [list(STEPS), BEADS, DEVICES]
    param_names = ["engine", "beads", "device"]
    timeout = 300

    def setup(self, engine: str, beads: int, device: str) -> None:
        if engine == "openmm" and device != "cpu":
            raise NotImplementedError("only OpenMM's CPU platform is compared")
        use(device)

    def track_ns_per_day(self, engine: str, beads: int, device: str) -> float:
        from cgcore.simulation import Outcome

        result = simulated(engine, beads, device)
        if any(replica.status not in (Outcome.WHOLE, Outcome.ANGLE) for replica in result.replicas):
            raise RuntimeError("a replica was lost, so the rest of its time was not simulated")
        return result.ns_per_day


setattr(Simulation.track_ns_per_day, "unit", "ns/day")  # noqa: B010  (type checkers reject the attribute of a function)
