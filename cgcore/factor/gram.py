"""The Gram matrix of [X | F], computed in internal coordinates without forming X.

Forces of angles are J^T s, where s holds the slopes of the basis functions at each angle and J the gradients of the
angles. Their inner products are s^T (J J^T) s. J J^T, Wilson's G matrix (E. B. Wilson, J. Chem. Phys. 7, 1047 (1939))
for beads of mass 1, couples only rows that share a bead: it has three numbers per bead instead of nine, and 20 columns
are never expanded over xyz and beads. The same holds for dihedrals. Bonds, pairs and reference forces have few columns
and are kept as forces on beads.

If terms have groups, each bead is processed separately. A bead belongs to rows of few groups, so most of its columns
are 0. Its nonzero forces are kept in slots (see `pair_forces.Slots`), whose inner products are added to the entries of
their groups' coefficients. With 20 residue types and a spline for each pair of them, this is a hundredth of the work of
using all columns.

Slopes are first made nearly orthonormal (see `preconditioning`). The steps are compiled separately: in one fused
program, XLA's CPU back end would compute values shared by several columns again for each column.
"""

from __future__ import annotations

from functools import partial, reduce
from itertools import combinations_with_replacement
from operator import add
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.compiling import QuicklyCompiled
from cgcore.factor.histogram import bin_numbers
from cgcore.factor.preconditioning import Preconditioner, whitened
from cgcore.physics.coefficients import Layout
from cgcore.physics.design import Columns, Seen, coordinate_of, slots_of, term_slopes
from cgcore.physics.internal import ENDS, Chains, Coordinate, Coordinates, Rows, Slopes, coordinates
from cgcore.physics.space import Displacement
from cgcore.physics.term import Term
from cgcore.physics.topology import Sites

KINDS = ("angle", "dihedral")
"""Coordinates that have many columns, which are not expanded over beads."""

PLACES = ("force", *KINDS)
"""Order of the columns in products: forces on beads, ending with the reference force, then slopes of each kind."""


def gram(
    layout: Layout,
    displacement: Displacement,
    basis: Preconditioner,
    chains: Chains,
    F: Float[Array, "xyz beads frames"],
) -> tuple[Float[Any, "m m"], Seen]:
    """The Gram matrix Y^T Y, and the coordinates that each term's rows had.

    Y is [X | F] with slopes whitened by `basis`; `basis.undone` leads back to [X | F].
    """
    if all(term.groups is None for term in layout.terms):
        slopes, forces, couplings, seen = _prepared(layout, displacement, basis, chains, F)
        return _products(layout, slopes, forces, couplings, chains.at), seen
    products, columns, seen = _products_of_beads(layout, displacement, basis, chains, F)
    m = layout.size + 1
    where = np.asarray(columns)
    entries = (where[:, :, None] * m + where[:, None, :]).ravel()
    return np.bincount(entries, np.asarray(products).ravel(), m * m).reshape(m, m), seen


@partial(QuicklyCompiled, static_argnums=0)
def located(
    displacement: Displacement,
    R: Float[Array, "xyz beads frames"],
    lengths: Int[Array, " frames"],
    sites: Sites | None = None,
) -> tuple[Coordinates, Rows]:
    """Internal coordinates of frames, and the numbers of their histogram bins."""
    at = coordinates(R, lengths, displacement, sites)
    return at, bin_numbers({name: kind.value for name, kind in at._asdict().items()}, lengths, sites, jnp)


@partial(QuicklyCompiled, static_argnums=0)
def sloped(layout: Layout, at: Coordinates) -> tuple[Slopes | None, ...]:
    """The slopes of each term that are whitened; None for a term whose forces are computed for each bead."""
    return tuple(None if term.on_beads else term_slopes(term, coordinate_of(term, at)) for term in layout.terms)


Couplings = dict[tuple[str, str], dict[int, Float[Array, "_ frames"]]]
"""Entries of Wilson's G matrix for two kinds of coordinate, by the shift between their rows."""


@partial(jax.jit, static_argnums=(0, 1))
def _prepared(
    layout: Layout, displacement: Displacement, basis: Preconditioner, chains: Chains, F: Array
) -> tuple[dict[str, Slopes], Columns, Couplings, Seen]:
    """Whitened slopes of each kind, forces on beads (bonds, pairs, listed rows, reference), couplings between rows,
    and the coordinates that each term's rows had."""
    at, frames = chains.at, F.shape[2]
    slopes = {kind: [jnp.zeros((0, getattr(at, kind).rows, frames), F.dtype)] for kind in KINDS}
    forces, seen = [], []
    for term, T in zip(layout.terms, basis.each, strict=True):
        if _place(term) == "force":
            slots = slots_of(term, None, displacement, chains, partial(whitened, T))
            forces.append(slots.forces[0])
            seen.append(slots.seen)
        else:
            slopes[term.coordinate].append(whitened(T, term_slopes(term, coordinate_of(term, at))))
            seen.append(None)
    pairs = combinations_with_replacement(KINDS, 2)
    couplings = {(p, q): _couplings(getattr(at, p), getattr(at, q)) for p, q in pairs}
    joined = {kind: jnp.concatenate(found) for kind, found in slopes.items()}
    return joined, jnp.concatenate([*forces, F[None]]), couplings, tuple(seen)


def _place(term: Term) -> str:
    """Where the term's columns are: among the forces on beads, or among the slopes of its kind."""
    return term.coordinate if term.coordinate in KINDS and not term.on_beads else "force"


def _couplings(p: Coordinate, q: Coordinate) -> dict[int, Rows]:
    """Entries of Wilson's G matrix between row i of one kind and row i + shift of the other, for each shift with a
    shared bead.

    Within one kind, where G is symmetric, negative shifts are omitted and the entries with shift 0 are halved.
    """

    def coupled(shift: int) -> Rows:
        here, there = (slice(first, first + p.rows) for first in (ENDS, ENDS + shift))
        shared = [(g, q.gradients[k - shift]) for k, g in enumerate(p.gradients) if 0 <= k - shift < len(q.gradients)]
        return reduce(add, (g[axis, here] * h[axis, there] for g, h in shared for axis in range(3)))

    shifts = range(0 if p is q else 1 - len(q.gradients), len(p.gradients))
    return {shift: coupled(shift) / (2 if p is q and shift == 0 else 1) for shift in shifts}


@partial(jax.jit, static_argnums=0)
def _products(
    layout: Layout, slopes: dict[str, Slopes], forces: Columns, couplings: Couplings, at: Coordinates
) -> Array:
    def product(p: Array, q: Array) -> Array:
        axes = tuple(range(1, p.ndim))
        return jnp.tensordot(p, q, (axes, axes))

    def coupled(p: str, q: str) -> Slopes:
        """G times the slopes of kind q; within one kind half of G, and the caller adds the transpose."""
        padded, rows = jnp.pad(slopes[q], ((0, 0), (ENDS, ENDS), (0, 0))), getattr(at, p).rows
        return reduce(add, (g[None] * padded[:, ENDS + k : ENDS + k + rows] for k, g in couplings[p, q].items()))

    def projected(kind: Coordinate) -> Slopes:
        """Inner products of each row's gradient with the forces."""
        rows, each = kind.rows, enumerate(kind.gradients)
        inner = slice(ENDS, ENDS + rows)
        return reduce(add, (g[None, axis, inner] * forces[:, axis, k : k + rows] for k, g in each for axis in range(3)))

    blocks = {("force", "force"): product(forces, forces)}
    for kind in KINDS:
        blocks[kind, "force"] = product(slopes[kind], projected(getattr(at, kind)))
    for p, q in couplings:
        half = product(slopes[p], coupled(p, q))
        blocks[p, q] = half + half.T if p == q else half
    grid = [[blocks[p, q] if (p, q) in blocks else blocks[q, p].T for q in PLACES] for p in PLACES]
    order = _order(layout)
    return jnp.block(grid)[np.ix_(order, order)]


def _order(layout: Layout) -> np.ndarray:
    """Position of each coefficient, followed by the reference force, in the order of `PLACES`."""
    places = [PLACES.index(_place(term)) for term in layout.terms for _ in range(term.size)]
    return np.argsort(np.argsort([*places, PLACES.index("force")], kind="stable"))


@partial(jax.jit, static_argnums=(0, 1))
def _products_of_beads(
    layout: Layout, displacement: Displacement, basis: Preconditioner, chains: Chains, F: Array
) -> tuple[Float[Array, "beads own own"], Int[Array, "beads own"], Seen]:
    """Inner products, for each bead, of the columns in which it has forces; the numbers of these columns; and the
    coordinates that each term's rows had."""
    n_beads = F.shape[1]
    forces, columns, seen = [], [], []
    for term, T, own, place in zip(layout.terms, basis.each, chains.classes, layout.slices.values(), strict=True):
        slots = slots_of(term, own, displacement, chains, partial(whitened, T))
        groups = jnp.zeros((1, n_beads), int) if slots.groups is None else slots.groups
        each = jnp.arange(term.basis.size)[:, None]
        columns.append((place.start + groups[:, None] * term.basis.size + each[None]).reshape(-1, n_beads))
        forces.append(slots.forces.reshape(-1, *F.shape))
        seen.append(slots.seen)
    Y = jnp.concatenate([*forces, F[None]])
    columns.append(jnp.full((1, n_beads), layout.size))
    products = jnp.einsum("pxbf,qxbf->bpq", Y, Y, precision="highest")
    return products, jnp.concatenate(columns).T, tuple(seen)
