"""The design matrix X(R): forces are X c, with c as in `coefficients`. Analytic, no autodiff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.physics.internal import ENDS, Coordinate, Coordinates, Gradients, Slopes, coordinates
from cgcore.physics.pair_forces import group_by_group, pair_forces
from cgcore.physics.space import Displacement, free
from cgcore.physics.term import Term
from cgcore.physics.topology import Sites

Columns = Float[Array, "columns xyz beads frames"]
AnySlopes = Float[Array, "_ _ frames"]
"""Slopes of one kind beside those of another, which has other columns and rows."""
Closest = Float[Array, "pair_terms frames"]
"""Distance of the closest pair of each pair term [Å], in the order of their columns."""

Roots = Float[Array, "beads frames"]
"""The root of each bead's weight in the loss."""

Grouping = Sequence[Int[Any, " beads"] | None]
"""For each term the class of each bead, see `Groups.classes`; None for a term without groups."""


def design_matrix(
    terms: tuple[Term, ...],
    R: Float[Array, "frames beads 3"],
    lengths: Int[Array, " frames"],
    displacement: Displacement = free,
    sites: Sites | None = None,
    classes: Grouping | None = None,
) -> Float[Array, "n xyz beads frames"]:
    """Force on each bead for each coefficient being 1.

    Arguments:
        terms: of the prior.
        R: positions [Å], finite everywhere. A padded bead may hold anything finite: its forces are zero.
        lengths: number of real beads of each frame; 0 makes all rows of a frame zero.
        displacement: in jax-md's convention, for free space or a periodic box (its gradient must be 1).
        sites: of the beads (see `topology`); None: all of a frame are one chain.
        classes: of the beads, for terms with groups; None: no term has them.
    """
    R = jnp.transpose(R, (2, 1, 0))
    at = coordinates(R, lengths, displacement, sites)
    own = tuple(None if one is None else jnp.asarray(one) for one in classes or (None,) * len(terms))
    return columns(terms, R, lengths, displacement, at, sites, own)[0]


def columns(
    terms: tuple[Term, ...],
    R: Float[Array, "xyz beads frames"],
    lengths: Int[Array, " frames"],
    displacement: Displacement,
    at: Coordinates,
    sites: Sites | None,
    classes: Grouping,
    roots: Roots | None = None,
) -> tuple[Columns, Closest]:
    """`design_matrix` of positions whose internal coordinates are known, and each frame's closest pairs; with the roots
    of weights, times these, which the coordinates have, see `weighted`."""
    found, closest = [], []
    for term, own in zip(terms, classes, strict=True):
        if not term.on_beads:
            kind = coordinate_of(term, at)
            found.append(onto_beads(grouped(term, term_slopes(term, kind), own), kind.gradients, R.shape[1]))
            continue
        forces, nearest = bead_columns(term, R, lengths, displacement, sites, own)
        found.append(forces if roots is None else roots[None, None] * forces)
        if nearest is not None:
            closest.append(nearest)
    return jnp.concatenate(found), stacked(closest, R.shape[2], R.dtype)


def weighted(at: Coordinates, roots: Roots) -> Coordinates:
    """Coordinates whose gradients by each bead are multiplied by the root of its weight: forces and their inner
    products are then those of weighted residuals."""

    def scaled(kind: Coordinate) -> Coordinate:
        padded = jnp.pad(roots, ((ENDS, 2 * ENDS), (0, 0)))
        rows = kind.gradients[0].shape[1]
        return kind._replace(gradients=tuple(g * padded[None, k : k + rows] for k, g in enumerate(kind.gradients)))

    return Coordinates(*(scaled(kind) for kind in at))


def stacked(closest: list[Array], frames: int, dtype: np.dtype) -> Closest:
    """Distances of each term's closest pairs in one array, also where no term is of pairs."""
    return jnp.stack(closest) if closest else jnp.zeros((0, frames), dtype)


def coordinate_of(term: Term, at: Coordinates) -> Coordinate:
    """The coordinates of a term whose rows are of consecutive beads."""
    return getattr(at, term.coordinate)


def term_slopes(term: Term, kind: Coordinate) -> Slopes:
    """Minus the derivative of the energy by the coordinate, for each function of the basis with a coefficient of 1."""
    return -term.weight * term.basis.slopes(kind.values)


def grouped(term: Term, slopes: Slopes, classes: Int[Array, " beads"] | None) -> Float[Array, "_ rows frames"]:
    """Slopes of the functions of each group in turn, 0 at rows of the others."""
    if term.groups is None:
        return slopes
    assert classes is not None
    n_beads = slopes.shape[1] + term.rows.beads - 1
    return group_by_group(term, slopes, term.row_groups(classes, term.rows.candidates(n_beads, False), jnp))


def bead_columns(
    term: Term,
    R: Float[Array, "xyz beads frames"],
    lengths: Int[Array, " frames"],
    displacement: Displacement,
    sites: Sites | None,
    classes: Int[Array, " beads"] | None,
) -> tuple[Columns, Float[Array, " frames"] | None]:
    """Columns of a term of pairs, with each frame's closest pair, or of listed rows."""
    if term.rows.listed is not None:
        return _listed(term, R, lengths, displacement, classes), None
    found = pair_forces(term, R, lengths, displacement, sites, classes)
    return term.weight * found.forces, found.closest


def _listed(
    term: Term,
    R: Float[Array, "xyz beads frames"],
    lengths: Int[Array, " frames"],
    displacement: Displacement,
    classes: Int[Array, " beads"] | None,
) -> Columns:
    """Each row is a chain of its own beads: rows and frames are one axis."""
    _, n_beads, frames = R.shape
    rows = term.rows.candidates(n_beads, False)
    if len(rows) == 0:
        return jnp.zeros((term.size, *R.shape), R.dtype)
    beads = term.rows.beads
    chains = jnp.transpose(R[:, rows], (0, 2, 1, 3)).reshape(3, beads, -1)
    real = jnp.max(rows, axis=1)[:, None] < lengths[None]
    at = coordinates(chains, jnp.where(real, beads, 0).ravel(), displacement)
    kind = {2: at.bond, 3: at.angle, 4: at.dihedral}[beads]
    slopes = term_slopes(term, kind).reshape(-1, len(rows), frames)
    if term.groups is not None:
        assert classes is not None
        slopes = group_by_group(term, slopes, term.row_groups(classes, rows, jnp))
    total = jnp.zeros((slopes.shape[0], *R.shape), R.dtype)
    for k, gradient in enumerate(kind.gradients):
        along = gradient[:, ENDS : ENDS + 1].reshape(3, len(rows), frames)
        total = total.at[:, :, rows[:, k]].add(slopes[:, None] * along[None])
    return total


def onto_beads(slope: Slopes, gradients: tuple[Gradients, ...], n_beads: int) -> Columns:
    """Slope times gradient, summed over the rows that a bead is in: gradient k of row i acts on bead i + k."""
    slope = jnp.pad(slope, ((0, 0), (ENDS, ENDS), (0, 0)))

    def at_bead(x: Float[Array, "first padded frames"], k: int) -> Float[Array, "first beads frames"]:
        return x[:, ENDS - k : ENDS - k + n_beads]

    forces = [at_bead(slope, k)[:, None] * at_bead(g, k)[None] for k, g in enumerate(gradients)]
    return sum(forces[1:], start=forces[0])
