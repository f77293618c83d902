"""Distributions, their divergence and its error."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import chain, np_coordinates, rotation

from cgcore.simulation.divergence import compare, jensen_shannon
from cgcore.simulation.observables import CONTACT, KINDS, of_frames


def test_jensen_shannon() -> None:
    a = np.array([1.0, 3.0, 0.0])
    assert jensen_shannon(a, 7 * a) == 0
    assert jensen_shannon(a, np.array([0.0, 0.0, 2.0])) == pytest.approx(1.0)  # without overlap: one bit
    # By hand: p = (1/2, 1/2), q = (1, 0), m = (3/4, 1/4).
    p, q = np.array([1.0, 1.0]), np.array([1.0, 0.0])
    by_hand = 0.5 * (0.5 * np.log2(2 / 3) + 0.5 * np.log2(2.0)) + 0.5 * np.log2(4 / 3)
    assert jensen_shannon(p, q) == pytest.approx(by_hand) == jensen_shannon(q, p)


def test_observables_are_those_of_independent_code() -> None:
    rng = np.random.default_rng(1)
    R = np.array([chain(rng, 8) for _ in range(5)])
    q = np_coordinates(R)
    for name, scale in (("bond", 1.0), ("angle", 180 / np.pi), ("dihedral", 180 / np.pi)):
        assert of_frames(name, R) == pytest.approx(q[name] * scale)
    distances = np.linalg.norm(R[:, :, None] - R[:, None], axis=3)
    i, j = np.triu_indices(8, 3)
    assert of_frames("distance", R) == pytest.approx(distances[:, i, j])
    assert of_frames("contacts", R)[:, 0].tolist() == [int((d[i, j] < CONTACT).sum()) for d in distances]
    # Rg² is the mean over all pairs of half the squared distance.
    assert of_frames("radius_of_gyration", R)[:, 0] ** 2 == pytest.approx((distances**2).mean(axis=(1, 2)) / 2)
    assert of_frames("end_to_end", R)[:, 0] == pytest.approx(distances[:, 0, -1])
    turned = R @ rotation(rng).T + 5.0
    for name in KINDS:
        assert of_frames(name, turned) == pytest.approx(of_frames(name, R))


def blocks_of_chains(seed: int, blocks: int = 20, stretched: float = 1.0) -> list[np.ndarray]:
    """Independent two-bead frames whose bond length is normally distributed about 4 Å."""
    rng = np.random.default_rng(seed)
    R = np.zeros((blocks, 100, 2, 3))
    R[..., 1, 0] = 4 + 0.1 * stretched * rng.normal(size=(blocks, 100))
    return list(R)


def test_the_same_distribution_is_told_from_another() -> None:
    data, same, other = blocks_of_chains(0), blocks_of_chains(1), blocks_of_chains(2, stretched=1.5)
    alike, unlike = (compare("bond", data, found, np.random.default_rng(0)) for found in (same, other))
    assert alike.divergence_floor is not None
    assert alike.divergence_error is not None
    assert unlike.divergence_error is not None
    assert alike.divergence < 2 * alike.divergence_floor
    x = np.linspace(-9, 9, 2001)
    exact = jensen_shannon(np.exp(-(x**2) / 2), np.exp(-((x / 1.5) ** 2) / 2))
    assert unlike.divergence == pytest.approx(exact, abs=4 * unlike.divergence_error)
    assert unlike.divergence > 5 * alike.divergence
    x = np.concatenate(data)[:, 1, 0]
    assert alike.reference.mean == pytest.approx(x.mean())
    assert alike.reference.std == pytest.approx(x.std())
    means = np.array([block[:, 1, 0].mean() for block in data])
    assert alike.reference.error == pytest.approx(means.std(ddof=1) / np.sqrt(20))
    assert np.sum(alike.reference.density * np.diff(alike.edges)) == pytest.approx(1.0)


def test_the_error_is_that_of_independent_repeats() -> None:
    found = [
        compare("bond", blocks_of_chains(2 * k), blocks_of_chains(2 * k + 1, stretched=1.5), np.random.default_rng(0))
        for k in range(40)
    ]
    spread = np.std([f.divergence for f in found], ddof=1)
    said = np.mean([f.divergence_error for f in found if f.divergence_error is not None])
    # A standard deviation from 40 values has an error of 11 %, and a bootstrap of 20 blocks is slightly too small.
    assert 0.6 * spread < said < 1.5 * spread


def test_blocks_of_different_length_and_a_single_block() -> None:
    data = blocks_of_chains(0)
    cut = compare("bond", [np.concatenate(data[:15]), *data[15:]], data, np.random.default_rng(0))
    assert cut.reference.mean == pytest.approx(np.concatenate(data)[:, 1, 0].mean())
    alone = compare("bond", data[:1], data[:1], np.random.default_rng(0))
    assert (alone.divergence, alone.divergence_error, alone.divergence_floor) == (0, None, None)
    assert alone.reference.error is None


def test_what_is_beyond_the_bins_still_counts() -> None:
    data = blocks_of_chains(0)
    far = [block * 10 for block in data]
    found = compare("bond", data, far, np.random.default_rng(0))
    assert found.divergence == pytest.approx(1.0)
    assert found.simulation.density.sum() == 0
    assert found.simulation.mean == pytest.approx(40.0, rel=0.01)
