"""Running all replicas, frame by frame, with periodic saves of the state."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from cgcore.processes import arrays_of_first, is_first, of_first, whole
from cgcore.simulation import storage
from cgcore.simulation.settings import Settings
from cgcore.simulation.state import Engine, State

SAVE_SECONDS = 30.0
"""Time between saves of the state [s], i.e. the largest loss if the run is killed."""


class Progress(NamedTuple):
    """The progress of a run."""

    time: float  # simulated time of each replica, ps
    of: float  # total time, ps
    ns_per_day: float  # summed over replicas
    lost: int


Watch = Callable[[Progress], None]


class Ran(NamedTuple):
    """A finished run."""

    state: State  # in memory
    frames: Float[np.ndarray, "replicas frames beads 3"]
    seconds: float  # wall time spent on dynamics


def run(
    engine: Engine,
    settings: Settings,
    R: Float[np.ndarray, "replicas beads 3"],
    made_of: Mapping[str, Any],
    folder: Path | None,
    resume: bool,
    watch: Watch,
) -> Ran:
    """Run all replicas until the end or until all are lost.

    Arguments:
        engine: the engine.
        settings: settings of the simulation.
        R: initial positions [Å].
        made_of: everything that determines the run, as plain values.
        folder: folder in which the first of several processes saves the state; None for none.
        resume: whether to resume from the state in `folder`.
        watch: callback after each saved frame.

    Raises:
        InputError: there is no state to resume from, or it belongs to another run.
    """
    state = engine.start(R)
    seen = whole(state)
    done, seconds = 0, 0.0
    # NaN for frames that were not simulated, so that they are not mistaken for frames.
    frames = np.full((len(R), settings.frames, *R.shape[1:]), np.nan, np.float32)
    path = None if folder is None else folder / storage.NAME
    kept = path if is_first() else None
    if resume and path is not None:
        saved = _of_first(path, made_of, seen)
        state, seen, seconds = engine.restore(saved.state), saved.state, saved.seconds
        done = min(saved.frames.shape[1], settings.frames)
        frames[:, :done] = saved.frames[:, :done]
    if done < settings.frames:
        jax.block_until_ready(engine.advance(state))  # compiles; the result is discarded
    first, here, last_saved, before = done, 0.0, time.monotonic(), steps_while_whole(seen)
    while done < settings.frames and (seen.tally.lost_at < 0).any():
        start = time.perf_counter()
        state = jax.block_until_ready(engine.advance(state))
        here += time.perf_counter() - start
        seen = whole(state)
        moving = seen.tally.lost_at < 0
        x = np.transpose(seen.x, (2, 1, 0))[moving]
        frames[moving, done] = x - x.mean(axis=1, keepdims=True)
        done += 1
        moved = steps_while_whole(seen) - before
        watch(Progress(settings.at(done * settings.steps_per_frame), settings.at(settings.steps),
                       ns_per_day(settings, moved, here), int(np.sum(~moving))))  # fmt: skip
        if kept is not None and time.monotonic() - last_saved > SAVE_SECONDS:
            storage.save(kept, made_of, seen, frames[:, :done], seconds + here)
            last_saved = time.monotonic()
    if kept is not None and (done > first or not resume):
        storage.save(kept, made_of, seen, frames[:, :done], seconds + here)
    return Ran(seen, frames, seconds + here)


def _of_first(path: Path, made_of: Mapping[str, Any], like: State) -> storage.Saved:
    """The saved state as read by the first process; other processes need not see the file."""
    saved = storage.load(path, made_of, like) if is_first() else None
    state = of_first(like if saved is None else saved.state)
    rest = {} if saved is None else {"frames": saved.frames, "seconds": np.array(saved.seconds)}
    rest = arrays_of_first(rest)
    return storage.Saved(state, rest["frames"], float(rest["seconds"]))


def steps_while_whole(state: State) -> int:
    """Number of steps of all replicas together, each until it was lost."""
    lost_at = np.asarray(state.tally.lost_at)
    return int(np.sum(np.where(lost_at < 0, int(state.step), lost_at), dtype=np.int64))


def ns_per_day(settings: Settings, steps: int, seconds: float) -> float:
    """Simulated time per day [ns] if this number of steps takes `seconds`."""
    return settings.at(steps) / 1000 * 86400 / seconds if seconds > 0 else 0.0
