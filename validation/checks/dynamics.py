"""The parts of a simulation: a step, the limits of a whole chain, the core repulsion beside networks, files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import cgcore
from cgcore.physics.bases import Harmonic
from cgcore.pipeline.core import closest_approach, core_energy
from cgcore.simulation.checks import Limits, Outcome, limits_of, look
from cgcore.simulation.divergence import compare
from cgcore.simulation.langevin import Phase, baoab, dynamics
from cgcore.simulation.potential import Potential
from cgcore.simulation.settings import Settings
from cgcore.simulation.state import State, counted, no_tally
from cgcore.simulation.trajectory import write_trajectory
from cgcore.simulation.verdict import angles_outside, verdicts
from validation.admissible import KT_PER_KELVIN
from validation.check import Row, at_most, check, equal
from validation.context import Context
from validation.distributions import KINDS, NEAREST, distributions
from validation.explicit import Array, value
from validation.geometries import LONG, end_to_end
from validation.tolerances import relative

FRAMES = 200
EXACT = 1e-12

KCAL = 418.4
"""1 kcal/mol in units of g/mol Å²/ps²."""

MASS, FRICTION, TIMESTEP, KELVIN = 110.0, 3.0, 0.02, 315.0

STIFFNESS = 50.0
"""Stiffness of the core repulsion [kcal/mol/Å²]."""

SPRING, LONG_STEP = 400.0, 30.0
"""Stiffness [kcal/mol/Å²] of springs that hold each bead in place, and a time step [fs] of 1.2 over the frequency of
a spring."""

SINGLE = 1e-6
"""Tolerance of frames, which are saved in single precision."""

SAVED = 3
"""Number of steps between saved frames."""

STRETCHED = 2.5
"""Factor by which every other chain is stretched, so that a part of the distances is beyond those of the data."""

BEAD, CLOSER, LONGER, WIDER = 3.0, 0.75, 0.5, np.radians(10.0)
"""Limits beyond which a chain is lost: a distance [Å], a fraction, a length [Å], and an angle [rad]."""


@check("dynamics", quick=True)
def dynamics_of_a_chain(context: Context) -> Iterator[Row]:
    """A BAOAB step, limits of whole chains, their violations, the core repulsion beside networks, a long time step."""
    R = np.asarray(context.some(FRAMES).join().R, float)
    yield from _step(R)
    yield from _limits(R)
    yield from _seen(R)
    for name, chains in (("short", R[:8]), ("long", end_to_end(R[:8], LONG))):
        yield from _compiled(name, chains)
    yield from _wall(R)
    yield from _beyond(R)
    yield from _lost(context)
    yield from _long_step(R)
    yield from _of_species(R)


def _step(R: Array) -> Iterator[Row]:
    """Kick, drift, friction and noise, drift, kick, with a force that pulls each bead to the origin."""
    rng = np.random.default_rng(0)
    x = R[:4].T
    v, noise = rng.normal(size=x.shape) * 5, rng.normal(size=x.shape)
    constants = dynamics(KELVIN, TIMESTEP, FRICTION, MASS)

    def force(x: Any) -> Any:
        return -2.0 * x

    after, middle = baoab(force, constants, Phase(*map(jnp.asarray, (x, v, force(x)))), jnp.asarray(noise))
    kept = np.exp(-FRICTION * TIMESTEP)
    half = v + TIMESTEP / 2 * KCAL / MASS * force(x)
    there = x + TIMESTEP / 2 * half
    cooled = kept * half + np.sqrt((1 - kept**2) * KT_PER_KELVIN * KELVIN * KCAL / MASS) * noise
    there = there + TIMESTEP / 2 * cooled
    for name, ours, theirs in (
        ("positions", after.x, there),
        ("velocities", after.v, cooled + TIMESTEP / 2 * KCAL / MASS * force(there)),
        ("forces", after.F, force(there)),
        ("velocities in the middle", middle, cooled),
    ):
        yield at_most(f"step, {name}", relative(ours, theirs), EXACT, "relative")


def _limits(R: Array) -> Iterator[Row]:
    bonds = np.linalg.norm(np.diff(R, axis=1), axis=-1)
    angles = value("angle", np.stack([R[:, k : R.shape[1] - 2 + k] for k in range(3)], axis=2))
    closest = _closest(R).min()
    margin = max(LONGER, float(np.ptp(bonds)))
    theirs = (
        *(max(bonds.min() - margin, 0.0), bonds.max() + margin),
        min(BEAD, CLOSER * closest),
        *(max(angles.min() - WIDER, 0.0), min(angles.max() + WIDER, np.pi)),
        closest,
    )
    found = limits_of(R)
    ours = (*found.bond, found.closest, *found.angle, found.closest_sampled)
    yield at_most("limits of bonds, pairs and angles", relative(ours, theirs), EXACT, "relative")
    wide = R * (1 + 0.3 * np.sin(np.arange(len(R)))[:, None, None])  # bonds with a range wider than the margin
    bonds = np.linalg.norm(np.diff(wide, axis=1), axis=-1)
    wider = max(bonds.min() - np.ptp(bonds), 0.0), bonds.max() + np.ptp(bonds)
    yield at_most("limits of bonds of a wide range", relative(limits_of(wide).bond, wider), EXACT, "relative")


def _closest(R: Array) -> Array:
    """For each frame, the smallest distance [Å] of beads that must not overlap."""
    i, j = np.triu_indices(R.shape[1], NEAREST)
    return np.linalg.norm(R[:, i] - R[:, j], axis=-1).min(axis=1)


def _seen(R: Array) -> Iterator[Row]:
    """Chains that are each broken in a different way, and the tally of two observations of them."""
    limits = Limits((3.0, 5.0), 2.5, (1.2, 2.8), 4.0)
    chains = np.array([R[k].copy() for k in range(7)])
    chains[1, -1] += [9.0, 0.0, 0.0]
    chains[2, 0] = chains[2, 6] + [2.2, 0.0, 0.0]  # overlaps and has a long first bond: the overlap is reported
    chains[3, 4, 1] = np.nan
    chains[4, 0] = chains[4, 1] + 1.0  # short
    chains[5, -1] = chains[5, -2] + (chains[5, -2] - chains[5, -3])  # straight at both ends
    chains[5, 0] = chains[5, 1] + (chains[5, 1] - chains[5, 2])
    chains[6, 0] = chains[6, 1] + 0.9 * (chains[6, 2] - chains[6, 1]) + [0.0, 0.0, 1.0]  # folded back
    names = ["WHOLE", "BOND", "OVERLAP", "NOT_FINITE", "BOND", "WHOLE", "WHOLE"]
    x, still = chains.transpose(2, 1, 0), np.zeros((3, R.shape[1], len(chains)))
    seen = look(limits, x, still, np)
    bonds = np.linalg.norm(np.diff(chains, axis=1), axis=-1)
    names[6] = "BOND" if not ((bonds[6] > 3) & (bonds[6] < 5)).all() else "WHOLE"
    yield equal("what is seen", str([Outcome(int(k)).name for k in seen.outcome]), str(names))
    angles = value("angle", np.stack([chains[:, k : R.shape[1] - 2 + k] for k in range(3)], axis=2))
    finite = np.isfinite(angles)
    outside = ((angles < limits.angle[0]) | (angles > limits.angle[1])).T
    yield equal("angles outside", bool((np.asarray(seen.outside)[finite.T] == outside[finite.T]).all()), True)
    yield equal("angles outside on both sides", bool(outside[-1, 5] and outside[0, 6]), True)
    whole = np.isfinite(chains).all(axis=(1, 2))
    yield at_most("closest pairs", relative(np.sqrt(seen.closest[whole]), _closest(chains[whole])), EXACT, "relative")
    tally = no_tally(*x.shape[1:])
    for step in (4, 9):
        tally = counted(tally, seen, np.int32(step), np.arange(7.0), np)
    lost = np.array([name != "WHOLE" for name in names])
    yield equal("tally, when lost", str(tally.lost_at.tolist()), str(np.where(lost, 4, -1).tolist()))
    looks = np.where(lost, 1, 2) * whole
    yield equal("tally, looks", str(tally.looks.tolist()), str(looks.tolist()))
    yield equal("tally, kinetic energy", str(tally.kinetic.tolist()), str((np.arange(7.0) * looks).tolist()))
    yield equal("tally, angles outside", int(tally.outside[:, whole].sum()), int((outside * looks)[:, whole].sum()))
    first = np.where(np.any(outside, axis=0), 4, -1)[whole]
    yield equal("tally, when an angle was first outside", str(tally.first_outside[whole].tolist()), str(first.tolist()))
    found = verdicts(State(np.int32(9), x, still, still, tally), Settings(timestep=TIMESTEP * 1000), limits)[5]
    share, known = (found.status.name, found.value, found.time), ("ANGLE", float(outside[:, 5].mean()), 4 * TIMESTEP)
    yield equal("verdict, share of angles outside", str(share), str(known))
    # Replicas that are lost early are looked at less often than others.
    fraction = tally.outside.sum() / (tally.looks.sum() * len(tally.outside))
    yield at_most("tally, fraction of angles outside", abs(angles_outside(tally) / fraction - 1), EXACT, "relative")


def _beyond(R: Array) -> Iterator[Row]:
    """Distributions of replicas that leave the range of the data, which counts as values in no bin."""
    stretch = np.where(np.arange(len(R)) % 2, STRETCHED, 1.0)[:, None, None]
    frames = (R * stretch)[: 10 * (len(R) // 10)].reshape(-1, 10, *R.shape[1:])
    blocks = np.array_split(R, 20), list(frames[:, 1:])
    observables = {name: compare(name, *blocks, np.random.default_rng(0)) for name in KINDS}
    yield from distributions(SimpleNamespace(frames=frames, observables=observables), R)


def _lost(context: Context) -> Iterator[Row]:
    """Bonds alone, whose chains overlap after a while: replicas that are whole go on when others are lost."""
    bonds = context.prior.part(["bond"])
    run = cgcore.simulate(bonds, context.some(FRAMES), temperature=600.0, replicas=8, time="2ps", interval=0.2, seed=1)
    ended = np.array([one.status.name in ("BOND", "OVERLAP") for one in run.replicas])
    yield equal("replicas, some are lost and some are not", bool(0 < ended.sum() < len(ended)), True)
    saved: Array = np.all(np.isfinite(run.frames), axis=(2, 3))
    yield equal("replicas that are not lost, simulated to the end", bool(saved[~ended].all()), True)
    yield equal("replicas that are lost, frames after that", bool(saved[ended, -1].any()), False)


def _compiled(name: str, R: Array) -> Iterator[Row]:
    """Overlapping beads with several separations along the chain, as a compiled step detects them."""
    chains, rng = R.copy(), np.random.default_rng(2)
    for k, apart in enumerate((1, 2, 3, 4, R.shape[1] - 1)):
        first = rng.integers(R.shape[1] - apart)
        chains[k, first + apart] = chains[k, first] + [2.2, 0.0, 0.0]
    limits = Limits((0.0, 100.0), 2.5, (0.0, np.pi), 4.0)
    seen = jax.jit(lambda x: look(limits, x, 0.0 * x, jnp))(chains.transpose(2, 1, 0))
    closest = _closest(chains)
    names = np.where(closest < limits.closest, "OVERLAP", "WHOLE")
    found = [Outcome(int(k)).name for k in seen.outcome]
    yield equal(f"{name} chains, what is seen", str(found), str(names.tolist()))
    yield at_most(f"{name} chains, closest pairs", relative(np.sqrt(seen.closest), closest), EXACT, "relative")


def _wall(R: Array) -> Iterator[Row]:
    """Energies and forces of beads closer than a distance; padding is far away from all beads."""
    beads, rng = R.shape[1], np.random.default_rng(1)
    frame = R[0] + rng.normal(scale=1.0, size=R[0].shape)
    real = np.arange(beads) < beads - 2
    padded = np.where(real[:, None], frame, 0.0)
    i, j = np.triu_indices(beads - 2, NEAREST)
    apart = frame[i] - frame[j]
    r = np.linalg.norm(apart, axis=1)
    distance = float(np.median(r))
    depth = np.maximum(distance - r, 0.0)
    pull = -STIFFNESS * (depth / r)[:, None] * apart
    slopes = np.zeros_like(frame)
    np.add.at(slopes, i, pull)
    np.add.at(slopes, j, -pull)
    wall = jax.jit(jax.value_and_grad(lambda R: core_energy(R, real, float(distance))))
    energy, gradient = wall(padded)
    expected = STIFFNESS / 2 * np.sum(depth**2)
    yield at_most("wall, energy", relative(energy, expected), EXACT, "relative")
    yield at_most("wall, slopes", relative(gradient, slopes), EXACT, "relative")
    masks = np.ones(R.shape[:2], bool)
    yield at_most("closest approach", relative(closest_approach(R, masks), _closest(R).min()), EXACT, "relative")


def _long_step(R: Array) -> Iterator[Row]:
    """Beads on springs, with such a long time step that velocities at its end are a third too cold.

    The velocities in the middle of the step have the thermostat's temperature, and the positions have the variance of a
    spring, for any stable time step.

    Source: Leimkuhler and Matthews, J. Chem. Phys. 2013, 138, 174102.
    """
    home = (R[0] - R[0].mean(axis=0)).T[..., None]
    springs = Potential("springs", lambda x: -SPRING * (x - home), "springs")
    data = cgcore.from_arrays(np.repeat(home.T, 2, axis=0), np.ones((2, *R.shape[1:])), accept_faults=True)
    run = cgcore.simulate(
        springs, data, temperature=KELVIN, replicas=32, time="6ps", timestep=LONG_STEP, friction=5.0, mass=MASS,
        interval=SAVED * LONG_STEP / 1000,
    )  # fmt: skip
    kinetic, error = run.kinetic_temperature / KELVIN, run.kinetic_error / KELVIN
    yield equal("long step, replicas lost", run.lost, 0)
    yield at_most("long step, standard error of the kinetic temperature", error, 0.01, "relative")
    yield at_most("long step, kinetic temperature", abs(kinetic - 1) / error, 5.0, "standard errors")
    with tempfile.TemporaryDirectory() as folder:
        written = write_trajectory(Path(folder) / "run.pdb", run)
        yield from _trajectory((Path(folder) / "run.pdb").read_text(encoding="ascii"), written, run)


def _of_species(R: Array) -> Iterator[Row]:
    """Beads that are all of the second species: the simulation with a group for it is the one without groups."""
    bond, kinds = cgcore.Term("bond", cgcore.Rows("bonds"), Harmonic()), cgcore.Groups.of_species("types", (0, 1))
    data = cgcore.from_arrays(R[:2], np.ones_like(R[:2]), species=np.ones((2, R.shape[1]), int), accept_faults=True)
    bare, stiff = cgcore.default_prior().part([]), np.array([120.0, 450.0])
    frames = []
    for groups, c in ((None, stiff), (kinds, np.stack([stiff / 9, stiff / 4, stiff / 4, stiff]))):
        prior = bare.with_terms([replace(bond, groups=groups)], {"bond": c})
        run = cgcore.simulate(prior, data, temperature=KELVIN, replicas=2, time="0.1ps", interval=0.05)
        frames.append(run.frames)
    yield at_most("groups of species, frames", relative(frames[1], frames[0]), SINGLE, "relative")


def _trajectory(text: str, written: int, run: cgcore.SimulationResult) -> Iterator[Row]:
    """Replicas, times and positions in a PDB file, read as plain text. The first frame is saved after the first
    steps."""
    replicas, frames, beads = run.frames.shape[:3]
    lines = text.splitlines()
    said = [line.split() for line in lines if line.startswith("REMARK   2 ")]
    places = [(replica, frame) for replica in range(replicas) for frame in range(frames)]
    yield equal("trajectory, models", f"{written} {len(said)}", f"{len(places)} {len(places)}")
    yield equal("trajectory, replicas", str([int(words[3]) for words in said]), str([replica for replica, _ in places]))
    times = np.array([float(words[5]) for words in said])
    expected = np.array([(frame + 1) * SAVED * LONG_STEP / 1000 for _, frame in places])
    yield at_most("trajectory, times", float(np.abs(times - expected).max()), 5.1e-4, "ps")  # three digits
    atoms = [[float(line[k : k + 8]) for k in (30, 38, 46)] for line in lines if line.startswith("ATOM")]
    x = np.reshape(atoms, (replicas, frames, beads, 3))
    yield at_most("trajectory, positions", float(np.abs(x - run.frames).max()), 5.1e-4, "Å")  # three digits
