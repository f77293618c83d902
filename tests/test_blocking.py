"""Pooling of blocks: long enough to be independent but no longer, and nothing is claimed for too few blocks."""

from __future__ import annotations

import numpy as np
import pytest

from cgcore.factor.block import Block
from cgcore.fitting.blocking import FEWEST, Blocking, blocking

BLOCKS, DIRECTIONS = 40, 12


def blocks(count: int = BLOCKS, protein: str = "one", source: str = "a.npz", frames: int = 10) -> list[Block]:
    beads = 10 * frames
    return [
        Block(np.eye(2), beads, frames, source, protein, k, "", np.array([[frames * k, frames * (k + 1)]]), beads)
        for k in range(count)
    ]


def noise(count: int, phi: float, seed: int, directions: int = DIRECTIONS) -> np.ndarray:
    """Scores of blocks, each correlated by phi with the next."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(count, directions))
    for k in range(1, count):
        found[k] = phi * found[k - 1] + np.sqrt(1 - phi**2) * found[k]
    return found


def chosen(scores: np.ndarray, of: list[Block], by_proteins: bool = False) -> Blocking:
    found = blocking(of, scores, np.full(len(of), 1 / len(of)), by_proteins)
    assert found is not None
    return found


def test_independent_blocks_are_not_pooled() -> None:
    found = chosen(noise(BLOCKS, 0.0, 0), blocks())
    assert (found.level.pooled, found.level.pools, found.level.frames) == (1, BLOCKS, 10)
    assert found.degrees_of_freedom == BLOCKS - 1
    assert abs(found.level.correlation) < 2 * found.level.uncertainty
    assert found.notes == ()


def test_correlated_blocks_are_pooled_until_they_are_not() -> None:
    found = chosen(noise(BLOCKS, 0.6, 1), blocks())
    assert found.levels[0].correlation == pytest.approx(0.6, abs=0.15)
    assert found.level.pooled > 1
    assert found.level.correlation <= found.level.uncertainty
    assert found.level.error > 1.2 * found.levels[0].error
    assert found.pools.tolist() == sorted(found.pools.tolist())


def test_the_correlation_has_no_bias_and_its_error_is_told() -> None:
    levels = [chosen(noise(20, 0.0, seed), blocks(20)).levels[0] for seed in range(400)]
    r = np.array([level.correlation for level in levels])
    assert abs(r.mean()) < 0.01
    assert np.std(r) == pytest.approx(np.mean([level.uncertainty for level in levels]), rel=0.15)


def test_what_is_left_of_the_correlation_goes_into_the_variance() -> None:
    scores = noise(BLOCKS, 0.0, 4)
    found = chosen(scores, blocks())
    assert found.inflation == 1 + 2 * max(found.level.correlation, 0.0)
    assert found.effective == BLOCKS / found.inflation
    centred = scores - scores.mean(axis=0)
    expected = found.inflation * BLOCKS / (BLOCKS - 1) * centred.T @ centred
    np.testing.assert_allclose(found.covariance(scores, np.full(BLOCKS, 1 / BLOCKS)), expected, rtol=1e-12)


def test_correlation_that_no_pool_is_long_enough_for_is_told() -> None:
    drift = np.linspace(-1, 1, 12)[:, None] * np.ones(DIRECTIONS) + 0.01 * noise(12, 0.0, 5)
    (sentence,) = chosen(drift, blocks(12)).notes
    assert "may be too small" in sentence


def test_too_few_blocks_are_none() -> None:
    few = blocks(FEWEST - 1)
    assert blocking(few, noise(len(few), 0.0, 0), np.full(len(few), 1 / len(few))) is None
    many = blocks(FEWEST)
    assert chosen(noise(FEWEST, 0.0, 0), many).level.pools == FEWEST


def test_pools_are_of_one_run_and_proteins_are_apart() -> None:
    of = [*blocks(8, "one"), *blocks(8, "two"), *blocks(8, "two", "b.npz")]
    scores = noise(24, 0.0, 7)
    scores[8:] += 3.0  # a difference between proteins, which is an error only if other proteins are asked about
    found = chosen(scores, of)
    assert found.strata.tolist() == [0] * 8 + [1] * 16
    assert found.degrees_of_freedom == 22
    assert found.level.error**2 == pytest.approx(24 * DIRECTIONS, rel=0.4)
    pairs = {(of[k].source, of[k].protein, int(found.pools[k])) for k in range(24)}
    assert len(pairs) == len(found.strata)


def test_proteins_with_few_blocks_are_taken_together() -> None:
    of = [block for k in range(4) for block in blocks(2, f"protein {k}")]
    found = chosen(noise(8, 0.0, 8), of)
    assert found.strata.tolist() == [0] * len(found.strata)


def test_by_proteins_each_is_one_pool() -> None:
    of = [block for k in range(6) for block in blocks(4, f"protein {k}")]
    found = chosen(noise(24, 0.0, 9), of, by_proteins=True)
    assert found.by == "proteins"
    assert found.pools.tolist() == np.repeat(np.arange(6), 4).tolist()
    assert found.degrees_of_freedom == 5
    assert blocking(of[:16], noise(16, 0.0, 9), np.full(16, 1 / 16), by_proteins=True) is None


def test_resampled_sums_have_the_unbiased_variance() -> None:
    scores = noise(10, 0.0, 10, directions=1)
    found = chosen(scores, blocks(10))
    weights = found.weights(200_000, np.random.default_rng(0))
    np.testing.assert_allclose(weights.sum(axis=1), 10, rtol=1e-12)
    sums = (weights @ (scores - scores.mean(axis=0))).ravel()
    unbiased = found.covariance(scores, np.full(10, 0.1))[0, 0] / found.inflation
    assert np.var(sums) == pytest.approx(unbiased, rel=0.02)
