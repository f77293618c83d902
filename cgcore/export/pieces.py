"""Potentials as piecewise polynomials: exact for splines, approximate for functions known only by their values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from cgcore.export.potentials import Curve, FixedSpline, Potential, TermCurve
from cgcore.physics.bases import BSpline

RANGES = {"bond": (0.5, 60.0), "pair": (0.5, 60.0), "angle": (0.0, np.pi), "dihedral": (-np.pi, np.pi)}
"""Ranges over which user-defined functions are tabulated [Å or rad]; beyond, they are continued linearly."""

SPACINGS = 4000
"""Number of pieces of such a table. With the spacing h, the relative error is about (h q''/q)²/384 in the energy and a
few times (h q''/q)³ in the force: 1e-7 for a function that varies over 1 Å."""


class Pieces(NamedTuple):
    """Polynomials c0 + c1 d + c2 d² + ... of d = x - starts[k] in piece k, which lies between two neighbouring edges.

    Piece 0 lies below the first edge and the last piece above the last edge; both are constant or linear. For a
    periodic potential, x is first mapped between the outermost edges, so that these two pieces are unused.

    Arguments:
        edges: edges of the inner pieces, ascending.
        starts: the x at which d is 0, for each piece.
        coefficients: coefficients of each piece, for each group.
        period: period of the coordinate; None if it is not periodic.
    """

    edges: Float[np.ndarray, " edges"]
    starts: Float[np.ndarray, " pieces"]
    coefficients: Float[np.ndarray, "groups pieces powers"]
    period: float | None


def has_pieces(potential: Potential) -> bool:
    """Whether its potentials are splines, which are exactly piecewise polynomials."""
    return isinstance(potential.curves[0], FixedSpline) or isinstance(potential.term.basis, BSpline)


def pieces_of(potential: Potential) -> Pieces:
    """The polynomials of splines, or approximate ones of other functions over `RANGES`.

    Arguments:
        potential: potentials of a term; those of a file's spline must have one group.
    """
    first, coordinate, basis = potential.curves[0], potential.term.coordinate, potential.term.basis
    if isinstance(first, FixedSpline):
        edges, period = first.spline.knots, first.period
        inside = [first.weight * first.spline.coefficients]
    elif isinstance(basis, BSpline):
        edges = np.array(basis.knots)
        period = float(edges[-1] - edges[0]) if basis.ends == "periodic" else None
        inside = [_interpolated(curve, edges, basis.degree) for curve in potential.curves]
    else:
        edges = np.linspace(*RANGES[coordinate], SPACINGS + 1)
        period = 2 * np.pi if coordinate == "dihedral" else None
        inside = [_hermite(curve, edges) for curve in potential.curves]
    starts = np.concatenate([edges[:1], edges[:-1], edges[-1:]])
    every = [_with_ends(curve, edges, c) for curve, c in zip(potential.curves, inside, strict=True)]
    return Pieces(edges, starts, np.stack(every), period)


def _with_ends(curve: Curve, edges: np.ndarray, c: Float[np.ndarray, "_ powers"]) -> Float[np.ndarray, "pieces powers"]:
    """Add a piece at both ends that continues the potential."""
    ends = edges[[0, -1]]
    outside = np.zeros((2, c.shape[1]))
    outside[:, 0] = curve.energy(ends)
    if isinstance(curve, TermCurve):
        outside[:, 1] = curve.slope(ends + np.array([-1.0, 1.0]) if isinstance(curve.term.basis, BSpline) else ends)
    return np.concatenate([outside[:1], c, outside[1:]])


def _interpolated(curve: Curve, edges: np.ndarray, degree: int) -> Float[np.ndarray, "pieces powers"]:
    """Polynomials of this degree that interpolate degree + 1 values in each piece."""
    nodes = (1 - np.cos(np.pi * (2 * np.arange(degree + 1) + 1) / (2 * degree + 2))) / 2
    width = np.diff(edges)[:, None]
    values = curve.energy((edges[:-1, None] + width * nodes).ravel()).reshape(len(width), -1)
    scaled = np.linalg.solve(np.vander(nodes, increasing=True), values.T).T
    return scaled / width ** np.arange(degree + 1)


def _hermite(curve: Curve, edges: np.ndarray) -> Float[np.ndarray, "pieces 4"]:
    """Cubic polynomials that match values and slopes at both ends of each piece."""
    u, s, h = curve.energy(edges), curve.slope(edges), np.diff(edges)
    mean = np.diff(u) / h
    second, third = (3 * mean - 2 * s[:-1] - s[1:]) / h, (s[:-1] + s[1:] - 2 * mean) / h**2
    return np.stack([u[:-1], s[:-1], second, third], axis=1)
