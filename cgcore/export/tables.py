"""Potentials as tables in the format of LAMMPS: energy, minus its derivative, and the slopes at both ends.

Weights are included. Lengths are in Å, angles in degrees and energies in kcal/mol, as in LAMMPS's `units real`.
LAMMPS interpolates energy and force separately by cubic splines. Their relative error is about (h q''/q)²/384 with the
spacing h. With the spacings below it is at most 1e-9 for a series, and for a repulsion 4 (h/r)⁴ in a table over r and
(h/r²)⁴ in one over r². If the potential is a spline itself, the slope of its force has corners at the knots: the
relative error of the force is then (h/interval)², about 1e-5. At the end of a spline of a file, beyond which the force
is 0, the error is half of the force there, over one spacing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from cgcore.export.potentials import Curve

BOND_POINTS = 3001
"""Smallest number of points of tables over bond lengths, which is the same for all, as `bond_style table` requires;
more if a potential is a spline, up to `MOST_POINTS`."""

PER_SCALE = 180
"""Number of spacings per `Curve.scale`, i.e. per half period of a series' highest harmonic (1 degree of its phase) or
per interval between knots."""

MOST_POINTS = 20_001
"""Largest number of points of a table over bond lengths, angles or dihedrals: a megabyte."""

INNER = 1.0
"""Lower end of the table of a potential that diverges [Å]: at smaller distances LAMMPS stops with an error."""

RSQ_SPACING = 0.2
"""Spacing of a table over r² [Å²]: forces of a repulsion are accurate to 2e-8 at 4 Å, and to 6e-6 at 2 Å."""

RSQ_PER_SCALE = 0.05
"""Largest spacing [Å²] per interval of a spline [Å]: at 10 Å, 1/400 of the interval."""

MOST_RSQ = 100_001
"""Largest number of points of a table over r²."""

_UNFELT = 1e-9
"""Largest strength [kcal/mol] of a diverging potential that is treated as zero, as left by a fit at a bound of 0."""

_HARMLESS = 1e-3
"""Lower end of the table over r² of a potential that does not diverge [Å]: it must be above 0, but small, since such
beads may overlap."""


@dataclass(frozen=True, eq=False)
class Table:
    """One section of a table file.

    Arguments:
        keyword: name of the section.
        parameters: the line below the name, except for N.
        x: points of the table [Å or degrees].
        energy: energy at these points [kcal/mol].
        force: minus the derivative of the energy with respect to x.
    """

    keyword: str
    parameters: str
    x: Float[np.ndarray, " n"]
    energy: Float[np.ndarray, " n"]
    force: Float[np.ndarray, " n"]

    def text(self) -> str:
        """The text of the section; every float64 is read back exactly."""
        rows = zip(self.x.tolist(), self.energy.tolist(), self.force.tolist(), strict=True)
        lines = [f"{i} {x!r} {e!r} {f!r}" for i, (x, e, f) in enumerate(rows, start=1)]
        return "\n".join([self.keyword, f"N {len(lines)} {self.parameters}", "", *lines, ""])


def bond_points(reach: float, scale: float) -> int:
    """Number of points of all tables over bond lengths up to `reach`, for potentials that vary over `scale` [Å]."""
    return min(max(BOND_POINTS, math.ceil(PER_SCALE * reach / scale) + 1), MOST_POINTS)


def bond_table(keyword: str, curve: Curve, reach: float, rest: float, points: int) -> Table:
    """Table for pairs that are bonded or near along the chain.

    Arguments:
        keyword: name of the section.
        curve: the potential.
        reach: largest distance [Å].
        rest: rest length of bonds [Å]; without it, LAMMPS would take the minimum of a repulsion, at its far end, for
            the bond length, and warn.
        points: number of points, see `bond_points`.
    """
    r = np.linspace(0.0, reach, points) + (INNER if curve.diverges else 0.0)
    return _distances(keyword, f"EQ {rest!r}", "FP", curve, r)


def no_bond_table(keyword: str, reach: float, rest: float, points: int) -> Table:
    """Table for beads that do not interact at any distance."""
    r = np.linspace(0.0, 100 * reach, points)
    return Table(keyword, f"EQ {rest!r} {_slopes('FP', 0, 0)}", r, 0 * r, 0 * r)


def angle_points(turn: float, scale: float) -> int:
    """Number of spacings of all tables over angles or dihedrals up to `turn`, for potentials with this `scale`
    [rad]."""
    return min(PER_SCALE * max(1, math.ceil(turn / scale - 1e-9)), MOST_POINTS - 1)


def angle_table(keyword: str, curve: Curve, scale: float) -> Table:
    """Table over 0 to 180 degrees; `scale` is the smallest of all such tables."""
    x = np.linspace(0.0, 180.0, angle_points(np.pi, scale) + 1)
    theta, per_degree = np.deg2rad(x), np.deg2rad(1.0)
    slopes = _slopes("FP", *(-(per_degree**2) * curve.curvature(theta[[0, -1]])))
    return Table(keyword, slopes, x, curve.energy(theta), -per_degree * curve.slope(theta))


def dihedral_table(keyword: str, curve: Curve, scale: float) -> Table:
    """Table over 360 degrees; `scale` is the smallest of all such tables. LAMMPS's dihedral is IUPAC's, MINUS the
    prior's."""
    points = angle_points(2 * np.pi, scale)
    x = -180.0 + 360.0 * np.arange(points) / points  # LAMMPS adds the periodic end point
    phi = -np.deg2rad(x)
    return Table(keyword, "DEGREES", x, curve.energy(phi), np.deg2rad(1.0) * curve.slope(phi))


def pair_points(curve: Curve, cutoff: float) -> int:
    """Number of points of all tables over r² up to the cutoff [Å]; `curve` is the sum of all potentials."""
    inner = INNER if curve.diverges else _HARMLESS
    spacing = min(RSQ_SPACING, RSQ_PER_SCALE * curve.scale)
    return min(math.ceil((cutoff**2 - inner**2) / spacing) + 1, MOST_RSQ)


def pair_table(keyword: str, curve: Curve, cutoff: float, points: int) -> Table:
    """Table with points evenly spaced in r², up to the cutoff [Å]."""
    inner = INNER if curve.diverges else _HARMLESS
    r = np.sqrt(np.linspace(inner**2, cutoff**2, points))
    # This style calls the parameter FPRIME, all others FP.
    return _distances(keyword, f"RSQ {inner!r} {cutoff!r}", "FPRIME", curve, r)


def felt(curve: Curve) -> bool:
    """Whether a potential is not negligible; only diverging ones can be."""
    return not curve.diverges or bool(np.max(np.abs(curve.energy(np.linspace(1.0, 10.0, 91)))) > _UNFELT)


def _distances(keyword: str, parameters: str, word: str, curve: Curve, r: Float[np.ndarray, " n"]) -> Table:
    slopes = _slopes(word, *-curve.curvature(r[[0, -1]]))
    return Table(keyword, f"{parameters} {slopes}", r, curve.energy(r), -curve.slope(r))


def _slopes(word: str, low: Any, high: Any) -> str:
    """The parameter with the slopes of the force at both ends."""
    return f"{word} {float(low)!r} {float(high)!r}"
