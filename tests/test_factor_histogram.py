"""Histograms: counts of the real rows in known bins, which add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgcore.factor.histogram import EDGES, Histograms, bin_numbers


def counted(values: dict[str, np.ndarray], lengths: np.ndarray) -> Histograms:
    return Histograms.counted(bin_numbers(values, lengths))


def of_bonds(values: list[float]) -> np.ndarray:
    width = len(values)
    rows = {name: np.zeros((max(width + 1 - k, 0), 1)) for k, name in enumerate(EDGES, start=1)}
    return counted(rows | {"bond": np.array([values]).T}, np.array([width + 1])).counts["bond"]


def test_edges() -> None:
    ends = {name: (edges[0], edges[-1]) for name, edges in EDGES.items()}
    assert ends == {"bond": (2, 6), "angle": (0, np.pi), "dihedral": (-np.pi, np.pi)}
    for edges in EDGES.values():
        np.testing.assert_allclose(np.diff(edges), edges[1] - edges[0])


def test_empty() -> None:
    empty = Histograms.empty()
    assert {name: (c.dtype, c.shape, int(c.sum())) for name, c in empty.counts.items()} == {
        name: (np.int64, (len(edges) - 1,), 0) for name, edges in EDGES.items()
    }
    assert all(empty.sampled_range(name) is None for name in EDGES)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 399), st.floats(0.01, 0.99)), min_size=1, max_size=9))
def test_values_fall_in_the_bins_of_numpy(places: list[tuple[int, float]]) -> None:
    values = [2 + 0.01 * (bin + part) for bin, part in places]
    np.testing.assert_array_equal(of_bonds(values), np.histogram(values, EDGES["bond"])[0])


@pytest.mark.parametrize(("value", "bin"), [(0.1, 0), (2.0, 0), (6.0, 399), (50.0, 399), (1e6, 399)])
def test_values_at_and_beyond_the_ends_count_in_the_outermost_bin(value: float, bin: int) -> None:
    (found,) = np.nonzero(of_bonds([value]))
    assert found.tolist() == [bin]


def test_rows_of_padding_do_not_count() -> None:
    bond = np.array([[3.005, 3.105, 5.0], [3.205, 3.305, 3.405]])
    values = {"bond": bond.T, "angle": np.full((2, 2), 1.0), "dihedral": np.full((1, 2), -1.0)}
    found = counted(values, np.array([3, 4]))
    np.testing.assert_array_equal(
        found.counts["bond"], np.histogram([3.005, 3.105, 3.205, 3.305, 3.405], EDGES["bond"])[0]
    )
    assert {name: int(c.sum()) for name, c in found.counts.items()} == {"bond": 5, "angle": 3, "dihedral": 1}


def test_empty_frames_and_short_chains() -> None:
    values = {"bond": np.full((1, 3), 3.8), "angle": np.zeros((0, 3)), "dihedral": np.zeros((0, 3))}
    found = counted(values, np.array([2, 0, 0]))
    assert {name: int(c.sum()) for name, c in found.counts.items()} == {"bond": 1, "angle": 0, "dihedral": 0}


def test_they_add_up() -> None:
    rng = np.random.default_rng(0)
    values = {
        "bond": rng.uniform(3, 4, (4, 6)),
        "angle": rng.uniform(1, 3, (3, 6)),
        "dihedral": rng.uniform(-3, 3, (2, 6)),
    }
    lengths = np.array([5, 4, 3, 2, 5, 0])
    whole = counted(values, lengths)
    first, second = (
        counted({name: v[:, part] for name, v in values.items()}, lengths[part]) for part in (slice(2), slice(2, 6))
    )
    for name in EDGES:
        np.testing.assert_array_equal((first + second).counts[name], whole.counts[name])
        np.testing.assert_array_equal((Histograms.empty() + whole).counts[name], whole.counts[name])


def test_sampled_range_holds_all_values_tightly() -> None:
    values = {
        "bond": np.array([[3.513], [3.721], [4.087]]),
        "angle": np.array([[1.5], [2.0]]),
        "dihedral": np.array([[-3.0]]),
    }
    found = counted(values, np.array([4]))
    low, high = found.sampled_range("bond") or (0, 0)
    assert (low, high) == pytest.approx((3.51, 4.09))
    for name, row in values.items():
        low, high = found.sampled_range(name) or (0, 0)
        width = EDGES[name][1] - EDGES[name][0]
        assert row.min() - width <= low <= row.min() <= row.max() <= high <= row.max() + width
