"""Input files of the programs: a GROMACS TRR for both, XML for csg_fmatch, and YAML for cgcore."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

import numpy as np
import yaml
from MDAnalysis.lib.formats.libmdaxdr import TRRFile

from benchmarks.votca.chains import BATCH, Frames
from benchmarks.votca.coordinates import NEAREST, rows
from benchmarks.votca.grids import Grid

KJ, NM = 4.184, 10.0
"""kJ per kcal, and Å per nm."""

DEGREE = 4
"""Degree of potentials whose slopes are cubic splines, like those of csg_fmatch."""

POINTS = 3
"""Number of points of csg_fmatch's tables per interval: with both ends four, which determine the cubic."""


class Setting(NamedTuple):
    """Settings of csg_fmatch.

    Arguments:
        frames_per_block: number of frames of a block; the result is the mean of the solutions for blocks.
        constrained: whether smoothness at knots is exact, or only imposed by rows of weight 1.
    """

    frames_per_block: int
    constrained: bool

    @property
    def name(self) -> str:
        """Name in the table."""
        return f"blocks of {self.frames_per_block}, {'exact' if self.constrained else 'pressed'} smoothness"


def write_trr(path: Path, batches: Iterable[Frames]) -> None:
    """Write positions and forces in float32, without a box."""
    box, number = np.zeros((3, 3), np.float32), 0
    with TRRFile(str(path), "w") as file:
        for R, F in batches:
            for x, f in zip((R / NM).astype(np.float32), (F * KJ * NM).astype(np.float32), strict=True):
                file.write(x, None, f, box, number, float(number), 0.0, len(x))
                number += 1


def read_trr(path: Path) -> Iterator[Frames]:
    """Read a file written by `write_trr`, in batches, in Å and kcal/mol/Å and in float64."""
    with TRRFile(str(path)) as file:
        for first in range(0, len(file), BATCH):
            read = [file.read() for _ in range(min(BATCH, len(file) - first))]
            x, f = (np.array([getattr(frame, name) for frame in read], float) for name in "xf")
            yield Frames(x * NM, f / (KJ * NM))


def topology(beads: int) -> str:
    """csg_fmatch's topology: one chain of beads of one type with bonds, angles and dihedrals; pairs that share one of
    these are excluded from the non-bonded interaction."""
    names = "".join(f'<bead name="B{i}" type="B" mass="1" q="0"/>' for i in range(beads))
    bonded = "".join(
        f"<{name}><name>{name}</name><beads>{' '.join(f'P:B{i}' for i in rows(name, beads).ravel())}</beads></{name}>"
        for name in ("bond", "angle", "dihedral")
    )
    chain = f'<molecule name="P" nmols="1" nbeads="{beads}">{names}</molecule>'
    return f"<topology><molecules>{chain}</molecules><bonded>{bonded}</bonded></topology>"


def options(grids: Mapping[str, Grid], setting: Setting) -> str:
    """csg_fmatch's settings file."""
    terms = []
    for name, grid in grids.items():
        scale = NM if name in ("bond", "pair") else 1.0
        numbers = {
            "min": grid.low / scale,
            "max": grid.high / scale,
            "step": grid.step / scale,
            # Slightly less, since csg_fmatch truncates the number of points.
            "out_step": grid.step / scale / POINTS * (1 - 1e-12),
        }
        inside = "".join(f"<{key}>{value!r}</{key}>" for key, value in numbers.items())
        inside += "<periodic>1</periodic>" * (name == "dihedral")
        kind, types = ("non-bonded", "<type1>B</type1><type2>B</type2>") if name == "pair" else ("bonded", "")
        terms.append(f"<{kind}><name>{escape(name)}</name>{types}<fmatch>{inside}</fmatch></{kind}>")
    constrained = "true" if setting.constrained else "false"
    block = f"<frames_per_block>{setting.frames_per_block}</frames_per_block>"
    block += f"<constrainedLS>{constrained}</constrainedLS>"
    return f"<cg><fmatch>{block}</fmatch>{''.join(terms)}</cg>"


def terms(grids: Mapping[str, Grid]) -> str:
    """cgcore's configuration: the same splines in place of all terms of the prior."""
    kinds = {"bond": "bonds", "angle": "angles", "dihedral": "dihedrals", "pair": "pairs"}
    declared = {}
    for name, grid in grids.items():
        knots = grid.further if name == "pair" else grid.knots
        block = {"rows": kinds[name], "basis": "bspline", "degree": DEGREE, "knots": knots.tolist()}
        declared[TERMS[name]] = block | ({"separation": [NEAREST, None]} if name == "pair" else {})
    model = {"priors": {"weights": {"excluded_volume": None}}, "terms": declared}
    return yaml.safe_dump({"dialect": "cgcore", "model": model}, sort_keys=False)


TERMS = {"bond": "bond", "angle": "angle", "dihedral": "dihedral", "pair": "repulsive"}
"""cgcore's names of the terms: those of the prior's terms that they replace."""
