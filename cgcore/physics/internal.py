"""Internal coordinates of many chains at once and their gradients. Analytic, without autodiff.

Arrays have shape (xyz, rows, frames): neighbouring rows are reached by slicing, and the innermost loop, over frames,
vectorises for chains of any length. A row that needs a missing bead has a gradient of zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from cgcore.physics.space import Displacement, free
from cgcore.physics.topology import Sites, complete

ENDS = 3
"""Number of rows of zeros before and after the rows of a gradient. With them every bead is in a row of every kind,
and sums over the rows that share a bead are sums of slices."""

Rows = Float[Array, "rows frames"]
Vectors = Float[Array, "xyz rows frames"]
Gradients = Float[Array, "xyz padded frames"]
"""Vectors with `ENDS` rows of zeros before the first row and after the last."""
Slopes = Float[Array, "_ _ frames"]
"""A slope for each basis function and row; kinds of coordinate differ in the numbers of both."""


class Coordinate(NamedTuple):
    """One kind of coordinate: the length r [Å] of bonds, or the cosine and sine of angles or dihedrals; and its
    gradient for each bead of a row."""

    values: tuple[Rows, ...]
    gradients: tuple[Gradients, ...]

    @property
    def rows(self) -> int:
        """Number of rows, without padding."""
        return self.values[0].shape[0]

    @property
    def value(self) -> Rows:
        """Bond length [Å], angle [rad] or dihedral [rad]."""
        return self.values[0] if len(self.values) == 1 else jnp.arctan2(self.values[1], self.values[0])


class Coordinates(NamedTuple):
    """Coordinates of all kinds. Values of a row that lacks a bead or a bond are finite but meaningless."""

    bond: Coordinate
    angle: Coordinate
    dihedral: Coordinate


Grouping = Sequence[Int[Any, " beads"] | None]
"""Class of each bead for each term, see `Groups.classes`; None for a term without groups."""


class Chains(NamedTuple):
    """Frames of chains, as the compiled functions take them.

    Arguments:
        R: positions [Å], finite everywhere. Padded beads may hold any finite value; their forces are 0.
        lengths: number of real beads of each frame; 0 makes all rows of a frame zero.
        at: internal coordinates of R.
        sites: sites of the beads (see `topology`); None if every frame is one chain.
        classes: classes of the beads, for each term.
        roots: square roots of the beads' weights in the loss; None if all weights are 1.
    """

    R: Float[Array, "xyz beads frames"]
    lengths: Int[Array, " frames"]
    at: Coordinates
    sites: Sites | None
    classes: Grouping
    roots: Float[Array, "beads frames"] | None = None

    def weighted(self, roots: Float[Array, "beads frames"]) -> Chains:
        """The same chains with these square roots of weights.

        The gradients with respect to each bead are multiplied by its root, so that forces and their inner products are
        those of weighted residuals.
        """

        def scaled(kind: Coordinate) -> Coordinate:
            padded = jnp.pad(roots, ((ENDS, 2 * ENDS), (0, 0)))
            rows = kind.gradients[0].shape[1]
            return kind._replace(gradients=tuple(g * padded[None, k : k + rows] for k, g in enumerate(kind.gradients)))

        return self._replace(at=Coordinates(*map(scaled, self.at)), roots=roots)


def coordinates(
    R: Float[Array, "xyz beads frames"],
    lengths: Int[Array, " frames"],
    displacement: Displacement,
    sites: Sites | None = None,
) -> Coordinates:
    """Internal coordinates of chains, and their gradients.

    Arguments:
        R, lengths, sites: see `Chains`.
        displacement: displacement function in jax-md's convention, for free space or a periodic box (its gradient must
            be 1).

    Source of the dihedral's gradient: Blondel and Karplus, J. Comput. Chem. 17, 1132 (1996), with the sign of phi in
    `geometry.dihedral`.
    """

    def padded(kind: Coordinate) -> Coordinate:
        """The coordinate with its gradients padded, and zero for rows that lack a bead or a bond."""
        known = complete(kind.rows, len(kind.gradients) - 1, lengths, sites, jnp)
        ends = ((0, 0), (ENDS, ENDS), (0, 0))
        return kind._replace(gradients=tuple(jnp.pad(jnp.where(known[None], g, 0.0), ends) for g in kind.gradients))

    bonds = jnp.stack(separations(displacement, list(R[:, 1:]), list(R[:, :-1])))
    known = complete(bonds.shape[1], 1, lengths, sites, jnp)
    bonds = jnp.where(known[None], bonds, jnp.array([1.0, 0.0, 0.0], bonds.dtype)[:, None, None])
    r = jnp.sqrt(_dot(bonds, bonds))
    along = bonds / r[None]
    return Coordinates(*map(padded, (Coordinate((r,), (-along, along)), _angles(bonds, r), _dihedrals(bonds, r))))


def separations(displacement: Displacement, a: Sequence[Array], b: Sequence[Array]) -> list[Array]:
    """`displacement` applied to vectors given as lists of x, y and z, whose arrays broadcast against each other."""
    if displacement is free:
        return [x - y for x, y in zip(a, b, strict=True)]  # avoids the transposition below, which copies in memory
    vectors = jnp.vectorize(displacement, signature="(xyz),(xyz)->(xyz)")(jnp.stack(a, -1), jnp.stack(b, -1))
    return [vectors[..., axis] for axis in range(3)]


def _angles(bonds: Vectors, r: Rows) -> Coordinate:
    """The angles, with gradients that are not padded yet."""
    u, v = -bonds[:, :-1], bonds[:, 1:]
    length_u, length_v = r[:-1], r[1:]
    # Bonds are not normalised first, because normalised bonds of a straight chain are not exactly parallel.
    normal = jnp.cross(u, v, axis=0)
    area = jnp.sqrt(_dot(normal, normal))
    normal = normal / jnp.where(area > 0, area, 1.0)[None]
    first = jnp.cross(u, normal, axis=0) / length_u[None] ** 2
    last = -jnp.cross(v, normal, axis=0) / length_v[None] ** 2
    lengths = length_u * length_v
    return Coordinate((_dot(u, v) / lengths, area / lengths), (first, -(first + last), last))


def _dihedrals(bonds: Vectors, r: Rows) -> Coordinate:
    """The dihedrals, with gradients that are not padded yet."""
    b1, b2, b3 = bonds[:, :-2], bonds[:, 1:-1], bonds[:, 2:]
    length = r[1:-1]
    n1, n2 = jnp.cross(b1, b2, axis=0), jnp.cross(b2, b3, axis=0)
    x, y = _dot(n1, n2), -length * _dot(b1, n2)
    radius = jnp.sqrt(x**2 + y**2)
    defined = radius > 0
    radius = jnp.where(defined, radius, 1.0)
    a, b = (length / jnp.where(squared > 0, squared, 1.0) for squared in (_dot(n1, n1), _dot(n2, n2)))
    first, last = a[None] * n1, -b[None] * n2
    ahead, behind = _dot(b1, b2) / length**2, _dot(b3, b2) / length**2
    second = -(1 + ahead[None]) * first + behind[None] * last
    gradients = tuple(jnp.where(defined[None], g, 0.0) for g in (first, second, -(first + second + last), last))
    return Coordinate((jnp.where(defined, x / radius, 1.0), y / radius), gradients)


def _dot(a: Vectors, b: Vectors) -> Rows:
    # Written out: a sum over an axis is a loop within the loop over frames, which does not vectorise.
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
