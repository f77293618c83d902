"""OpenMM as the engine of a simulation: what it is told, what it records, and how it goes on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import cgcore
from cgcore.simulation.checks import Limits
from cgcore.simulation.settings import Settings
from validation.admissible import KT_PER_KELVIN
from validation.check import Row, at_least, at_most, check, equal, refuses
from validation.checks.dynamics import KCAL
from validation.checks.resume_simulation import SAID, continued, resuming, state_of
from validation.context import Context
from validation.distributions import NEAREST
from validation.explicit import value
from validation.tolerances import relative

MASSES = np.array([90.0, 110.0, 140.0, 75.0, 160.0])
"""Masses of the beads [g/mol], none of which is that of the settings."""

SPRINGS = np.array([20_000.0, 35_000.0, 15_000.0, 28_000.0, 40_000.0])
"""Stiffness of the springs that hold the beads in place [kJ/mol/nm²]."""

PULLED = np.array([[0.1, 0.0, 0.2], [0.0, -0.2, 0.1], [0.2, 0.1, 0.0], [-0.1, 0.2, -0.1], [0.0, 0.1, -0.2]])
"""Vectors [Å] from the springs to the beads; they are multiplied by another number in each frame."""

FARTHER = np.array([1.0, -0.5, 0.8, 0.3, -1.2, 2.4])
"""These numbers. In the last frame, the beads swing beyond the limits of bonds."""

COLD = {"temperature": 1e-12, "friction": 1e-12}
"""Temperature [K] and friction [1/ps] at which noise is negligible: velocities of 1e-7 Å/ps."""

STEP, INTERVAL, TIME, SEED, MASS = 4.0, 0.24, "0.72ps", 11, 100.0
"""Time step [fs], and times [ps] between frames and of the whole run."""

LOOKS = np.add.outer(60 * np.arange(3), [25, 50, 60]).ravel()
"""Steps after which the beads are looked at: every 0.1 ps, and at each of the three frames."""

CLOSE = 2e-6
"""Tolerance of frames [Å], whose coordinates of up to 10 Å are saved in float32, and, relatively, of the rest, which
noise changes by 1e-8."""

REPLICAS, BEADS, KELVIN, FRICTION, LIGHT, APART = 48, 12, 290.0, 4.0, 60.0, 0.1
"""Free beads: their number, thermostat, mass [g/mol], and the time between frames [ps]."""

ERRORS = 5.0
"""Largest difference in standard errors of what random numbers decide."""


@check("openmm-engine", quick=True, needs=("openmm",))
def openmm_engine(context: Context) -> Iterator[Row]:
    """OpenMM's runs: beads on springs by a loop in NumPy, free beads by the laws of a thermostat; resumed runs."""
    R = np.asarray(context.some(50).join().R, float)[:1, : len(MASSES)]
    homes = R[0] - 3.5 * PULLED + 0.1 * PULLED[::-1]
    R = R + FARTHER[:, None, None] * PULLED
    data = cgcore.from_arrays(R, np.ones_like(R), accept_faults=True)
    system = _on_springs(homes)
    yield from _springs(R, homes, system, data)
    yield from _free()
    with tempfile.TemporaryDirectory() as folder:
        yield from continued("openmm", system, data, SAID, Path(folder))
        others: dict[str, tuple[Any, dict[str, Any]]] = {
            "system": (_on_springs(homes + 0.01), SAID),
            "temperature": (system, SAID | {"temperature": 300.0}),
            "seed": (system, SAID | {"seed": 5}),
        }
        for name, (other, said) in others.items():
            refused = refuses(resuming(other, data, said, Path(folder) / "part"))
            yield equal(f"another {name} is refused", refused, True)
    yield equal("a chain of another length is refused", refuses(lambda: cgcore.simulate(_empty(4, MASS), data)), True)


def _on_springs(homes: np.ndarray) -> Any:
    """A System of beads on springs at these places [Å]."""
    import openmm

    system = openmm.System()
    force = openmm.CustomExternalForce("k/2*((x-a)^2+(y-b)^2+(z-c)^2)")
    for name in "kabc":
        force.addPerParticleParameter(name)
    for bead, (mass, spring, home) in enumerate(zip(MASSES, SPRINGS, homes, strict=True)):
        system.addParticle(mass)
        force.addParticle(bead, [spring, *(home / 10)])
    system.addForce(force)
    return system


def _empty(beads: int, mass: float) -> Any:
    import openmm

    system = openmm.System()
    for _ in range(beads):
        system.addParticle(mass)
    return system


def _springs(R: np.ndarray, homes: np.ndarray, system: Any, data: cgcore.Dataset) -> Iterator[Row]:
    """Positions, velocities and what is recorded, by the leapfrog that is left of the integrator without noise."""
    said: dict[str, Any] = {"replicas": 3, "timestep": STEP, "interval": INTERVAL, "mass": MASS, "seed": SEED, **COLD}
    with tempfile.TemporaryDirectory() as folder:
        run = cgcore.simulate(system, data, time=TIME, folder=folder, **said)
        state = state_of(Path(folder))
    # One frame for each replica, from another third of the data.
    drawn = (np.arange(3) + np.random.default_rng(SEED).random(3)) / 3
    x, dt = R[(drawn * len(R)).astype(int)], STEP / 1000
    # 1 kJ/mol/nm² moves 1 g/mol by as much as 1/ps².
    rates = (SPRINGS / MASSES)[:, None]
    v = dt / 2 * rates * (x - homes)  # at rest half a step later
    ways, speeds = [x], [v]
    for _ in range(LOOKS[-1]):
        v = v - dt * rates * (x - homes)
        x = x + dt * v
        ways.append(x)
        speeds.append(v)
    path, speed = np.array(ways)[LOOKS], np.array(speeds)[LOOKS]
    r = np.linalg.norm(np.diff(path, axis=2), axis=-1)
    low, high = run.limits.bond
    beyond = np.maximum(low - r, r - high).max(axis=2)
    theta = value("angle", np.stack([path[:, :, k : k + 3] for k in range(len(MASSES) - 2)], axis=2))
    wide = np.maximum(run.limits.angle[0] - theta, theta - run.limits.angle[1])
    clear = min(np.abs(beyond).min(), np.abs(wide).min())
    yield at_least("springs, bonds and angles clear of their limits", float(clear), 1e-3, "Å or rad")
    outside = beyond > 0
    lost = outside.any(axis=0)
    whole = ~lost
    yield equal("springs, some replicas are lost and some are not", bool(0 < lost.sum() < 3), True)
    steps = np.where(lost, LOOKS[np.argmax(outside, axis=0)], LOOKS[-1])
    found = [round(one.time or 0.0, 6) if one.status.name == "BOND" else None for one in run.replicas]
    ends = [round(float(step) * dt, 6) if gone else None for step, gone in zip(steps, lost, strict=True)]
    yield equal("springs, times at which replicas are lost", str(found), str(ends))
    seen = LOOKS[:, None] <= steps
    fraction = np.sum((wide > 0) & seen[..., None]) / (seen.sum() * theta.shape[2])
    yield equal("springs, fraction of angles outside", round(run.angles_outside, 12), round(float(fraction), 12))
    frames = path[2::3].transpose(1, 0, 2, 3)
    there = np.isfinite(run.frames).all(axis=(2, 3))
    gone = np.maximum.accumulate(outside, axis=0)[2::3].T
    yield equal("springs, frames of whole replicas", str(there.tolist()), str((~gone).tolist()))
    off = np.abs(run.frames - (frames - frames.mean(axis=2, keepdims=True)))[there]
    yield at_most("springs, frames", float(off.max()), CLOSE, "Å")
    last = path[-1].transpose(2, 1, 0)[..., whole], speed[-1].transpose(2, 1, 0)[..., whole]
    for name, mine, theirs in zip(("positions", "velocities"), ("state/1", "state/2"), last, strict=True):
        yield at_most(f"springs, last {name}", relative(state[mine][..., whole], theirs), CLOSE, "relative")
    kinetic = np.mean(speed[:, whole] ** 2) * MASS / KCAL / KT_PER_KELVIN
    yield at_most("springs, kinetic temperature", float(abs(run.kinetic_temperature / kinetic - 1)), CLOSE, "relative")
    i, j = np.triu_indices(len(MASSES), NEAREST)
    apart = np.linalg.norm(path[:, :, i] - path[:, :, j], axis=-1).min(axis=(0, 2))
    closest = [one.closest for one in run.replicas]
    yield at_most("springs, closest approach", relative(np.array(closest)[whole], apart[whole]), CLOSE, "relative")
    yield equal("springs, engine", run.engine, "openmm CPU")


def _free() -> Iterator[Row]:
    """Velocities of beads without forces: variances, what is left of them after a while, and noise of their own."""
    from cgcore.simulation.openmm_engine import OpenMMEngine

    everywhere = Limits((0.0, np.inf), 0.0, (0.0, np.pi), np.inf)
    R = np.random.default_rng(0).normal(scale=5.0, size=(REPLICAS, BEADS, 3))
    starts, ends, runs = [], [], []
    for seed in (0, 0, 1):
        said = Settings(KELVIN, REPLICAS, 3 * APART, 5.0, FRICTION, LIGHT, APART, seed)
        engine = OpenMMEngine(_empty(BEADS, LIGHT), said, everywhere)
        state = engine.start(R)
        starts.append(np.asarray(state.v).reshape(-1, REPLICAS).T)
        state = engine.advance(state)
        ends.append(np.asarray(state.v).reshape(-1, REPLICAS).T)
        runs.append((engine, state))
    yield equal(
        "free beads, the same seed",
        str(np.array_equal(starts[0], starts[1]) and np.array_equal(ends[0], ends[1])),
        "True",
    )
    variance, kept = KT_PER_KELVIN * KELVIN * KCAL / LIGHT, np.exp(-FRICTION * APART)
    few = np.sqrt(2 / starts[0].size)
    for name, v in (("at the start", starts[0]), ("after a frame", ends[0])):
        off = abs(np.mean(v**2) / variance - 1)
        yield at_most(f"free beads, temperature {name}", off / few, ERRORS, "standard errors")
    left = float(np.mean(starts[0] * ends[0])) / np.mean(starts[0] ** 2)
    error = np.sqrt((1 - kept**2) / starts[0].size)
    yield at_most("free beads, velocities that are left", abs(left - kept) / error, ERRORS, "standard errors")
    first = np.concatenate([starts[0], starts[2]])
    noise = np.concatenate([ends[0] - kept * starts[0], ends[2] - kept * starts[2]])
    for name, drawn in (("velocities at the start", first), ("noise", noise)):
        # Independent rows of n numbers have correlations of 1/sqrt(n), and 4,560 pairs rarely one of five times that.
        correlation = np.corrcoef(drawn) - np.eye(len(drawn))
        yield at_most(f"free beads, {name}, correlation of replicas and seeds", float(np.abs(correlation).max()), 0.9)
    engine, state = runs[0]
    looks = np.asarray(engine.advance(state).tally.looks)
    yield equal("free beads, looks", str(set(looks.tolist())), "{2}")
    most = Settings(KELVIN, 2, APART, 5.0, FRICTION, LIGHT, APART, 2**31 - 1)
    state = OpenMMEngine(_empty(BEADS, LIGHT), most, everywhere).start(R[:2])
    yield equal("free beads, the largest seed, steps", int(state.step), 0)
