"""Batches: every frame once, one shape for each width, and samples from all data."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from factor_helpers import Chains, random_chains, two_proteins

import cgcore
from cgcore.data import Dataset, batches
from cgcore.data.batches import Batch, Cut, all_cuts, sample_cuts


@pytest.fixture
def folder(tmp_path: Path) -> Dataset:
    """Two files: one protein of 7 beads, and the two proteins padded to 13."""
    first, second = random_chains(23, [7], 7, seed=3), two_proteins()
    np.savez(tmp_path / "a.npz", R=first.R, F=first.F)
    np.savez(tmp_path / "b.npz", R=second.R, F=second.F, mask=second.mask)
    return cgcore.read(tmp_path)


def load(cuts: Iterable[Cut]) -> list[Batch]:
    return [cut.load() for cut in cuts]


def frames_of(found: Iterable[Batch]) -> list[tuple[int, int, bytes, bytes]]:
    """Segment, length, positions and forces of each frame that is not padding, in order."""
    return [
        (batch.segment, int(length), R[:length].tobytes(), F[:length].tobytes())
        for batch in found
        for R, F, length in zip(batch.R, batch.F, batch.lengths, strict=True)
        if length
    ]


@pytest.mark.parametrize("blocks", [1, 3, 20, 1000])
@pytest.mark.parametrize("rows_at_once", [1, 200, 777, 100_000])
def test_every_frame_once_in_its_segment(
    folder: Dataset, blocks: int, rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", rows_at_once)
    segments = folder.segments(blocks)
    expected = []
    for number, segment in enumerate(segments):
        source = folder.sources[segment.source]
        R, F = source.load(segment.rows)
        expected += [
            (number, int(n), r[:n].tobytes(), f[:n].tobytes())
            for r, f, n in zip(R, F, source.lengths[segment.rows], strict=True)
        ]
    assert frames_of(load(all_cuts(folder, segments))) == expected
    assert len(expected) == folder.n_frames


@pytest.mark.parametrize("blocks", [1, 3, 20])
def test_one_shape_for_each_width_in_the_data_and_in_the_sample(
    folder: Dataset, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", 400)
    segments = folder.segments(blocks)
    shapes = {batch.R.shape for batch in load(all_cuts(folder, segments))}
    assert {width for _, width, _ in shapes} == {7, 13}
    assert len(shapes) == 2
    assert all(3 * frames * width <= 400 for frames, width, _ in shapes)
    sample = load(sample_cuts(folder, segments))
    assert {batch.R.shape for batch in sample} == shapes
    for batch in [*sample, *load(all_cuts(folder, segments))]:
        assert batch.F.shape == batch.R.shape
        assert batch.lengths.shape == batch.R.shape[:1]
        empty = batch.lengths == 0
        assert not batch.R[empty].any()
        assert not batch.F[empty].any()


def test_little_padding(folder: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", 3 * 13 * 50)
    # The longest segment has 60 frames and 50 fit: two batches of 30, not of 50 and 10.
    of_long = [batch for batch in load(all_cuts(folder, folder.segments(1))) if batch.lengths.max() == 12]
    assert [np.count_nonzero(batch.lengths) for batch in of_long] == [30, 30]


def test_the_sample_holds_every_protein_and_the_whole_time() -> None:
    short, long = random_chains(300, [8], 9, seed=1), random_chains(5, [9], 9, seed=2)
    both = Chains(*(np.concatenate(pair) for pair in zip(short, long, strict=True)))
    both.F[:, 0, 0] = np.arange(305)
    dataset = both.dataset()
    numbers = np.concatenate(
        [batch.F[batch.lengths > 0, 0, 0] for batch in load(sample_cuts(dataset, dataset.segments(20)))]
    )
    assert {299, 0, 300, 304} <= set(numbers.astype(int))
    assert len(set(numbers)) == len(numbers)
    assert np.diff(numbers[numbers < 300]).max() <= 25  # a batch of 15 frames, spread over 300


def test_at_most_some_proteins_are_sampled(tmp_path: Path) -> None:
    one = random_chains(4, [7], 7, seed=3)
    for k in range(20):
        np.savez(tmp_path / f"{k:02}.npz", R=one.R, F=one.F + k)
    dataset = cgcore.read(tmp_path)
    sources = [cut.segment // 2 for cut in sample_cuts(dataset, dataset.segments(2))]
    assert len(set(sources)) == batches.SAMPLED_PROTEINS
    assert (sources[0], sources[-1]) == (0, 19)
