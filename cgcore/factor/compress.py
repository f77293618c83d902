"""One streaming pass over frames, in batches of fixed shape, that computes factors of blocks and histograms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cgcore.data import Dataset, Segment, locate_overlap
from cgcore.data.batches import FEW_COLUMNS, Cut, all_cuts, pieces_of, sample_cuts
from cgcore.data.splitting import number_ranges
from cgcore.errors import InputError
from cgcore.factor.execution import Execute, in_order, on_threads
from cgcore.factor.factor import Block, Factor
from cgcore.factor.fingerprint import Fingerprint
from cgcore.factor.gram import located, sloped
from cgcore.factor.histogram import Histograms
from cgcore.factor.preconditioning import (
    WELL_CONDITIONED,
    Preconditioner,
    correlation_spread,
    factor_of,
    preconditioner,
)
from cgcore.factor.triangle import MANY_COLUMNS, Triangle, triangle
from cgcore.factor.work import Work, frames_last
from cgcore.physics.prior import Prior
from cgcore.physics.space import Displacement, displacement_name, free
from cgcore.physics.topology import complete, unbroken
from cgcore.threads import one_blas_thread
from cgcore.x64 import solving

BLOCKS = 20
"""Blocks for each protein in each source: enough for cross-validation folds, and few enough that each has many
frames."""

MOST_NUMBERS = 2**27
"""Largest number of stored numbers in all blocks, 1 GiB."""

FEW_ROWS = 50_000
"""Up to this number of rows (3 * real beads) and `FEW_COLUMNS` columns, S is computed by QR of the rows, which then
takes 20 ms. Beyond, it is computed from their Gram matrix (see `preconditioning`), which is faster and runs on GPUs.
Both are equally accurate, see benchmarks/factor_pass.py."""

TOO_LARGE = "its positions or forces are too large for float64; check the units, or remove what is broken"

FrameProgress = Callable[[int, int], object]
"""Called with the number of frames done and the total number."""


def compress(
    dataset: Dataset,
    fingerprint: Fingerprint,
    *,
    displacement: Displacement = free,
    blocks: int = BLOCKS,
    fixed: Prior | None = None,
    progress: FrameProgress | None = None,
    execute: Execute = on_threads,
) -> Factor:
    """Reduce a data set to its factor, in one pass. Memory use does not grow with the number of frames.

    Arguments:
        dataset: frames, see `cgcore.read`.
        fingerprint: terms and weights of the prior, `Fingerprint.of(prior)`.
        displacement: `cgcore.periodic(box)`, or any displacement function in jax-md's convention; its name must be that
            of the fingerprint.
        blocks: number of contiguous blocks for each protein in each source; reduced if blocks would hold more than
            `MOST_NUMBERS`.
        fixed: prior whose forces are subtracted from the reference forces first, for the fixed splines of a prior
            `prior.part((), splines=True)`; the fingerprint names them.
        progress: called repeatedly during the pass.
        execute: what processes the pieces of the data (see `execution`); it does not affect the factor.

    Returns:
        The triangular factors of all blocks, for n coefficients (n + 1, n + 1) each, and histograms of what was
        sampled.

    Raises:
        InputError: a number is not finite, for instance because beads coincide (the message says where); the
            fingerprint is that of free space but the displacement is not, or names other fixed splines; a term differs
            by species, which the data do not state; or JAX is tracing.

    Examples:
        >>> import cgcore
        >>> prior = cgcore.default_prior()
        >>> factor = cgcore.compress(cgcore.datasets.chignolin(), cgcore.Fingerprint.of(prior))
        >>> factor.frames, factor.beads, factor.S.shape
        (1000, 10000, (29, 29))
    """
    displacement_name(displacement, fingerprint.displacement)
    if fingerprint.fixed != ("" if fixed is None else Fingerprint.of(fixed).fixed):
        raise InputError("the fingerprint is that of a prior with other fixed splines; give this prior's as `fixed`")
    _require_species(dataset, fingerprint)
    layout = fingerprint.layout
    scale = dataset.real_beads / sum(source.total_weight for source in dataset.sources)
    segments = dataset.segments(min(blocks, affordable_blocks(dataset, layout.size)))

    def gather(basis: Preconditioner | None) -> tuple[list[np.ndarray], Histograms]:
        """The matrix of each segment, and the histograms of all frames.

        The matrix is the preconditioned Gram matrix, or the triangle if `basis` is None.
        """
        work = Work(fingerprint, basis, displacement, fixed, scale)
        pieces = pieces_of(all_cuts(dataset, segments, layout.size + 1))
        sums: dict[int, np.ndarray] = {}
        histograms, done = Histograms.empty(), 0
        for piece, part in zip(pieces, in_order(execute(work, pieces)), strict=True):
            own = piece.segment
            sums[own] = work.added(sums[own], part.matrix) if own in sums else part.matrix
            histograms += part.histograms
            done += part.frames
            if progress is not None:
                progress(done, dataset.n_frames)
        _require_finite(dataset, [*sums.values()])
        return [*sums.values()], histograms

    with solving("compress"), one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        basis = None
        if 3 * dataset.real_beads > FEW_ROWS or layout.size > FEW_COLUMNS:
            # For many coefficients a second pass by QR would take long, so the sample consists of all frames.
            sample = (all_cuts if layout.size > MANY_COLUMNS else sample_cuts)(dataset, segments, layout.size)
            basis = _preconditioner(fingerprint, displacement, sample)
        sums, histograms = gather(basis)
        few = basis is not None and layout.size <= MANY_COLUMNS
        if few and correlation_spread(np.sum(sums, axis=0)) < WELL_CONDITIONED:
            basis = None  # the sample missed what the data hold
            sums, histograms = gather(None)
        triangles = sums
        if basis is not None:
            triangles = [basis.undone(layout, factor_of(part)) for part in sums]
        _require_finite(dataset, triangles)
    made = [_block(dataset, segment, S, scale) for segment, S in zip(segments, triangles, strict=True)]
    return Factor(tuple(made), fingerprint, histograms, dataset.temperatures, path=dataset.path, sha256=dataset.sha256)


def splines_of(prior: Prior) -> Prior | None:
    """The part of the prior whose forces are subtracted from the reference forces before the pass: its fixed
    splines. None if the prior has none."""
    return None if prior.splines is None else prior.part((), splines=True)


def affordable_blocks(dataset: Dataset, coefficients: int) -> int:
    """Blocks for each protein in each source, so that all blocks together store at most `MOST_NUMBERS`; at least one.

    This limits them for thousands of coefficients or many proteins. For many coefficients each block must also have at
    least as many rows as there are coefficients, since a block with fewer rows is smaller than its S; two blocks are
    always allowed.
    """
    runs = len(dataset.segments(1))
    most = MOST_NUMBERS // (runs * (coefficients + 1) ** 2)
    if coefficients > MANY_COLUMNS:
        most = min(most, max(3 * dataset.real_beads // (runs * coefficients), 2))
    return max(most, 1)


def _require_species(dataset: Dataset, fingerprint: Fingerprint) -> None:
    """Refuse data without species if a term of the prior depends on them; all beads would count as one species."""
    names = [term.name for term in fingerprint.terms if term.groups is not None and term.groups.by != "terminal"]
    without = [frames.source for frames in dataset.sources if frames.store.species is None]
    if names and without:
        raise InputError(
            f"{without[0]}: holds no species, by which term {names[0]!r} of the prior differs; store the key "
            "'species', or take it from a topology with `cgcore convert --topology`"
        )


def _require_finite(dataset: Dataset, matrices: list[np.ndarray]) -> None:
    """Refuse matrices whose squares overflow, since later steps sum them."""
    if not all(np.isfinite(np.sum(matrix**2)) for matrix in matrices):
        raise InputError(locate_overlap(dataset) or f"{dataset.path}: {TOO_LARGE}")


def _block(dataset: Dataset, segment: Segment, S: Triangle, scale: float) -> Block:
    source = dataset.sources[segment.source]
    weights = source.weights_of(segment.rows)
    first = segment.rows[0]
    sites = source.sites_of(int(source.protein[first]))[: source.lengths[first]]
    broken = [np.count_nonzero(~unbroken(sites, bonds)) for bonds in (1, 2, 3)]
    beads = int(source.lengths[segment.rows].sum(dtype=np.int64))
    return Block(
        S=S,
        beads=beads,
        frames=len(segment.rows),
        source=source.source,
        protein=segment.protein,
        index=segment.block,
        sha256=source.sha256,
        ranges=number_ranges(source.frame_numbers[segment.rows]),
        weight=float((beads if weights is None else weights.sum()) * scale),
        broken=len(segment.rows) * np.array(broken, np.int64),
    )


def _preconditioner(fingerprint: Fingerprint, displacement: Displacement, sample: list[Cut]) -> Preconditioner:
    """The preconditioner from the slopes in sample frames. The full pass reports slopes that are not finite."""
    layout = fingerprint.layout
    seen: dict[int, tuple[np.ndarray, int]] = {}
    for cut in sample:
        batch = cut.load()
        at, _ = located(displacement, frames_last(batch.R, batch.F)[0], batch.lengths, batch.sites)
        for k, (term, slopes) in enumerate(zip(layout.terms, sloped(layout, at), strict=True)):
            if slopes is None:
                continue
            real = complete(slopes.shape[1], term.rows.beads - 1, batch.lengths, batch.sites, np)
            found = np.asarray(slopes)[:, real].T
            found = found[np.isfinite(found).all(axis=1)]
            former, count = seen.get(k, (found[:0], 0))
            seen[k] = (triangle(np.vstack([former, found])) if count else found, count + len(found))
    return Preconditioner(tuple(preconditioner(*seen[k]) if k in seen else None for k in range(len(layout.terms))))
