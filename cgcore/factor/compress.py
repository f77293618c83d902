"""One streaming pass over frames: batches of fixed shape in, factors of blocks and histograms out."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgcore.blas import one_blas_thread
from cgcore.data import Dataset, Segment, locate_overlap
from cgcore.errors import InputError
from cgcore.factor.batches import Cut, all_cuts, sample_cuts
from cgcore.factor.factor import Block, Factor
from cgcore.factor.fingerprint import Fingerprint
from cgcore.factor.histogram import Histograms
from cgcore.factor.triangle import Triangle
from cgcore.factor.whitening import WELL_CONDITIONED, correlation_spread, preconditioner, unwhitened
from cgcore.physics.coefficients import Layout
from cgcore.physics.design import Internal, design_matrix
from cgcore.physics.geometry import Displacement, free
from cgcore.physics.prior import Weights

BLOCKS = 20
"""Blocks for each protein in each source: enough for folds, few enough that each is many frames."""

SAMPLE_ROWS = 4_000
"""Rows of the sample that the basis is made of."""

Progress = Callable[[int, int], object]
"""Called with the number of frames done and of all."""


def compress(
    dataset: Dataset,
    fingerprint: Fingerprint,
    *,
    displacement: Displacement = free,
    blocks: int = BLOCKS,
    progress: Progress | None = None,
) -> Factor:
    """The factor of a data set, in one pass; memory does not grow with the number of frames.

    Arguments:
        dataset: frames, see `cgcore.data`.
        fingerprint: terms, weights and orders of the prior (`Fingerprint.of(prior)`).
        displacement: in jax-md's convention; name it in the fingerprint when it is not `free`.
        blocks: contiguous blocks for each protein in each source.
        progress: called now and then.

    Raises:
        InputError: something came out not finite, beads that coincide, for instance; says where.
    """
    segments = dataset.segments(blocks)
    rows = partial(_rows, fingerprint.weights, fingerprint.layout, displacement)

    def gather(T: Triangle) -> tuple[list[np.ndarray], Histograms]:
        def work(cut: Cut) -> tuple[int, np.ndarray, Histograms, int]:
            batch = cut.load()
            with jax.enable_x64(True):  # a setting of this thread
                x, internal = rows(batch.R, batch.F, batch.lengths)
                gram = np.asarray(_gram(x, T))
            return cut.segment, gram, Histograms.of(internal._asdict(), batch.lengths), len(cut.rows)

        grams, histograms, done = [np.zeros_like(T) for _ in segments], Histograms.empty(), 0
        with ThreadPoolExecutor(_threads()) as pool:
            # In the order of the cuts, whoever finishes first: sums come out the same in every run.
            for segment, gram, counts, frames in pool.map(work, all_cuts(dataset, segments)):
                grams[segment] += gram
                histograms += counts
                done += frames
                if progress is not None:
                    progress(done, dataset.n_frames)
        return grams, histograms

    with jax.enable_x64(True), one_blas_thread():
        sample = [cut.load() for cut in sample_cuts(dataset, segments)]
        T = preconditioner(_some_rows([rows(b.R, b.F, b.lengths)[0] for b in sample]))
        grams, histograms = gather(T)
        if not np.isfinite(grams).all():
            where = locate_overlap(dataset) or "positions or forces are too large for float64"
            raise InputError(f"{dataset.path}: the design matrix is not finite: {where}")
        if correlation_spread(np.sum(grams, axis=0)) < WELL_CONDITIONED:
            # The sample missed what the data hold. Rare; what was found now is the better basis.
            T = preconditioner(np.vstack([unwhitened(gram, T) for gram in grams]))
            grams, histograms = gather(T)
        made = [_block(dataset, segment, unwhitened(gram, T)) for segment, gram in zip(segments, grams, strict=True)]
    return Factor(tuple(made), fingerprint, histograms)


def _block(dataset: Dataset, segment: Segment, S: Triangle) -> Block:
    source = dataset.sources[segment.source]
    return Block(
        S=S,
        beads=int(source.lengths[segment.rows].sum(dtype=np.int64)),
        frames=len(segment.rows),
        source=source.source,
        protein=segment.protein,
        index=segment.block,
    )


def _some_rows(batches: list[Array]) -> Float[np.ndarray, "rows n"]:
    """Some of the rows of these batches, drawn with a fixed seed."""
    rows = np.hstack([np.asarray(batch) for batch in batches]).T
    if not np.isfinite(rows).all():
        rows = rows[np.isfinite(rows).all(axis=1)]  # the pass over all of them says where
    return np.random.default_rng(0).choice(rows, min(SAMPLE_ROWS, len(rows)), replace=False)


@partial(jax.jit, static_argnums=(0, 1, 2))
def _rows(
    weights: Weights,
    layout: Layout,
    displacement: Displacement,
    R: Float[Array, "frames beads 3"],
    F: Float[Array, "frames beads 3"],
    lengths: Int[Array, " frames"],
) -> tuple[Float[Array, "n rows"], Internal]:
    """[X | F], a column of it in each row of the result, and the internal coordinates."""
    R, F = R.astype(jnp.float64), F.astype(jnp.float64)
    X, internal = design_matrix(weights, layout, R, lengths, displacement)
    joined = jnp.concatenate([X, jnp.transpose(F, (2, 0, 1))[None]])
    return joined.reshape(layout.size + 1, -1), internal


@jax.jit
def _gram(rows: Float[Array, "n rows"], T: Float[Array, "n n"]) -> Float[Array, "n n"]:
    Y = jax.lax.linalg.triangular_solve(T, rows.T, left_side=False)
    return Y.T @ Y


def _threads() -> int:
    """A batch a core: XLA's own threads leave half of each idle on arrays that fit a cache."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
