"""Each peer on each data set: pytest benchmarks/peers --benchmark-only"""

from __future__ import annotations

import time
from typing import Any

import pytest

from benchmarks.peers.job import Job
from benchmarks.peers.memory import measured
from benchmarks.peers.peer import Peer
from benchmarks.peers.record import Recorder
from benchmarks.peers.score import judged
from benchmarks.peers.table import Row


def test_peer(benchmark: Any, job: Job, peer: Peer, rows: list[Row], request: pytest.FixtureRequest) -> None:
    if reason := peer.missing:
        rows.append(Row(job.name, peer.name, skipped=reason))
        pytest.skip(reason)
    begun = time.perf_counter()
    run = peer.prepare(job)
    prepared = time.perf_counter() - begun
    limit: Any = request.config.getoption("--peer-seconds")
    records: list[Recorder] = []

    def fresh() -> tuple[tuple[Recorder], dict[str, Any]]:
        records.append(Recorder(limit * peer.patience))
        return (records[-1],), {}

    benchmark.pedantic(lambda recorder: recorder.run(run), setup=fresh, rounds=peer.rounds, iterations=1)
    fastest = min(records, key=lambda record: record.points[-1].seconds if record.points else float("inf"))
    score = judged(job, fastest)
    memory = None if request.config.getoption("--peer-no-memory") else measured(job.name, peer.name)
    benchmark.extra_info.update(score.as_dict() | {"prepared": prepared, "memory": memory, "how": peer.how})
    rows.append(Row(job.name, peer.name, score, prepared, memory))
