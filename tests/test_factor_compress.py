"""The factor, on which the whole package relies, against LAPACK on the explicit matrix.

`explicit` is written from the formulas in NumPy (`factor_helpers.design_rows`) and shares no code with
`cgcore.physics.design`.
"""

from __future__ import annotations

import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from factor_helpers import (
    WEAKEST,
    WEIGHTS,
    Chains,
    Rows,
    chignolin_chains,
    chignolin_rows,
    design_rows,
    factor_of,
    helix,
    lapack,
    prior_of,
    random_chains,
    random_coefficients,
    rows_of,
    two_proteins,
)

import cgcore
from cgcore import Factor, Fingerprint, InputError, Prior, Weights, compress
from cgcore.data import Dataset, Segment, batches
from cgcore.data.batches import Cut, all_cuts, sample_cuts
from cgcore.factor import compress as module
from cgcore.factor import gram, work
from cgcore.factor.histogram import EDGES
from cgcore.factor.preconditioning import WELL_CONDITIONED, correlation_spread
from cgcore.fitting.spectrum import spectrum

pytestmark = pytest.mark.numerical

EXCLUDED = WEIGHTS._replace(excluded_volume=0.3)


@pytest.fixture
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Computes S by QR of the rows, as for few rows, or from their Gram matrix, as for many."""
    monkeypatch.setattr(module, "FEW_ROWS", {"QR": 10**9, "Gram": 0}[request.param])
    return request.param


numbers_of_blocks = pytest.mark.parametrize(
    "blocks", [pytest.param(1, marks=pytest.mark.slow), pytest.param(7, marks=pytest.mark.slow), 20]
)
both_ways = pytest.mark.parametrize("way", ["QR", "Gram"], indirect=True)
by_gram = pytest.mark.parametrize("way", ["Gram"], indirect=True)


def inner_product_error(factor: Factor, rows: Rows) -> float:
    """Largest error of S^T S, relative to the norms of its two columns."""
    M = np.column_stack([rows.X, rows.F])
    norms = np.linalg.norm(M, axis=0)
    scale = np.where(norms > 0, norms, 1.0)
    return float(np.abs((factor.S / scale).T @ (factor.S / scale) - (M / scale).T @ (M / scale)).max())


def loss_error(factor: Factor, rows: Rows, prior: Prior, at: np.ndarray | None = None) -> float:
    """Largest relative error of the loss at random parameters."""
    points = random_coefficients(prior, 8) if at is None else at
    return max(abs(factor.loss(c) / rows.loss(c) - 1) for c in points)


def optimal(factor: Factor) -> float:
    """L* over the directions that float64 resolves, starting from zero like LAPACK's solution."""
    directions = spectrum(factor.S, factor.beads)
    start = np.zeros(len(directions.values))
    return factor.loss(directions.optimum(factor.S, start, directions.kept()))


def check(chains: Chains, prior: Prior, factor: Factor, inner: float = 1e-13) -> None:
    rows = rows_of(chains, prior)
    assert factor.beads == rows.beads
    assert factor.frames == len(chains.R)
    assert inner_product_error(factor, rows) < inner
    assert loss_error(factor, rows, prior) < 1e-10
    best = lapack(rows)
    assert factor.loss(best.c) == pytest.approx(best.loss, rel=1e-10)
    # If the loss is 0 (more columns than rows), it is 0 up to the rounding of the explained part.
    assert optimal(factor) == pytest.approx(best.loss, rel=1e-10, abs=1e-13 * rows.loss(np.zeros(len(best.c))))


@pytest.mark.slow
@both_ways
@numbers_of_blocks
def test_chignolin_with_few_harmonics(way: str, blocks: int) -> None:
    """With few harmonics all directions are well determined, so no direction is dropped and no digit is lost."""
    rows = chignolin_rows(4)
    assert lapack(rows).rank == rows.X.shape[1]
    check(chignolin_chains(), prior_of(4), factor_of(cgcore.datasets.chignolin(), prior_of(4), blocks))


@pytest.mark.slow
@both_ways
@numbers_of_blocks
def test_chignolin_with_ten_harmonics(way: str, blocks: int) -> None:
    """At random parameters the loss is exact to rounding, but L* is not, whatever the method.

    The rule drops two of 27 directions. The weakest kept direction has a relative singular value of 1e-11, so that its
    right singular vector has 5 digits, and rounding mixes the dropped directions into it: L* changes by 4e-10 between
    LAPACK's own drivers, and by 2e-9 with a change of eps in the matrix (see WEAKEST).
    """
    rows, prior = chignolin_rows(10), prior_of(10)
    factor = factor_of(cgcore.datasets.chignolin(), prior, blocks)
    best = lapack(rows)
    assert best.rank == 25
    # The weakest directions of a block of 50 frames are also rounding errors.
    assert inner_product_error(factor, rows) < 1e-12
    assert loss_error(factor, rows, prior) < 1e-10
    directions = spectrum(factor.S, factor.beads)
    assert directions.kept().sum() == 25
    assert optimal(factor) == pytest.approx(best.loss, rel=WEAKEST)
    # With a cut-off above the rounding, all digits are restored.
    cut = directions.optimum(factor.S, np.zeros(27), directions.kept(1e-8))
    assert factor.loss(cut) == pytest.approx(rows.loss(cut), rel=1e-10)


@pytest.mark.slow
def test_what_a_rounded_matrix_changes_is_within_the_tolerance() -> None:
    """The tolerance above is not tighter than the effect of eps in the matrix on LAPACK's own result."""
    for n_angle, tolerance in ((4, 1e-10), (10, WEAKEST)):
        rows, losses = chignolin_rows(n_angle), []
        for seed in range(6):
            sign = np.random.default_rng(seed).choice([-1.0, 1.0], rows.X.shape)
            losses.append(lapack(rows._replace(X=rows.X * (1 + np.finfo(np.float64).eps * sign))).loss)
        assert np.ptp(losses) / np.mean(losses) < tolerance


@pytest.mark.slow
@both_ways
@numbers_of_blocks
def test_two_proteins_padded(way: str, blocks: int) -> None:
    check(two_proteins(), prior_of(), factor_of(two_proteins(), prior_of(), blocks))


def test_what_padding_holds_does_not_matter() -> None:
    chains = two_proteins()
    R, F = chains.R.copy(), chains.F.copy()
    R[chains.mask == 0], F[chains.mask == 0] = np.nan, 1e300
    plain, spoilt = (factor_of(c, prior_of()) for c in (chains, Chains(R, F, chains.mask)))
    np.testing.assert_array_equal(plain.S, spoilt.S)


@pytest.mark.slow
@both_ways
@pytest.mark.parametrize("rows_at_once", [1, 3 * 13 * 7, 3 * 13 * 19])
def test_batches_that_do_not_divide_the_frames(way: str, rows_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", rows_at_once)
    check(two_proteins(), prior_of(), factor_of(two_proteins(), prior_of(), 3))


@pytest.mark.slow
def test_chignolin_in_batches_that_do_not_divide_the_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", 3 * 10 * 37)  # 36 frames per batch: 27 batches, then 28
    check(chignolin_chains(), prior_of(), factor_of(cgcore.datasets.chignolin(), prior_of(), 1))


SHORT = [
    *((WEIGHTS, length) for length in (2, 4, 7)),
    *(pytest.param(WEIGHTS, length, marks=pytest.mark.slow) for length in (3, 5, 6)),
    (EXCLUDED, 3),
    *(pytest.param(EXCLUDED, length, marks=pytest.mark.slow) for length in (2, 5)),
]


@pytest.mark.slow
@both_ways
@pytest.mark.parametrize(("weights", "length"), SHORT)
def test_short_chains(way: str, weights: Weights, length: int) -> None:
    chains, prior = random_chains(60, [length], length, seed=length), prior_of(weights=weights)
    factor = factor_of(chains, prior, 4)
    check(chains, prior, factor)
    columns = dict(zip(factor.fingerprint.layout.names, np.linalg.norm(factor.S[:, :-1], axis=0), strict=True))
    needed = {"a_1": 3, "k_1 sin(gamma_1)": 4, "epsilon*sigma^4": 7, "epsilon_ex*sigma_ex^4": 3}
    for name, beads in needed.items():
        if name in columns:
            assert (columns[name] > 0) == (length >= beads), name


@pytest.mark.parametrize("length", [2, 5, 12])
def test_one_frame(length: int) -> None:
    """There are fewer rows than columns for up to 5 beads."""
    chains = random_chains(1, [length], length, seed=5)
    check(chains, prior_of(), factor_of(chains, prior_of()))


@pytest.mark.slow
@both_ways
def test_excluded_volume(way: str) -> None:
    check(two_proteins(), prior_of(weights=EXCLUDED), factor_of(two_proteins(), prior_of(weights=EXCLUDED)))


@pytest.mark.slow
@both_ways
@pytest.mark.parametrize("term", ["bond", "angle", "dihedral", "repulsive", "excluded_volume"])
def test_weight_zero(way: str, term: str) -> None:
    prior = prior_of(weights=EXCLUDED._replace(**{term: 0.0}))
    factor = factor_of(two_proteins(), prior)
    check(two_proteins(), prior, factor)
    assert not factor.S[:, factor.fingerprint.layout.slices[term]].any()


@pytest.mark.slow
@both_ways
def test_bonds_of_one_length(way: str) -> None:
    """With equal bonds, kr and kr*r0 are one direction."""
    chains = helix(50, 9, 0.0, seed=9)
    chains = chains._replace(R=chains.R + 0)
    chains.R[:, :, 2] *= np.linspace(0.8, 1.3, 50)[:, None]  # angles and dihedrals vary
    step = np.diff(chains.R, axis=1)
    chains.R[:, 1:] = chains.R[:, :1] + np.cumsum(3.8 * step / np.linalg.norm(step, axis=2, keepdims=True), axis=1)
    check(chains, prior_of(1, n_dihedral=1), factor_of(chains, prior_of(1, n_dihedral=1), 4))


@pytest.mark.slow
@both_ways
def test_far_from_the_origin(way: str) -> None:
    chains = random_chains(50, [12], 12, seed=8, shift=1e4)
    check(chains, prior_of(), factor_of(chains, prior_of(), 3))


def test_float32_data_are_taken_as_they_are() -> None:
    chains = two_proteins()
    small = Chains(chains.R.astype(np.float32), chains.F.astype(np.float32), chains.mask)
    check(small, prior_of(), factor_of(small, prior_of()))


@pytest.mark.slow
@both_ways
@pytest.mark.parametrize(("n_angle", "n_dihedral"), [(0, 2), (3, 0), (0, 0)])
def test_terms_without_harmonics(way: str, n_angle: int, n_dihedral: int) -> None:
    prior = prior_of(n_angle, n_dihedral=n_dihedral)
    check(two_proteins(), prior, factor_of(two_proteins(), prior))


@pytest.mark.slow
@both_ways
def test_widths_of_several_files(way: str, tmp_path: Path) -> None:
    first, second = random_chains(23, [7], 7, seed=3), two_proteins()
    np.savez(tmp_path / "a.npz", R=first.R, F=first.F)
    np.savez(tmp_path / "b.npz", R=second.R, F=second.F, mask=second.mask)
    factor = factor_of(cgcore.read(tmp_path), prior_of(), 3)
    a, b = rows_of(first, prior_of()), rows_of(second, prior_of())
    rows = Rows(np.vstack([a.X, b.X]), np.concatenate([a.F, b.F]), a.beads + b.beads)
    assert factor.beads == rows.beads
    assert inner_product_error(factor, rows) < 1e-13
    assert optimal(factor) == pytest.approx(lapack(rows).loss, rel=1e-10)


@both_ways
def test_blocks_are_the_factors_of_their_frames(way: str) -> None:
    chains, dataset = two_proteins(), two_proteins().dataset()
    factor = factor_of(dataset, prior_of(), 3)
    segments = dataset.segments(3)
    assert [(b.source, b.protein, b.index, b.frames) for b in factor.blocks] == [
        ("arrays", s.protein, s.block, len(s.rows)) for s in segments
    ]
    for block, segment in zip(factor.blocks, segments, strict=True):
        rows = rows_of(chains.take(segment.rows), prior_of())
        assert block.beads == rows.beads
        alone = Factor((block,), factor.fingerprint, factor.histograms)
        assert inner_product_error(alone, rows) < 1e-12
        assert loss_error(alone, rows, prior_of()) < 1e-10


def test_order_of_frames_does_not_matter() -> None:
    chains = two_proteins()
    shuffled = chains.take(np.random.default_rng(0).permutation(len(chains.R)))
    check(chains, prior_of(), factor_of(shuffled, prior_of()))


def test_histograms_are_those_of_the_pass() -> None:
    chains = two_proteins()
    counts = factor_of(chains, prior_of()).histograms.counts
    lengths = chains.lengths
    assert {name: int(c.sum()) for name, c in counts.items()} == {
        name: int((lengths - k).sum()) for k, name in enumerate(EDGES, start=1)
    }
    bonds = np.linalg.norm(np.diff(chains.R, axis=1), axis=2)[np.arange(12) < (lengths - 1)[:, None]]
    np.testing.assert_array_equal(counts["bond"], np.histogram(bonds, EDGES["bond"])[0])


def test_progress_counts_all_frames() -> None:
    seen: list[tuple[int, int]] = []
    compress(two_proteins().dataset(), Fingerprint.of(prior_of()), progress=lambda done, of: seen.append((done, of)))
    done = [d for d, _ in seen]
    assert {of for _, of in seen} == {100}
    assert done == sorted(done)
    assert done[-1] == 100


@both_ways
def test_the_same_data_give_the_same_bits(way: str) -> None:
    first, second = (factor_of(two_proteins(), prior_of()) for _ in range(2))
    np.testing.assert_array_equal(first.S, second.S)


def programs() -> list[int]:
    """Number of compiled programs of each jitted function of the pass."""
    functions: list[Any] = [work.rows_of, gram.located, gram.sloped, gram._prepared, gram._products]
    return [function._cache_size() for function in functions]


@pytest.mark.slow
@by_gram
def test_the_second_factor_of_a_shape_compiles_nothing(way: str) -> None:
    factor_of(two_proteins(), prior_of(), 4)
    compiled = programs()
    chains = two_proteins()
    factor_of(Chains(chains.R + 1, 2 * chains.F, chains.mask), prior_of(), 4)
    assert programs() == compiled


# Samples that do not represent the data


ODD_FRAMES = 20


@pytest.fixture(scope="module", params=[0.0, 1e-7, 1e-4], ids=lambda noise: f"noise {noise:g} Å")
def lopsided(request: pytest.FixtureRequest) -> Chains:
    """380 frames of one helix, in which most columns are multiples of a few, then 20 arbitrary frames."""
    many, few = helix(380, 10, request.param, seed=20), random_chains(ODD_FRAMES, [10], 10, seed=21)
    return Chains(*(np.concatenate(pair) for pair in zip(many, few, strict=True)))


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Restricts the sample to frames of the first block; the list has an entry for each pass over the data."""
    found: list[int] = []

    def bad_sample(dataset: Dataset, segments: list[Segment], columns: int) -> list[Cut]:
        return all_cuts(dataset, segments, columns)[:1]

    def counted(dataset: Dataset, segments: list[Segment], columns: int) -> list[Cut]:
        found.append(len(found))
        return all_cuts(dataset, segments, columns)

    monkeypatch.setattr(module, "FEW_ROWS", 0)
    monkeypatch.setattr(module, "sample_cuts", bad_sample)
    monkeypatch.setattr(module, "all_cuts", counted)
    return found


def accuracy(chains: Chains) -> tuple[float, float]:
    """Errors of S^T S and of L*."""
    factor, rows = factor_of(chains, prior_of(), 5), rows_of(chains, prior_of())
    return inner_product_error(factor, rows), abs(optimal(factor) / lapack(rows).loss - 1)


@pytest.mark.slow
def test_a_sample_that_misses_what_the_data_hold_costs_passes_and_no_digits(
    lopsided: Chains, passes: list[int]
) -> None:
    inner, best = accuracy(lopsided)
    assert len(passes) >= 2
    assert inner < 1e-10
    assert best < 1e-10


@pytest.mark.slow
def test_the_second_pass_is_by_qr_of_the_rows(
    lopsided: Chains, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the sample is bad, the pass is repeated by QR of the rows."""
    prior = prior_of(8)  # more harmonics than the sample shows
    twice = factor_of(lopsided, prior, 5)
    assert len(passes) == 2
    monkeypatch.setattr(module, "FEW_ROWS", 10**9)
    np.testing.assert_array_equal(twice.S, factor_of(lopsided, prior, 5).S)
    assert len(passes) == 3
    # All singular values, including the weakest: by Weyl's inequality they deviate by at most the backward error of QR.
    # A thousand eps are a generous bound, and the weakest singular value is 1e-11.
    rows = rows_of(lopsided, prior)
    M = np.column_stack([rows.X, rows.F])
    norms = np.linalg.norm(M, axis=0)
    expected = np.linalg.svd(M / norms, compute_uv=False)
    found = np.linalg.svd(twice.S / norms, compute_uv=False)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * expected[0])


@pytest.mark.slow
def test_how_well_conditioned_the_slopes_are_decides_on_the_second_pass(
    lopsided: Chains, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float] = []

    def spread(gram: np.ndarray) -> float:
        seen.append(correlation_spread(gram))
        return seen[-1]

    monkeypatch.setattr(module, "correlation_spread", spread)
    for limit, expected in ((-1.0, 1), (2.0, 2)):
        passes.clear()
        monkeypatch.setattr(module, "WELL_CONDITIONED", limit)
        factor_of(lopsided, prior_of(8), 5)
        assert len(passes) == expected
    # The result does not depend on rounding: the different frames outweigh the sample by many orders of magnitude.
    assert max(seen) < WELL_CONDITIONED / 100


@by_gram
def test_a_good_sample_needs_one_pass(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    count: list[int] = []
    monkeypatch.setattr(module, "all_cuts", lambda *data: count.append(0) or all_cuts(*data))
    factor_of(two_proteins(), prior_of())
    assert len(count) == 1


@pytest.mark.slow
@by_gram
def test_the_data_of_a_lopsided_set_are_sampled_well_enough(way: str, lopsided: Chains) -> None:
    """With the regular sample."""
    sampled = np.concatenate([cut.rows for cut in sample_cuts(lopsided.dataset(), lopsided.dataset().segments(5))])
    assert 0 < np.count_nonzero(sampled >= 380) < ODD_FRAMES
    inner, best = accuracy(lopsided)
    assert inner < 1e-13
    assert best < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("n_frames", [3, 10, 25, 60])
def test_few_frames_in_many_blocks(n_frames: int) -> None:
    """A batch, and a sample of one batch, then has very few frames."""
    chains = random_chains(n_frames, [4], 4, seed=5)
    check(chains, prior_of(), factor_of(chains, prior_of(), 20))


# Refusals


def overlapping(first: int, second: int) -> Chains:
    chains = random_chains(30, [12], 12, seed=30)
    chains.R[17, second] = chains.R[17, first]
    return chains


@pytest.mark.slow
@both_ways
@pytest.mark.parametrize(("first", "second"), [(0, 6), (1, 9), (0, 11)])
def test_beads_at_one_place_are_named(way: str, first: int, second: int) -> None:
    with pytest.raises(InputError, match=rf"^arrays: .*beads {first} and {second} of frame 17 ") as caught:
        factor_of(overlapping(first, second), prior_of())
    assert "same position" in str(caught.value)


def test_beads_at_one_place_are_named_with_excluded_volume() -> None:
    with pytest.raises(InputError, match="beads 2 and 5 of frame 17 "):
        factor_of(overlapping(2, 5), prior_of(weights=EXCLUDED))


@pytest.mark.slow
@both_ways
@pytest.mark.parametrize(("first", "second"), [(2, 5), (2, 6)])
def test_beads_at_one_place_without_a_term_between_them_are_no_matter(way: str, first: int, second: int) -> None:
    chains = overlapping(first, second)
    # The different frame is not in the sample and costs digits, which the tolerance allows for.
    check(chains, prior_of(), factor_of(chains, prior_of()), inner=1e-10)


def test_a_chain_folded_flat_back_has_no_nan() -> None:
    """Beads i and i + 2 coincide, so the angle is 0, and its gradient has no direction."""
    factor = factor_of(overlapping(3, 5), prior_of())
    assert np.isfinite(factor.S).all()


def test_beads_so_near_that_float64_overflows_are_refused() -> None:
    chains = random_chains(30, [12], 12, seed=30)
    chains.R[17] -= chains.R[17, 0]
    chains.R[17, 9] = [1e-60, 0, 0]
    with pytest.raises(InputError, match="too large for float64"):
        factor_of(chains, prior_of())


@both_ways
@pytest.mark.parametrize("size", [1e160, 1e300])
def test_forces_too_large_for_float64_are_refused(way: str, size: float) -> None:
    chains = random_chains(30, [12], 12, seed=30)
    chains.F[3, 2, 1] = size
    with pytest.raises(InputError, match="too large"):
        factor_of(chains, prior_of())


# Memory


def peak_of(path: Path, n_frames: int) -> int:
    rng = np.random.default_rng(0)
    few = random_chains(50, [10], 10, seed=40)
    which = rng.integers(50, size=n_frames)
    np.savez(path, R=few.R[which].astype(np.float32), F=few.F[which].astype(np.float32))
    del which
    tracemalloc.start()
    try:
        factor = factor_of(cgcore.read(path), prior_of())
        assert factor.frames == n_frames
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@by_gram
def test_memory_does_not_grow_with_the_frames(way: str, tmp_path: Path) -> None:
    factor_of(random_chains(50, [10], 10, seed=40), prior_of())  # compile first, which does not count
    small, large = peak_of(tmp_path / "small.npz", 42_000), peak_of(tmp_path / "large.npz", 168_000)
    assert (tmp_path / "large.npz").stat().st_size > 40e6
    assert large < 25e6
    # For each frame, its length, protein and row are stored, 16 bytes, but not its positions and forces, 240 bytes.
    assert large - small < 60 * (168_000 - 42_000)


# Periodic boxes


@pytest.mark.slow
def test_periodic_displacement() -> None:
    from jax_md import space

    box: Any = 30.0
    displacement, _ = space.periodic(box)
    chains = random_chains(40, [9, 12], 13, seed=50)
    wrapped = Chains(np.mod(chains.R - 5, box), chains.F, chains.mask)
    assert np.abs(np.diff(wrapped.R, axis=1)).max() > box / 2  # chains do cross the boundary
    prior = prior_of(weights=EXCLUDED)
    factor = compress(wrapped.dataset(), Fingerprint.of(prior, "periodic 30 Å"), displacement=displacement, blocks=3)
    direct = jax.jit(partial(cgcore.force_matching_loss, prior, displacement=displacement))
    for c in random_coefficients(prior, 3):
        loss = float(direct(cgcore.to_params(c, prior.params), wrapped.R, wrapped.F, wrapped.mask))
        assert factor.loss(c) == pytest.approx(loss, rel=1e-10)
    assert loss_error(factor, design_rows(prior, wrapped.R, wrapped.F, wrapped.lengths), prior) > 1e-3
