"""SciPy with functions compiled by JAX: L-BFGS-B, and least squares with the exact Jacobian."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import jax
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.peers.job import Flat, Job
from benchmarks.peers.peer import Peer, Run
from benchmarks.peers.record import Recorder

NEVER = 10**8
"""Limit of iterations and evaluations, so that only the time limit ends a run early."""


def lbfgsb(job: Job) -> Run:
    from scipy.optimize import minimize

    frames = jax.device_put(job.frames)
    both = jax.jit(jax.value_and_grad(job.loss))

    def value_and_grad(x: Flat) -> tuple[float, Flat]:
        value, grad = both(x, *frames)
        return float(value), np.asarray(grad)

    def run(recorder: Recorder) -> str:
        def seen(x: Flat) -> tuple[float, Flat]:
            found = value_and_grad(x)
            recorder.see(lambda: job.coefficients(x))
            return found

        limits = {"maxcor": 10, "ftol": 0.0, "gtol": 1e-10, "maxiter": NEVER, "maxfun": NEVER}
        # For vectors of 28 numbers, more BLAS threads would only compete with XLA's.
        with threadpool_limits(1, user_api="blas"):
            return minimize(seen, job.start, jac=True, method="L-BFGS-B", options=limits).message

    value_and_grad(job.start)
    return run


def least_squares(job: Job, method: Literal["trf", "lm"]) -> Run:
    import scipy.optimize

    frames = jax.device_put(job.frames)
    values, slopes = jax.jit(job.residuals), jax.jit(jax.jacfwd(job.residuals))

    def run(recorder: Recorder) -> str:
        def residuals(x: Flat) -> Any:
            found = np.asarray(values(x, *frames))
            recorder.see(lambda: job.coefficients(x))
            return found

        def jacobian(x: Flat) -> Any:
            return np.asarray(slopes(x, *frames))

        solve: Any = scipy.optimize.least_squares  # its type stub does not allow a function for the Jacobian
        tolerances = dict.fromkeys(("ftol", "xtol", "gtol"), float(np.finfo(float).eps))
        scaled = {"method": method, "x_scale": "jac"}
        return solve(residuals, job.start, jacobian, max_nfev=NEVER, **scaled, **tolerances).message

    jax.block_until_ready((values(job.start, *frames), slopes(job.start, *frames)))
    return run


PEERS = (
    Peer("scipy L-BFGS-B", lbfgsb, "a point for each evaluation of value and gradient", ("scipy",)),
    *(
        Peer(
            f"scipy least_squares, {method}",
            partial(least_squares, method=method),
            "a point for each evaluation of the residuals; Jacobians are timed, and not counted as evaluations",
            ("scipy",),
        )
        for method in ("trf", "lm")
    ),
)
