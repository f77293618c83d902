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
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.compiling import QuicklyCompiled
from cgcore.factor.gram_by_bead import gram_by_bead
from cgcore.factor.histogram import bin_numbers
from cgcore.factor.preconditioning import Preconditioner, whitened
from cgcore.physics.coefficients import Layout
from cgcore.physics.design import AnySlopes, Chains, Columns, Seen, coordinate_of, slots_of, term_slopes
from cgcore.physics.internal import ENDS, Coordinate, Coordinates, Rows, Slopes, coordinates, histogrammed
from cgcore.physics.space import Displacement
from cgcore.physics.term import Term
from cgcore.physics.topology import Sites


def gram(
    layout: Layout,
    displacement: Displacement,
    basis: Preconditioner,
    chains: Chains,
    F: Float[Array, "xyz beads frames"],
) -> tuple[Float[Any, "m m"], Seen]:
    """Y^T Y, where the slopes of Y are whitened by the basis (`basis.undone` leads back to [X | F]), and what rows
    sampled."""
    if any(term.groups is not None for term in layout.terms):
        return gram_by_bead(layout, displacement, basis, chains, F)
    prepared, seen = _prepared(layout, displacement, basis, chains, F)
    return _products(layout, prepared, chains.at), seen


@partial(QuicklyCompiled, static_argnums=0)
def located(
    displacement: Displacement,
    R: Float[Array, "xyz beads frames"],
    lengths: Int[Array, " frames"],
    sites: Sites | None = None,
) -> tuple[Coordinates, Rows]:
    """Internal coordinates of frames, and the numbers of their bins in histograms."""
    at = coordinates(R, lengths, displacement, sites)
    return at, bin_numbers(histogrammed(at), lengths, sites, jnp)


@partial(QuicklyCompiled, static_argnums=0)
def sloped(layout: Layout, at: Coordinates) -> tuple[AnySlopes | None, ...]:
    """The slopes that are whitened, of each term that has them."""
    return tuple(None if term.on_beads else term_slopes(term, coordinate_of(term, at)) for term in layout.terms)


class _Prepared(NamedTuple):
    """Whitened slopes, forces on beads (bonds, pairs, listed rows, reference), and what couples rows."""

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


@partial(jax.jit, static_argnums=(0, 1))
def _prepared(
    layout: Layout, displacement: Displacement, basis: Preconditioner, chains: Chains, F: Array
) -> tuple[_Prepared, Seen]:
    at, frames = chains.at, F.shape[2]
    slopes = {kind: [jnp.zeros((0, getattr(at, kind).rows, frames), F.dtype)] for kind in ("angle", "dihedral")}
    forces, seen = [], []
    for term, T in zip(layout.terms, basis.each, strict=True):

        def white(term: Term, kind: Coordinate, T: Any = T) -> AnySlopes:
            return whitened(T, term_slopes(term, kind))

        if _as_force(term):
            slots, sampled = slots_of(term, None, displacement, chains, white)
            forces.append(slots.forces[0])
            seen.append(sampled)
        else:
            slopes[term.coordinate].append(white(term, coordinate_of(term, at)))
            seen.append(None)
    angle, dihedral = (jnp.concatenate(found) for found in slopes.values())
    couplings = _couplings(at.angle, at.dihedral)
    return _Prepared(angle, dihedral, jnp.concatenate([*forces, F[None]]), couplings), tuple(seen)


def _as_force(term: Term) -> bool:
    """Whether its columns stay forces on beads."""
    return term.on_beads or term.coordinate == "bond"


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
    order = _order(layout)
    return blocks[np.ix_(order, order)]


def _order(layout: Layout) -> np.ndarray:
    """Where each coefficient, and then the reference force, stands among forces, angles and dihedrals."""
    kinds = ["force" if _as_force(term) else term.coordinate for term in layout.terms]
    sizes = [term.size for term in layout.terms]
    ends, start = {}, 0
    for kind in ("force", "angle", "dihedral"):
        ends[kind] = start
        start += sum(size for size, own in zip(sizes, kinds, strict=True) if own == kind) + (kind == "force")
    found = []
    for kind, size in zip(kinds, sizes, strict=True):
        found.append(np.arange(ends[kind], ends[kind] + size))
        ends[kind] += size
    return np.concatenate([*found, [ends["force"]]])
