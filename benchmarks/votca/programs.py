"""Runs of both programs on the same frames: their cost, and the resulting potentials."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Run, measured
from benchmarks.votca import inputs
from benchmarks.votca.coordinates import Slopes
from benchmarks.votca.grids import Grid
from benchmarks.votca.results import fitted, tables

PROGRAM = "csg_fmatch"
MANUAL = 6
"""Number of frames of a block in the example of VOTCA's manual, which also leaves `constrainedLS` off."""

COPIES = 3.2
"""Memory of csg_fmatch with `constrainedLS`, as a multiple of the size of its matrix (measured)."""

LEAST_SQUARES = ("--constraints", "none", "--truncation", "0")
"""Options of `cgcore fit` for plain least squares over all directions, as in csg_fmatch."""


FILLED = 0.75
"""Largest fraction of the free memory for a block."""


class Outcome(NamedTuple):
    """A run and its potentials."""

    program: str
    run: Run
    slopes: Slopes


def csg_fmatch(folder: Path, grids: Mapping[str, Grid], setting: inputs.Setting) -> Outcome:
    """Run csg_fmatch on `frames.trr` and `topology.xml` in a folder."""
    (folder / "options.xml").write_text(inputs.options(grids, setting))
    command = [PROGRAM, "--no-map", "--top", "topology.xml", "--trj", "frames.trr", "--options", "options.xml"]
    run = measured(command, folder)
    return Outcome(f"{PROGRAM}, {setting.name}", run, tables(folder, grids))


def cgcore(folder: Path) -> Outcome:
    """Run cgcore on `frames.trr` and `terms.yaml` in a folder, without compiled programs."""
    command = [sys.executable, "-m", "cgcore", "fit", "frames.trr", "--config", "terms.yaml", "--output", "fit"]
    run = measured([*command, *LEAST_SQUARES], folder, {"XDG_CACHE_HOME": str(folder / "cache")})
    return Outcome("cgcore", run, fitted(folder / "fit"))


def settings(frames: int, beads: int, grids: Mapping[str, Grid]) -> list[inputs.Setting]:
    """The settings of csg_fmatch: one block of all frames if it fits into free memory, else the fewest blocks of equal
    size that do, with exact and with pressed smoothness; and the manual's example."""
    columns = 2 * sum(grid.intervals + 1 for grid in grids.values())
    frame = COPIES * 8 * 3 * beads * columns
    fits = int(FILLED * available() / frame)
    block = frames // -(-frames // max(fits, 1))
    return [inputs.Setting(block, True), inputs.Setting(block, False), inputs.Setting(MANUAL, False)]


def available() -> int:
    """Available memory [bytes]."""
    found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    assert found is not None, "the kernel does not report MemAvailable; this requires Linux"
    return 1024 * int(found[1])


def version() -> str:
    """The version of csg_fmatch."""
    found = re.search(rf"{PROGRAM}, version (\S+)", measured([PROGRAM, "--help"], Path(os.curdir).resolve()).printed)
    return "of unknown version" if found is None else found[1]
