"""Histograms of the closest pairs, and percentiles of values known only by their histogram."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from factor_helpers import WEIGHTS, prior_of
from hypothesis import given
from hypothesis import strategies as st

import cgcore
from cgcore.factor.histogram import CLOSEST, EDGES, Histograms
from cgcore.fitting.ground import percentile
from cgcore.physics.bases import Fourier, Power
from cgcore.physics.groups import Groups
from cgcore.physics.pair_forces import Sampled
from cgcore.physics.rows import Rows
from cgcore.physics.term import Term


def test_a_pass_counts_the_closest_pair_of_each_frame(tmp_path: Path) -> None:
    data = cgcore.datasets.chignolin().subset(200)
    prior = prior_of(4, WEIGHTS._replace(excluded_volume=1.0))
    factor = cgcore.compress(data, cgcore.Fingerprint.of(prior))
    R = data.join().R.astype(float)
    i, j = np.triu_indices(R.shape[1], 2)
    distances = np.linalg.norm(R[:, i] - R[:, j], axis=-1)
    for name, chosen in (("repulsive", j - i >= 6), ("excluded_volume", j - i <= 5)):
        expected = np.histogram(distances[:, chosen].min(axis=1), CLOSEST)[0]
        np.testing.assert_array_equal(factor.histograms.groups[name], expected[None])
    cgcore.save_factor(tmp_path / "a.npz", factor)
    again = cgcore.load_factor(tmp_path / "a.npz")
    with pytest.warns(cgcore.InputWarning, match="counted twice"):
        both = cgcore.merge(factor, again)
    for name, counts in factor.histograms.groups.items():
        np.testing.assert_array_equal(again.histograms.groups[name], counts)
        np.testing.assert_array_equal(both.histograms.groups[name], 2 * counts)
    assert factor.temperatures == again.temperatures == both.temperatures == (320.0,)


KINDS = np.tile([0, 1, 1], 4)[:10]


def test_groups_of_pairs_and_listed_rows_are_counted_by_themselves() -> None:
    """Compared with loops over frames, pairs and rows."""
    types = Groups.of_species("types", (0, 1))
    listed = ((0, 4, 9), (2, 5, 8), (7, 3, 1))
    terms = (
        Term("near", Rows("pairs", 3), Power(6), 1.0, types),
        Term("turn", Rows("angles", listed=listed), Fourier(2), 1.0, Groups.of_species("central", (0, 1))),
        Term("held", Rows("pairs", listed=((0, 9), (1, 8), (2, 6))), Power(4)),
    )
    R = cgcore.datasets.chignolin().subset(150).join().R.astype(float)
    data = cgcore.from_arrays(R, np.ones_like(R), species=np.tile(KINDS, (len(R), 1)), accept_faults=True)
    factor = cgcore.compress(data, cgcore.Fingerprint.of(prior_of(2).part([]).with_terms(terms)))
    i, j = np.triu_indices(10, 3)
    apart = np.linalg.norm(R[:, i] - R[:, j], axis=-1)
    kinds = np.sort(np.stack([KINDS[i], KINDS[j]], axis=1), axis=1)
    found = factor.histograms.groups
    for group, pair in enumerate(([0, 0], [0, 1], [1, 1])):
        nearest = apart[:, (kinds == pair).all(axis=1)].min(axis=1)
        np.testing.assert_array_equal(found["near"][group], np.histogram(np.minimum(nearest, 20.0), CLOSEST)[0])
    held = np.min([np.linalg.norm(R[:, a] - R[:, b], axis=-1) for a, b in ((0, 9), (1, 8), (2, 6))], axis=0)
    np.testing.assert_array_equal(found["held"][0], np.histogram(np.minimum(held, 20.0), CLOSEST)[0])
    for group in (0, 1):
        values = []
        for a, b, c in (row for row in listed if KINDS[row[1]] == group):
            u, v = R[:, a] - R[:, b], R[:, c] - R[:, b]
            values.append(np.arctan2(np.linalg.norm(np.cross(u, v), axis=1), np.sum(u * v, axis=1)))
        assert values
        np.testing.assert_array_equal(found["turn"][group], np.histogram(values, EDGES["angle"])[0])


def test_frames_without_a_pair_are_not_counted_and_far_pairs_are_in_the_last_bin() -> None:
    term = Term("near", Rows("pairs", 3), Power(6))
    seen = (Sampled(jnp.array([[np.inf, 3.01, 500.0]]), jnp.zeros(1, int)),)
    found = Histograms.counted(np.zeros((0, 3)), (term,), seen)
    assert found.of_group(term, 0).sum() == 2
    assert found.of_group(term, 0)[-1] == 1


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
