"""Forces of the pair terms for a coefficient of 1, against loops."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import SEPARATIONS, chain, frames, prior, relative

from cgcore.physics.coefficients import Layout
from cgcore.physics.internal import Chains, coordinates
from cgcore.physics.pair_forces import Slots, pair_forces
from cgcore.physics.space import free

pytestmark = pytest.mark.numerical


def of_pairs(name: str) -> Callable[..., Slots]:
    """`pair_forces` of one of the prior's terms, as a function of positions and lengths."""
    (term,) = (term for term in Layout.of(prior(np.random.default_rng(0))).terms if term.name == name)

    def found(R: jax.Array, lengths: jax.Array, displacement: Callable[..., jax.Array] = free) -> Slots:
        return pair_forces(term, displacement, Chains(R, lengths, coordinates(R, lengths, displacement), None, ()))

    return found


def frames_first(function: Callable[..., Slots]) -> Callable[..., np.ndarray]:
    """The forces as a compiled function of positions and masks in the usual order (frames, beads, ...)."""
    compiled = jax.jit(function, static_argnums=2)
    return lambda R, real, displacement: np.asarray(compiled(R.T, np.sum(real, axis=1), displacement).forces[0, 0]).T


KINDS = {name: frames_first(of_pairs(name)) for name in ("repulsive", "excluded_volume")}


def subtract(Ra: jax.Array, Rb: jax.Array) -> jax.Array:
    """Free space, but not `free`, which is treated separately."""
    return Ra - Rb


def by_loops(term: str, R: np.ndarray) -> np.ndarray:
    nearest, farthest = SEPARATIONS[term]
    F = np.zeros_like(R)
    for i in range(len(R)):
        for j in range(i + nearest, min(i + farthest, len(R) - 1) + 1):
            d = R[i] - R[j]
            F[i] += 4 * d / (d @ d) ** 3
            F[j] -= 4 * d / (d @ d) ** 3
    return F


@pytest.mark.parametrize("displacement", [free, subtract])
@pytest.mark.parametrize("term", KINDS)
def test_equal_loops_over_pairs(term: str, displacement: Callable[..., jax.Array]) -> None:
    data = frames(np.random.default_rng(0), [12, 9, 7, 6, 3, 2, 0], 12, fill=-4.5)
    F = KINDS[term](data.R, data.mask, displacement)
    for f, n in enumerate(data.lengths):
        assert relative(F[f, :n], by_loops(term, data.R[f, :n])) < 1e-12
        assert not F[f, n:].any()
    assert F[0].any()


@pytest.mark.parametrize("n_beads", [1, 2, 3, 5, 6, 7, 20, 21, 43])
@pytest.mark.parametrize("term", KINDS)
def test_short_chains(term: str, n_beads: int) -> None:
    R = chain(np.random.default_rng(n_beads), n_beads)
    F = KINDS[term](R[None], np.ones((1, n_beads), bool), free)
    expected = by_loops(term, R)
    assert relative(F[0], expected) < 1e-12
    assert expected.any() == (n_beads >= SEPARATIONS[term][0] + 1)


@pytest.mark.slow
@pytest.mark.parametrize("displacement", [free, subtract])
@pytest.mark.parametrize("term", KINDS)
def test_padding_of_any_size(term: str, displacement: Callable[..., jax.Array]) -> None:
    rng, lengths = np.random.default_rng(1), [12, 8, 3]
    here, there = (frames(np.random.default_rng(1), lengths, 12, fill=fill) for fill in (0.0, 1e300))
    there.R[2, 3:] = rng.permutation(np.repeat(there.R[2, :3], 3, axis=0))  # on top of real beads
    first, second = (KINDS[term](d.R, d.mask, displacement) for d in (here, there))
    np.testing.assert_array_equal(second, first)
    assert np.isfinite(first).all()


@pytest.mark.parametrize("term", KINDS)
def test_far_from_the_origin_no_digits_are_lost(term: str) -> None:
    # With a power of two and positions on a grid, the shift itself is exact.
    R = np.round(chain(np.random.default_rng(2), 10) * 2**20) / 2**20
    real = np.ones((1, 10), bool)
    here, there = (KINDS[term](positions[None], real, free)[0] for positions in (R, R + 2.0**10))
    assert relative(there, here) < 1e-12


@pytest.mark.parametrize("displacement", [free, subtract])
@pytest.mark.parametrize(("term", "j"), [("repulsive", 7), ("excluded_volume", 4)])
def test_overlap_is_not_silent(term: str, j: int, displacement: Callable[..., jax.Array]) -> None:
    R = chain(np.random.default_rng(3), 12)
    R[j] = R[1]
    assert not np.isfinite(KINDS[term](R[None], np.ones((1, 12), bool), displacement)).all()


@pytest.mark.slow
@pytest.mark.parametrize("term", KINDS)
def test_the_closest_pair_of_each_frame(term: str) -> None:
    data = frames(np.random.default_rng(5), [30, 12, 9, 7, 3, 2, 0], 30, fill=-4.5)
    seen = of_pairs(term)(jnp.asarray(data.R.T), jnp.asarray(data.lengths)).seen
    assert seen is not None
    found = np.asarray(seen.values)[0]
    nearest, farthest = SEPARATIONS[term]
    for R, n, distance in zip(data.R, data.lengths, found, strict=True):
        pairs = [(i, j) for i in range(n) for j in range(i + nearest, min(i + farthest, n - 1) + 1)]
        expected = min((float(np.linalg.norm(R[i] - R[j])) for i, j in pairs), default=np.inf)
        np.testing.assert_allclose(distance, expected, rtol=1e-12)
