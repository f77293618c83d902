"""VOTCA's csg_fmatch, a C++ force-matching code, on the same frames with cubic splines.

python -m benchmarks.peers.votca [--data chignolin]

Install it with `apt-get install votca` (Debian, Ubuntu; written for 2022.1). It fits another model than cgcore, so
there is no gap: each term is a spline of its coordinate (bonds, angles, dihedrals, and pairs with j - i >= 6), found by
Householder QR of the dense matrix. What is compared is the time of one pass over all frames with its solution, and
the force residual of the best that the model can do. The seconds are those of the whole program, which reads a text
file; cgcore's begin at frames in memory.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

import cgcore
from benchmarks.peers.job import JOBS, Job
from benchmarks.timing import best_of

PROGRAM = "csg_fmatch"
KJ, NM = 4.184, 10.0
"""kJ in a kcal and Å in a nm: csg_fmatch reads a LAMMPS dump in Å and kcal/mol/Å, and works in nm and kJ/mol."""

INTERVALS = {"bond": 8, "angle": 24, "dihedral": 40, "pair": 24}
BEADS = {"bond": 2, "angle": 3, "dihedral": 4, "pair": 2}
RESIDUAL = re.compile(r"Chi_2\[\(kJ/\(mol\*nm\)\)\^2\] = (\S+)")


def main() -> None:
    parser = argparse.ArgumentParser(description="Force matching by VOTCA and by cgcore on the same frames.")
    parser.add_argument("--data", choices=JOBS, default="chignolin")
    args = parser.parse_args()
    if shutil.which(PROGRAM) is None:
        print(f"skipped: {PROGRAM} is not on the PATH; install it with: apt-get install votca")
        return
    job = JOBS[args.data]()
    R, _, _ = job.frames
    with tempfile.TemporaryDirectory() as folder:
        printed = prepared(job, Path(folder))
        seconds = best_of(2, printed)
        loss = residual(printed())
        size = (Path(folder) / "frames.dump").stat().st_size / 2**20
    own = best_of(3, lambda: cgcore.fit(job.dataset, job.prior, cgcore.Options(truncation=0.0)))
    print(f"{job.name}: {R.shape[0]} frames x {R.shape[1]} beads")
    print(f"csg_fmatch {seconds:8.3f} s  loss {loss:.6g} (kcal/mol/Å)²  splines; reads {size:.0f} MiB of text")
    print(f"cgcore     {own:8.3f} s  loss {job.best:.6g} (kcal/mol/Å)²  {len(job.start)} parameters, all directions")
    print(f"csg_fmatch / cgcore = {seconds / own:.1f} in time, {loss / job.best:.5f} in loss")


def prepared(job: Job, folder: Path) -> Callable[[], str]:
    """The program with its input files in place; each call fits once and returns what it prints."""
    R, F, mask = job.frames
    assert mask.all(), "a LAMMPS dump knows no padding"
    groups = interactions(R.shape[1])
    (folder / "topology.xml").write_text(topology(R.shape[1], groups))
    (folder / "options.xml").write_text(options(R, groups))
    with open(folder / "frames.dump", "w") as file:
        file.writelines(dump(R, F))
    command = [PROGRAM, "--no-map", "--top", "topology.xml", "--trj", "frames.dump", "--options", "options.xml"]
    return lambda: subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def residual(printed: str) -> float:
    """cgcore's loss [(kcal/mol/Å)²], per bead; the program's is per component, in kJ/mol and nm."""
    found = RESIDUAL.search(printed)
    assert found is not None, f"{PROGRAM} printed no residual"
    return 3 * float(found[1]) / (KJ * NM) ** 2


def interactions(beads: int) -> dict[str, np.ndarray]:
    """Beads of each interaction; pairs are written as bonds, since exclusions end at four beads."""
    i = np.arange(beads)
    groups = {name: np.stack([i[k : beads - n + 1 + k] for k in range(n)], 1) for name, n in BEADS.items()}
    return groups | {"pair": np.argwhere(i[None, :] - i[:, None] >= 6)}


def topology(beads: int, groups: dict[str, np.ndarray]) -> str:
    """One chain of beads of one type, and its interactions."""
    names = "".join(f'<bead name="B{i}" type="B" mass="1" q="0"/>' for i in range(beads))
    bonded = "".join(
        f"<{tag}><name>{name}</name><beads>{' '.join(f'P:B{i}' for i in rows.ravel())}</beads></{tag}>"
        for name, rows in groups.items()
        for tag in ["bond" if name == "pair" else name]
    )
    chain = f'<molecule name="P" nmols="1" nbeads={quoteattr(str(beads))}>{names}</molecule>'
    return f"<topology><molecules>{chain}</molecules><bonded>{bonded}</bonded></topology>"


def options(R: np.ndarray, groups: dict[str, np.ndarray]) -> str:
    """A spline for each group over the range of its coordinate, and all frames in one block."""
    terms = []
    for name, rows in groups.items():
        low, high = (-np.pi, np.pi) if name == "dihedral" else extent(R, rows)
        step = (high - low) / INTERVALS[name]
        periodic = "<periodic>1</periodic>" * (name == "dihedral")
        grid = f"<min>{low:.9f}</min><max>{high:.9f}</max><step>{step:.9f}</step><out_step>{step / 4:.9f}</out_step>"
        terms.append(f"<bonded><name>{name}</name><fmatch>{periodic}{grid}</fmatch></bonded>")
    block = f"<frames_per_block>{len(R)}</frames_per_block><constrainedLS>false</constrainedLS>"
    return f"<cg><fmatch>{block}</fmatch>{''.join(terms)}</cg>"


def extent(R: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
    """Smallest and largest distance [nm] or angle [rad] of these beads."""
    first = R[:, rows[:, 1]] - R[:, rows[:, 0]]
    length = np.linalg.norm(first, axis=-1)
    if rows.shape[1] == 2:
        return float(length.min()) / NM, float(length.max()) / NM
    last = R[:, rows[:, 2]] - R[:, rows[:, 1]]
    angle = np.arccos(np.clip(-np.sum(first * last, -1) / (length * np.linalg.norm(last, axis=-1)), -1, 1))
    return float(angle.min()), float(angle.max())


def dump(R: np.ndarray, F: np.ndarray) -> Iterator[str]:
    """A LAMMPS dump, frame by frame; a box of no size is free space."""
    head = f"ITEM: NUMBER OF ATOMS\n{R.shape[1]}\nITEM: BOX BOUNDS pp pp pp\n" + "0 0\n" * 3
    columns = "ITEM: ATOMS id x y z fx fy fz\n"
    for step, (r, f) in enumerate(zip(R, F, strict=True)):
        rows = (f"{i} " + " ".join(f"{x:.9g}" for x in (*a, *b)) for i, (a, b) in enumerate(zip(r, f, strict=True), 1))
        yield f"ITEM: TIMESTEP\n{step}\n{head}{columns}" + "\n".join(rows) + "\n"


if __name__ == "__main__":
    main()
