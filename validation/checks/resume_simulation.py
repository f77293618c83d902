"""A simulation that is interrupted and continued from its state, against one that is not interrupted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import cgcore
from cgcore.simulation import run as running
from cgcore.simulation.potential import prior_potential
from cgcore.simulation.settings import Settings
from cgcore.simulation.storage import NAME
from validation.check import Row, at_most, check, equal, refusal, refuses
from validation.checks.dynamics import KCAL
from validation.checks.resume import STIFF
from validation.context import Context
from validation.resuming import bits, prior_of_bonds

BEADS = 5
SAID: dict[str, Any] = {"temperature": 310.0, "replicas": 4, "timestep": 4.0, "friction": 2.0, "mass": 90.0, "seed": 3}
SAID |= {"interval": 0.1}
LENGTH, PART, STOPPED, STEPS, FRAMES = "0.4ps", "0.2ps", 0.25, 100, 4
"""Length of the run, of a part of it, time [ps] after which it is interrupted, and numbers of steps and frames."""

Model = Any


class _Interrupted(Exception):
    pass


@check("resume-simulation")
def resume_simulation(context: Context) -> Iterator[Row]:
    """Simulations interrupted and made longer; what another run may not continue; times, steps and frames."""
    R = np.asarray(context.some(50).join().R, float)[:, :BEADS]
    data, prior = _data(R, [0, 1, 1, 0, 0]), prior_of_bonds(STIFF)
    with tempfile.TemporaryDirectory() as folder:
        yield from continued("jax", prior, data, SAID, Path(folder))
        here = Path(folder) / "stopped"
        others: dict[str, tuple[Any, cgcore.Dataset, dict[str, Any]]] = {
            "data": (prior, _data(R[1:], [0, 1, 1, 0, 0]), {}),
            "model": (prior_of_bonds(STIFF + 0.5), data, {}),
            "model  ": (prior, _data(R, [0, 1, 1, 0, 1]), {}),
            "model ": (prior_of_bonds(STIFF, 0.9), data, {}),
        }
        changed = {"temperature": 300.0, "replicas": 3, "timestep": 5.0, "friction": 1.0, "mass": 91.0, "seed": 4}
        others |= {name: (prior, data, {name: value}) for name, value in (changed | {"interval": 0.08}).items()}
        others["seed "] = (prior, data, {"seed": 0})
        for name, (model, own, said) in others.items():
            work = resuming(model, own, SAID | said, here)
            yield equal(f"other {name}", f"its {name.strip()} is" in (refusal(work) or ""), True)
        yield from _files(prior, data, here)
    yield from _identities()
    yield from _times()


def _data(R: np.ndarray, species: list[int]) -> cgcore.Dataset:
    return cgcore.from_arrays(R, np.ones_like(R), species=np.tile(species, (len(R), 1)), accept_faults=True)


def resuming(model: Model, data: cgcore.Dataset, said: dict[str, Any], folder: Path) -> Callable[[], object]:
    return lambda: cgcore.simulate(model, data, time=LENGTH, folder=folder, resume=True, **said)


def continued(name: str, model: Model, data: cgcore.Dataset, said: dict[str, Any], folder: Path) -> Iterator[Row]:
    """Rows of a run that is stopped, and of one that is made longer, beside one of the whole length. The folder
    "stopped" is left with the state of the first."""
    times: list[float] = []

    def stop(reached: Any) -> None:
        if reached.time > STOPPED:
            raise _Interrupted

    whole = cgcore.simulate(model, data, time=LENGTH, folder=folder / "whole", **said)
    expected = state_of(folder / "whole")
    yield equal(f"{name}, steps and frames", f"{expected['state/0']} {whole.frames.shape[1]}", f"{STEPS} {FRAMES}")
    last = np.transpose(expected["state/1"], (2, 1, 0))
    off = float(np.abs(last - last.mean(axis=1, keepdims=True) - whole.frames[:, -1]).max())
    yield at_most(f"{name}, last frame beside the positions in its file", off, 1e-5, "Å")  # float32 of 10 Å
    try:
        with mock.patch.object(running, "SAVE_SECONDS", 0.0):  # saved after each frame
            cgcore.simulate(model, data, time=LENGTH, folder=folder / "stopped", progress=stop, **said)
    except _Interrupted:
        pass
    stopped = state_of(folder / "stopped")
    yield equal(f"{name}, frames that are saved when it is stopped", stopped["frames"].shape[1], 2)
    cgcore.simulate(model, data, time=PART, folder=folder / "part", **said)
    for kind in ("stopped", "part"):
        before = float(state_of(folder / kind)["seconds"])
        times.clear()
        resumed = cgcore.simulate(
            model, data, time=LENGTH, folder=folder / kind, resume=True, progress=lambda p: times.append(p.time), **said
        )
        yield equal(f"{name}, {kind}, times that are left", str(np.round(times, 6).tolist()), "[0.3, 0.4]")
        yield equal(f"{name}, {kind}, result", _bits_of(resumed), _bits_of(whole))
        after = state_of(folder / kind)
        spent = before < resumed.seconds == float(after["seconds"])
        yield equal(f"{name}, {kind}, time that both parts took", spent, True)
        yield equal(f"{name}, {kind}, state", _without_seconds(after), _without_seconds(expected))
        again = cgcore.simulate(model, data, time=LENGTH, folder=folder / kind, resume=True, **said)
        yield equal(f"{name}, {kind}, result of a finished run", _bits_of(again), _bits_of(whole))
        yield equal(f"{name}, {kind}, time that a finished run took", again.seconds, resumed.seconds)
    other = cgcore.simulate(model, data, time=PART, **said | {"seed": said["seed"] + 1})
    alike = [(a == b).all(axis=(1, 2)).any() for a in other.frames for b in whole.frames[:, :2]]
    yield equal(f"{name}, frames that another seed repeats", int(np.sum(alike)), 0)


def state_of(folder: Path) -> dict[str, np.ndarray]:
    """The arrays in the state of a run."""
    with np.load(folder / NAME) as archive:
        return {name: archive[name] for name in archive.files}


def _bits_of(run: cgcore.SimulationResult) -> str:
    numbers = [run.kinetic_temperature, run.kinetic_error, run.closest_approach, run.angles_outside]
    said = [str(run.replicas), str(run.observables), str(run.notes)]
    return bits([run.frames, np.array(numbers), np.frombuffer("".join(said).encode(), np.uint8)])


def _without_seconds(arrays: dict[str, np.ndarray]) -> str:
    return bits(
        [
            np.frombuffer(f"{k} {v.dtype}".encode() + v.tobytes(), np.uint8)
            for k, v in sorted(arrays.items())
            if k != "seconds" and v.dtype.kind != "U"
        ]
    )


def _files(prior: cgcore.Prior, data: cgcore.Dataset, folder: Path) -> Iterator[Row]:
    """Files that are no state of this run."""
    path, arrays = folder / NAME, state_of(folder)
    whole = path.read_bytes()
    broken: dict[str, dict[str, Any]] = {
        "another format": {"format": np.array("cgcore simulation 0")},
        "positions of fewer beads": {"state/1": arrays["state/1"][:, 1:]},
        "positions in float32": {"state/1": arrays["state/1"].astype(np.float32)},
    }
    for name, other in broken.items():
        np.savez(path, allow_pickle=False, **arrays | other)  # type: ignore[arg-type]
        yield equal(f"a state of {name} is refused", refuses(resuming(prior, data, SAID, folder)), True)
    for name, content in (("cut", whole[:-200]), ("of text", b"hello")):
        path.write_bytes(content)
        yield equal(f"a state {name} is refused", refuses(resuming(prior, data, SAID, folder)), True)
    path.unlink()
    yield equal("no state is refused", refuses(resuming(prior, data, SAID, folder)), True)


def _identities() -> Iterator[Row]:
    """Potentials that differ in one number differ in their identity, and stiffer bonds need shorter steps."""
    species, default = np.array([0, 1, 1, 0, 0]), cgcore.default_prior()
    stiff = default.params | {"kr": default.params["kr"] * 1.1}
    every = [
        prior_potential(prior_of_bonds(STIFF), species),
        prior_potential(prior_of_bonds(STIFF, 0.9), species),
        prior_potential(prior_of_bonds(STIFF + np.diag([0.5, 0.0, 0.0, 0.0])[:, :2]), species),
        prior_potential(prior_of_bonds(STIFF), species[::-1]),
        prior_potential(default),
        prior_potential(cgcore.Prior(default.weights._replace(angle=0.7), default.params)),
        prior_potential(cgcore.Prior(default.weights, stiff)),
    ]
    yield equal("identities of different potentials", len({one.identity for one in every}), len(every))
    again = prior_potential(prior_of_bonds(STIFF), species).identity
    yield equal("identity of the same potential", again, every[0].identity)
    kr, mass = float(stiff["kr"]) * (default.weights.bond or 0.0), 70.0
    # A chain with equal masses and springs vibrates with at most 2 sqrt(k/m), and a step is stable below 2 over that.
    longest = 1000.0 / np.sqrt(kr * KCAL / mass)
    off = every[-1].longest_timestep(mass) / longest - 1
    yield at_most("longest time step of bonds", abs(off), 1e-6, "relative")  # their coefficients may be rounded


def _times() -> Iterator[Row]:
    """Numbers of steps and frames."""
    for time, step, interval, expected in (
        (1000.0, 5.0, 1.0, (200, 1000, 200_000)),
        (0.75, 4.0, 0.1, (25, 7, 175)),
        (0.3, 3.0, 0.1, (33, 3, 99)),
    ):
        made = Settings(time=time, timestep=step, interval=interval)
        found = made.steps_per_frame, made.frames, made.steps
        yield equal(f"{time:g} ps in steps of {step:g} fs, steps and frames", str(found), str(expected))
        yield at_most(
            f"{time:g} ps in steps of {step:g} fs, length", abs(made.at(made.steps) - expected[2] * step / 1000), 1e-9
        )
    most = Settings(seed=2**31 - 1, replicas=2**16, interval=0.005, time=0.005, temperature=1e-3)
    yield equal("settings at their limits, frames", most.frames, 1)
