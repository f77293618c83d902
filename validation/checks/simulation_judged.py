"""What a simulation says about its replicas: verdicts, frames and progress of a run, numbers and notes."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import SimpleNamespace
from unittest import mock

import numpy as np

from cgcore.simulation import run as running
from cgcore.simulation.checks import Limits, Outcome
from cgcore.simulation.reference import Reference
from cgcore.simulation.result import Origin, SimulationResult
from cgcore.simulation.run import Progress, Ran, run
from cgcore.simulation.settings import Settings
from cgcore.simulation.state import State, Tally, no_tally
from cgcore.simulation.verdict import angles_outside, closest_approach, verdicts
from validation.check import Row, at_most, check, equal
from validation.checks.dynamics import KCAL
from validation.context import Context
from validation.explicit import Array
from validation.sampled_chains import KT_PER_KELVIN

simulating = importlib.import_module("cgcore.simulation.simulate")  # the package has a function of this name

LIMITS = Limits((3.0, 5.0), 2.5, (np.radians(60.0), np.radians(150.0)), 4.0)
EXACT = 1e-12
BEADS = 5


@check("simulation-judged", quick=True)
def simulation_judged(context: Context) -> Iterator[Row]:
    """Verdicts on replicas that are lost in every way, the frames, numbers and notes of a run."""
    yield from _verdicts()
    yield from _few_angles()
    for name, lost in (("none lost", (0, 0, 0)), ("one lost", (0, 5, 0)), ("all lost", (3, 5, 6))):
        yield from _run(name, lost)


def _chain(*steps: float) -> Array:
    """Beads on a zigzag with bonds of these lengths along it [Å]."""
    turns = np.array([[np.cos(0.5), np.sin(0.5), 0.0], [np.cos(0.5), -np.sin(0.5), 0.0]])
    bonds = np.array(steps)[:, None] * turns[np.arange(len(steps)) % 2]
    return np.concatenate([np.zeros((1, 3)), np.cumsum(bonds, axis=0)])


def _verdicts() -> Iterator[Row]:
    """One replica for each outcome, beside those that are whole."""
    usual, infinite = _chain(4.0, 4.0, 4.0, 4.0), _chain(4.0, 4.0, 4.0, 4.0)
    infinite[3, 1] = np.inf
    overlapping = _chain(4.0, 4.0, 4.0, 4.0)
    overlapping[4] = overlapping[1] + [0.0, 0.0, 2.25]
    chains = {
        "whole": usual,
        "not finite": infinite,
        "a bond that is too long": _chain(2.9, 4.0, 5.5, 4.0),
        "a bond that is too short": _chain(5.1, 4.0, 4.0, 2.0),
        "an overlap": overlapping,
        "bent": usual,
        "bent once in many looks": usual,
        "bent and torn": _chain(4.0, 6.0, 4.0, 4.0),
    }
    x = np.stack([R.T for R in chains.values()], axis=2)
    outside = np.array([[0, 0, 0, 0, 0, 1, 1, 9], [0, 0, 0, 0, 0, 7, 0, 9], [0, 0, 0, 0, 0, 4, 0, 9]], np.int32)
    tally = Tally(
        np.array([0, 1, 2, 2, 3, 0, 0, 2], np.int32),
        np.array([-1, 10, 20, 30, 40, -1, -1, 50], np.int32),
        np.array([3.0, 4.0, 5.0, 6.0, 2.25, 7.0, 8.0, 9.0]) ** 2,
        outside,
        np.array([-1, -1, -1, -1, -1, 25, 60, 45], np.int32),
        np.array([100, 9, 20, 30, 40, 100, 1000, 50], np.int32),
        np.ones(len(chains)),
    )
    state = State(np.int32(100), x, np.zeros_like(x), np.zeros_like(x), tally)
    found = verdicts(state, Settings(timestep=4.0), LIMITS)
    beyond = "beyond 3.00 to 5.00 Å"
    known: dict[str, tuple[str, float | None, tuple[int, ...], float | None, str]] = {
        "whole": ("WHOLE", None, (), None, "whole"),
        "not finite": ("NOT_FINITE", 0.04, (3,), None, "lost at 0.040 ps: positions or velocities are not finite"),
        "a bond that is too long": (
            "BOND",
            0.08,
            (2, 3),
            5.5,
            f"lost at 0.080 ps: the bond of beads 2 and 3 is 5.50 Å, {beyond}",
        ),
        "a bond that is too short": (
            "BOND",
            0.12,
            (3, 4),
            2.0,
            f"lost at 0.120 ps: the bond of beads 3 and 4 is 2.00 Å, {beyond}",
        ),
        "an overlap": (
            "OVERLAP",
            0.16,
            (1, 4),
            2.25,
            "lost at 0.160 ps: beads 1 and 4 are 2.25 Å apart, less than 2.50 Å",
        ),
        "bent": (
            "ANGLE",
            0.1,
            (1, 2, 3),
            0.04,
            "from 0.100 ps: 4.00% of the angles are beyond 60 to 150 degrees, most often that of beads 1, 2, 3",
        ),
        "bent once in many looks": ("WHOLE", None, (), None, "whole"),
        "bent and torn": (
            "BOND",
            0.2,
            (1, 2),
            6.0,
            f"lost at 0.200 ps: the bond of beads 1 and 2 is 6.00 Å, {beyond}",
        ),
    }
    for k, (name, (status, time, beads, value, why)) in enumerate(known.items()):
        one = found[k]
        ours = (
            one.number,
            one.status.name,
            one.time and round(one.time, 9),
            one.beads,
            one.value and round(one.value, 9),
        )
        yield equal(f"{name}, verdict", str(ours), str((k, status, time, beads, value)))
        yield equal(f"{name}, sentence", one.sentence, f"replica {k}: {why}")
    closest = np.array([one.closest for one in found])
    yield at_most("closest approaches", float(np.abs(closest - np.sqrt(tally.closest)).max()), EXACT, "Å")
    yield at_most("closest approach of all", abs(closest_approach(tally) - 2.25), EXACT, "Å")
    share = outside.sum() / (3 * tally.looks.sum())
    yield at_most("share of angles outside", abs(angles_outside(tally) / share - 1), EXACT, "relative")


def _few_angles() -> Iterator[Row]:
    """Angles of one replica, which are too many of its own, but not of all; a chain without angles; and no looks."""
    x = np.stack([_chain(4.0, 4.0, 4.0, 4.0).T] * 2, axis=2)
    tally = no_tally(BEADS, 2)._replace(
        outside=np.array([[1, 0], [0, 0], [0, 0]], np.int32),
        first_outside=np.array([3, -1], np.int32),
        looks=np.array([100, 10_000], np.int32),
    )
    found = verdicts(State(np.int32(9), x, x, x, tally), Settings(), LIMITS)
    yield equal("few angles of all, verdicts", str([one.status.name for one in found]), str(["WHOLE"] * 2))
    for name, none in (
        ("no angles", no_tally(2, 3)._replace(looks=np.full(3, 5, np.int32))),
        ("no looks", no_tally(4, 3)),
    ):
        yield equal(f"{name}, share of angles outside", angles_outside(none), 0.0)


class _Moved:
    """An engine that moves all beads by a known way, and loses replicas at given steps (0 for never)."""

    name = "moved"

    def __init__(self, lost: tuple[int, ...], steps: int) -> None:
        self._lost, self._steps = np.array(lost), steps

    def start(self, R: Array) -> State:
        x = np.transpose(R, (2, 1, 0))
        return State(np.int32(0), x, 0 * x, 0 * x, no_tally(*x.shape[1:]))

    def advance(self, state: State) -> State:
        step = int(state.step) + self._steps
        gone = (self._lost > 0) & (self._lost <= step)
        looks = np.where(gone, self._lost, step)
        tally = state.tally._replace(
            outcome=np.where(gone, Outcome.BOND, Outcome.WHOLE).astype(np.int32),
            lost_at=np.where(gone, self._lost, -1).astype(np.int32),
            closest=np.array([9.0, 16.0, 25.0]),
            looks=looks.astype(np.int32),
            kinetic=(looks * np.array([1.0, 2.0, 4.0])),
        )
        return State(np.int32(step), state.x + np.where(gone, 0.0, 1.0), state.v, state.F, tally)

    def restore(self, state: State) -> State:
        return state


def _run(name: str, lost: tuple[int, ...]) -> Iterator[Row]:
    """Three replicas in four frames of two steps each, of which each takes half a second."""
    steps, frames, dt = 2, 4, 5.0
    said = Settings(temperature=280.0, replicas=3, time=0.04, timestep=dt, mass=90.0, interval=0.01)
    R = np.random.default_rng(0).normal(size=(3, BEADS, 3)) * 4
    engine, reached, clock = _Moved(lost, steps), list[Progress](), iter([0.5 * k for k in range(100)])
    with mock.patch.object(running, "time", SimpleNamespace(perf_counter=lambda: next(clock), monotonic=lambda: 0.0)):
        ran = run(engine, said, R, {}, None, False, reached.append)
    at, ends = np.array(lost), steps * np.arange(1, frames + 1)
    alive = (at == 0)[:, None] | (at[:, None] > ends)
    count = int(np.argmin(alive.any(axis=0))) + 1 if not alive.any(axis=0).all() else frames
    there = np.isfinite(ran.frames)
    yield equal(f"{name}, frames that are there", str(there.all(axis=(2, 3)).tolist()), str(alive.tolist()))
    centred = np.broadcast_to((R - R.mean(axis=1, keepdims=True))[:, None], ran.frames.shape)
    yield at_most(f"{name}, frames about their centres", float(np.abs(ran.frames - centred)[there].max()), 1e-5, "Å")
    done = np.where((at > 0)[:, None] & (at[:, None] <= ends), at[:, None], ends).sum(axis=0)[:count]
    speeds = done * dt * 1e-6 * 86400 / (0.5 * np.arange(1, count + 1))
    found = [(round(p.time, 9), round(p.of, 9), p.lost) for p in reached]
    known = [(round(float(ends[k]) * dt / 1000, 9), 0.04, int((~alive[:, k]).sum())) for k in range(count)]
    yield equal(f"{name}, progress", str(found), str(known))
    off = np.abs(np.array([p.ns_per_day for p in reached]) / speeds - 1).max()
    yield at_most(f"{name}, speeds on the way", float(off), EXACT, "relative")
    yield equal(f"{name}, seconds", ran.seconds, 0.5 * count)
    yield from _told(name, engine, said, R, ran, at, float(speeds[-1]))


def _told(name: str, engine: _Moved, said: Settings, R: Array, ran: Ran, at: Array, speed: float) -> Iterator[Row]:
    """Numbers and notes of the result of a run, whose replicas were lost at these steps (0 for never)."""
    data = Reference("p", R.repeat(2, axis=0), np.zeros(BEADS, np.int32), "sum", "path", 6)
    origin = Origin("model", "identity", "path", "sum", "p", BEADS, 6)
    result: SimulationResult = simulating._result(said, origin, engine, ran, LIMITS, data, ("given",))
    sound = np.array([1.0, 2.0, 4.0])[at == 0] if (at == 0).any() else np.array([1.0, 2.0, 4.0])
    kelvin = sound * said.mass / KCAL / KT_PER_KELVIN
    error = np.std(kelvin, ddof=1) / np.sqrt(len(kelvin))
    off = max(abs(result.kinetic_temperature / kelvin.mean() - 1), abs(result.kinetic_error / error - 1))
    yield at_most(f"{name}, kinetic temperature and its error", float(off), 1e-9, "relative")
    yield at_most(f"{name}, speed", abs(result.ns_per_day / speed - 1), EXACT, "relative")
    gone = int((at > 0).sum())
    notes = ["given"]
    notes += [f"distributions are of the time before a replica was lost ({gone} of 3 were)"] if gone else []
    yield equal(f"{name}, notes", str(list(result.notes)), str(notes))
    told = result.lost, result.whole, result.engine, result.closest_approach, result.seconds
    yield equal(f"{name}, what the result says", str(told), str((gone, gone == 0, "moved", 3.0, ran.seconds)))
    if gone == 3:
        unseen = ran.state.tally._replace(looks=ran.state.tally.looks * np.array([0, 1, 1], np.int32))
        other = ran._replace(state=ran.state._replace(tally=unseen))
        with np.errstate(all="ignore"):  # a replica that is taken along would divide by 0
            result = simulating._result(said, origin, engine, other, LIMITS, data, ())
        off = result.kinetic_temperature / kelvin[1:].mean() - 1
        yield at_most(f"{name}, kinetic temperature without one that was never seen", abs(off), 1e-9, "relative")
    empty = ran._replace(frames=np.full_like(ran.frames, np.nan))
    result = simulating._result(said, origin, engine, empty, LIMITS, data, ())
    last = "every replica was lost before a frame could be compared"
    yield equal(f"{name}, without frames", str((result.observables, result.notes[-1])), str(({}, last)))
