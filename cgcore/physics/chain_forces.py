"""Forces of the prior on many chains at once, analytic: the design matrix times c, without building the matrix.

The slopes of a term's functions are summed before they are spread over beads, and pairs of short chains are taken one
separation at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.physics.bases import Basis
from cgcore.physics.coefficients import Layout
from cgcore.physics.design import coordinate_of, onto_beads, slots_on_beads, term_slopes
from cgcore.physics.internal import coordinates, separations
from cgcore.physics.pair_forces import pair_forces
from cgcore.physics.space import Displacement, free
from cgcore.physics.term import Term
from cgcore.physics.topology import Sites

Positions = Float[Array, "xyz beads frames"]

SHORT = 24
"""Beads of a chain whose pairs are taken one separation at a time: half the work of all pairs at once, and less to
compile; for more beads than these a long compile."""


def chain_forces(
    layout: Layout,
    c: Float[Array, " n"],
    R: Positions,
    displacement: Displacement = free,
    sites: Sites | None = None,
    species: Int[np.ndarray, " beads"] | None = None,
) -> Positions:
    """Forces on all beads of chains without padding [kcal/mol/Å].

    Arguments:
        layout: which coefficients there are.
        c: see `coefficients.to_coefficients`.
        R: positions [Å], frames innermost.
        displacement: in jax-md's convention, for free space or a periodic box (its gradient must be 1).
        sites: of the beads, (beads, 1); None: they are one chain.
        species: of the beads, for terms with groups; None: all are 0.
    """
    _, beads, frames = R.shape
    lengths = jnp.full(frames, beads, jnp.int32)
    at = coordinates(R, lengths, displacement, sites)
    forces = jnp.zeros_like(R)
    for term, where in zip(layout.terms, layout.slices.values(), strict=True):
        own = c[where].reshape(len(term.group_labels), term.basis.size)
        groups = term.groups
        along = None if sites is None else jnp.asarray(sites)[:, 0]
        classes = None if groups is None else groups.classes(species, beads, along, beads, jnp)
        if not term.on_beads:
            kind = coordinate_of(term, at)
            slopes = term_slopes(term, kind)
            weights = _of_rows(term, own, classes, kind.rows)
            # Written out: XLA turns a product with a matrix into a call that cannot be fused with what is around it.
            zero = jnp.zeros(slopes.shape[1:], R.dtype)
            total = sum((weights[k] * slopes[k] for k in range(slopes.shape[0])), start=zero)
            forces = forces + onto_beads(total[None], kind.gradients, beads)[0]
        elif term.rows.listed is None and groups is None:
            combined = replace(term, basis=_Combined(term.basis, own[0]), parametrisation=None)
            if sites is None and term.rows.chains != "between" and (term.rows.few or beads <= SHORT):
                last = beads - 1 if term.rows.farthest is None else min(term.rows.farthest, beads - 1)
                summed = _pairs(combined, R, range(term.rows.nearest, last + 1), displacement)
            else:
                summed = pair_forces(combined, R, lengths, displacement, sites).forces[0, 0]
            forces = forces + term.weight * summed
        else:
            slots, _ = slots_on_beads(term, R, lengths, displacement, sites, classes)
            forces = forces + slots.summed(own)
    return forces


@dataclass(frozen=True, eq=False)
class _Combined(Basis):
    """The sum of a basis's functions with these coefficients, as one function."""

    of: Basis
    c: Float[Array, " n"]

    kind: ClassVar[str] = "sum"

    @property
    def size(self) -> int:
        return 1

    @property
    def names(self) -> tuple[str, ...]:
        return ("sum",)

    def functions(self, x: Float[Array, " ..."]) -> Float[Array, "size ..."]:
        return self._summed(self.of.functions(x))

    def strengths(self, squared: Float[Array, " ..."]) -> Float[Array, "size ..."]:
        return self._summed(self.of.strengths(squared))

    def _summed(self, each: Float[Array, "n ..."]) -> Float[Array, "1 ..."]:
        total = self.c[0] * each[0]
        for k in range(1, self.of.size):
            total = total + self.c[k] * each[k]
        return total[None]


def _of_rows(
    term: Term, c: Float[Array, "groups functions"], classes: Int[Array, " beads"] | None, rows: int
) -> Float[Array, "functions ..."]:
    """The coefficients that each row has, 0 where it takes no part."""
    if classes is None:
        return c[0]
    own = term.row_groups(classes, term.rows.candidates(rows + term.rows.beads - 1, False), jnp)
    return jnp.where(own[None] >= 0, c[jnp.maximum(own, 0)].T, 0.0)[..., None]


def _pairs(term: Term, R: Positions, apart: Iterable[int], displacement: Displacement) -> Positions:
    """Sum over the pairs of these separations, as in `pair_forces`."""
    forces = jnp.zeros_like(R)
    for k in apart:
        d = separations(displacement, list(R[:, :-k]), list(R[:, k:]))
        (strength,) = term.basis.strengths(d[0] ** 2 + d[1] ** 2 + d[2] ** 2)
        force = jnp.stack([strength * x for x in d])
        # Padded and not added in place: XLA fuses the one and copies for the other.
        forces = forces + jnp.pad(force, ((0, 0), (0, k), (0, 0))) - jnp.pad(force, ((0, 0), (k, 0), (0, 0)))
    return forces
