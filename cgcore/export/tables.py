"""The prior's terms as tables in the formats of LAMMPS: energy, minus its derivative, and the slopes at both ends.

Weights are folded in. Lengths in Å, angles in degrees, energies in kcal/mol, as LAMMPS's `units real` wants them.
LAMMPS lays cubic splines through energy and force, each by itself. Their relative error is about (h q''/q)²/384 with
the spacing h, so that the spacings below leave at most 1e-9 of a series and, of a repulsion, 4 (h/r)⁴ in a table over r
and (h/r²)⁴ in one over r².
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from cgcore.physics.prior import Prior

BOND_POINTS = 3001
"""Of both tables over bond lengths: `bond_style table` has one length for all."""

PER_HARMONIC = 180
"""Spacings in half a turn, for each harmonic of a series: 1 degree of the highest one's own phase."""

INNER = 1.0
"""Where a repulsion's table begins [Å]: below, LAMMPS stops with an error."""

RSQ_SPACING = 0.2
"""Of the table over r² [Å²]: forces are right to 2e-8 at 4 Å, and to 6e-6 at 2 Å."""

_UNFELT = 1e-9
"""Strength of a repulsion [kcal/mol at 1 Å] that counts as none: what a fit that presses it to 0 leaves."""

_HARMLESS = 1e-3
"""Where a table of zeros over r² begins [Å]: it must be above 0, and beads that nothing keeps apart may meet."""


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


def bond_tables(prior: Prior) -> list[Table]:
    """BOND, over 0 to ten bond lengths (30 Å at least), and what beads 2 to 5 apart have: EXCLUDED_VOLUME or NONE."""
    p, k, r0 = prior.params, prior.weights.bond * prior.params["kr"], float(prior.params["r0"])
    reach = max(30.0, 10 * abs(r0))
    # Without EQ, LAMMPS takes the lowest energy of EXCLUDED_VOLUME, its far end, for a bond length, and warns.
    rest = f"EQ {r0!r}"
    r = np.linspace(0.0, reach, BOND_POINTS)
    bond = Table("BOND", f"{rest} {_slopes('FP', -k, -k)}", r, k / 2 * (r - r0) ** 2, -k * (r - r0))
    weight = prior.weights.excluded_volume
    strength = 0.0 if weight is None else _strength(weight, p["epsilon_ex"], p["sigma_ex"])
    if not strength:
        return [bond, Table("NONE", f"{rest} {_slopes('FP', 0, 0)}", 100 * r, 0 * r, 0 * r)]
    return [bond, _repulsion("EXCLUDED_VOLUME", rest, "FP", strength, r + INNER)]


def angle_table(prior: Prior) -> Table:
    """ANGLE, over 0 to 180 degrees."""
    a, b = (prior.weights.angle * prior.params[name] for name in "ab")
    n = np.arange(1, len(a) + 1)
    x = np.linspace(0.0, 180.0, PER_HARMONIC * max(1, len(a)) + 1)
    cosines, sines = np.cos(n * np.deg2rad(x)[:, None]), np.sin(n * np.deg2rad(x)[:, None])
    per_degree = np.deg2rad(1.0)
    force = per_degree * (sines @ (n * a) - cosines @ (n * b))
    slope = per_degree**2 * (cosines @ (n**2 * a) + sines @ (n**2 * b))
    return Table("ANGLE", _slopes("FP", slope[0], slope[-1]), x, cosines @ a + sines @ b, force)


def dihedral_table(prior: Prior) -> Table:
    """DIHEDRAL, over a turn. LAMMPS's dihedral is IUPAC's, MINUS the prior's: hence + gamma."""
    k, gamma = prior.weights.dihedral * prior.params["k_dih"], prior.params["gamma_dih"]
    n, points = np.arange(1, len(k) + 1), 2 * PER_HARMONIC * max(1, len(k))
    x = -180.0 + 360.0 * np.arange(points) / points  # LAMMPS closes the circle itself
    phase = n * np.deg2rad(x)[:, None] + gamma
    return Table("DIHEDRAL", "DEGREES", x, (1 + np.cos(phase)) @ k, np.deg2rad(1.0) * np.sin(phase) @ (n * k))


def pair_table(prior: Prior, cutoff: float) -> Table:
    """REPULSIVE, evenly over r² from `INNER` to the cutoff [Å]."""
    strength = _strength(prior.weights.repulsive, prior.params["epsilon"], prior.params["sigma"])
    inner = INNER if strength else _HARMLESS
    points = math.ceil((cutoff**2 - inner**2) / RSQ_SPACING) + 1
    r = np.sqrt(np.linspace(inner**2, cutoff**2, points))
    # The one style that has another name for FP.
    return _repulsion("REPULSIVE", f"RSQ {inner!r} {cutoff!r}", "FPRIME", strength, r)


def _strength(weight: float, epsilon: Any, sigma: Any) -> float:
    """Of a repulsion, at 1 Å [kcal/mol]; exactly 0 where there is none to feel."""
    strength = float(weight * epsilon * sigma**4)
    return strength if abs(strength) > _UNFELT else 0.0


def _repulsion(keyword: str, parameters: str, word: str, strength: float, r: Float[np.ndarray, " n"]) -> Table:
    """strength / r⁴"""
    slopes = _slopes(word, *(-20 * strength / r[[0, -1]] ** 6))
    return Table(keyword, f"{parameters} {slopes}", r, strength / r**4, 4 * strength / r**5)


def _slopes(word: str, low: Any, high: Any) -> str:
    """The parameter that says how steep the force is at both ends."""
    return f"{word} {float(low)!r} {float(high)!r}"
