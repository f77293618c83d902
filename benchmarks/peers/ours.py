"""cgcore itself: the complete fit, from frames in memory to the result."""

from __future__ import annotations

from functools import partial

import cgcore
from benchmarks.peers.job import Job
from benchmarks.peers.peer import Peer, Run
from benchmarks.peers.record import Recorder

ALL, DEFAULT = "cgcore, all directions", "cgcore, default"


def prepare(job: Job, options: cgcore.Options, own_optimum: bool) -> Run:
    """A fit with these options; with `own_optimum`, its gap is relative to the optimum of its own problem."""

    def run(recorder: Recorder) -> str:
        result = cgcore.fit(job.dataset, job.prior, options)
        recorder.see(lambda: cgcore.to_coefficients(result.fitted_params), result.evaluations)
        recorder.steps = result.steps
        if own_optimum:
            recorder.best = result.train_loss - (result.certificate.objective - result.certificate.lower_bound)
        return result.status.name

    run(Recorder(limit=float("inf")))
    return run


HOW = "one point, the result; evaluations are those of the loss on the factor, after one pass over the data"
PEERS = (
    Peer(
        ALL,
        partial(prepare, options=cgcore.Options(constraints="none", truncation=0.0), own_optimum=False),
        HOW,
        rounds=7,
    ),
    Peer(
        DEFAULT,
        partial(prepare, options=cgcore.Options(), own_optimum=True),
        HOW + "; a smoothed, constrained, cross-validated problem; the gap is relative to its own optimum",
        rounds=7,
    ),
)
