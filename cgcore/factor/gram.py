"""The Gram matrix of [X | F] without making X, in internal coordinates.

Forces of angles are J^T s: s holds the slopes of the series at each angle, J the angles' gradients. Their inner
products are s^T (J J^T) s, where J J^T, Wilson's G matrix (E. B. Wilson, J. Chem. Phys. 7, 1047 (1939)) of beads of
mass 1, couples only rows that share a bead: three numbers a bead stand for nine, and 20 columns are never spread over
xyz and beads. Dihedrals likewise; bonds, pairs and reference forces have few columns and stay forces on beads.

Slopes are made nearly orthonormal before (see `preconditioning`). The steps are compiled one by one: fused into one,
XLA's CPU back end would compute what several columns share again for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.factor.histogram import bin_numbers
from cgcore.factor.triangle import Triangle
from cgcore.physics.coefficients import Layout
from cgcore.physics.design import AnySlopes, Closest, Columns, onto_beads, pair_columns, slopes
from cgcore.physics.internal import ENDS, Coordinate, Coordinates, Rows, Slopes, coordinates, histogrammed
from cgcore.physics.prior import Weights
from cgcore.physics.space import Displacement
from cgcore.physics.topology import Sites


class Preconditioner(NamedTuple):
    """Triangular matrices of the slopes of bonds, angles and dihedrals."""

    bond: Triangle
    angle: Triangle
    dihedral: Triangle

    def whole(self, layout: Layout) -> Triangle:
        """All in one matrix; pairs and reference forces are taken as they are."""
        T = np.eye(layout.size + 1)
        for name, block in self._asdict().items():
            at = layout.terms[name]
            T[at, at] = block
        return T


def gram(
    weights: Weights,
    layout: Layout,
    displacement: Displacement,
    basis: Preconditioner,
    R: Float[Array, "xyz beads frames"],
    F: Float[Array, "xyz beads frames"],
    lengths: Int[np.ndarray, " frames"],
    at: Coordinates,
    sites: Sites | None = None,
) -> tuple[Float[Array, "m m"], Closest]:
    """Y^T Y, where Y T = [X | F] and T = basis.whole(layout), and each frame's closest pairs."""
    prepared, closest = _prepared(weights, layout, displacement, basis, R, F, jnp.asarray(lengths), at, sites)
    return _products(layout, prepared, at), closest


@partial(jax.jit, static_argnums=0)
def located(
    displacement: Displacement,
    R: Float[Array, "xyz beads frames"],
    lengths: Int[Array, " frames"],
    sites: Sites | None = None,
) -> tuple[Coordinates, Rows]:
    """Internal coordinates of frames, and the numbers of their bins in histograms."""
    at = coordinates(R, lengths, displacement, sites)
    return at, bin_numbers(histogrammed(at), lengths, sites, jnp)


@partial(jax.jit, static_argnums=(0, 1))
def sloped(weights: Weights, layout: Layout, at: Coordinates) -> tuple[AnySlopes, AnySlopes, AnySlopes]:
    """The slopes that are whitened."""
    return slopes(weights, layout, at)


class _Prepared(NamedTuple):
    """Whitened slopes, forces on beads (bonds, pairs, reference), and what couples rows."""

    angle: Slopes
    dihedral: Slopes
    forces: Columns
    couplings: _Couplings


class _Couplings(NamedTuple):
    """Entries of Wilson's G matrix: for each shift, of row i of one kind and row i + shift of the other."""

    angle: list[Rows]
    dihedral: list[Rows]
    mixed: list[Rows]


ANGLE_SHIFTS, DIHEDRAL_SHIFTS, MIXED_SHIFTS = range(3), range(4), range(-3, 3)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _prepared(
    weights: Weights,
    layout: Layout,
    displacement: Displacement,
    basis: Preconditioner,
    R: Array,
    F: Array,
    lengths: Array,
    at: Coordinates,
    sites: Sites | None,
) -> tuple[_Prepared, Closest]:
    kinds = zip(basis, slopes(weights, layout, at), strict=True)
    bond, angle, dihedral = (_whitened(jnp.asarray(T), found) for T, found in kinds)
    bonds = onto_beads(bond, at.bond.gradients, R.shape[1])
    pairs, closest = pair_columns(weights, R, lengths, displacement, sites)
    forces = jnp.concatenate([bonds, pairs, F[None]])
    return _Prepared(angle, dihedral, forces, _couplings(at.angle, at.dihedral)), closest


def _whitened(T: Array, slopes: Slopes) -> Slopes:
    if slopes.size == 0:
        return slopes
    flat = jnp.stack([column.ravel() for column in slopes], axis=1)
    return jax.lax.linalg.triangular_solve(T, flat, left_side=False).T.reshape(slopes.shape)


def _couplings(angle: Coordinate, dihedral: Coordinate) -> _Couplings:
    def coupled(p: Coordinate, q: Coordinate, shift: int) -> Rows:
        shared = [(g, q.gradients[k - shift]) for k, g in enumerate(p.gradients) if 0 <= k - shift < len(q.gradients)]
        terms = [
            g[axis, ENDS : ENDS + p.rows] * h[axis, ENDS + shift : ENDS + shift + p.rows]
            for g, h in shared
            for axis in range(3)
        ]
        return sum(terms[1:], start=terms[0])

    def half(kind: Coordinate, shifts: Sequence[int]) -> list[Rows]:
        return [coupled(kind, kind, shift) / (1 if shift else 2) for shift in shifts]

    return _Couplings(
        half(angle, ANGLE_SHIFTS),
        half(dihedral, DIHEDRAL_SHIFTS),
        [coupled(angle, dihedral, shift) for shift in MIXED_SHIFTS],
    )


@partial(jax.jit, static_argnums=0)
def _products(layout: Layout, prepared: _Prepared, at: Coordinates) -> Array:
    angle, dihedral, forces, couplings = prepared

    def shifted(slopes: Float[Array, "columns others frames"], couplings: list[Rows], shifts: Sequence[int]) -> Slopes:
        """G times slopes, or half of it where rows and slopes are of one kind: G is symmetric."""
        padded, rows = jnp.pad(slopes, ((0, 0), (ENDS, ENDS), (0, 0))), couplings[0].shape[0]
        terms = [g[None] * padded[:, ENDS + k : ENDS + k + rows] for g, k in zip(couplings, shifts, strict=True)]
        return sum(terms[1:], start=terms[0])

    def projected(kind: Coordinate) -> Slopes:
        """Inner products of each row's gradient with the forces."""
        terms = [
            g[None, axis, ENDS : ENDS + kind.rows] * forces[:, axis, k : k + kind.rows]
            for k, g in enumerate(kind.gradients)
            for axis in range(3)
        ]
        return sum(terms[1:], start=terms[0])

    def product(p: Array, q: Array) -> Array:
        axes = tuple(range(1, p.ndim))
        return jnp.tensordot(p, q, (axes, axes))

    angles = product(angle, shifted(angle, couplings.angle, ANGLE_SHIFTS))
    dihedrals = product(dihedral, shifted(dihedral, couplings.dihedral, DIHEDRAL_SHIFTS))
    mixed = product(angle, shifted(dihedral, couplings.mixed, MIXED_SHIFTS))
    angle_forces, dihedral_forces = product(angle, projected(at.angle)), product(dihedral, projected(at.dihedral))
    blocks = jnp.block(
        [
            [product(forces, forces), angle_forces.T, dihedral_forces.T],
            [angle_forces, angles + angles.T, mixed],
            [dihedral_forces, mixed.T, dihedrals + dihedrals.T],
        ]
    )
    # Bonds come first among the forces, and in c; pairs and reference forces come last in c.
    n, series = layout.size + 1, 2 * (layout.n_angle + layout.n_dihedral)
    order = np.concatenate([[0, 1], np.arange(n - series, n), np.arange(2, n - series)])
    return blocks[np.ix_(order, order)]
