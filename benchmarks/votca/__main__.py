"""The command; see the package's docstring."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax
import pandas as pd

import benchmarks.votca
from benchmarks.votca import chains, inputs, programs
from benchmarks.votca.coordinates import Slopes, squared_residuals
from benchmarks.votca.grids import grids
from cgcore.files import atomic_write

UNSEEN, JUDGED = 1000, 10_000
"""Number of frames for the held-out loss, made with another seed, and largest number for the loss on the fitted ones,
of which evenly spaced ones are taken if there are more."""


def main() -> None:
    """Print a table for each number of frames, and write them to --output."""
    parser = argparse.ArgumentParser(description=(benchmarks.votca.__doc__ or "").partition("\n")[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[1000], help="numbers of frames, one table for each")
    parser.add_argument("--beads", type=int, default=100, help="number of beads of the chain")
    parser.add_argument("--output", type=Path, metavar="FILE", help="Markdown file to write")
    given = parser.parse_args()
    if shutil.which(programs.PROGRAM) is None:
        print(f"{programs.PROGRAM} is not on the PATH; install it with: apt-get install votca", file=sys.stderr)
        sys.exit(2)
    jax.config.update("jax_enable_x64", True)
    try:
        text = tables(given.frames, given.beads)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    print(text)
    if given.output is not None:
        atomic_write(given.output, text + "\n")


def tables(numbers: Sequence[int], beads: int) -> str:
    """The tables in Markdown; rows are also printed as they are made.

    Raises:
        RuntimeError: cgcore failed.
    """
    parts = [f"{programs.PROGRAM} {programs.version()}, one core for each program, {beads} beads."]
    for frames in numbers:
        with tempfile.TemporaryDirectory() as folder:
            rows = []
            for row in compared(frames, beads, Path(folder)):
                print("  ".join(f"{key}: {value}" for key, value in row.items()), flush=True)
                rows.append(row)
        parts.append(
            f"{frames:,} frames:\n\n" + pd.DataFrame(rows).fillna("").to_markdown(index=False, disable_numparse=True)
        )
    return "\n\n".join(parts)


def compared(frames: int, beads: int, folder: Path) -> Iterator[dict[str, str]]:
    """A row for each program and setting; failures of csg_fmatch are noted in the row.

    Raises:
        RuntimeError: cgcore failed.
    """
    data, unseen = folder / "frames.trr", folder / "unseen.trr"
    inputs.write_trr(data, chains.batches(frames, beads))
    inputs.write_trr(unseen, chains.batches(UNSEEN, beads, seed=1))
    knots = grids(R for R, _ in inputs.read_trr(data))
    (folder / "topology.xml").write_text(inputs.topology(beads))
    (folder / "terms.yaml").write_text(inputs.terms(knots))

    def row(outcome: programs.Outcome) -> dict[str, str]:
        took = {
            "core seconds": f"{outcome.run.core_seconds:.1f}",
            "wall seconds": f"{outcome.run.seconds:.1f}",
            "peak MiB": f"{outcome.run.mebibytes:.0f}",
        }
        return {"program": outcome.program} | losses(outcome.slopes) | took

    def losses(slopes: Slopes) -> dict[str, str]:
        """Losses [(kcal/mol/Å)²] on the frames of both files."""
        every = max(frames // JUDGED, 1)
        return {"loss": f"{loss(data, slopes, every):.6g}", "held-out loss": f"{loss(unseen, slopes):.6g}"}

    yield {"program": "no potential"} | losses({})
    yield row(programs.cgcore(folder))
    for setting in programs.settings(frames, beads, knots):
        try:
            yield row(programs.csg_fmatch(folder, knots, setting))
        except RuntimeError as error:  # for instance, a block has no data in an interval
            said = str(error).strip().splitlines()[-1]
            yield {"program": f"{programs.PROGRAM}, {setting.name}", "loss": f"failed: {said.strip()}"}


def loss(path: Path, slopes: Slopes, every: int = 1) -> float:
    """The squared residual per bead of potentials on every so many frames of a TRR [(kcal/mol/Å)²]."""
    squared = beads = 0.0
    for read in inputs.read_trr(path):
        R, F = (x[::every] for x in read)
        squared += squared_residuals(R, F, slopes)
        beads += R.shape[0] * R.shape[1]
    return squared / beads


if __name__ == "__main__":
    main()
