"""Scaling of the factor pass with workers, frames and beads: cost of a frame, network traffic, and extrapolation.

python -m benchmarks.scaling [--frames 1000 10000 100000] [--beads 10 100 1000] [--workers 1 2 4] [--most 1000000]

Sizes of up to `--most` frames x beads are measured on this machine, each with one process without Dask and with the
given numbers of workers of `local:N`; all factors must be equal, bit for bit. Wall time is meaningful only if the
machine has as many idle cores as workers; processor time, summed over all processes, is the cost of a frame on any
machine. Larger numbers of frames are extrapolated from the largest measured one with the same number of beads, in
proportion to the frames, and marked as such.
"""

from __future__ import annotations

import argparse
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import cgcore
from benchmarks.suites.synthetic import chains
from cgcore.cli.setup import cache_environment, use_compilation_cache
from cgcore.cluster import connected, on_workers
from cgcore.cluster.parcel import Parcel
from cgcore.data.batches import all_cuts, pieces_of
from cgcore.factor.compress import BLOCKS
from cgcore.factor.execution import Execute, on_threads

BEYOND = (10**7, 10**9)
"""Numbers of frames of the extrapolated rows."""
REPEATS = 2


class Row(NamedTuple):
    """A line of the table.

    Arguments:
        beads, frames: size of the data.
        workers: number of Dask processes; 0 for threads of one process.
        wall, cores: wall time and processor time of the pass [s].
        network: bytes sent and received.
        how: "measured" or "extrapolated".
    """

    beads: int
    frames: int
    workers: int
    wall: float
    cores: float
    network: float
    how: str


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[10**3, 10**4, 10**5])
    parser.add_argument("--beads", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--most", type=int, default=10**6, help="largest frames x beads that is measured")
    args = parser.parse_args()
    sizes = [(b, f) for b in args.beads for f in sorted(args.frames) if b * f <= args.most]
    use_compilation_cache()  # so that programs are compiled once and not by each worker
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for row in measured(Path(folder), sizes, args.workers):
            print(row, file=sys.stderr, flush=True)
            rows.append(row)
    rows += extrapolated(rows)
    print(f"{os.cpu_count()} cores\n")
    print(table(rows).to_markdown(index=False))


def measured(folder: Path, sizes: list[tuple[int, int]], workers: list[int]) -> Iterator[Row]:
    """Rows for each size, with threads and then with each number of workers."""
    fingerprint = cgcore.Fingerprint.of(cgcore.default_prior())
    datasets, plain = {}, {}
    for beads, frames in sizes:
        R, F = chains(frames, beads)
        np.savez(folder / f"{beads}x{frames}.npz", R=R, F=F)
        dataset = datasets[beads, frames] = cgcore.read(folder / f"{beads}x{frames}.npz", accept_faults=True)
        plain[beads, frames] = cgcore.compress(dataset, fingerprint).S
        wall, cores = timed(dataset, on_threads, time.process_time)
        yield Row(beads, frames, 0, wall, cores, 0, "measured")
    for number in workers:
        with connected(f"local:{number}", cache_environment()) as client:

            def spent(client: Any = client) -> float:
                return time.process_time() + sum(client.run(time.process_time).values())

            for (beads, frames), dataset in datasets.items():
                found = cgcore.compress(dataset, fingerprint, execute=on_workers(client))
                if not np.array_equal(found.S, plain[beads, frames]):
                    raise RuntimeError(f"{number} workers give a different factor for {frames} frames of {beads} beads")
                wall, cores = timed(dataset, on_workers(client), spent)
                yield Row(beads, frames, number, wall, cores, network(dataset), "measured")


def timed(dataset: cgcore.Dataset, execute: Execute, spent: Callable[[], float]) -> tuple[float, float]:
    """The shortest wall time and processor time of some passes [s], after one that compiles."""
    found = []
    for _ in range(REPEATS):
        wall, cores = time.perf_counter(), spent()
        cgcore.compress(dataset, cgcore.Fingerprint.of(cgcore.default_prior()), execute=execute)
        found.append((time.perf_counter() - wall, spent() - cores))
    walls, each = zip(*found, strict=True)
    return min(walls), min(each)


def network(dataset: cgcore.Dataset) -> int:
    """Size of the parcels and parts as they are sent [bytes]."""
    size = cgcore.Fingerprint.of(cgcore.default_prior()).layout.size + 1
    total = 0
    for piece in pieces_of(all_cuts(dataset, dataset.segments(BLOCKS), size)):
        part = 8 * size**2 + sum(8 * (len(edges) - 1) for edges in _edges())
        total += len(pickle.dumps(Parcel.of(piece))) + part
    return total


def _edges() -> list[np.ndarray]:
    from cgcore.factor.histogram import CLOSEST, EDGES

    return [*EDGES.values(), CLOSEST, CLOSEST]  # for repulsion and excluded volume


def extrapolated(rows: list[Row]) -> Iterator[Row]:
    """Rows in proportion to the frames, from the largest measured number: processor time and network, not wall time."""
    for beads in dict.fromkeys(row.beads for row in rows):
        own = [row for row in rows if row.beads == beads and row.workers]
        frames = max(row.frames for row in own)
        best = min((row for row in own if row.frames == frames), key=lambda row: row.cores)
        for more in BEYOND:
            # Assume pieces of the largest size, since only then is network traffic proportional to the number of
            # frames.
            times = more / frames
            yield Row(beads, more, 0, float("nan"), best.cores * times, _pieces(beads, more) * 20e3, "extrapolated")


def _pieces(beads: int, frames: int) -> int:
    """Number of pieces for frames of one protein in one file."""
    from cgcore.data.batches import BATCHES_OF_PIECE, ROWS_AT_ONCE

    return max(BLOCKS, -(-frames // (BATCHES_OF_PIECE * max(ROWS_AT_ONCE // (3 * beads), 1))))


def table(rows: list[Row]) -> pd.DataFrame:
    """The table as in docs/cluster.md."""
    return pd.DataFrame(
        {
            "beads": [f"{row.beads:,}" for row in rows],
            "frames": [f"{row.frames:.0e}".replace("e+0", "e") for row in rows],
            "workers": ["any" if row.how == "extrapolated" else row.workers or "none" for row in rows],
            "wall": ["" if np.isnan(row.wall) else f"{row.wall:.2f} s" for row in rows],
            "processors": [_spoken(row.cores) for row in rows],
            "a frame": [f"{row.cores / row.frames * 1e6:.1f} µs" for row in rows],
            "network": ["" if row.network == 0 else f"{row.network / 1e3:,.0f} kB" for row in rows],
            "": [row.how for row in rows],
        }
    )


def _spoken(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 600 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    main()
