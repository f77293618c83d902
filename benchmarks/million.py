"""Cost of `cgcore fit` on millions of frames compared with its factor pass, and compilation in a first fit.

python -m benchmarks.million [--frames 1870000] [--repeats 3]

The frames are those of the bundled set, each rotated at random and with a little noise, so that none occurs twice. Fits
and passes alternate, so that other work on the machine disturbs both, and the minimum of each is used. If cores are
shared with other processes, compare processor times, which do not include waiting.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

import cgcore
from benchmarks.measure import measured
from benchmarks.processes import QUIET

NOISE_R, NOISE_F = 0.01, 0.1
"""Standard deviations of the noise [Å, kcal/mol/Å]: 1/6 of the fluctuation of bonds, and 1/200 of the forces."""
AT_ONCE = 50_000
PASSES = 2


class Cost(NamedTuple):
    """Wall time and time of all processors [s], and peak memory [MB]; NaN if it is not meaningful."""

    wall: float
    cores: float
    peak: float = float("nan")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=1_870_000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder) / "frames.npz", Path(folder) / "out"
        write(path, args.frames)
        print(f"{args.frames:,} frames x 10 beads, {path.stat().st_size / 1e9:.2f} GB, {os.cpu_count()} cores\n")
        command = [sys.executable, "-m", "cgcore", "fit", str(path), "--output", str(output)]
        fits, passes = [], []
        for _ in range(args.repeats):
            fits.append(process(command, Path(folder)))
            passes.append(passes_of(path))
        print(table(fits, passes))
        print("\n" + compiling(Path(folder)))


def write(path: Path, frames: int, seed: int = 0) -> None:
    """Write an NPZ with the keys of the bundled set."""
    with np.load(cgcore.datasets.BUNDLED) as bundled:
        own = dict(bundled)
    rng = np.random.default_rng(seed)
    R, F = (np.empty((frames, *own["R"].shape[1:]), np.float32) for _ in range(2))
    for start in range(0, frames, AT_ONCE):
        rows = np.arange(start, min(start + AT_ONCE, frames))
        R[rows], F[rows] = turned(own["R"][rows % len(own["R"])], own["F"][rows % len(own["F"])], rng)
    for key in ("mask", "species"):
        own[key] = np.broadcast_to(own[key][0], (frames, *own[key].shape[1:]))
    np.savez(path, allow_pickle=False, **own | {"R": R, "F": F})


def turned(
    R: Float[np.ndarray, "frames beads 3"], F: Float[np.ndarray, "frames beads 3"], rng: np.random.Generator
) -> tuple[Float[np.ndarray, "frames beads 3"], Float[np.ndarray, "frames beads 3"]]:
    """Rotate each frame about its centre, and add noise."""
    turn = Rotation.random(len(R), rng=rng).as_matrix()
    R = R - R.mean(axis=1, keepdims=True)
    turned_R, turned_F = (np.einsum("fxy,fby->fbx", turn, x) for x in (R, F))
    return turned_R + rng.normal(0, NOISE_R, R.shape), turned_F + rng.normal(0, NOISE_F, F.shape)


def process(command: list[str], folder: Path, **environment: str) -> Cost:
    """The cost of a command from start to end.

    Raises:
        RuntimeError: the command failed.
    """
    run = measured(command, folder, environment, one_core=False)
    return Cost(run.seconds, run.core_seconds, run.mebibytes * 2**20 / 1e6)


def passes_of(path: Path) -> Cost:
    """The cost of the pass over frames in their file, in a process that has compiled it and checked the frames."""
    code = f"from benchmarks.million import warm_pass; warm_pass({str(path)!r})"
    said = subprocess.run([sys.executable, "-c", code], env=QUIET, check=True, capture_output=True, text=True).stdout
    return Cost(*json.loads(said))


def warm_pass(path: str) -> None:
    """Print the smallest wall time and processor time of some passes."""
    from cgcore.cli.setup import prepare_jax

    prepare_jax(cache=True)
    data, fingerprint = cgcore.read(path), cgcore.Fingerprint.of(cgcore.default_prior())
    walls, cores = [], []
    for _ in range(1 + PASSES):
        wall, spent = time.perf_counter(), time.process_time()
        cgcore.compress(data, fingerprint)
        walls.append(time.perf_counter() - wall)
        cores.append(time.process_time() - spent)
    print(json.dumps([min(walls[1:]), min(cores[1:])]))


def table(fits: list[Cost], passes: list[Cost]) -> str:
    """The minimum of each, and their ratio, as a table."""
    fit, alone = (Cost(*map(min, zip(*costs, strict=True))) for costs in (fits, passes))
    return "\n".join(
        [
            "|  | wall | processors | peak memory |",
            "|---|---|---|---|",
            f"| `cgcore fit`, whole process | {fit.wall:.1f} s | {fit.cores:.1f} s | {fit.peak:,.0f} MB |",
            f"| the pass alone, warm | {alone.wall:.1f} s | {alone.cores:.1f} s | |",
            f"| ratio | {fit.wall / alone.wall:.2f} | {fit.cores / alone.cores:.2f} | |",
        ]
    )


def compiling(folder: Path) -> str:
    """The time of a first fit of the bundled set without compiled programs, and the fraction spent in compilation."""
    command = [sys.executable, "-m", "cgcore", "fit", "--output", str(folder / "first")]
    cost = process(command, folder, JAX_ENABLE_COMPILATION_CACHE="false")
    seconds = json.loads((folder / "first" / "fit.json").read_text())["seconds"]
    return (
        f"First fit of the bundled set, nothing compiled before: {cost.wall:.1f} s, {seconds['compile']:.1f} s of it "
        f"in JAX's compiler; processors {cost.cores:.1f} s"
    )


if __name__ == "__main__":
    main()
