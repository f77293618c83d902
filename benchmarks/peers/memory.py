"""Peak memory of a peer, measured in a separate process.

python -m benchmarks.peers.memory chignolin "torch LBFGS" [--seconds 5]

The kernel's high-water mark is reset once packages and data are loaded; then the peer is compiled and run for a few
seconds. The increase up to the peak is printed in MiB; it includes compilation, which every run needs.
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
    """Peak memory of a new process [MiB]; None if the kernel doesn't report it (requires Linux)."""
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
        warnings.simplefilter("ignore")  # the timed run shows the packages' warnings
        for package in peer.needs:
            importlib.import_module(package)
        jax.block_until_ready(jax.device_put((job.frames, job.start)))
        RESET.write_text("5")
        before = kilobytes("VmRSS")
        Recorder(args.seconds).run(peer.prepare(job))
    print((kilobytes("VmHWM") - before) / 1024)


def kilobytes(key: str) -> int:
    """The value of a line in /proc/self/status [kB]."""
    return next(int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith(key + ":"))


if __name__ == "__main__":
    main()
