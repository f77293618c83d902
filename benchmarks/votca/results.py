"""Slopes U'(x) of the potentials written by the programs, in Å, rad and kcal/mol, for `coordinates.forces`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jaxtyping import Float
from scipy.interpolate import PPoly

from benchmarks.votca.coordinates import Slopes
from benchmarks.votca.grids import Grid
from benchmarks.votca.inputs import KJ, NM, POINTS, TERMS
from validation.explicit_terms import splines


def tables(folder: Path, grids: Mapping[str, Grid]) -> Slopes:
    """The slopes from csg_fmatch's tables of forces.

    Its dihedral has IUPAC's sign, the opposite of cgcore's.
    """
    found: dict[str, Callable[[np.ndarray], np.ndarray]] = {}
    for name, grid in grids.items():
        force = np.loadtxt(folder / f"{name}.force", usecols=1)
        slope = piecewise(grid, -force / (KJ * NM if name in ("bond", "pair") else KJ))
        found[name] = partial(_mirrored, slope) if name == "dihedral" else slope
    return found


def piecewise(grid: Grid, values: Float[np.ndarray, " points"]) -> PPoly:
    """The piecewise cubic through evenly spaced values, `POINTS` per interval, extrapolated as in csg_fmatch.

    Raises:
        ValueError: the number of values is wrong.
    """
    if len(values) != grid.intervals * POINTS + 1:
        raise ValueError(f"{len(values)} values are not {POINTS} for each of {grid.intervals} intervals, and one more")
    places = np.arange(POINTS + 1) * grid.step / POINTS
    each = np.stack([values[k : k + POINTS + 1] for k in range(0, len(values) - 1, POINTS)], axis=1)
    return PPoly(np.linalg.solve(np.vander(places), each), grid.knots)


def fitted(folder: Path) -> Slopes:
    """The slopes of the B-splines in cgcore's `priors.yaml`, by SciPy.

    Knots are evenly spaced, and beyond the ends the slope is constant, or periodic for dihedrals.
    """
    declared = yaml.safe_load((folder / "priors.yaml").read_text())["model"]["terms"]
    return {name: _slope(declared[term]) for name, term in TERMS.items()}


def _slope(term: Mapping[str, Any]) -> Callable[[np.ndarray], np.ndarray]:
    knots, ends = term["knots"], {"pairs": "cutoff", "dihedrals": "periodic"}.get(term["rows"], "open")
    grid = Grid(knots[0], knots[-1], len(knots) - 1)
    each = splines(knots, term["degree"], ends, np.linspace(grid.low, grid.high, grid.intervals * POINTS + 1), 1)
    # As a piecewise cubic, it is evaluated once for each x, and not once for each B-spline.
    slope = piecewise(grid, term["weight"] * (np.array(term["coefficients"]) @ each))
    inside = partial(_turned, grid) if ends == "periodic" else partial(np.clip, a_min=grid.low, a_max=grid.high)
    return lambda x: slope(inside(x))


def _turned(grid: Grid, x: np.ndarray) -> np.ndarray:
    return grid.low + (x - grid.low) % (grid.high - grid.low)


def _mirrored(slope: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """The slope of U(-x)."""
    return -slope(-x)
