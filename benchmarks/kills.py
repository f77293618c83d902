"""Kill workers and clients of `cgcore compress --scheduler` at random times, and count wrong factors.

python -m benchmarks.kills [--kills 40] [--seed 0]

A scheduler and two workers run on this machine, and a client compresses two files again and again. After random times,
SIGKILL is sent either to a worker, for which a new one is started, or to the client, which is started again and resumes
from the parts that were kept. Every factor that is written is compared, byte by byte, with that of a single process
without Dask.
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
"""Longest time from the first part that a client keeps to the next kill [s]."""
EARLY = 0.2
"""Fraction of the kills that do not wait for a part, so that they hit a client that starts or connects."""


class Count(NamedTuple):
    """The outcome.

    Arguments:
        workers: number of killed workers.
        clients: number of killed clients.
        right: number of factors equal to that of a single process.
        wrong: number of other factors.
        failed: messages of clients that ended by themselves without a factor.
    """

    workers: int = 0
    clients: int = 0
    right: int = 0
    wrong: int = 0
    failed: tuple[str, ...] = ()


def main() -> None:
    """Run the command."""
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
    """Kill processes, and continue until a last factor is written.

    Arguments:
        folder: an empty folder.
        number: number of kills.
        seed: seed of times and victims.
        frames: number of frames in each of two files.
        latest: longest time from the first part that a client keeps to the next kill [s].
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
    """The outcome after a client that ended by itself."""
    _, said = client.communicate()
    if client.returncode != 0 or not out.exists():
        return count._replace(failed=(*count.failed, f"{client.returncode}: {said.strip()}"))
    right = out.read_bytes() == plain.read_bytes()
    out.unlink()
    return count._replace(right=count.right + right, wrong=count.wrong + (not right))


def _parts(out: Path) -> int:
    """Number of parts that a client has kept."""
    try:
        return len(list(Path(f"{out}.parts").glob("??/*.npz")))
    except FileNotFoundError:  # the client has its factor, and removes their folders meanwhile
        return 0


def _client(data: list[str], out: Path, running: Cluster) -> subprocess.Popen[str]:
    command = [*_command(data, out), "--scheduler", str(running.file)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=QUIET)


def _command(data: list[str], out: Path) -> list[str]:
    return [sys.executable, "-m", "cgcore", "compress", *data, "-o", str(out), "--accept-faults"]


if __name__ == "__main__":
    main()
