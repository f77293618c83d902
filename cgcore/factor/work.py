"""Processing of a piece of the data: its sums. A piece contains all that is needed, so any process can do this."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from cgcore.compiling import QuicklyCompiled
from cgcore.data.batches import Cut, Piece
from cgcore.factor.fingerprint import Fingerprint
from cgcore.factor.gram import gram, located
from cgcore.factor.histogram import Histograms
from cgcore.factor.preconditioning import Preconditioner
from cgcore.factor.triangle import Triangle, merged, triangle
from cgcore.physics.coefficients import Layout
from cgcore.physics.design import Seen, columns
from cgcore.physics.energy import compiled_frame_forces
from cgcore.physics.internal import Chains
from cgcore.physics.prior import Prior
from cgcore.physics.space import Displacement
from cgcore.threads import one_blas_thread
from cgcore.x64 import solving


class Part(NamedTuple):
    """Contribution of some frames to the sums over all frames: their preconditioned Gram matrix (their triangle if
    there is no preconditioner) and the histograms of their coordinates."""

    matrix: Triangle
    histograms: Histograms
    frames: int


@dataclass(frozen=True, eq=False)
class Work:
    """Everything that is the same for all pieces of a data set.

    Arguments:
        fingerprint: everything besides the data and `basis` on which the matrices depend.
        basis: preconditioner of the Gram matrices; None to compute triangles by QR of the rows.
        displacement: displacement function in jax-md's convention.
        fixed: prior whose forces are subtracted from the reference forces first; None for none.
        scale: factor that makes the mean of the weights over all data 1.
    """

    fingerprint: Fingerprint
    basis: Preconditioner | None
    displacement: Displacement
    fixed: Prior | None
    scale: float

    def of_piece(self, piece: Piece) -> Part:
        """The sums over a piece, batch by batch in this thread."""
        with solving("compress"), one_blas_thread():
            return self.joined(map(self.of_cut, piece.cuts))

    def of_cut(self, cut: Cut) -> Part:
        """The sums over one batch."""
        terms, layout = self.fingerprint.terms, self.fingerprint.layout
        batch, species, n_beads = cut.load(), cut.species(), cut.source.n_beads
        along = None if batch.sites is None else batch.sites[:, 0]
        classes = tuple(term.classes(species, int(batch.lengths[0]), along, n_beads) for term in terms)
        with jax.enable_x64(True):  # a setting of this thread
            R, F = frames_last(batch.R, batch.F)
            if self.fixed is not None:
                real = np.arange(n_beads) < batch.lengths[:, None]
                held = self.fixed, self.fixed.params, batch.R.astype(np.float64)
                F = F - jnp.transpose(compiled_frame_forces(*held, real, species, self.displacement, along))
            at, bins = located(self.displacement, R, batch.lengths, batch.sites)
            chains = Chains(R, jnp.asarray(batch.lengths), at, batch.sites, classes)
            weights = batch.weights
            if weights is None and self.scale != 1.0:  # only other sources have weights
                weights = np.ones(batch.R.shape[:2])
            if weights is not None:
                roots = jnp.sqrt(jnp.asarray(weights.T * self.scale))
                chains, F = chains.weighted(roots), roots[None] * F
            if self.basis is None:
                rows, seen = rows_of(layout, self.displacement, chains, F)
                matrix = triangle(np.asarray(rows).T)
            else:
                products, seen = gram(layout, self.displacement, self.basis, chains, F)
                matrix = np.asarray(products)
        return Part(matrix, Histograms.counted(np.asarray(bins), terms, seen), len(cut.rows))

    def joined(self, parts: Iterable[Part]) -> Part:
        """The sum of several parts, added in order, so that rounding is the same in every run."""

        def both(a: Part, b: Part) -> Part:
            return Part(self.added(a.matrix, b.matrix), a.histograms + b.histograms, a.frames + b.frames)

        return reduce(both, parts)

    def added(self, a: Triangle, b: Triangle) -> Triangle:
        """The sum of the matrices of two parts."""
        return merged((a, b)) if self.basis is None else a + b


@QuicklyCompiled
def frames_last(
    R: Float[Array, "frames beads 3"], F: Float[Array, "frames beads 3"]
) -> tuple[Float[Array, "xyz beads frames"], Float[Array, "xyz beads frames"]]:
    return jnp.transpose(R.astype(jnp.float64)), jnp.transpose(F.astype(jnp.float64))


@partial(jax.jit, static_argnums=(0, 1))
def rows_of(
    layout: Layout, displacement: Displacement, chains: Chains, F: Float[Array, "xyz beads frames"]
) -> tuple[Float[Array, "m rows"], Seen]:
    """[X | F] transposed (m, rows), and the coordinates that each term's rows had."""
    X, seen = columns(layout.terms, displacement, chains)
    return jnp.concatenate([X, F[None]]).reshape(layout.size + 1, -1), seen
