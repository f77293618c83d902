"""LAPACK's least-squares drivers on the explicit matrix X of forces that are linear in the coefficients."""

from __future__ import annotations

from functools import partial
from typing import Literal

import jax
import numpy as np
from threadpoolctl import threadpool_limits

import cgcore
from benchmarks.peers.job import Job
from benchmarks.peers.peer import Peer, Run
from benchmarks.peers.record import Recorder
from benchmarks.timing import best_of


def prepare(job: Job, driver: Literal["gelsd", "gelsy"]) -> Run:
    """`scipy.linalg.lstsq` with its own cut-off; the matrix is computed by cgcore's compiled code."""
    from scipy.linalg import lstsq

    R, F, mask = job.frames
    layout = cgcore.Layout.of(job.prior)
    lengths = mask.sum(axis=1)
    design = jax.jit(lambda R, lengths: cgcore.design_matrix(layout.terms, R, lengths))

    def run(recorder: Recorder) -> str:
        X = np.asarray(design(R, lengths)).reshape(layout.size, -1).T
        c, _, rank, _ = lstsq(X, np.transpose(F).ravel(), lapack_driver=driver)  # type: ignore[misc]
        recorder.see(lambda: c)
        return f"rank {rank} of {layout.size}"

    def threaded(recorder: Recorder, threads: int | None) -> str:
        with threadpool_limits(threads, user_api="blas"):
            return run(recorder)

    def seconds(threads: int | None) -> float:
        return best_of(2, lambda: threaded(Recorder(limit=float("inf")), threads))

    assert mask.all(), "rows of padded beads would have to be left out"
    # Busy-waiting BLAS threads slow down XLA's.
    return partial(threaded, threads=min((1, None), key=seconds))


PEERS = tuple(
    Peer(
        f"LAPACK {driver}",
        partial(prepare, driver=driver),
        "one point, the solution; making the matrix is timed, too; one thread of BLAS or all, whichever is faster",
        ("scipy",),
        rounds=7,
    )
    for driver in ("gelsd", "gelsy")
)
