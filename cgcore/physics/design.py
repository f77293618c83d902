"""The design matrix X(R), for which the forces are X c with c as in `coefficients`. Analytic, without autodiff."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from cgcore.physics.groups import Classes
from cgcore.physics.internal import ENDS, Chains, Coordinate, Coordinates, Gradients, Grouping, Slopes, coordinates
from cgcore.physics.pair_forces import Sampled, Slots, pair_forces
from cgcore.physics.space import Displacement, free
from cgcore.physics.term import Term
from cgcore.physics.topology import Sites, complete

Columns = Float[Array, "columns xyz beads frames"]

Seen = tuple[Sampled | None, ...]
"""Coordinates that the rows of each term had; None for a term for which `Coordinates` contains them all."""


def design_matrix(
    terms: tuple[Term, ...],
    R: Float[Array, "frames beads 3"],
    lengths: Int[Array, " frames"],
    displacement: Displacement = free,
    sites: Sites | None = None,
    classes: Grouping | None = None,
) -> Float[Array, "n xyz beads frames"]:
    """Forces on all beads for unit coefficients: F = sum over n of c[n] X[n].

    Arguments:
        terms: terms of the prior, `prior.linear`.
        R: positions (frames, beads, 3) [Å], finite everywhere. Padded beads may hold any finite value; their forces are
            0.
        lengths: number of real beads of each frame (frames,); 0 makes all rows of a frame zero.
        displacement: displacement function in jax-md's convention, for free space or a periodic box (its gradient must
            be 1).
        sites: sites of the beads (see `topology`); None if every frame is one chain.
        classes: classes of the beads for terms with groups; None if no term has groups.

    Returns:
        X, shape (n, xyz, beads, frames).

    Examples:
        >>> import cgcore, jax.numpy as jnp
        >>> frames = cgcore.datasets.chignolin().subset(4).join()
        >>> lengths = jnp.full(4, 10)
        >>> cgcore.design_matrix(cgcore.default_prior().linear, jnp.asarray(frames.R), lengths).shape
        (28, 3, 10, 4)
    """
    R = jnp.transpose(R, (2, 1, 0))
    at = coordinates(R, lengths, displacement, sites)
    return columns(terms, displacement, Chains(R, lengths, at, sites, classes or (None,) * len(terms)))[0]


def columns(terms: tuple[Term, ...], displacement: Displacement, chains: Chains) -> tuple[Columns, Seen]:
    """The design matrix, multiplied by the square roots of the weights, and the coordinates that each term's rows
    had."""
    given = zip(terms, chains.classes, strict=True)
    each = [slots_of(term, own, displacement, chains) for term, own in given]
    found = [slots.by_group(term) for term, slots in zip(terms, each, strict=True)]
    return jnp.concatenate(found), tuple(slots.seen for slots in each)


def coordinate_of(term: Term, at: Coordinates) -> Coordinate:
    """The coordinates of the rows of a term that acts on consecutive beads."""
    return getattr(at, "bond" if term.rows.beads == 2 else term.coordinate)


def term_slopes(term: Term, kind: Coordinate) -> Slopes:
    """Minus the derivative of the energy with respect to the coordinate, for each basis function with coefficient 1."""
    return -term.weight * term.basis.slopes(kind.values)


def slots_of(
    term: Term,
    classes: Classes | None,
    displacement: Displacement,
    chains: Chains,
    combined: Callable[[Slopes], Slopes] = lambda slopes: slopes,
) -> Slots:
    """Forces of one term for unit coefficients, multiplied by the square roots of the weights.

    Arguments:
        term, classes, displacement, chains: see `pair_forces`.
        combined: applied to the slopes of rows of consecutive beads before forces are computed from them.
    """
    n_beads = chains.R.shape[1]
    if term.on_beads:
        if term.rows.listed is not None:
            found = _listed(term, classes, displacement, chains)
        else:
            found = pair_forces(term, displacement, chains, classes)
            found = found._replace(forces=term.weight * found.forces)
        return found if chains.roots is None else found._replace(forces=chains.roots[None, None, None] * found.forces)
    kind = coordinate_of(term, chains.at)
    slope = combined(term_slopes(term, kind))
    if classes is None:
        return Slots(onto_beads(slope, kind.gradients, n_beads)[None])
    # One slot for each place that a bead can have in a row.
    own = term.row_groups(classes, term.rows.candidates(n_beads, False), jnp)
    placed = _placed(jnp.where(own[None, :, None] >= 0, slope, 0.0), kind.gradients, n_beads)
    padded = jnp.pad(jnp.maximum(own, 0), ENDS)
    groups = [padded[_with_place(k, n_beads)] for k in range(term.rows.beads)]
    there = complete(len(own), term.rows.beads - 1, chains.lengths, chains.sites, jnp) & (own >= 0)[:, None]
    seen = Sampled(jnp.where(there, kind.value, jnp.inf), own)
    return Slots(jnp.stack(placed), jnp.stack(groups), seen)


def _listed(term: Term, classes: Classes | None, displacement: Displacement, chains: Chains) -> Slots:
    """Forces of a term with listed rows, with one slot for each group, as a bead may belong to rows of all groups.

    Each row is treated as a chain of its own, and rows and frames share one axis.
    """
    R, (_, n_beads, frames) = chains.R, chains.R.shape
    rows, n_groups = term.rows.candidates(n_beads, False), len(term.group_labels)
    total = jnp.zeros((n_groups, term.basis.size, *R.shape), R.dtype)
    groups = jnp.broadcast_to(jnp.arange(n_groups)[:, None], (n_groups, n_beads))
    beads = term.rows.beads
    each = jnp.transpose(R[:, rows], (0, 2, 1, 3)).reshape(3, beads, -1)
    real = jnp.max(rows, axis=1)[:, None] < chains.lengths[None]
    kind = coordinate_of(term, coordinates(each, jnp.where(real, beads, 0).ravel(), displacement))
    slopes = term_slopes(term, kind).reshape(term.basis.size, len(rows), frames)
    own = jnp.zeros(len(rows), int) if classes is None else term.row_groups(classes, rows, jnp)
    counts, own = real & (own >= 0)[:, None], jnp.maximum(own, 0)
    slopes = jnp.where(counts[None], slopes, 0.0)
    for k, gradient in enumerate(kind.gradients):
        along = gradient[:, ENDS : ENDS + 1].reshape(3, len(rows), frames)
        forces = jnp.transpose(slopes[:, None] * along[None], (2, 0, 1, 3))
        total = total.at[own, :, :, rows[:, k]].add(forces)
    values = jnp.where(counts, kind.value.reshape(len(rows), frames), jnp.inf)
    if term.rows.pairs:
        return Slots(total, groups, Sampled.closest(jax.ops.segment_min(values, own, n_groups)))
    return Slots(total, groups, Sampled(values, own))


def onto_beads(slope: Slopes, gradients: tuple[Gradients, ...], n_beads: int) -> Columns:
    """Slope times gradient, summed over the rows that contain each bead: gradient k of row i acts on bead i + k."""
    forces = _placed(slope, gradients, n_beads)
    return sum(forces[1:], start=forces[0])


def _placed(slope: Slopes, gradients: tuple[Gradients, ...], n_beads: int) -> list[Columns]:
    """For each place in a row, slope times gradient of the row in which each bead has that place."""
    slope = jnp.pad(slope, ((0, 0), (ENDS, ENDS), (0, 0)))
    rows = [_with_place(k, n_beads) for k in range(len(gradients))]
    return [slope[:, at][:, None] * g[:, at][None] for at, g in zip(rows, gradients, strict=True)]


def _with_place(k: int, n_beads: int) -> slice:
    """Slice of the padded rows in which beads 0, 1, ... have place k."""
    return slice(ENDS - k, ENDS - k + n_beads)
