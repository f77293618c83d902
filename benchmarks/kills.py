"""Workers and clients of `cgcore compress --scheduler` killed at random moments: how many factors come out wrong.

python -m benchmarks.kills [--kills 40] [--seed 0]

A scheduler and two workers run on this machine. A client compresses two files again and again; after random times
somebody, a worker (for which a new one is started) or the client (which is started again, and goes on from the parts
that were kept), is killed with SIGKILL. Every factor that is written is compared with that of one process without Dask,
byte by byte.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.processes import QUIET, Cluster, cluster
from benchmarks.suites.synthetic import chains

FRAMES, BEADS = 20_000, 30
LATEST = 3.0
"""Seconds from the first part that a client keeps to the next kill, at most."""
EARLY = 0.2
"""Part of the kills for which no part is waited for: they meet a client that starts, or connects."""


class Count(NamedTuple):
    """What came of it.

    Arguments:
        workers: killed.
        clients: killed.
        right: factors that are that of one process.
        wrong: factors that are not.
        failed: clients that ended by themselves without a factor, and what they said.
    """

    workers: int = 0
    clients: int = 0
    right: int = 0
    wrong: int = 0
    failed: tuple[str, ...] = ()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = kills(Path(folder), args.kills, args.seed)
    print(
        f"{found.workers} workers and {found.clients} clients killed: {found.right} factors right, "
        f"{found.wrong} wrong, {len(found.failed)} clients failed"
    )
    for said in found.failed:
        print(f"  {said}")


def kills(folder: Path, number: int, seed: int, frames: int = FRAMES, latest: float = LATEST) -> Count:
    """Kill so many, and go on until a last factor is there.

    Arguments:
        folder: an empty one.
        number: of kills.
        seed: of moments and victims.
        frames: of each of two files.
        latest: seconds from the first part that a client keeps to the next kill, at most.
    """
    rng = np.random.default_rng(seed)
    data = []
    for k in range(2):
        R, F = (x.astype(np.float32) for x in chains(frames, BEADS))
        np.savez(folder / f"{k}.npz", R=R, F=F + np.float32(k))
        data.append(str(folder / f"{k}.npz"))
    plain, out = folder / "plain.npz", folder / "out.npz"
    subprocess.run(_command(data, plain), check=True, env=QUIET, capture_output=True)
    count = Count()
    with cluster(folder) as running:
        client = _client(data, out, running)
        while True:
            last = count.workers + count.clients == number
            early, delay, before = rng.random() < EARLY, rng.uniform(0, latest), _parts(out)
            while client.poll() is None and (last or not (early or _parts(out) > before)):
                time.sleep(0.02)
            deadline = time.monotonic() + delay
            while client.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            if client.poll() is not None:
                count = _judged(count, client, plain, out)
                if last:
                    return count
                client = _client(data, out, running)
            elif rng.random() < 0.5:
                client.kill()
                client.communicate()
                client = _client(data, out, running)
                count = count._replace(clients=count.clients + 1)
            else:
                alive = [worker for worker in running.workers if worker.poll() is None]
                alive[int(rng.integers(len(alive)))].kill()
                running.add_worker()
                count = count._replace(workers=count.workers + 1)


def _judged(count: Count, client: subprocess.Popen[str], plain: Path, out: Path) -> Count:
    """With a client that ended by itself."""
    _, said = client.communicate()
    if client.returncode != 0 or not out.exists():
        return count._replace(failed=(*count.failed, f"{client.returncode}: {said.strip()}"))
    right = out.read_bytes() == plain.read_bytes()
    out.unlink()
    return count._replace(right=count.right + right, wrong=count.wrong + (not right))


def _parts(out: Path) -> int:
    return len(list(Path(f"{out}.parts").glob("??/*.npz")))


def _client(data: list[str], out: Path, running: Cluster) -> subprocess.Popen[str]:
    command = [*_command(data, out), "--scheduler", str(running.file)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=QUIET)


def _command(data: list[str], out: Path) -> list[str]:
    return [sys.executable, "-m", "cgcore", "compress", *data, "-o", str(out), "--accept-faults"]


if __name__ == "__main__":
    main()
