"""Rows of the five terms in a linear chain, and which rows are complete."""

from __future__ import annotations

import numpy as np
import pytest

from cgcore.physics.prior import FITTED_EVER, Weights, standard_terms
from cgcore.physics.topology import complete


def chain(n_beads: int) -> dict[str, np.ndarray]:
    """The rows of each of the five terms."""
    terms = standard_terms(Weights(1.0, 1.0, 1.0, 1.0, 1.0), dict.fromkeys(FITTED_EVER, np.zeros(1)))
    return {term.name: term.rows.candidates(n_beads, False) for term in terms}


def test_rows_of_eight_beads() -> None:
    rows = chain(8)
    assert rows["bond"].tolist() == [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [5, 6], [6, 7]]
    assert rows["angle"].tolist() == [[i, i + 1, i + 2] for i in range(6)]
    assert rows["dihedral"].tolist() == [[i, i + 1, i + 2, i + 3] for i in range(5)]
    assert rows["repulsive"].tolist() == [[0, 6], [0, 7], [1, 7]]
    assert len(rows["excluded_volume"]) == 6 + 5 + 4 + 3


@pytest.mark.parametrize(
    ("n_beads", "counts"),
    [
        (0, (0, 0, 0, 0, 0)),
        (1, (0, 0, 0, 0, 0)),
        (2, (1, 0, 0, 0, 0)),
        (3, (2, 1, 0, 0, 1)),
        (4, (3, 2, 1, 0, 3)),
        (6, (5, 4, 3, 0, 10)),
        (7, (6, 5, 4, 1, 14)),
    ],
)
def test_short_chains_have_empty_lists_of_the_right_shape(n_beads: int, counts: tuple[int, ...]) -> None:
    rows = chain(n_beads)
    assert tuple(len(r) for r in rows.values()) == counts
    assert [r.shape[1] for r in rows.values()] == [2, 3, 4, 2, 2]
    assert all(r.dtype == np.int32 for r in rows.values())


def test_each_pair_is_in_one_list() -> None:
    rows = chain(13)
    pairs = np.vstack([rows["bond"], rows["excluded_volume"], rows["repulsive"]])
    assert sorted(map(tuple, pairs.tolist())) == [(i, j) for i in range(13) for j in range(i + 1, 13)]
    separation = np.diff(rows["excluded_volume"], axis=1)
    assert (separation.min(), separation.max()) == (2, 5)
    assert np.diff(rows["repulsive"], axis=1).min() == 6


def test_rows_are_complete_where_their_beads_are_real_and_bonded() -> None:
    lengths, sites = np.array([4, 2]), np.array([0, 1, 2, 1002, 1003])[:, None]
    found = complete(3, 2, lengths, None, np)  # angles of four and of two beads
    np.testing.assert_array_equal(found, [[True, False], [True, False], [False, False]])
    found = complete(3, 2, np.array([5]), sites, np)
    np.testing.assert_array_equal(found[:, 0], [True, False, False])
