"""Peak memory of a peer, in a process of its own.

python -m benchmarks.peers.memory chignolin "torch LBFGS" [--seconds 5]

The high-water mark of the kernel is set back once packages and data are loaded; then the peer is compiled and run for
a few seconds. What is printed is the rise to the peak in MiB: compiling included, since no one runs without it.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import warnings
from pathlib import Path

import jax

from benchmarks.peers.catalogue import PEERS
from benchmarks.peers.job import JOBS
from benchmarks.peers.record import Recorder

ROOT = Path(__file__).resolve().parents[2]
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
SECONDS = 5.0


def measured(data: str, peer: str, seconds: float = SECONDS) -> float | None:
    """Peak [MiB] of a fresh process; None where the kernel doesn't tell (it takes Linux)."""
    if not RESET.exists():
        return None
    command = [sys.executable, "-m", "benchmarks.peers.memory", data, peer, "--seconds", str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description="Peak memory of a peer in MiB.")
    parser.add_argument("data", choices=JOBS)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    args = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    job, peer = JOBS[args.data](), PEERS[args.peer]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the packages warn of is shown by the timed run
        for package in peer.needs:
            importlib.import_module(package)
        jax.block_until_ready(jax.device_put((job.frames, job.start)))
        RESET.write_text("5")
        before = kilobytes("VmRSS")
        Recorder(args.seconds).run(peer.prepare(job))
    print((kilobytes("VmHWM") - before) / 1024)


def kilobytes(key: str) -> int:
    """A line of /proc/self/status."""
    return next(int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith(key + ":"))


if __name__ == "__main__":
    main()
