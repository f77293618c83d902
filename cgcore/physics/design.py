"""The design matrix X(R): forces are X c, with c as in `coefficients`. Analytic, no autodiff."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from cgcore.physics.coefficients import Layout
from cgcore.physics.internal import (
    ENDS,
    Coordinates,
    Gradients,
    Slopes,
    bond_slopes,
    coordinates,
    series_slopes,
)
from cgcore.physics.pair_forces import close_pair_forces, far_pair_forces
from cgcore.physics.prior import Weights
from cgcore.physics.space import Displacement, free
from cgcore.physics.topology import Sites

Columns = Float[Array, "columns xyz beads frames"]
AnySlopes = Float[Array, "_ _ frames"]
"""Slopes of one kind beside those of another, which has other columns and rows."""
Closest = Float[Array, "pair_terms frames"]
"""Distance of the closest pair of each pair term [Å], in the order of their columns."""


def design_matrix(
    weights: Weights,
    layout: Layout,
    R: Float[Array, "frames beads 3"],
    lengths: Int[Array, " frames"],
    displacement: Displacement = free,
    sites: Sites | None = None,
) -> Float[Array, "n xyz beads frames"]:
    """Force on each bead for each coefficient being 1.

    Arguments:
        weights: factor of each term.
        layout: which coefficients there are.
        R: positions [Å], finite everywhere. A padded bead may hold anything finite: its forces are zero.
        lengths: number of real beads of each frame; 0 makes all rows of a frame zero.
        displacement: in jax-md's convention, for free space or a periodic box (its gradient must be 1).
        sites: of the beads (see `topology`); None: all of a frame are one chain.
    """
    R = jnp.transpose(R, (2, 1, 0))
    return columns(weights, layout, R, lengths, displacement, coordinates(R, lengths, displacement, sites), sites)[0]


def columns(
    weights: Weights,
    layout: Layout,
    R: Float[Array, "xyz beads frames"],
    lengths: Int[Array, " frames"],
    displacement: Displacement,
    at: Coordinates,
    sites: Sites | None = None,
) -> tuple[Columns, Closest]:
    """`design_matrix` of positions whose internal coordinates are known, and each frame's closest pairs."""
    n_beads = R.shape[1]
    pairs, closest = pair_columns(weights, R, lengths, displacement, sites)
    series = [
        onto_beads(slope, kind.gradients, n_beads) for slope, kind in zip(slopes(weights, layout, at), at, strict=True)
    ]
    return jnp.concatenate([*series, pairs]), closest


def slopes(weights: Weights, layout: Layout, at: Coordinates) -> tuple[AnySlopes, AnySlopes, AnySlopes]:
    """Of bonds, angles and dihedrals: minus the derivative of the energy by the coordinate, for each coefficient."""
    return (
        bond_slopes(at.bond, -weights.bond),
        series_slopes(at.angle, layout.n_angle, -weights.angle),
        series_slopes(at.dihedral, layout.n_dihedral, -weights.dihedral),
    )


def pair_columns(
    weights: Weights,
    R: Float[Array, "xyz beads frames"],
    lengths: Int[Array, " frames"],
    displacement: Displacement,
    sites: Sites | None = None,
) -> tuple[Columns, Closest]:
    """Columns of the repulsion and, where there is one, of the excluded volume; and each frame's closest pair."""
    pairs, weighted = [far_pair_forces(R, lengths, displacement, sites)], [weights.repulsive]
    if weights.excluded_volume is not None:
        pairs.append(close_pair_forces(R, lengths, displacement, sites))
        weighted.append(weights.excluded_volume)
    forces = jnp.stack([weight * found.forces for weight, found in zip(weighted, pairs, strict=True)])
    return forces, jnp.stack([found.closest for found in pairs])


def onto_beads(slope: Slopes, gradients: tuple[Gradients, ...], n_beads: int) -> Columns:
    """Slope times gradient, summed over the rows that a bead is in: gradient k of row i acts on bead i + k."""
    slope = jnp.pad(slope, ((0, 0), (ENDS, ENDS), (0, 0)))

    def at_bead(x: Float[Array, "first padded frames"], k: int) -> Float[Array, "first beads frames"]:
        return x[:, ENDS - k : ENDS - k + n_beads]

    forces = [at_bead(slope, k)[:, None] * at_bead(g, k)[None] for k, g in enumerate(gradients)]
    return sum(forces[1:], start=forces[0])
