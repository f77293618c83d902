"""Every way of selecting frames takes each frame exactly once and preserves their order in time."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcore.data import Dataset, from_arrays, read
from cgcore.data.splitting import number_ranges
from cgcore.errors import InputError


def dataset_of(species: list[int]) -> Dataset:
    """One frame of two beads for each entry; frames with equal entries belong to one protein. R[f, 1, 0] is 2 + f."""
    n = len(species)
    R = np.zeros((n, 2, 3))
    R[:, 1, 0] = 2 + np.arange(n)
    return from_arrays(R, R, None, np.tile(np.array(species)[:, None], (1, 2)))


def numbers(dataset: Dataset | None) -> list[int]:
    return [] if dataset is None else [int(n) for s in dataset.sources for n in s.frame_numbers]


labels = st.lists(st.integers(0, 3), min_size=1, max_size=40)


@settings(deadline=None, derandomize=True)
@given(labels, st.floats(0, 1, exclude_max=True))
def test_split(species: list[int], fraction: float) -> None:
    dataset = dataset_of(species)
    train, validation = dataset.split(fraction)
    assert sorted(numbers(train) + numbers(validation)) == list(range(len(species)))
    assert numbers(train) == sorted(numbers(train))
    assert numbers(validation) == sorted(numbers(validation))
    if validation is not None:
        np.testing.assert_array_equal(validation.join().R[:, 1, 0], 2 + np.array(numbers(validation)))
    for kind in set(species):
        group = [i for i, s in enumerate(species) if s == kind]
        held = [i for i in numbers(validation) if species[i] == kind]
        assert held == group[len(group) - len(held) :]
        wanted = round(fraction * len(group))
        assert len(held) == (0 if fraction == 0 else min(max(wanted, 1), len(group) - 1))


def test_split_without_validation() -> None:
    dataset = dataset_of([0, 0, 1])
    assert dataset.split(0) == (dataset, None)
    alone = dataset_of([0, 1])
    train, validation = alone.split(0.5)
    assert validation is None
    assert train.sources is alone.sources
    assert train.choice.val_fraction == 0.5


@pytest.mark.parametrize("fraction", [-0.1, 1, 1.5, np.nan, np.inf])
def test_split_refuses(fraction: float) -> None:
    with pytest.raises(InputError, match=r"val_fraction is .* from 0 to below 1"):
        dataset_of([0, 0]).split(fraction)


def test_split_refuses_an_unknown_way() -> None:
    split: Any = inspect.unwrap(Dataset.split)  # without the check of types that the tests install
    with pytest.raises(InputError, match=r"hold_out is 'last_row'; give one of each_protein, last_rows"):
        split(dataset_of([0, 0]), 0.5, "last_row")


@settings(deadline=None, derandomize=True)
@given(labels, st.integers(1, 12))
def test_segments(species: list[int], blocks: int) -> None:
    dataset = dataset_of(species)
    segments = dataset.segments(blocks)
    assert sorted(int(row) for segment in segments for row in segment.rows) == list(range(len(species)))
    for kind in set(species):
        group = [i for i, s in enumerate(species) if s == kind]
        mine = [segment for segment in segments if species[segment.rows[0]] == kind]
        assert [row for segment in mine for row in segment.rows] == group
        assert [segment.block for segment in mine] == list(range(min(blocks, len(group))))
        sizes = [len(segment.rows) for segment in mine]
        assert max(sizes) - min(sizes) <= 1
        assert {segment.source for segment in mine} == {0}
        (name,) = {segment.protein for segment in mine}
        assert name not in {segment.protein for segment in segments if segment not in mine}


def test_segments_refuse() -> None:
    with pytest.raises(InputError, match="blocks is 0"):
        dataset_of([0]).segments(0)


@settings(deadline=None, derandomize=True)
@given(labels, st.integers(1, 45), st.integers(0, 3))
def test_subset(species: list[int], count: int, seed: int) -> None:
    dataset = dataset_of(species)
    subset = dataset.subset(count, seed)
    chosen = numbers(subset)
    assert len(chosen) == min(count, len(species))
    assert chosen == sorted(set(chosen))
    assert numbers(dataset.subset(count, seed)) == chosen
    ranges = subset.frame_ranges()["arrays"]
    assert [n for start, stop in ranges for n in range(start, stop)] == chosen


def test_subset_of_all() -> None:
    dataset = dataset_of([0] * 30)
    assert dataset.subset(None) is dataset
    assert numbers(dataset.subset(10, 0)) != numbers(dataset.subset(10, 1))
    with pytest.raises(InputError, match="max_frames is 0"):
        dataset.subset(0)


def test_several_sources(tmp_path: Path) -> None:
    for name, n in (("a", 6), ("b", 1), ("c", 10)):
        R = np.zeros((n, 2, 3))
        R[:, 1, 0] = 3.8
        np.savez(tmp_path / f"{name}.npz", R=R, F=R)
    dataset = read(tmp_path)
    train, validation = dataset.split(0.2)
    assert train.frame_ranges() == {"a.npz": [[0, 5]], "b.npz": [[0, 1]], "c.npz": [[0, 8]]}
    assert validation is not None
    assert validation.frame_ranges() == {"a.npz": [[5, 6]], "c.npz": [[8, 10]]}
    assert validation.sha256 == dataset.sha256
    assert [(s.source, s.block, len(s.rows)) for s in validation.segments(2)] == [
        (0, 0, 1),
        (1, 0, 1),
        (1, 1, 1),
    ]
    counts = np.zeros(17)
    for seed in range(400):
        subset = dataset.subset(3, seed)
        assert subset.n_frames == 3
        starts = {"a.npz": 0, "b.npz": 6, "c.npz": 7}
        for frames in subset.sources:
            counts[starts[frames.source] + frames.frame_numbers] += 1
    # Each frame is expected 400 * 3 / 17 = 70.6 times, with a standard deviation of 7.6.
    assert np.abs(counts - 1200 / 17).max() < 4 * 7.6


def test_number_ranges() -> None:
    assert number_ranges(np.array([3, 4, 5, 9])).tolist() == [[3, 6], [9, 10]]
    assert number_ranges(np.array([9, 3, 4, 3])).tolist() == [[3, 5], [9, 10]]
    assert number_ranges(np.array([], int)).tolist() == []


@settings(deadline=None, derandomize=True)
@given(labels, st.floats(0, 1, exclude_max=True))
def test_a_split_by_rows(species: list[int], fraction: float) -> None:
    train, validation = dataset_of(species).split(fraction, "last_rows")
    assert numbers(train) + numbers(validation) == list(range(len(species)))
    if fraction and len(species) > 1:
        assert validation is not None
        n = len(species)
        assert len(numbers(train)) == min(max(round((1 - fraction) * n), 1), n - 1)
        assert validation.choice.hold_out == "last_rows"
    else:
        assert validation is None


def test_a_split_by_rows_of_drawn_frames_is_drawn() -> None:
    dataset = dataset_of([0] * 60)
    splits = [dataset.subset(20, seed).split(0.25, "last_rows") for seed in (1, 1, 2)]
    held_out = [numbers(validation) for _, validation in splits]
    assert held_out[0] == held_out[1] != held_out[2]
    train = numbers(splits[0][0])
    assert (len(train), len(held_out[0])) == (15, 5)
    assert not set(train) & set(held_out[0])
    assert held_out[0] != sorted(train + held_out[0])[-5:]
    # Nothing is drawn if there are fewer frames than requested.
    assert numbers(dataset.subset(100, 1).split(0.25, "last_rows")[1]) == list(range(45, 60))
