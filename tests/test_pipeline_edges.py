"""Edges of a frame: both ways to store them, padding, periodic boxes, and the radial functions."""

from __future__ import annotations

from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import frames
from hypothesis import given, settings
from hypothesis import strategies as st
from network_helpers import padded, random_frame

from cgcore.physics.space import Displacement, free
from cgcore.pipeline.networks.edges import average_neighbors, count_edges, every_pair, listed
from cgcore.pipeline.networks.radial import bessel, envelope

CUTOFF, BOX = 9.0, 20.0
compiled_count = jax.jit(count_edges, static_argnums=(2, 3))
compiled_pairs = jax.jit(every_pair, static_argnums=(2, 3, 4))
compiled_list = jax.jit(listed, static_argnums=(2, 3, 4, 5))


def nearest_image(Ra: Any, Rb: Any) -> Any:
    return (Ra - Rb + BOX / 2) % BOX - BOX / 2


def by_hand(R: np.ndarray, mask: np.ndarray, displacement: Displacement = free) -> dict[Any, Any]:
    """Vectors from centre to neighbour, by their numbers."""
    real = np.flatnonzero(mask)
    vectors = {(i, j): displacement(R[j], R[i]) for i, j in product(real, real) if i != j}
    return {pair: v for pair, v in vectors.items() if np.linalg.norm(v) < CUTOFF}


@pytest.mark.slow
@given(
    length=st.integers(1, 8),
    fill=st.sampled_from([0.0, np.nan, np.inf, 1e300]),
    seed=st.integers(0, 99),
    displacement=st.sampled_from([free, nearest_image]),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_edges_are_the_pairs_within_the_cutoff(length: int, fill: float, seed: int, displacement: Displacement) -> None:
    frame = padded(random_frame(seed, length), 8, fill)
    expected = by_hand(frame.R, frame.mask, displacement)
    assert compiled_count(frame.R, frame.mask, CUTOFF, displacement) == len(expected)
    edges = compiled_list(frame.R, frame.mask, CUTOFF, displacement, np.float64, 60)
    assert list(zip(*np.array([edges.centre, edges.neighbour])[:, : len(expected)].tolist(), strict=True)) == [
        *expected
    ]
    np.testing.assert_allclose(edges.vectors[: len(expected)], np.reshape([*expected.values()], (-1, 3)), rtol=1e-12)
    np.testing.assert_array_equal(edges.vectors[len(expected) :, 0], 2 * CUTOFF)
    vectors = np.asarray(compiled_pairs(frame.R, frame.mask, CUTOFF, displacement, np.float64).vectors)
    within = np.linalg.norm(vectors, axis=-1) < CUTOFF
    assert {tuple(pair) for pair in np.argwhere(within)} == set(expected)
    for pair, vector in expected.items():
        np.testing.assert_allclose(vectors[pair], vector, rtol=1e-12)


@pytest.mark.slow
def test_both_stores_copy_and_sum_alike() -> None:
    frame, rng = random_frame(0, 10), np.random.default_rng(0)
    pairs = every_pair(jnp.asarray(frame.R), frame.mask, CUTOFF, free, np.float64)
    edges = listed(jnp.asarray(frame.R), frame.mask, CUTOFF, free, np.float64, 90)
    of_beads, of_pairs = rng.normal(size=(10, 2)), rng.normal(size=(10, 10))
    count = int(count_edges(frame.R, frame.mask, CUTOFF))
    slots = np.array([edges.centre, edges.neighbour])
    for copy, beads in (("at_centre", slots[0]), ("at_neighbour", slots[1])):
        np.testing.assert_array_equal(getattr(edges, copy)(jnp.asarray(of_beads)), of_beads[beads])
        copied = np.broadcast_to(getattr(pairs, copy)(jnp.asarray(of_beads)), (10, 10, 2))
        np.testing.assert_array_equal(copied[*slots[:, :count]], of_beads[beads[:count]])
    within = np.linalg.norm(pairs.vectors, axis=-1) < CUTOFF
    values = np.where(np.arange(90) < count, of_pairs[*slots], 0)
    np.testing.assert_allclose(
        edges.sum_to_centre(jnp.asarray(values)), np.sum(np.where(within, of_pairs, 0), axis=1), rtol=1e-12
    )
    np.testing.assert_allclose(pairs.sum_to_centre(jnp.asarray(of_pairs)), np.sum(of_pairs, axis=1), rtol=1e-12)


@pytest.mark.slow
def test_too_few_slots_make_everything_nan() -> None:
    frame = random_frame(0, 10)
    count = int(count_edges(frame.R, frame.mask, CUTOFF))
    assert np.isfinite(listed(frame.R, frame.mask, CUTOFF, free, np.float64, count).vectors).all()
    assert np.isnan(listed(frame.R, frame.mask, CUTOFF, free, np.float64, count - 1).vectors).all()


def test_a_real_bead_that_is_nan_has_edges() -> None:
    frame = random_frame(0, 10)
    frame.R[4, 0] = np.nan
    edges = listed(frame.R, frame.mask, CUTOFF, free, np.float64, 90)
    assert np.isnan(edges.vectors).any()


def test_the_average_counts_real_beads_alone() -> None:
    data = frames(np.random.default_rng(0), [8, 3, 1], 8, np.nan)
    edges = [len(by_hand(R, mask)) for R, mask in zip(data.R, data.mask, strict=True)]
    assert average_neighbors(data.R, data.mask, CUTOFF) == pytest.approx(sum(edges) / 12)
    assert average_neighbors(data.R, np.zeros_like(data.mask), CUTOFF) == 0
    with jax.enable_x64(False):
        assert average_neighbors(data.R.astype(np.float32), data.mask, CUTOFF) == pytest.approx(sum(edges) / 12)


@pytest.mark.parametrize("p", [2, 6, 7])
def test_envelope(p: int) -> None:
    x = np.linspace(0, 1, 101)
    textbook = 1 - (p + 1) * (p + 2) / 2 * x**p + p * (p + 2) * x ** (p + 1) - p * (p + 1) / 2 * x ** (p + 2)
    np.testing.assert_allclose(envelope(jnp.asarray(x), p), textbook, atol=1e-13)
    np.testing.assert_array_equal(envelope(jnp.array([1.0, 1.5, 1e6]), p), 0)
    # Near its end it loses no digits in float32, where the sum above would lose all of them.
    near = np.float32(1) - np.float32(2**-10)
    d = 1 - float(near)
    exact = d**3 * sum((k + 1) * (k + 2) / 2 * float(near) ** k for k in range(p))
    assert float(envelope(jnp.asarray(near), p)) == pytest.approx(exact, rel=1e-6)


def test_bessel() -> None:
    x = np.array([0.1, 0.5, 0.9])
    n = np.arange(1, 6)
    np.testing.assert_allclose(
        bessel(jnp.asarray(x), 5), np.sqrt(2) * np.sin(n * np.pi * x[:, None]) / x[:, None], atol=1e-13
    )
    # At 0 the limit, with derivative 0; at the cutoff 0.
    np.testing.assert_allclose(bessel(jnp.array(0.0), 5), np.sqrt(2) * np.pi * n, rtol=1e-14)
    np.testing.assert_array_equal(jax.jacfwd(lambda z: bessel(z, 5))(0.0), 0)
    np.testing.assert_allclose(bessel(jnp.array(1.0), 5), 0, atol=1e-14)
