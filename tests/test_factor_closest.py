"""Histograms of the closest pairs, and percentiles of values of which only a histogram is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from factor_helpers import WEIGHTS, prior_of
from hypothesis import given
from hypothesis import strategies as st

import cgcore
from cgcore.factor.closest import EDGES, ClosestPairs
from cgcore.factor.histogram import percentile


def test_a_pass_counts_the_closest_pair_of_each_frame(tmp_path: Path) -> None:
    data = cgcore.datasets.chignolin().subset(200)
    prior = prior_of(4, WEIGHTS._replace(excluded_volume=1.0))
    factor = cgcore.compress(data, cgcore.Fingerprint.of(prior))
    R = data.join().R.astype(float)
    i, j = np.triu_indices(R.shape[1], 2)
    distances = np.linalg.norm(R[:, i] - R[:, j], axis=-1)
    for name, chosen in (("repulsive", j - i >= 6), ("excluded_volume", j - i <= 5)):
        expected = np.histogram(distances[:, chosen].min(axis=1), EDGES)[0]
        np.testing.assert_array_equal(factor.closest.counts[name], expected)
    cgcore.save_factor(tmp_path / "a.npz", factor)
    again = cgcore.load_factor(tmp_path / "a.npz")
    with pytest.warns(cgcore.InputWarning, match="counted twice"):
        both = cgcore.merge(factor, again)
    for name, counts in factor.closest.counts.items():
        np.testing.assert_array_equal(again.closest.counts[name], counts)
        np.testing.assert_array_equal(both.closest.counts[name], 2 * counts)
    assert factor.temperatures == again.temperatures == both.temperatures == (320.0,)


def test_frames_without_a_pair_are_not_counted_and_far_pairs_are_in_the_last_bin() -> None:
    found = ClosestPairs.of(["repulsive"], np.array([[np.inf, 3.01, 500.0]]))
    assert found.counts["repulsive"].sum() == 2
    assert found.counts["repulsive"][-1] == 1
    assert "excluded_volume" not in found.counts
    assert found.percentile("excluded_volume", 1.0) is None


@given(st.lists(st.floats(0.0, 9.99), min_size=1, max_size=50), st.floats(0.0, 100.0))
def test_a_percentile_is_within_a_bin_of_the_values(values: list[float], percent: float) -> None:
    edges = np.linspace(0.0, 10.0, 41)
    found = percentile(np.histogram(values, edges)[0], edges, percent)
    assert found is not None
    low, high = (np.percentile(values, percent, method=how) for how in ("lower", "higher"))
    assert low - 0.25 - 1e-9 <= found <= high + 0.25 + 1e-9


def test_a_percentile_never_lies_in_a_gap() -> None:
    counts = np.array([0, 4, 0, 0, 4])
    assert percentile(counts, np.arange(6.0), 75.0) == pytest.approx(4.5)
    assert percentile(counts, np.arange(6.0), 0.0) == pytest.approx(1.0)
    assert percentile(counts, np.arange(6.0), 100.0) == pytest.approx(5.0)
    assert percentile(np.zeros(5, int), np.arange(6.0), 50.0) is None
