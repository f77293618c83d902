"""optimistix: BFGS, L-BFGS and Levenberg-Marquardt, with `step` compiled and called in a loop."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers.job import Job
from benchmarks.peers.peer import Peer, Run
from benchmarks.peers.record import Recorder

TOLERANCE = 1e-14
"""Relative and absolute tolerance of a step and its decrease, so that only a stall ends a run before the time limit."""


def prepare(job: Job, solver: str, squares: bool) -> Run:
    optimistix: Any = importlib.import_module("optimistix")
    equinox: Any = importlib.import_module("equinox")
    method = getattr(optimistix, solver)(rtol=TOLERANCE, atol=TOLERANCE)
    frames, start, options, tags = jax.device_put(job.frames), jnp.asarray(job.start), {}, frozenset()
    function = job.residuals if squares else job.loss

    def with_aux(x: jax.Array, frames: Any) -> tuple[jax.Array, None]:
        return function(x, *frames), None

    @equinox.filter_jit
    def first(x: jax.Array, frames: Any) -> Any:
        shape, _ = jax.eval_shape(with_aux, x, frames)
        return method.init(with_aux, x, frames, options, shape, None, tags)

    @equinox.filter_jit
    def step(x: jax.Array, state: Any, frames: Any) -> Any:
        x, state, _ = method.step(with_aux, x, frames, options, state, tags)
        return x, state, *method.terminate(with_aux, x, frames, options, state, tags)

    def run(recorder: Recorder, most: float = float("inf")) -> str:
        x, state, recorder.steps = start, first(start, frames), 0
        while recorder.steps < most:
            x, state, done, result = step(x, state, frames)
            at = np.asarray(x)
            recorder.steps += 1
            recorder.see(lambda at=at: job.coefficients(at))
            if done or result != optimistix.RESULTS.successful:
                return "steps and decreases below 1e-14" if done else optimistix.RESULTS[result]
        return "stopped"

    run(Recorder(limit=float("inf")), most=2)
    return run


HOW = "a point for each step, which is one evaluation; the loop over steps is Python's"
PEERS = tuple(
    Peer(f"optimistix {name}", partial(prepare, solver=name, squares=squares), HOW, ("optimistix", "equinox"))
    for name, squares in (("BFGS", False), ("LBFGS", False), ("LevenbergMarquardt", True))
)
