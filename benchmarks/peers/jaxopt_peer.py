"""jaxopt's L-BFGS, its `update` compiled and called in a loop."""

from __future__ import annotations

import importlib
from typing import Any

import jax
import numpy as np

from benchmarks.peers.job import Job
from benchmarks.peers.peer import Peer, Run
from benchmarks.peers.record import Recorder

DEPRECATED = "ignore:JAXopt is no longer maintained:DeprecationWarning"
"""The warning of `import jaxopt`, which is compared nevertheless, since existing scripts still use it."""


def prepare(job: Job) -> Run:
    jaxopt: Any = importlib.import_module("jaxopt")
    frames = jax.device_put(job.frames)
    solver = jaxopt.LBFGS(jax.value_and_grad(job.loss), value_and_grad=True, tol=1e-10, history_size=10)
    start = jax.numpy.asarray(job.start)
    first, update = jax.jit(solver.init_state), jax.jit(solver.update)
    jax.block_until_ready(update(start, first(start, *frames), *frames))

    def run(recorder: Recorder) -> str:
        x, state, seen = start, first(start, *frames), 0
        while state.error > solver.tol:
            x, state = update(x, state, *frames)
            at, total = np.asarray(x), int(state.num_fun_eval)
            recorder.steps = int(state.iter_num)
            recorder.see(lambda at=at: job.coefficients(at), total - seen)
            seen = total
        return f"gradient norm {float(state.error):.1e}"

    return run


HOW = "a point for each step; the loop over steps is Python's, which costs microseconds beside an evaluation"
PEERS = (Peer("jaxopt L-BFGS", prepare, HOW, ("jaxopt",), noise=(DEPRECATED,)),)
