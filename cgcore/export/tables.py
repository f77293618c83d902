"""Potentials as tables in the format of LAMMPS: energy, minus its derivative, and the slopes at both ends.

Weights are folded in. Lengths in Å, angles in degrees, energies in kcal/mol, as LAMMPS's `units real` wants them.
LAMMPS lays cubic splines through energy and force, each by itself. Their relative error is about (h q''/q)²/384 with
the spacing h, so that the spacings below leave at most 1e-9 of a series and, of a repulsion, 4 (h/r)⁴ in a table over r
and (h/r²)⁴ in one over r². Where the potential is a spline itself, the slope of its force has corners at the knots: the
error is then (h/interval)² of the force, about 1e-5, and at the end of a spline of a file, beyond which there is no
force, half of what force it has there over one spacing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from cgcore.export.potentials import Curve

BOND_POINTS = 3001
"""Number of points of every table over bond lengths, since `bond_style table` has one length for all; more if a
potential is a spline, up to `MOST_POINTS`."""

PER_SCALE = 180
"""Spacings over which a potential changes in kind, half a turn of a series' highest harmonic or an interval between
knots: 1 degree of the harmonic's own phase."""

MOST_POINTS = 20_001
"""Largest number of points of a table over bond lengths, angles or dihedrals: a megabyte."""

INNER = 1.0
"""Where the table of a potential that diverges begins [Å]: below, LAMMPS stops with an error."""

RSQ_SPACING = 0.2
"""Spacing of a table over r² [Å²]: forces of a repulsion are accurate to 2e-8 at 4 Å, and to 6e-6 at 2 Å."""

RSQ_PER_SCALE = 0.05
"""Part of a spline's interval [Å] that the spacing is at most [Å²]: at 10 Å, a four-hundredth of the interval."""

MOST_RSQ = 100_001
"""Points of a table over r²."""

_UNFELT = 1e-9
"""Strength [kcal/mol at 1 Å] of a potential that counts as none: what a fit that presses it to 0 leaves."""

_HARMLESS = 1e-3
"""Where a table over r² begins that does not diverge [Å]: it must be above 0, and beads that nothing keeps apart may
meet."""


@dataclass(frozen=True, eq=False)
class Table:
    """One section of a table file.

    Arguments:
        keyword: its name.
        parameters: the line below the name, but for N.
        x: where it is tabulated [Å or degrees].
        energy: there [kcal/mol].
        force: minus the derivative of the energy in x.
    """

    keyword: str
    parameters: str
    x: Float[np.ndarray, " n"]
    energy: Float[np.ndarray, " n"]
    force: Float[np.ndarray, " n"]

    def text(self) -> str:
        """The section; every number comes back as the very same float64."""
        rows = zip(self.x.tolist(), self.energy.tolist(), self.force.tolist(), strict=True)
        lines = [f"{i} {x!r} {e!r} {f!r}" for i, (x, e, f) in enumerate(rows, start=1)]
        return "\n".join([self.keyword, f"N {len(lines)} {self.parameters}", "", *lines, ""])


def bond_points(reach: float, scale: float) -> int:
    """Number of points of all tables over bond lengths up to `reach`, for potentials that vary over `scale` [Å]."""
    return min(max(BOND_POINTS, math.ceil(PER_SCALE * reach / scale) + 1), MOST_POINTS)


def bond_table(keyword: str, curve: Curve, reach: float, rest: float, points: int) -> Table:
    """Table for beads that are bonded, or near along the chain.

    Arguments:
        keyword: its name.
        curve: the potential.
        reach: the greatest distance [Å].
        rest: the rest length of bonds [Å]: without it, LAMMPS takes the lowest energy of a repulsion, its far end, for
            a bond length, and warns.
        points: see `bond_points`.
    """
    r = np.linspace(0.0, reach, points) + (INNER if curve.diverges else 0.0)
    return _distances(keyword, f"EQ {rest!r}", "FP", curve, r)


def no_bond_table(keyword: str, reach: float, rest: float, points: int) -> Table:
    """Table for beads that do not interact at any distance."""
    r = np.linspace(0.0, 100 * reach, points)
    return Table(keyword, f"EQ {rest!r} {_slopes('FP', 0, 0)}", r, 0 * r, 0 * r)


def angle_points(turn: float, scale: float) -> int:
    """Spacings of all tables over angles or dihedrals up to `turn`, of potentials that change in kind over `scale`
    [rad]."""
    return min(PER_SCALE * max(1, math.ceil(turn / scale - 1e-9)), MOST_POINTS - 1)


def angle_table(keyword: str, curve: Curve, scale: float) -> Table:
    """Over 0 to 180 degrees; `scale` is the least of all such tables."""
    x = np.linspace(0.0, 180.0, angle_points(np.pi, scale) + 1)
    theta, per_degree = np.deg2rad(x), np.deg2rad(1.0)
    slopes = _slopes("FP", *(-(per_degree**2) * curve.curvature(theta[[0, -1]])))
    return Table(keyword, slopes, x, curve.energy(theta), -per_degree * curve.slope(theta))


def dihedral_table(keyword: str, curve: Curve, scale: float) -> Table:
    """Over a turn; `scale` is the least of all such tables. LAMMPS's dihedral is IUPAC's, MINUS the prior's."""
    points = angle_points(2 * np.pi, scale)
    x = -180.0 + 360.0 * np.arange(points) / points  # LAMMPS closes the circle itself
    phi = -np.deg2rad(x)
    return Table(keyword, "DEGREES", x, curve.energy(phi), np.deg2rad(1.0) * curve.slope(phi))


def pair_points(curve: Curve, cutoff: float) -> int:
    """Number of points of all tables over r² up to the cutoff [Å]; `curve` is the sum of all potentials."""
    inner = INNER if curve.diverges else _HARMLESS
    spacing = min(RSQ_SPACING, RSQ_PER_SCALE * curve.scale)
    return min(math.ceil((cutoff**2 - inner**2) / spacing) + 1, MOST_RSQ)


def pair_table(keyword: str, curve: Curve, cutoff: float, points: int) -> Table:
    """Evenly over r² up to the cutoff [Å]."""
    inner = INNER if curve.diverges else _HARMLESS
    r = np.sqrt(np.linspace(inner**2, cutoff**2, points))
    # The one style that has another name for FP.
    return _distances(keyword, f"RSQ {inner!r} {cutoff!r}", "FPRIME", curve, r)


def felt(curve: Curve) -> bool:
    """Whether a potential that diverges is strong enough to keep beads apart; any other is."""
    return not curve.diverges or bool(np.max(np.abs(curve.energy(np.linspace(1.0, 10.0, 91)))) > _UNFELT)


def _distances(keyword: str, parameters: str, word: str, curve: Curve, r: Float[np.ndarray, " n"]) -> Table:
    slopes = _slopes(word, *-curve.curvature(r[[0, -1]]))
    return Table(keyword, f"{parameters} {slopes}", r, curve.energy(r), -curve.slope(r))


def _slopes(word: str, low: Any, high: Any) -> str:
    """The parameter that says how steep the force is at both ends."""
    return f"{word} {float(low)!r} {float(high)!r}"
