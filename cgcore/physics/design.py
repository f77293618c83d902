"""The design matrix X(R): forces are X c, with c as in `coefficients`. Analytic, no autodiff.

Arrays are (xyz, frames, rows), so that the innermost loop runs over a chain. A padded bead may hold anything
finite: rows that touch one are set to zero at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from cgcore.physics.coefficients import Layout
from cgcore.physics.geometry import Displacement, free
from cgcore.physics.pair_forces import close_pair_forces, far_pair_forces
from cgcore.physics.prior import Weights

ENDS = 3
"""Beads in front of a bead in its first row: those of a dihedral."""

Rows = Float[Array, "frames rows"]
Vectors = Float[Array, "xyz frames rows"]
Series = Float[Array, "columns frames rows"]
Columns = Float[Array, "columns xyz frames beads"]


class Internal(NamedTuple):
    """Internal coordinates of a block [Å, rad], for histograms; rows past a chain's end are meaningless."""

    bond: Rows
    angle: Rows
    dihedral: Rows


def design_matrix(
    weights: Weights,
    layout: Layout,
    R: Float[Array, "frames beads 3"],
    lengths: Int[Array, " frames"],
    displacement: Displacement = free,
) -> tuple[Float[Array, "n xyz frames beads"], Internal]:
    """Force on each bead for each coefficient being 1, and the internal coordinates.

    Arguments:
        weights: factor of each term.
        layout: which coefficients there are.
        R: positions [Å], finite everywhere.
        lengths: number of real beads of each frame; 0 makes all rows of a frame zero.
        displacement: in jax-md's convention, for free space or a periodic box (its gradient must be 1).

    Source of the dihedral's gradient: Blondel and Karplus, J. Comput. Chem. 17, 1132 (1996), with the sign of phi
    in `geometry.dihedral`.
    """
    n_beads = R.shape[1]
    # Beads beyond both ends, in rows that are set to zero: each bead is then in rows of every kind, and a sum over
    # the rows of a bead is one of slices, which vectorise, where paddings do not.
    bonds = _bond_vectors(jnp.pad(R, ((0, 0), (ENDS, ENDS), (0, 0))), displacement)

    def real(rows: int, beads: int) -> Rows:
        row = jnp.arange(rows) - ENDS
        return (row >= 0) & (row < (lengths - beads + 1)[:, None])

    def term(weight: float, slopes: Series, gradients: Sequence[Vectors]) -> Columns:
        """-weight * slope * (gradient of the coordinate), summed over the rows that a bead is in."""
        known = real(slopes.shape[2], len(gradients))
        return _onto_beads(slopes, [jnp.where(known, -weight * g, 0.0) for g in gradients], n_beads)

    present = jnp.arange(n_beads) < lengths[:, None]
    exists = real(bonds.shape[2], 2)
    bonds = jnp.where(exists, bonds, jnp.array([1.0, 0.0, 0.0], bonds.dtype)[:, None, None])
    r = jnp.sqrt(_dot(bonds, bonds))
    along = bonds / r
    cos_theta, sin_theta, d_theta = _angles(bonds, r)
    cos_phi, sin_phi, d_phi = _dihedrals(bonds, r)
    columns = [
        term(weights.bond, jnp.stack([r, -jnp.ones_like(r)]), [-along, along]),
        term(weights.angle, _slopes(cos_theta, sin_theta, layout.n_angle), d_theta),
        term(weights.dihedral, _slopes(cos_phi, sin_phi, layout.n_dihedral), d_phi),
        weights.repulsive * _xyz_first(far_pair_forces(R, present, displacement))[None],
    ]
    if weights.excluded_volume is not None:
        columns.append(weights.excluded_volume * _xyz_first(close_pair_forces(R, present, displacement))[None])
    inner = (
        x[:, ENDS : ENDS + max(n_beads - k, 0)]
        for k, x in enumerate((r, jnp.arctan2(sin_theta, cos_theta), jnp.arctan2(sin_phi, cos_phi)), start=1)
    )
    internal = Internal(*inner)
    return jnp.concatenate(columns), internal


def _bond_vectors(R: Float[Array, "frames beads 3"], displacement: Displacement) -> Vectors:
    return _xyz_first(jax.vmap(jax.vmap(displacement))(R[:, 1:], R[:, :-1]))


def _angles(bonds: Vectors, r: Rows) -> tuple[Rows, Rows, list[Vectors]]:
    """cos and sin of the angles, and the angle's gradient for the three beads."""
    u, v = -bonds[:, :, :-1], bonds[:, :, 1:]
    length_u, length_v = r[:, :-1], r[:, 1:]
    # Of the bonds as they are: normalised ones of a straight chain are not exactly parallel.
    normal = _cross(u, v)
    area = jnp.sqrt(_dot(normal, normal))
    normal = normal / jnp.where(area > 0, area, 1.0)
    first, last = _cross(u, normal) / length_u**2, -_cross(v, normal) / length_v**2
    lengths = length_u * length_v
    return _dot(u, v) / lengths, area / lengths, [first, -(first + last), last]


def _dihedrals(bonds: Vectors, r: Rows) -> tuple[Rows, Rows, list[Vectors]]:
    """cos and sin of the dihedrals, and the dihedral's gradient for the four beads."""
    b1, b2, b3 = bonds[:, :, :-2], bonds[:, :, 1:-1], bonds[:, :, 2:]
    length = r[:, 1:-1]
    n1, n2 = _cross(b1, b2), _cross(b2, b3)
    x, y = _dot(n1, n2), -length * _dot(b1, n2)
    radius = jnp.sqrt(x**2 + y**2)
    defined = radius > 0
    radius = jnp.where(defined, radius, 1.0)
    first = _scaled(length, _dot(n1, n1)) * n1
    last = -_scaled(length, _dot(n2, n2)) * n2
    ahead, behind = _dot(b1, b2) / length**2, _dot(b3, b2) / length**2
    second = -(1 + ahead) * first + behind * last
    return (
        jnp.where(defined, x / radius, 1.0),
        y / radius,
        [jnp.where(defined, g, 0.0) for g in (first, second, -(first + second + last), last)],
    )


def _slopes(cosine: Rows, sine: Rows, harmonics: int) -> Series:
    """d/dx of cos(n x) for n = 1, 2, ..., then of sin(n x), by the angle addition theorem: no trigonometry."""
    cosines, sines = [jnp.ones_like(cosine)], [jnp.zeros_like(sine)]
    for _ in range(harmonics):
        c, s = cosines[-1], sines[-1]
        cosines.append(c * cosine - s * sine)
        sines.append(s * cosine + c * sine)
    numbers = range(1, harmonics + 1)
    slopes = [-n * sines[n] for n in numbers] + [n * cosines[n] for n in numbers]
    return jnp.stack(slopes) if slopes else jnp.zeros((0, *cosine.shape), cosine.dtype)


def _onto_beads(slopes: Series, gradients: Sequence[Vectors], n_beads: int) -> Columns:
    """Sum over the rows that a bead is in: gradient k of row i acts on bead i + k."""
    at_bead = [
        slopes[:, None, :, ENDS - k : ENDS - k + n_beads] * g[:, :, ENDS - k : ENDS - k + n_beads]
        for k, g in enumerate(gradients)
    ]
    return sum(at_bead[1:], start=at_bead[0])


def _scaled(length: Rows, squared: Rows) -> Rows:
    return length / jnp.where(squared > 0, squared, 1.0)


def _xyz_first(v: Float[Array, "frames rows 3"]) -> Vectors:
    return jnp.transpose(v, (2, 0, 1))


def _dot(a: Vectors, b: Vectors) -> Rows:
    return jnp.sum(a * b, axis=0)


def _cross(a: Vectors, b: Vectors) -> Vectors:
    return jnp.cross(a, b, axis=0)
