"""Constraints on bonds, angles and dihedrals, see `constraints`."""

from __future__ import annotations

import numpy as np

from cgcore.fitting.ground import Constraint, Ground, labelled
from cgcore.physics.bases import Fourier
from cgcore.physics.term import Term

WALL, WALL_WIDTH = 4.0, np.radians(10.0)
"""Height [kT] of an angle's wall at this distance [rad] from the sampled range: exp(-4) is 2 % of the density at its
foot."""

LEAST_STEPS = 180
"""Smallest number of angles, over 180 degrees, at which slopes are constrained; with more than ten harmonics, 18 for
each harmonic."""

BARRIER = 20.0
"""Largest difference of the dihedral potential [kT]: a barrier of this height is crossed once in exp(20) attempts, i.e.
hardly ever in a simulation."""

BEYOND = 2.0
"""Number of widths of the sampled range over which the walls of bonds are constrained beyond it; further out a spline
is straight."""


def stiffness(ground: Ground, term: Term, group: int) -> Constraint | None:
    """Bonds fluctuate by at most the sampled range."""
    lengths = ground.sampled(term, group)
    if lengths is None or not ground.feels(term, group):
        return None
    name = labelled("kr", term, group)
    if not np.isfinite(lengths).all():
        least, text = 0.0, "kr not negative; how far bonds fluctuate is not known, as some are beyond 2 to 6 Å"
    else:
        least = ground.kT / (lengths[1] - lengths[0]) ** 2 / term.weight
        text = f"kr at least {least:.3g} kcal/mol/Å²: bonds fluctuate by less than the sampled range"
    return Constraint(name, text, ground.rows(term, group, np.array([[1.0, 0.0]])), np.array([least]))


def rest(ground: Ground, term: Term, group: int) -> Constraint | None:
    """The rest length is within the sampled range."""
    lengths = ground.sampled(term, group)
    if lengths is None or not ground.feels(term, group):
        return None
    shortest, longest = lengths
    found = [row for end, row in ((shortest, (-shortest, 1.0)), (longest, (longest, -1.0))) if np.isfinite(end)]
    if not found:
        return None
    text = f"r0 within the sampled bond lengths, {shortest:.2f} to {longest:.2f} Å"
    rows = ground.rows(term, group, np.array(found))
    return Constraint(labelled("r0", term, group), text, rows, np.zeros(len(rows)))


def wall(ground: Ground, term: Term, group: int, sign: float) -> Constraint | None:
    """The potential rises with at least the slope of a harmonic wall beyond the low or high end of the sampled range,
    for angles up to 0 or pi.

    A pooled group has the shared potential where only other groups have data, also if it has no data at all. A wall at
    the end of its own range would be carried over to all groups by the pooling.
    """
    sampled = ground.shared(term, group)
    if sampled is None or not np.isfinite(sampled).all():
        return None
    foot, bond = sampled[1] if sign > 0 else sampled[0], term.coordinate == "bond"
    width = sampled[1] - sampled[0] if bond else WALL_WIDTH
    turn = foot + sign * BEYOND * width if bond else np.pi if sign > 0 else 0.0
    steps = max(int(np.ceil(abs(turn - foot) / (width * np.pi / WALL_WIDTH if bond else np.pi) * _steps(term))), 1)
    x = np.linspace(foot, turn, steps + 1)
    slopes = sign * term.weight * np.asarray(term.basis.derivatives(x)).T
    least = 2 * WALL * ground.kT / width * np.minimum(np.abs(x - foot) / width, 1.0)
    end, where = ("high", "above") if sign > 0 else ("low", "below")
    first, far = (
        (f"{foot:.2f} Å", f"{width:.2g} Å") if bond else (f"{np.degrees(foot):.1f}°", f"{np.degrees(width):g}°")
    )
    potential = labelled(f"{term.coordinate} potential", term, group)
    text = f"{potential} rises {where} {first}, by {WALL:g} kT ({WALL * ground.kT:.3g} kcal/mol) in the first {far}"
    name = labelled(f"{term.coordinate} wall, {end}", term, group)
    return Constraint(name, text, ground.rows(term, group, slopes), least)


def barrier(ground: Ground, term: Term, group: int) -> Constraint | None:
    """The dihedral potential stays near its mean."""
    if not ground.feels(term, group):
        return None
    harmonics = term.basis.harmonics if isinstance(term.basis, Fourier) else term.basis.size
    phi = np.linspace(-np.pi, np.pi, max(60, 18 * harmonics), endpoint=False)
    values = term.weight * np.asarray(term.basis.functions(phi)).T
    if not isinstance(term.basis, Fourier):  # a Fourier series has mean 0
        values = values - values.mean(axis=0)
    most = BARRIER / 2 * ground.kT
    text = f"{labelled('dihedral potential', term, group)} within {BARRIER / 2:g} kT ({most:.3g} kcal/mol) of its mean"
    rows = ground.rows(term, group, np.stack([values, -values], axis=1).reshape(-1, term.basis.size))
    return Constraint(labelled("dihedral barrier", term, group), text, rows, np.full(len(rows), -most))


def _steps(term: Term) -> int:
    return max(LEAST_STEPS, 18 * (term.basis.harmonics if isinstance(term.basis, Fourier) else 0))
