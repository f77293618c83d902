"""Simulated frames: blocks and bins in which they are compared, trajectories, and what cannot be simulated."""

from __future__ import annotations

import importlib
import inspect
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

from cgcore.simulation.divergence import compare
from cgcore.simulation.reference import Reference
from cgcore.simulation.result import Origin
from cgcore.simulation.settings import Settings, picoseconds, usual_interval
from cgcore.simulation.trajectory import write_trajectory
from validation.check import Row, at_most, check, equal, says
from validation.checks.dynamics import KCAL
from validation.context import Context
from validation.reports.runs import invented_simulation

simulating = importlib.import_module("cgcore.simulation.simulate")  # the package has a function of this name

EXACT = 1e-12
BEADS = 5


@check("simulation-compared", quick=True)
def simulation_compared(context: Context) -> Iterator[Row]:
    """Blocks of frames and their distributions, trajectories of lost replicas, and models that are refused."""
    yield from _blocks()
    yield from _observables()
    yield from _compared()
    yield from _settings()
    yield from _trajectories()


def _blocks() -> Iterator[Row]:
    """Frames of each block: at least twenty blocks, if there are so many frames, none of which is empty."""
    for replicas, frames, lost, known in (
        (1, 40, None, [2] * 20),
        (3, 21, None, [3] * 21),
        (3, 21, 14, [3] * 7 + [2] * 7 + [3] * 7),
        (20, 5, None, [5] * 20),
        (21, 5, 0, [5] * 20),
        (2, 3, None, [1] * 6),
    ):
        R = np.zeros((replicas, frames, 2, 3))
        if lost is not None:
            R[1, lost:] = np.nan
        found = [len(block) for block in simulating._blocks(R)]
        yield equal(f"{replicas} replicas of {frames} frames, one lost after {lost}, blocks", str(found), str(known))


def _observables() -> Iterator[Row]:
    """The observables of short chains, and the frames that are left out at the start."""
    every = ["bond", "angle", "dihedral", "distance", "contacts", "radius_of_gyration", "end_to_end"]
    rng = np.random.default_rng(1)
    for beads, left in ((2, every[:1]), (3, [*every[:2], *every[5:]]), (4, every)):
        R = 4 * rng.normal(size=(30, beads, 3))
        data = Reference("p", R, np.zeros(beads, np.int32), "", "", 30)
        frames = np.array([R, R + 0.1]).astype(np.float32)
        frames[:, :3] *= 50.0
        found = simulating._observables(data, frames)
        yield equal(f"observables of {beads} beads", ", ".join(found), ", ".join(left))
        r = np.linalg.norm(np.diff(frames[:, 3:].astype(float), axis=2), axis=-1).mean()
        mean = found["bond"].simulation.mean or 0.0
        yield at_most(f"bonds of {beads} beads without the first tenth", abs(mean / r - 1), 1e-9, "relative")


def _compared() -> Iterator[Row]:
    """Bins, and what a divergence is compared with: that of two halves of the data."""
    rng = np.random.default_rng(2)
    R = [3.8 + rng.normal(scale=0.05, size=(n, 4, 1)) * np.ones(3) + np.arange(4)[:, None] * 2.0 for n in (6, 9)]
    r = [np.linalg.norm(np.diff(own, axis=1), axis=-1).ravel() for own in R]
    low, high = min(map(np.min, r)), max(map(np.max, r))
    known = {
        "bond": np.linspace(low - (high - low) / 2, high + (high - low) / 2, 61),
        "angle": np.linspace(0, 180, 61),
        "dihedral": np.linspace(-180, 180, 61),
    }
    for name, edges in known.items():
        found = compare(name, R, R[:1], np.random.default_rng(0))
        yield at_most(f"{name}, edges of its bins", float(np.abs(found.edges - edges).max()), 1e-9)
    counts = [np.histogram(own, np.r_[-np.inf, known["bond"], np.inf])[0] / len(own) for own in r]
    middle = (counts[0] + counts[1]) / 2
    apart = sum(float(np.sum(p[p > 0] * np.log2(p[p > 0] / middle[p > 0]))) for p in counts) / 2
    found = compare("bond", R, R[:1], np.random.default_rng(0))
    yield at_most("divergence of the halves of two blocks", abs((found.divergence_floor or 0.0) - apart), EXACT, "bits")
    for data, simulated, expected in (
        (R[:1], R[:1], (False, False)),
        (R[:1], R, (True, False)),
        (R, R[:1], (True, True)),
    ):
        found = compare("bond", data, simulated, np.random.default_rng(0))
        has = found.divergence_error is not None, found.divergence_floor is not None
        name = f"{len(data)} blocks of data and {len(simulated)} of a run"
        yield equal(f"{name}, whether there are an error and a floor", str(has), str(expected))
        errors = found.reference.error is not None, found.simulation.error is not None
        yield equal(f"{name}, errors of means", str(errors), str((len(data) > 1, len(simulated) > 1)))


def _settings() -> Iterator[Row]:
    """The usual time between frames, the largest number of frames, and models that cannot be simulated."""
    for time, known in ((0.4, 0.4), (1.0, 1.0), (500.0, 1.0), (1000.0, 1.0), (5000.0, 5.0)):
        yield equal(f"usual interval of {time:g} ps", usual_interval(time), known, "ps")
    times = {2: 2000.0, "7": 7000.0, "100ps": 100.0, "1 ns": 1000.0, "2.5us": 2.5e6, " 40fs": 0.04}
    found = {time: round(picoseconds(time), 9) for time in times}
    yield equal("times in picoseconds", str(found), str(times))
    # Three coordinates of each of 2^10 replicas of 2^10 frames of chains of 682 beads are 2^31 - 2^21.
    made = Settings(replicas=2**10, time=5.12, interval=0.005)
    yield equal("frames of 5.12 ps", made.frames, 2**10)
    for beads, words in ((682, "accepted"), (683, "take more than 8 GiB of memory")):
        yield says(f"memory of {beads} beads", lambda beads=beads: made.require_memory(beads), words)
    data = Reference("p", np.zeros((1, BEADS, 3)), np.zeros(BEADS, np.int32), "", "", 1)
    longer = SimpleNamespace(
        N_max=6, dtype="float32", prior=None, network_name="allegro", compute_energy=lambda *_: 0.0
    )
    cases: dict[str, tuple[Any, str]] = {
        "a trained model of 6 beads": ((longer, {}), "frames of 6 beads, but p has 5"),
        "a text": ("prior", "a str cannot be simulated"),
    }
    for name, (model, words) in cases.items():
        yield says(f"refused, {name}", lambda model=model: simulating._engine_of(model, data, Settings()), words)
    # 400 kcal/mol/Å² and 100 g/mol: a step of 2 over the frequency 2 sqrt(k/m) [fs].
    longest = float(1000 / np.sqrt(400.0 * KCAL / 100.0))
    spring = simulating.Potential("spring", lambda x: x, "spring", 400.0)
    for times, words in ((1 - 1e-6, "accepted"), (1 + 1e-6, "are unstable above")):
        said = Settings(timestep=times * longest, mass=100.0)
        yield says(
            f"refused, a step {'below' if times < 1 else 'above'} the longest",
            lambda said=said: simulating._engine_of(spring, data, said),
            words,
        )
    yield says(
        "refused, resuming without a folder", lambda: simulating.simulate(spring, resume=True), "needs the folder"
    )


def _trajectories() -> Iterator[Row]:
    """Lines of a PDB file: residues, ends and bonds of the chain; frames of replicas that are lost; many frames."""
    R = np.round(np.random.default_rng(3).normal(size=(2, 5, 3, 3)) * 9, 3).astype(np.float32)
    R[0, 2:] = np.nan
    # Three of five models, and the names of the residues of the protein.
    result = replace(
        invented_simulation(),
        frames=R,
        origin=Origin("model", "", "", "", "AYW", 3, 10),
        settings=Settings(replicas=2, time=0.5, interval=0.1, timestep=4.0),
    )
    write: Any = inspect.unwrap(write_trajectory)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.PDB"
        for most, places in (
            (7, [(0, 0), (0, 1), *((1, k) for k in range(5))]),
            (6, [(0, 0), (1, 0), (1, 2), (1, 4)]),
            (2, [(0, 0), (1, 2)]),
        ):
            with mock.patch.dict(write.__globals__, MOST_MODELS=most):
                yield equal(f"at most {most} models, how many are written", write(path, result), len(places))
            lines = path.read_text(encoding="ascii").splitlines()
            known = ["REMARK   1 ONE BEAD A RESIDUE, SIMULATED BY CGCORE"]
            for model, (replica, frame) in enumerate(places, 1):
                known += [f"MODEL     {model:>4}", f"REMARK   2 REPLICA {replica} TIME {0.1 * (frame + 1):.3f} PS"]
                for k, (name, xyz) in enumerate(zip(("ALA", "TYR", "TRP"), R[replica, frame].tolist(), strict=True), 1):
                    numbers = "".join(f"{x:>8.3f}" for x in xyz)
                    known.append(f"ATOM      {k}  CA  {name} A   {k}    {numbers}  1.00  0.00           C  ")
                known += ["TER       4      TRP A   3", "ENDMDL"]
            known += ["CONECT    1    2", "CONECT    2    3", "END"]
            wrong = [line for line, right in zip(lines, known, strict=False) if line != right]
            yield equal(f"at most {most} models, lines", str((len(lines), wrong[:2])), str((len(known), [])))
        for beads, words in ((9999, "accepted"), (10_000, "has room for 9999 beads")):
            long = np.full((1, 1, beads, 3), np.nan, np.float32)
            other = replace(result, frames=long, origin=replace(result.origin, beads=beads))
            yield says(f"a chain of {beads} beads", partial(write, path, other), words)
        yield says("another ending", partial(write, Path(folder) / "run.xyz", result), "ends in .pdb")
